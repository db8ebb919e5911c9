package world

import (
	"context"
	"slices"
	"strconv"

	"honk/integrations/github/githubtest/record"
	"honk/internal/git/githttp"
)

// NewPull is a pull request somebody wants to open.
type NewPull struct {
	Title, Body string
	Head, Base  string
	// From is the repository that Head is in, nil for the same.
	From  *record.Repo
	Draft bool
}

// OpenPull opens a pull request.
func (w *World) OpenPull(ctx context.Context, by By, r *record.Repo, n NewPull) (*record.Issue, error) {
	invalid := func(field, code, message string) error {
		return &InvalidError{Resource: "PullRequest", Field: field, Code: code, Message: message}
	}
	from := r
	if n.From != nil {
		from = n.From
	}
	head, base := from.Git.Resolve(ctx, "refs/heads/"+n.Head), r.Git.Resolve(ctx, "refs/heads/"+n.Base)
	switch {
	case n.Title == "":
		return nil, invalid("title", "missing_field", "")
	case head == "":
		return nil, invalid("head", "invalid", "")
	case base == "":
		return nil, invalid("base", "invalid", "")
	}
	for _, i := range r.Pulls() {
		if i.State == "open" && i.Pull.Head == n.Head && i.Pull.Base == n.Base && i.Pull.From == n.From {
			return nil, invalid("", "custom", "A pull request already exists for "+from.Owner.Login+":"+n.Head+".")
		}
	}
	if n.From != nil {
		if err := r.Git.Borrow(from.Git); err != nil {
			return nil, err
		}
	}
	if r.Git.Contains(ctx, base, head) {
		return nil, invalid("", "custom", "No commits between "+n.Base+" and "+n.Head)
	}
	i := w.newIssue(by, r, n.Title, n.Body)
	i.Pull = &record.Pull{
		ID: w.ID(), Head: n.Head, HeadSHA: head, Base: n.Base, BaseSHA: base, From: n.From, Draft: n.Draft,
	}
	if err := w.measure(ctx, r, i.Pull); err != nil {
		return nil, err
	}
	if err := r.Git.SetRef(ctx, "refs/pull/"+strconv.Itoa(i.Number)+"/head", head); err != nil {
		return nil, err
	}
	w.touch(by, r, i, "opened", nil)
	return i, nil
}

// measure counts what a pull request changes.
func (w *World) measure(ctx context.Context, r *record.Repo, p *record.Pull) error {
	from := r.Git.MergeBase(ctx, p.BaseSHA, p.HeadSHA)
	files, err := r.Git.Files(ctx, from, p.HeadSHA)
	if err != nil {
		return err
	}
	commits, err := r.Git.Log(ctx, p.BaseSHA, p.HeadSHA)
	if err != nil {
		return err
	}
	p.Additions, p.Deletions, p.ChangedFiles, p.Commits = 0, 0, len(files), len(commits)
	for _, f := range files {
		p.Additions += f.Additions
		p.Deletions += f.Deletions
	}
	base := r.Git.Resolve(ctx, "refs/heads/"+p.Base)
	_, err = r.Git.Merge(ctx, base, p.HeadSHA, w.signature(nil), "try")
	p.Mergeable = err == nil
	return nil
}

func (w *World) signature(u *record.User) githttp.Signature {
	if u == nil {
		return githttp.Signature{Name: "GitHub", Email: "noreply@github.com", When: w.Now()}
	}
	return githttp.Signature{Name: u.Login, Email: u.NoReply(), When: w.Now()}
}

// rebase points a pull request at another branch.
func (w *World) rebase(ctx context.Context, r *record.Repo, i *record.Issue, base string, changes record.Object) error {
	sha := r.Git.Resolve(ctx, "refs/heads/"+base)
	if sha == "" {
		return &InvalidError{Resource: "PullRequest", Field: "base", Code: "invalid"}
	}
	changes["base"] = record.Object{
		"ref": record.Object{"from": i.Pull.Base}, "sha": record.Object{"from": i.Pull.BaseSHA},
	}
	i.Pull.Base, i.Pull.BaseSHA = base, sha
	return w.measure(ctx, r, i.Pull)
}

// mayReopen says why a pull request stays closed.
func (w *World) mayReopen(r *record.Repo, i *record.Issue) error {
	if i.Pull.Merged {
		return &InvalidError{Resource: "PullRequest", Field: "state", Code: "invalid", Message: "state cannot be changed. The pull request is merged."}
	}
	for _, other := range r.Pulls() {
		if other.State == "open" && other.Pull.Head == i.Pull.Head && other.Pull.Base == i.Pull.Base {
			return &InvalidError{
				Resource: "PullRequest", Field: "state", Code: "invalid",
				Message: "state cannot be changed. There is already an open pull request from " + i.Pull.Head + " to " + i.Pull.Base + ".",
			}
		}
	}
	return nil
}

// SetDraft makes a pull request a draft or ready for review.
func (w *World) SetDraft(by By, r *record.Repo, i *record.Issue, draft bool) {
	if i.Pull.Draft == draft {
		return
	}
	i.Pull.Draft = draft
	action := "ready_for_review"
	if draft {
		action = "converted_to_draft"
	}
	w.touch(by, r, i, action, nil)
}

// RequestReview asks people for reviews.
func (w *World) RequestReview(by By, r *record.Repo, i *record.Issue, logins []string) error {
	for _, login := range logins {
		u := w.User(login)
		if u == nil || r.Role(login) == "none" || r.Association(u) == "NONE" {
			return &InvalidError{Message: "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the " + r.FullName() + " repository."}
		}
		if u == i.User {
			return &InvalidError{Message: "Review cannot be requested from pull request author."}
		}
		if slices.Contains(i.Pull.Reviewers, u) {
			continue
		}
		i.Pull.Reviewers = append(i.Pull.Reviewers, u)
		w.touch(by, r, i, "review_requested", record.Object{"requested_reviewer": w.Site.User(u)})
	}
	return nil
}
