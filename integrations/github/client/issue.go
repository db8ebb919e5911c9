package client

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/go-github/v62/github"

	"honk/internal/task"
)

// User is an account: of a person, a bot or an organisation.
type User struct {
	Login string
	ID    int64
	// Type is GitHub's: User, Bot, Organization, Mannequin.
	Type string
}

func userOf(u *github.User) User {
	return User{Login: u.GetLogin(), ID: u.GetID(), Type: u.GetType()}
}

// Issue is an issue, or a pull request seen as one.
type Issue struct {
	Number    int
	Title     string
	Body      string
	Author    User
	State     string // open or closed
	IsPull    bool
	Locked    bool
	Labels    []string
	CreatedAt time.Time
	UpdatedAt time.Time
	URL       string
	// ClosedBy is empty while it is open.
	ClosedBy User
}

// Issue reads an issue or pull request by its number.
func (r *Repo) Issue(ctx context.Context, number int) (Issue, error) {
	got, _, err := r.gh.Issues.Get(ctx, r.owner, r.name, number)
	if err != nil {
		return Issue{}, r.at.Explain(err, fmt.Sprintf("reading #%d", number), "issues: read")
	}
	i := Issue{
		Number: got.GetNumber(), Title: got.GetTitle(), Body: got.GetBody(), Author: userOf(got.User),
		State: got.GetState(), IsPull: got.IsPullRequest(), Locked: got.GetLocked(),
		CreatedAt: got.GetCreatedAt().Time, UpdatedAt: got.GetUpdatedAt().Time, URL: got.GetHTMLURL(),
		ClosedBy: userOf(got.ClosedBy),
	}
	for _, l := range got.Labels {
		i.Labels = append(i.Labels, l.GetName())
	}
	return i, nil
}

// Comment is a comment in the conversation of an issue or pull request.
type Comment struct {
	ID        int64
	Body      string
	Author    User
	CreatedAt time.Time
	UpdatedAt time.Time
	URL       string
}

func commentOf(c *github.IssueComment) Comment {
	return Comment{
		ID: c.GetID(), Body: c.GetBody(), Author: userOf(c.User),
		CreatedAt: c.GetCreatedAt().Time, UpdatedAt: c.GetUpdatedAt().Time, URL: c.GetHTMLURL(),
	}
}

// Comments lists the comments of an issue or pull request that were written
// or edited since a time, oldest first; the zero time lists all.
func (r *Repo) Comments(ctx context.Context, number int, since time.Time) ([]Comment, error) {
	var list []Comment
	opts := &github.IssueListCommentsOptions{}
	if !since.IsZero() {
		since = since.UTC()
		opts.Since = &since
	}
	doing, need := fmt.Sprintf("listing the comments of #%d", number), "issues: read"
	err := r.pages(doing, need, func(page github.ListOptions) (*github.Response, error) {
		opts.ListOptions = page
		got, resp, err := r.gh.Issues.ListComments(ctx, r.owner, r.name, number, opts)
		for _, c := range got {
			list = append(list, commentOf(c))
		}
		return resp, err
	})
	return list, err
}

// Comment reads one comment.
func (r *Repo) Comment(ctx context.Context, id int64) (Comment, error) {
	got, _, err := r.gh.Issues.GetComment(ctx, r.owner, r.name, id)
	if err != nil {
		return Comment{}, r.at.Explain(err, "reading a comment", "issues: read")
	}
	return commentOf(got), nil
}

// CreateComment writes a comment under an issue or pull request.
func (r *Repo) CreateComment(ctx context.Context, number int, body string) (Comment, error) {
	got, _, err := r.gh.Issues.CreateComment(ctx, r.owner, r.name, number, &github.IssueComment{Body: &body})
	if err != nil {
		return Comment{}, r.at.Explain(err, fmt.Sprintf("commenting on #%d", number), "issues: write")
	}
	return commentOf(got), nil
}

// EditComment replaces a comment's text.
func (r *Repo) EditComment(ctx context.Context, id int64, body string) (Comment, error) {
	got, _, err := r.gh.Issues.EditComment(ctx, r.owner, r.name, id, &github.IssueComment{Body: &body})
	if err != nil {
		return Comment{}, r.at.Explain(err, "editing a comment", "issues: write")
	}
	return commentOf(got), nil
}

// DeleteComment removes a comment. One that is gone already is no error.
func (r *Repo) DeleteComment(ctx context.Context, id int64) error {
	_, err := r.gh.Issues.DeleteComment(ctx, r.owner, r.name, id)
	return gone(r.at.Explain(err, "deleting a comment", "issues: write"))
}

// gone lets pass that what was to go is gone.
func gone(err error) error {
	if task.CodeOf(err) == task.CodeNotFound {
		return nil
	}
	return err
}

// AddLabels puts labels on an issue or pull request.
func (r *Repo) AddLabels(ctx context.Context, number int, names ...string) error {
	if len(names) == 0 {
		return nil
	}
	// The client would send a bare list, of which the API's description knows
	// nothing.
	err := r.ask(ctx, http.MethodPost, fmt.Sprintf("issues/%d/labels", number), map[string][]string{"labels": names}, nil)
	return r.at.Explain(err, fmt.Sprintf("labelling #%d", number), "pull_requests: write")
}

// Assign assigns people to an issue or pull request. Whom GitHub does not
// accept is left out.
func (r *Repo) Assign(ctx context.Context, number int, logins ...string) error {
	if len(logins) == 0 {
		return nil
	}
	_, _, err := r.gh.Issues.AddAssignees(ctx, r.owner, r.name, number, logins)
	err = r.at.Explain(err, fmt.Sprintf("assigning #%d", number), "issues: write")
	if task.CodeOf(err) == task.CodeInvalid {
		r.log.InfoContext(ctx, "assignees refused", "repo", r.String(), "number", number, "error", err)
		return nil
	}
	return err
}
