package world

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"honk/integrations/github/githubtest/record"
)

// OpenIssue opens an issue.
func (w *World) OpenIssue(by By, r *record.Repo, title, body string) *record.Issue {
	i := w.newIssue(by, r, title, body)
	w.emit(by, r, "issues", "opened", record.Object{"issue": w.Site.Issue(r, i)})
	return i
}

func (w *World) newIssue(by By, r *record.Repo, title, body string) *record.Issue {
	i := &record.Issue{
		ID: w.ID(), Number: len(r.Issues) + 1, Title: title, Body: body, State: "open", User: by.User, Via: by.App,
		CreatedAt: w.Now(), UpdatedAt: w.Now(),
	}
	r.Issues = append(r.Issues, i)
	return i
}

// touch emits what happened to an issue or a pull request.
func (w *World) touch(by By, r *record.Repo, i *record.Issue, action string, more record.Object) {
	i.UpdatedAt = w.Now()
	payload := record.Object{}
	maps.Copy(payload, more)
	if i.Pull != nil {
		payload["number"], payload["pull_request"] = i.Number, w.Site.Pull(r, i)
		w.emit(by, r, "pull_request", action, payload)
		return
	}
	payload["issue"] = w.Site.Issue(r, i)
	w.emit(by, r, "issues", action, payload)
}

// Edit is what somebody wants to change about an issue or pull request; nil
// leaves as it is.
type Edit struct {
	Title, Body, State, StateReason, Base *string
	Labels, Assignees                     []string
}

// EditIssue changes an issue or a pull request.
func (w *World) EditIssue(ctx context.Context, by By, r *record.Repo, i *record.Issue, e Edit) error {
	if e.State != nil && *e.State != "open" && *e.State != "closed" {
		return &InvalidError{Resource: "Issue", Field: "state", Code: "invalid"}
	}
	changes := record.Object{}
	if e.Title != nil && *e.Title != i.Title {
		changes["title"] = record.Object{"from": i.Title}
		i.Title = *e.Title
	}
	if e.Body != nil && *e.Body != i.Body {
		changes["body"] = record.Object{"from": i.Body}
		i.Body = *e.Body
	}
	if e.Base != nil && i.Pull != nil && *e.Base != i.Pull.Base {
		if err := w.rebase(ctx, r, i, *e.Base, changes); err != nil {
			return err
		}
	}
	if len(changes) > 0 {
		w.touch(by, r, i, "edited", record.Object{"changes": changes})
	}
	if e.State != nil && *e.State != i.State {
		if err := w.setState(by, r, i, *e.State, e.StateReason); err != nil {
			return err
		}
	}
	if e.Labels != nil {
		for _, l := range slices.Clone(i.Labels) {
			if !slices.Contains(e.Labels, l.Name) {
				w.Unlabel(by, r, i, l.Name)
			}
		}
		w.Label(by, r, i, e.Labels)
	}
	if e.Assignees != nil {
		for _, u := range slices.Clone(i.Assignees) {
			if !slices.Contains(e.Assignees, u.Login) {
				i.Assignees = slices.DeleteFunc(i.Assignees, func(other *record.User) bool { return other == u })
				w.touch(by, r, i, "unassigned", record.Object{"assignee": w.Site.User(u)})
			}
		}
		w.Assign(by, r, i, e.Assignees)
	}
	return nil
}

func (w *World) setState(by By, r *record.Repo, i *record.Issue, state string, reason *string) error {
	if state == "open" {
		if i.Pull != nil {
			if err := w.mayReopen(r, i); err != nil {
				return err
			}
		}
		i.State, i.StateReason, i.ClosedAt, i.ClosedBy = "open", "reopened", time.Time{}, nil
		w.touch(by, r, i, "reopened", nil)
		return nil
	}
	i.State, i.ClosedAt, i.ClosedBy = "closed", w.Now(), by.User
	if i.Pull == nil {
		i.StateReason = "completed"
		if reason != nil {
			i.StateReason = cmp.Or(*reason, i.StateReason)
		}
	}
	w.touch(by, r, i, "closed", nil)
	return nil
}

