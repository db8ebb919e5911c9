package rest

import (
	"net/http"
	"slices"

	"honk/integrations/github/githubtest/record"
	"honk/integrations/github/githubtest/world"
)

// checkRoutes are the operations on what CI reports.
var checkRoutes = []route{
	{"GET /repos/{owner}/{repo}/commits/{ref}/check-runs", "checks:read", runs},
	{"GET /repos/{owner}/{repo}/commits/{ref}/check-suites", "checks:read", suites},
	{"GET /repos/{owner}/{repo}/commits/{ref}/status", "statuses:read", combined},
	{"GET /repos/{owner}/{repo}/check-runs/{id}", "checks:read", onRun(func(c *call, run *record.Run) reply {
		return ok(c.Site.Run(c.repo, run))
	})},
	{"GET /repos/{owner}/{repo}/check-runs/{id}/annotations", "checks:read", onRun(func(c *call, run *record.Run) reply {
		return list(c, run.Output.Annotations, func(a record.Annotation) record.Object {
			return c.Site.Annotation(c.repo, run.Suite.SHA, a)
		})
	})},
	{"POST /repos/{owner}/{repo}/check-runs/{id}/rerequest", "checks:write", onRun(func(c *call, run *record.Run) reply {
		if err := c.Rerequest(c.Context(), c.repo, run); err != nil {
			return problem(err)
		}
		return created(record.Object{})
	})},
}

func onRun(handle func(*call, *record.Run) reply) func(*call) reply {
	return func(c *call) reply {
		for _, run := range c.repo.Runs {
			if run.ID == c.number("id") {
				return handle(c, run)
			}
		}
		return notFound
	}
}

// onCommit finds the path's commit.
func (c *call) onCommit() (sha string, missing *reply) {
	if sha = c.resolve(); sha != "" {
		return sha, nil
	}
	r := failed(http.StatusUnprocessableEntity, "No commit found for SHA: "+c.PathValue("ref"))
	return "", &r
}

func runs(c *call) reply {
	sha, missing := c.onCommit()
	if missing != nil {
		return *missing
	}
	q := c.URL.Query()
	all := world.Latest(c.repo, sha)
	if q.Get("filter") == "all" {
		all = c.repo.Runs
	}
	var found []*record.Run
	for _, run := range all {
		switch {
		case run.Suite.SHA != sha:
		case q.Get("check_name") != "" && q.Get("check_name") != run.Name:
		case q.Get("status") != "" && q.Get("status") != run.Status:
		default:
			found = append(found, run)
		}
	}
	return wrapped(c, "check_runs", found, func(run *record.Run) record.Object { return c.Site.Run(c.repo, run) })
}

func suites(c *call) reply {
	sha, missing := c.onCommit()
	if missing != nil {
		return *missing
	}
	var found []*record.Suite
	for _, s := range c.repo.Suites {
		if s.SHA == sha {
			found = append(found, s)
		}
	}
	head := c.Entry(c.Context(), c.repo, sha)
	return wrapped(c, "check_suites", found, func(s *record.Suite) record.Object { return c.Site.Suite(c.repo, s, head) })
}

// newest returns the last status of each context, the newest first.
func newest(r *record.Repo, sha string) []*record.Status {
	var found []*record.Status
	seen := map[string]bool{}
	for _, s := range slices.Backward(r.Statuses) {
		if s.SHA == sha && !seen[s.Context] {
			seen[s.Context] = true
			found = append(found, s)
		}
	}
	return found
}

// combined sums the statuses up: any failure, else any pending, else success.
func combined(c *call) reply {
	sha, missing := c.onCommit()
	if missing != nil {
		return *missing
	}
	found := newest(c.repo, sha)
	state := "success"
	for _, s := range found {
		switch {
		case s.State == "failure" || s.State == "error":
			state = "failure"
		case s.State == "pending" && state == "success":
			state = "pending"
		}
	}
	if len(found) == 0 {
		state = "pending"
	}
	part, link := cut(c, found)
	api := c.Site.API("/repos/%s/commits/%s", c.repo.FullName(), sha)
	return reply{status: http.StatusOK, link: link, body: record.Object{
		"state": state, "sha": sha, "total_count": len(found), "repository": c.Site.RepoLite(c.repo), "commit_url": api,
		"url":      api + "/status",
		"statuses": record.List(part, func(s *record.Status) record.Object { return c.Site.Status(c.repo, s) }),
	}}
}
