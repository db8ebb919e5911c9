package world

import (
	"context"
	"slices"
	"strings"

	"honk/integrations/github/githubtest/record"
)

// Line is a remark on a line of a pull request.
type Line struct {
	Path string
	Line int
	Body string
}

// NewReview is a review somebody submits.
type NewReview struct {
	// Event is approve, request_changes or comment.
	Event string
	Body  string
	Lines []Line
}

// Review submits a review.
func (w *World) Review(ctx context.Context, by By, r *record.Repo, i *record.Issue, n NewReview) (*record.Review, error) {
	state, ok := map[string]string{
		"approve": "APPROVED", "request_changes": "CHANGES_REQUESTED", "comment": "COMMENTED",
	}[strings.ToLower(n.Event)]
	switch {
	case !ok:
		return nil, &InvalidError{Resource: "PullRequestReview", Field: "event", Code: "invalid"}
	case by.User == i.User && state != "COMMENTED":
		return nil, &InvalidError{Message: "Can not " + strings.ReplaceAll(strings.ToLower(n.Event), "_", " ") + " your own pull request"}
	}
	v := &record.Review{
		ID: w.ID(), User: by.User, Body: n.Body, State: state, CommitID: i.Pull.HeadSHA, SubmittedAt: w.Now(),
	}
	i.Pull.Reviews = append(i.Pull.Reviews, v)
	i.Pull.Reviewers = slices.DeleteFunc(i.Pull.Reviewers, func(u *record.User) bool { return u == by.User })
	for _, l := range n.Lines {
		i.Pull.Threads = append(i.Pull.Threads, &record.ReviewComment{
			ID: w.ID(), ReviewID: v.ID, User: by.User, Body: l.Body, Path: l.Path, Line: max(l.Line, 1),
			CommitID: v.CommitID, CreatedAt: w.Now(), UpdatedAt: w.Now(), Hunk: w.hunk(ctx, r, i, l.Path),
		})
	}
	w.emitReview(by, r, i, v)
	for _, c := range i.Pull.Threads {
		if c.ReviewID == v.ID {
			w.emitLine(by, r, i, "created", record.Object{"comment": w.Site.ReviewComment(r, i, c)})
		}
	}
	return v, nil
}

// CommentLine comments on a line without a review: GitHub makes one around it.
func (w *World) CommentLine(ctx context.Context, by By, r *record.Repo, i *record.Issue, l Line) (*record.ReviewComment, error) {
	if _, err := w.Review(ctx, by, r, i, NewReview{Event: "comment", Lines: []Line{l}}); err != nil {
		return nil, err
	}
	return i.Pull.Threads[len(i.Pull.Threads)-1], nil
}

func (w *World) emitReview(by By, r *record.Repo, i *record.Issue, v *record.Review) {
	review := w.Site.Review(r, i, v)
	review["state"] = strings.ToLower(v.State) // as webhooks write it
	if v.Body == "" {
		review["body"] = nil
	}
	w.emit(by, r, "pull_request_review", "submitted", record.Object{
		"review": review, "pull_request": w.Site.PullLite(r, i),
	})
}

// hunk is the diff shown above a remark.
func (w *World) hunk(ctx context.Context, r *record.Repo, i *record.Issue, path string) string {
	files, err := r.Git.Files(ctx, r.Git.MergeBase(ctx, i.Pull.BaseSHA, i.Pull.HeadSHA), i.Pull.HeadSHA)
	if err != nil {
		return ""
	}
	for _, f := range files {
		if f.Path == path {
			return f.Patch
		}
	}
	return ""
}

// Reply answers in the thread of a comment on a line.
func (w *World) Reply(by By, r *record.Repo, i *record.Issue, to *record.ReviewComment, body string) *record.ReviewComment {
	v := &record.Review{
		ID: w.ID(), User: by.User, State: "COMMENTED", CommitID: i.Pull.HeadSHA, SubmittedAt: w.Now(),
	}
	i.Pull.Reviews = append(i.Pull.Reviews, v)
	c := *to
	c.ID, c.ReviewID, c.User, c.Body, c.Reactions = w.ID(), v.ID, by.User, body, nil
	c.CreatedAt, c.UpdatedAt = w.Now(), w.Now()
	if to.ReplyTo == 0 {
		c.ReplyTo = to.ID
	}
	i.Pull.Threads = append(i.Pull.Threads, &c)
	w.emitReview(by, r, i, v)
	w.emitLine(by, r, i, "created", record.Object{"comment": w.Site.ReviewComment(r, i, &c)})
	return &c
}

// EditLine changes a comment on a line.
func (w *World) EditLine(by By, r *record.Repo, i *record.Issue, c *record.ReviewComment, body string) {
	old := c.Body
	c.Body, c.UpdatedAt = body, w.Now()
	w.emitLine(by, r, i, "edited", record.Object{
		"comment": w.Site.ReviewComment(r, i, c), "changes": record.Object{"body": record.Object{"from": old}},
	})
}

// DeleteLine removes a comment on a line.
func (w *World) DeleteLine(by By, r *record.Repo, i *record.Issue, c *record.ReviewComment) {
	i.Pull.Threads = slices.DeleteFunc(i.Pull.Threads, func(other *record.ReviewComment) bool { return other == c })
	w.emitLine(by, r, i, "deleted", record.Object{"comment": w.Site.ReviewComment(r, i, c)})
}

func (w *World) emitLine(by By, r *record.Repo, i *record.Issue, action string, payload record.Object) {
	pull := w.Site.PullLite(r, i)
	payload["pull_request"] = pull
	w.emit(by, r, "pull_request_review_comment", action, payload)
}
