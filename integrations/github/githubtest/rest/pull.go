package rest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"honk/integrations/github/githubtest/record"
	"honk/integrations/github/githubtest/world"
	"honk/internal/git/githttp"
)

// pullRoutes are the operations on pull requests and their reviews.
var pullRoutes = []route{
	{"GET /repos/{owner}/{repo}/pulls", "pull_requests:read", pulls},
	{"POST /repos/{owner}/{repo}/pulls", "pull_requests:write", addPull},
	{"GET /repos/{owner}/{repo}/pulls/{number}", "pull_requests:read", onPull(func(c *call, i *record.Issue) reply {
		return ok(c.Site.Pull(c.repo, i))
	})},
	{"PATCH /repos/{owner}/{repo}/pulls/{number}", "pull_requests:write", onPull(editPull)},
	{"GET /repos/{owner}/{repo}/pulls/{number}/files", "pull_requests:read", onPull(pullFiles)},
	{"GET /repos/{owner}/{repo}/pulls/{number}/commits", "pull_requests:read", onPull(pullCommits)},
	{"PUT /repos/{owner}/{repo}/pulls/{number}/merge", "contents:write", onPull(mergePull)},
	{"GET /repos/{owner}/{repo}/pulls/{number}/requested_reviewers", "pull_requests:read", onPull(func(c *call, i *record.Issue) reply {
		return ok(record.Object{"users": record.List(i.Pull.Reviewers, c.Site.User), "teams": []record.Object{}})
	})},
	{"POST /repos/{owner}/{repo}/pulls/{number}/requested_reviewers", "pull_requests:write", onPull(askReview)},
	{"GET /repos/{owner}/{repo}/pulls/{number}/reviews", "pull_requests:read", onPull(func(c *call, i *record.Issue) reply {
		return list(c, i.Pull.Reviews, func(v *record.Review) record.Object { return c.Site.Review(c.repo, i, v) })
	})},
	{"GET /repos/{owner}/{repo}/pulls/{number}/reviews/{review}", "pull_requests:read", onPull(func(c *call, i *record.Issue) reply {
		for _, v := range i.Pull.Reviews {
			if v.ID == c.number("review") {
				return ok(c.Site.Review(c.repo, i, v))
			}
		}
		return notFound
	})},
	{"GET /repos/{owner}/{repo}/pulls/{number}/reviews/{review}/comments", "pull_requests:read", onPull(reviewLines)},
	{"GET /repos/{owner}/{repo}/pulls/{number}/comments", "pull_requests:read", onPull(func(c *call, i *record.Issue) reply {
		return list(c, i.Pull.Threads, func(m *record.ReviewComment) record.Object { return c.Site.ReviewComment(c.repo, i, m) })
	})},
	{"POST /repos/{owner}/{repo}/pulls/{number}/comments", "pull_requests:write", onPull(addLine)},
	{"GET /repos/{owner}/{repo}/pulls/comments/{id}", "pull_requests:read", func(c *call) reply {
		if i, m := world.FindThread(c.repo, c.number("id")); i != nil {
			return ok(c.Site.ReviewComment(c.repo, i, m))
		}
		return notFound
	}},
	{"PATCH /repos/{owner}/{repo}/pulls/comments/{id}", "pull_requests:write", editLine},
	{"POST /repos/{owner}/{repo}/pulls/{number}/comments/{id}/replies", "pull_requests:write", onPull(replyLine)},
	{"POST /graphql", "pull_requests:write", graphql},
}

func onPull(handle func(*call, *record.Issue) reply) func(*call) reply {
	return func(c *call) reply {
		i := c.repo.Issue(int(c.number("number")))
		if i == nil || i.Pull == nil {
			return notFound
		}
		return handle(c, i)
	}
}

func pulls(c *call) reply {
	q := c.URL.Query()
	var found []*record.Issue
	for _, i := range c.repo.Pulls() {
		from := c.repo
		if i.Pull.From != nil {
			from = i.Pull.From
		}
		state := q.Get("state")
		switch {
		case state != "all" && i.State != state && !(state == "" && i.State == "open"):
		case q.Get("base") != "" && q.Get("base") != i.Pull.Base:
		case strings.Contains(q.Get("head"), ":") && q.Get("head") != from.Owner.Login+":"+i.Pull.Head:
		default:
			found = append(found, i)
		}
	}
	if q.Get("direction") == "asc" {
		slices.Reverse(found)
	}
	return list(c, found, func(i *record.Issue) record.Object { return c.Site.PullLite(c.repo, i) })
}

func addPull(c *call) reply {
	var ask struct {
		Title, Body, Head, Base string
		Draft                   bool
	}
	if r := c.read(&ask); r != nil {
		return *r
	}
	if owner, name, found := strings.Cut(ask.Head, ":"); found {
		if !strings.EqualFold(owner, c.repo.Owner.Login) {
			return problem(&world.InvalidError{Resource: "PullRequest", Field: "head", Code: "invalid"})
		}
		ask.Head = name
	}
	i, err := c.OpenPull(c.Context(), c.by, c.repo, world.NewPull{
		Title: ask.Title, Body: ask.Body, Head: ask.Head, Base: ask.Base, Draft: ask.Draft,
	})
	if err != nil {
		return problem(err)
	}
	return created(c.Site.Pull(c.repo, i))
}

