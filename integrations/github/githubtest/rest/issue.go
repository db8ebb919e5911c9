package rest

import (
	"net/http"
	"strings"
	"time"

	"honk/integrations/github/githubtest/record"
	"honk/integrations/github/githubtest/world"
)

// issueRoutes are the operations on issues, and on what pull requests have in
// common with them.
var issueRoutes = []route{
	{"GET /repos/{owner}/{repo}/issues/{number}", "thread:read", onIssue(func(c *call, i *record.Issue) reply {
		return ok(c.Site.IssueFull(c.repo, i))
	})},
	{"PATCH /repos/{owner}/{repo}/issues/{number}", "thread:write", onIssue(editIssue)},
	{"GET /repos/{owner}/{repo}/issues/{number}/comments", "thread:read", onIssue(comments)},
	{"POST /repos/{owner}/{repo}/issues/{number}/comments", "thread:write", onIssue(addComment)},
	{"GET /repos/{owner}/{repo}/issues/comments/{id}", "thread:read", onComment(func(c *call, i *record.Issue, m *record.Comment) reply {
		return ok(c.Site.Comment(c.repo, i, m))
	})},
	{"PATCH /repos/{owner}/{repo}/issues/comments/{id}", "thread:write", onComment(editComment)},
	{"DELETE /repos/{owner}/{repo}/issues/comments/{id}", "thread:write", onComment(func(c *call, i *record.Issue, m *record.Comment) reply {
		c.DeleteComment(c.by, c.repo, i, m)
		return noContent
	})},
	{"GET /repos/{owner}/{repo}/issues/{number}/labels", "thread:read", onIssue(labels)},
	{"POST /repos/{owner}/{repo}/issues/{number}/labels", "thread:write", onIssue(addLabels)},
	{"DELETE /repos/{owner}/{repo}/issues/{number}/labels/{name}", "thread:write", onIssue(func(c *call, i *record.Issue) reply {
		if !c.Unlabel(c.by, c.repo, i, c.PathValue("name")) {
			return failed(http.StatusNotFound, "Label does not exist")
		}
		return labels(c, i)
	})},
	{"POST /repos/{owner}/{repo}/issues/{number}/assignees", "thread:write", onIssue(func(c *call, i *record.Issue) reply {
		var ask struct{ Assignees []string }
		if r := c.read(&ask); r != nil {
			return *r
		}
		c.Assign(c.by, c.repo, i, ask.Assignees)
		return created(c.Site.Issue(c.repo, i))
	})},
	{"GET /repos/{owner}/{repo}/issues/{number}/reactions", "thread:read", reacting(issueReactions)},
	{"POST /repos/{owner}/{repo}/issues/{number}/reactions", "thread:write", reacting(issueReactions)},
	{"DELETE /repos/{owner}/{repo}/issues/{number}/reactions/{reaction}", "thread:write", reacting(issueReactions)},
	{"GET /repos/{owner}/{repo}/issues/comments/{id}/reactions", "thread:read", reacting(commentReactions)},
	{"POST /repos/{owner}/{repo}/issues/comments/{id}/reactions", "thread:write", reacting(commentReactions)},
	{"DELETE /repos/{owner}/{repo}/issues/comments/{id}/reactions/{reaction}", "thread:write", reacting(commentReactions)},
	{"GET /repos/{owner}/{repo}/pulls/comments/{id}/reactions", "pull_requests:read", reacting(lineReactions)},
	{"POST /repos/{owner}/{repo}/pulls/comments/{id}/reactions", "pull_requests:write", reacting(lineReactions)},
	{"DELETE /repos/{owner}/{repo}/pulls/comments/{id}/reactions/{reaction}", "pull_requests:write", reacting(lineReactions)},
}

// may reports whether the token reaches an issue: with the permission for
// pull requests alone it does not.
func (c *call) may(i *record.Issue) bool {
	kind, level, _ := strings.Cut(c.need, ":")
	return kind != "thread" || i.Pull != nil || c.token.Permissions.Allows("issues:"+level)
}

func onIssue(handle func(*call, *record.Issue) reply) func(*call) reply {
	return func(c *call) reply {
		i := c.repo.Issue(int(c.number("number")))
		switch {
		case i == nil:
			return notFound
		case !c.may(i):
			return forbidden
		}
		return handle(c, i)
	}
}

func onComment(handle func(*call, *record.Issue, *record.Comment) reply) func(*call) reply {
	return func(c *call) reply {
		i, comment := world.FindComment(c.repo, c.number("id"))
		switch {
		case comment == nil:
			return notFound
		case !c.may(i):
			return forbidden
		}
		return handle(c, i, comment)
	}
}

