package record

import (
	"time"

	"honk/internal/git/githttp"
)

// Suite is all that one App checks on one commit.
type Suite struct {
	ID         int64
	App        *App
	Branch     string
	SHA        string
	Status     string // queued, in_progress, completed
	Conclusion string
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// Output is what a check run has to say.
type Output struct {
	Title, Summary, Text string
	Annotations          []Annotation
}

// Annotation is a remark of a check run on lines of a file.
type Annotation struct {
	Path                string
	Start, End          int
	Level               string // notice, warning, failure
	Title, Message, Raw string
}

// Run is one check on one commit.
type Run struct {
	ID          int64
	Suite       *Suite
	Name        string
	Status      string
	Conclusion  string
	Output      Output
	StartedAt   time.Time
	CompletedAt time.Time
}

// Status is the older kind of check.
type Status struct {
	ID          int64
	SHA         string
	Context     string
	State       string // pending, success, failure, error
	Description string
	TargetURL   string
	Creator     *User
	CreatedAt   time.Time
}

// Run writes a check run down.
func (s *Site) Run(r *Repo, c *Run) Object {
	api := s.API("/repos/%s/check-runs/%d", r.FullName(), c.ID)
	page := s.Page("/%s/actions/runs/%d/job/%d", r.FullName(), c.Suite.ID, c.ID)
	return Object{
		"id": c.ID, "node_id": node("CheckRun", c.ID), "head_sha": c.Suite.SHA, "external_id": "", "url": api,
		"html_url": page, "details_url": page, "status": c.Status, "conclusion": text(c.Conclusion),
		"started_at": stamp(c.StartedAt), "completed_at": stamp(c.CompletedAt), "name": c.Name,
		"output": Object{
			"title": text(c.Output.Title), "summary": text(c.Output.Summary), "text": text(c.Output.Text),
			"annotations_count": len(c.Output.Annotations), "annotations_url": api + "/annotations",
		},
		"check_suite": Object{"id": c.Suite.ID}, "app": s.App(c.Suite.App), "pull_requests": s.pulls(r, c.Suite),
	}
}

// RunEvent writes a check run down for a webhook, which holds its suite.
func (s *Site) RunEvent(r *Repo, c *Run) Object {
	o, suite := s.Run(r, c), s.suite(r, c.Suite)
	suite["app"] = s.App(c.Suite.App)
	o["check_suite"] = suite
	return o
}

func (s *Site) suite(r *Repo, c *Suite) Object {
	return Object{
		"id": c.ID, "node_id": node("CheckSuite", c.ID), "head_branch": text(c.Branch), "head_sha": c.SHA, "status": c.Status,
		"conclusion": text(c.Conclusion), "url": s.API("/repos/%s/check-suites/%d", r.FullName(), c.ID),
		"before": nil, "after": c.SHA, "pull_requests": s.pulls(r, c), "created_at": stamp(c.CreatedAt),
		"updated_at": stamp(c.UpdatedAt),
	}
}

// SuiteEvent writes a suite down for a webhook.
func (s *Site) SuiteEvent(r *Repo, c *Suite, head githttp.Entry) Object {
	o := s.suite(r, c)
	runs := 0
	for _, run := range r.Runs {
		if run.Suite == c {
			runs++
		}
	}
	o["app"], o["latest_check_runs_count"] = s.App(c.App), runs
	o["check_runs_url"] = s.API("/repos/%s/check-suites/%d/check-runs", r.FullName(), c.ID)
	o["head_commit"] = Object{
		"id": head.SHA, "tree_id": head.Tree, "message": head.Message, "timestamp": stamp(head.Author.When),
		"author":    Object{"name": head.Author.Name, "email": head.Author.Email},
		"committer": Object{"name": head.Committer.Name, "email": head.Committer.Email},
	}
	return o
}

// Suite writes a suite down.
func (s *Site) Suite(r *Repo, c *Suite, head githttp.Entry) Object {
	o := s.SuiteEvent(r, c, head)
	o["repository"] = s.RepoLite(r)
	return o
}

// pulls are the open pull requests of a suite's branch.
func (s *Site) pulls(r *Repo, c *Suite) []Object {
	out := []Object{}
	for _, i := range r.Issues {
		p := i.Pull
		if p == nil || i.State != "open" || p.From != nil || p.Head != c.Branch {
			continue
		}
		repo := Object{"id": r.ID, "url": s.API("/repos/%s", r.FullName()), "name": r.Name}
		out = append(out, Object{
			"url": s.API("/repos/%s/pulls/%d", r.FullName(), i.Number), "id": p.ID, "number": i.Number,
			"head": Object{"ref": p.Head, "sha": p.HeadSHA, "repo": repo},
			"base": Object{"ref": p.Base, "sha": p.BaseSHA, "repo": repo},
		})
	}
	return out
}

// Annotation writes a remark down.
func (s *Site) Annotation(r *Repo, sha string, a Annotation) Object {
	return Object{
		"path": a.Path, "blob_href": s.Page("/%s/blob/%s/%s", r.FullName(), sha, escape(a.Path)), "start_line": a.Start,
		"end_line": a.End, "start_column": nil, "end_column": nil, "annotation_level": a.Level, "title": text(a.Title),
		"message": a.Message, "raw_details": text(a.Raw),
	}
}

// Status writes a status down.
func (s *Site) Status(r *Repo, c *Status) Object {
	return Object{
		"url": s.API("/repos/%s/statuses/%s", r.FullName(), c.SHA), "id": c.ID, "node_id": node("StatusContext", c.ID),
		"avatar_url": s.Page("/avatars/u/%d", c.Creator.ID), "state": c.State, "description": text(c.Description),
		"target_url": text(c.TargetURL), "context": c.Context, "created_at": stamp(c.CreatedAt),
		"updated_at": stamp(c.CreatedAt),
	}
}