func editPull(c *call, i *record.Issue) reply {
	var ask struct{ Title, Body, State, Base *string }
	if r := c.read(&ask); r != nil {
		return *r
	}
	if err := c.EditIssue(c.Context(), c.by, c.repo, i, world.Edit{
		Title: ask.Title, Body: ask.Body, State: ask.State, Base: ask.Base,
	}); err != nil {
		return problem(err)
	}
	return ok(c.Site.Pull(c.repo, i))
}

func pullFiles(c *call, i *record.Issue) reply {
	git, p := c.repo.Git, i.Pull
	files, err := git.Files(c.Context(), git.MergeBase(c.Context(), p.BaseSHA, p.HeadSHA), p.HeadSHA)
	if err != nil {
		return problem(err)
	}
	return list(c, files, func(f githttp.File) record.Object { return c.Site.File(c.repo, p.HeadSHA, f) })
}

func pullCommits(c *call, i *record.Issue) reply {
	log, err := c.repo.Git.Log(c.Context(), i.Pull.BaseSHA, i.Pull.HeadSHA)
	if err != nil {
		return problem(err)
	}
	return list(c, log, func(e githttp.Entry) record.Object { return c.Site.Commit(c.repo, e, c.ByMail) })
}

func mergePull(c *call, i *record.Issue) reply {
	var ask struct {
		SHA    string `json:"sha"`
		Method string `json:"merge_method"`
	}
	if r := c.read(&ask); r != nil {
		return *r
	}
	if ask.SHA != "" && ask.SHA != i.Pull.HeadSHA {
		return failed(http.StatusConflict, "Head branch was modified. Review and try the merge again.")
	}
	if err := c.Merge(c.Context(), c.by, c.repo, i, ask.Method); err != nil {
		return problem(err)
	}
	return ok(record.Object{"sha": i.Pull.MergeSHA, "merged": true, "message": "Pull Request successfully merged"})
}

func askReview(c *call, i *record.Issue) reply {
	var ask struct{ Reviewers []string }
	if r := c.read(&ask); r != nil {
		return *r
	}
	if err := c.RequestReview(c.by, c.repo, i, ask.Reviewers); err != nil {
		return problem(err)
	}
	return created(c.Site.PullLite(c.repo, i))
}

func reviewLines(c *call, i *record.Issue) reply {
	var found []*record.ReviewComment
	for _, m := range i.Pull.Threads {
		if m.ReviewID == c.number("review") {
			found = append(found, m)
		}
	}
	return list(c, found, func(m *record.ReviewComment) record.Object {
		o := c.Site.ReviewComment(c.repo, i, m)
		for _, key := range []string{"line", "original_line", "start_line", "original_start_line", "start_side", "subject_type"} {
			delete(o, key) // GitHub leaves them out here
		}
		return o
	})
}

func editLine(c *call) reply {
	i, m := world.FindThread(c.repo, c.number("id"))
	if i == nil {
		return notFound
	}
	body, r := c.text("PullRequestReviewComment")
	if r != nil {
		return *r
	}
	c.EditLine(c.by, c.repo, i, m, body)
	return ok(c.Site.ReviewComment(c.repo, i, m))
}

func replyLine(c *call, i *record.Issue) reply {
	at, m := world.FindThread(c.repo, c.number("id"))
	if at != i || m == nil {
		return notFound
	}
	body, r := c.text("PullRequestReviewComment")
	if r != nil {
		return *r
	}
	return created(c.Site.ReviewComment(c.repo, i, c.Reply(c.by, c.repo, i, m, body)))
}

// addLine answers in a thread, the older way.
func addLine(c *call, i *record.Issue) reply {
	var ask struct {
		To int64 `json:"in_reply_to"`
	}
	if r := c.read(&ask); r != nil {
		return *r
	}
	if at, _ := world.FindThread(c.repo, ask.To); at != i {
		return problem(&world.InvalidError{Resource: "PullRequestReviewComment", Field: "in_reply_to", Code: "invalid"})
	}
	c.SetPathValue("id", strconv.FormatInt(ask.To, 10))
	return replyLine(c, i)
}

// graphql knows two mutations: there is no other way to make a pull request
// a draft, or to end that.
func graphql(c *call) reply {
	var ask struct {
		Query     string
		Variables any
	}
	if r := c.read(&ask); r != nil {
		return *r
	}
	draft := strings.Contains(ask.Query, "convertPullRequestToDraft")
	if !draft && !strings.Contains(ask.Query, "markPullRequestReadyForReview") {
		return ok(record.Object{"errors": []any{record.Object{"message": "this forge does not know that query"}}})
	}
	for _, r := range c.Repos {
		for _, i := range r.Pulls() {
			id, _ := c.Site.Pull(r, i)["node_id"].(string)
			if !c.token.Reaches(r) || !strings.Contains(string(c.body), `"`+id+`"`) && !strings.Contains(ask.Query, `"`+id+`"`) {
				continue
			}
			if r.Archived || !c.token.Permissions.Allows("contents:write") {
				return ok(record.Object{"errors": []any{record.Object{"type": "FORBIDDEN", "message": "Resource not accessible by integration"}}})
			}
			c.SetDraft(c.by, r, i, draft)
			name := "markPullRequestReadyForReview"
			if draft {
				name = "convertPullRequestToDraft"
			}
			return ok(record.Object{"data": record.Object{name: record.Object{
				"pullRequest": record.Object{"id": id, "isDraft": draft, "number": i.Number},
			}}})
		}
	}
	return ok(record.Object{"data": nil, "errors": []any{record.Object{
		"type": "NOT_FOUND", "message": "Could not resolve to a node with the global id",
	}}})
}