func editIssue(c *call, i *record.Issue) reply {
	var ask struct {
		Title       *string  `json:"title"`
		Body        *string  `json:"body"`
		State       *string  `json:"state"`
		StateReason *string  `json:"state_reason"`
		Labels      []string `json:"labels"`
		Assignees   []string `json:"assignees"`
	}
	if r := c.read(&ask); r != nil {
		return *r
	}
	if err := c.EditIssue(c.Context(), c.by, c.repo, i, world.Edit{
		Title: ask.Title, Body: ask.Body, State: ask.State, StateReason: ask.StateReason, Labels: ask.Labels,
		Assignees: ask.Assignees,
	}); err != nil {
		return problem(err)
	}
	return ok(c.Site.Issue(c.repo, i))
}

func comments(c *call, i *record.Issue) reply {
	found := i.Comments
	if since, err := time.Parse(time.RFC3339, c.URL.Query().Get("since")); err == nil {
		found = nil
		for _, m := range i.Comments {
			if !m.UpdatedAt.Before(since) {
				found = append(found, m)
			}
		}
	}
	return list(c, found, func(m *record.Comment) record.Object { return c.Site.Comment(c.repo, i, m) })
}

// body reads the text of a comment.
func (c *call) text(resource string) (string, *reply) {
	var ask struct{ Body string }
	if r := c.read(&ask); r != nil {
		return "", r
	}
	var err error
	switch {
	case strings.TrimSpace(ask.Body) == "":
		err = &world.InvalidError{Resource: resource, Field: "body", Code: "missing_field"}
	case len(ask.Body) > 65536:
		err = &world.InvalidError{
			Resource: resource, Field: "body", Code: "unprocessable", Message: "Body is too long (maximum is 65536 characters)",
		}
	default:
		return ask.Body, nil
	}
	r := problem(err)
	return "", &r
}

func addComment(c *call, i *record.Issue) reply {
	body, r := c.text("IssueComment")
	switch {
	case r != nil:
		return *r
	case i.Locked:
		return failed(http.StatusForbidden, "Unable to create comment because issue is locked.")
	}
	return created(c.Site.Comment(c.repo, i, c.Comment(c.by, c.repo, i, body)))
}

func editComment(c *call, i *record.Issue, m *record.Comment) reply {
	body, r := c.text("IssueComment")
	if r != nil {
		return *r
	}
	c.EditComment(c.by, c.repo, i, m, body)
	return ok(c.Site.Comment(c.repo, i, m))
}

func labels(c *call, i *record.Issue) reply {
	return list(c, i.Labels, func(l *record.Label) record.Object { return c.Site.Label(c.repo, l) })
}

// addLabels takes the names as an object's field or as the body itself.
func addLabels(c *call, i *record.Issue) reply {
	var ask struct{ Labels []string }
	if len(c.body) > 0 && c.body[0] == '[' {
		if r := c.read(&ask.Labels); r != nil {
			return *r
		}
	} else if r := c.read(&ask); r != nil {
		return *r
	}
	c.Label(c.by, c.repo, i, ask.Labels)
	return labels(c, i)
}

// found is where the reactions of something are kept.
type found func(*call) (i *record.Issue, reactions *[]*record.Reaction)

func issueReactions(c *call) (*record.Issue, *[]*record.Reaction) {
	i := c.repo.Issue(int(c.number("number")))
	if i == nil {
		return nil, nil
	}
	return i, &i.Reactions
}

func commentReactions(c *call) (*record.Issue, *[]*record.Reaction) {
	i, m := world.FindComment(c.repo, c.number("id"))
	if i == nil {
		return nil, nil
	}
	return i, &m.Reactions
}

func lineReactions(c *call) (*record.Issue, *[]*record.Reaction) {
	i, m := world.FindThread(c.repo, c.number("id"))
	if i == nil {
		return nil, nil
	}
	return i, &m.Reactions
}

// reacting lists, makes and removes reactions by the request's method.
func reacting(find found) func(*call) reply {
	return func(c *call) reply {
		i, reactions := find(c)
		switch {
		case i == nil:
			return notFound
		case !c.may(i):
			return forbidden
		}
		switch c.Method {
		case http.MethodPost:
			return react(c, reactions)
		case http.MethodDelete:
			for n, r := range *reactions {
				if r.ID == c.number("reaction") {
					*reactions = append((*reactions)[:n:n], (*reactions)[n+1:]...)
					return noContent
				}
			}
			return notFound
		}
		return list(c, *reactions, c.Site.Reaction)
	}
}

func react(c *call, reactions *[]*record.Reaction) reply {
	var ask struct{ Content string }
	if r := c.read(&ask); r != nil {
		return *r
	}
	r, fresh, err := c.React(c.by, reactions, ask.Content)
	switch {
	case err != nil:
		return problem(err)
	case fresh:
		return created(c.Site.Reaction(r))
	}
	return ok(c.Site.Reaction(r))
}