// Label puts labels on an issue; unknown ones are made.
func (w *World) Label(by By, r *record.Repo, i *record.Issue, names []string) {
	for _, name := range names {
		l := r.Label(name)
		if l == nil {
			l = &record.Label{ID: w.ID(), Name: name, Color: "ededed"}
			r.Labels = append(r.Labels, l)
		}
		if slices.Contains(i.Labels, l) {
			continue
		}
		i.Labels = append(i.Labels, l)
		w.touch(by, r, i, "labeled", record.Object{"label": w.Site.Label(r, l)})
	}
}

// Unlabel takes a label off and reports whether it was there.
func (w *World) Unlabel(by By, r *record.Repo, i *record.Issue, name string) bool {
	for n, l := range i.Labels {
		if strings.EqualFold(l.Name, name) {
			i.Labels = slices.Delete(i.Labels, n, n+1)
			w.touch(by, r, i, "unlabeled", record.Object{"label": w.Site.Label(r, l)})
			return true
		}
	}
	return false
}

// Assign adds assignees. Like GitHub it silently leaves out whoever cannot
// be one.
func (w *World) Assign(by By, r *record.Repo, i *record.Issue, logins []string) {
	for _, login := range logins {
		u := w.User(login)
		if u == nil || slices.Contains(i.Assignees, u) || !slices.Contains([]string{"admin", "maintain", "write", "triage"}, r.Role(login)) {
			continue
		}
		i.Assignees = append(i.Assignees, u)
		w.touch(by, r, i, "assigned", record.Object{"assignee": w.Site.User(u)})
	}
}

// Comment comments on an issue or pull request.
func (w *World) Comment(by By, r *record.Repo, i *record.Issue, body string) *record.Comment {
	c := &record.Comment{
		ID: w.ID(), Body: body, User: by.User, Via: by.App, CreatedAt: w.Now(), UpdatedAt: w.Now(),
	}
	i.Comments = append(i.Comments, c)
	i.UpdatedAt = w.Now()
	w.emit(by, r, "issue_comment", "created", w.commented(r, i, c))
	return c
}

func (w *World) commented(r *record.Repo, i *record.Issue, c *record.Comment) record.Object {
	return record.Object{"issue": w.Site.Issue(r, i), "comment": w.Site.Comment(r, i, c)}
}

// EditComment changes a comment.
func (w *World) EditComment(by By, r *record.Repo, i *record.Issue, c *record.Comment, body string) {
	old := c.Body
	c.Body, c.UpdatedAt = body, w.Now()
	payload := w.commented(r, i, c)
	payload["changes"] = record.Object{"body": record.Object{"from": old}}
	w.emit(by, r, "issue_comment", "edited", payload)
}

// DeleteComment removes a comment.
func (w *World) DeleteComment(by By, r *record.Repo, i *record.Issue, c *record.Comment) {
	payload := w.commented(r, i, c)
	i.Comments = slices.DeleteFunc(i.Comments, func(other *record.Comment) bool { return other == c })
	w.emit(by, r, "issue_comment", "deleted", payload)
}

// FindComment finds a comment by its number.
func FindComment(r *record.Repo, id int64) (*record.Issue, *record.Comment) {
	for _, i := range r.Issues {
		for _, c := range i.Comments {
			if c.ID == id {
				return i, c
			}
		}
	}
	return nil, nil
}

// FindThread finds a comment on a line by its number.
func FindThread(r *record.Repo, id int64) (*record.Issue, *record.ReviewComment) {
	for _, i := range r.Issues {
		if i.Pull == nil {
			continue
		}
		for _, c := range i.Pull.Threads {
			if c.ID == id {
				return i, c
			}
		}
	}
	return nil, nil
}

// React adds a reaction to a list, unless the same is there; created tells.
// No webhook tells of reactions.
func (w *World) React(by By, list *[]*record.Reaction, content string) (r *record.Reaction, created bool, err error) {
	if !slices.Contains(record.Contents(), content) {
		return nil, false, &InvalidError{Resource: "Reaction", Field: "content", Code: "invalid"}
	}
	for _, r := range *list {
		if r.User == by.User && r.Content == content {
			return r, false, nil
		}
	}
	r = &record.Reaction{ID: w.ID(), User: by.User, Content: content, CreatedAt: w.Now()}
	*list = append(*list, r)
	return r, true, nil
}
