package shift

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"honk/integrations/github/client"
	"honk/internal/task"
)

// Mergeable says whether a pull request fits its base.
type Mergeable string

// GitHub finds out after each push, so it may be unknown for a while.
const (
	MergeableClean      Mergeable = "clean"
	MergeableConflicted Mergeable = "conflicted"
	MergeableUnknown    Mergeable = "unknown"
)

// Pull is a pull request as it stands.
type Pull struct {
	Number      int
	URL         string
	Title, Body string
	State       task.PullRequestState
	Draft       bool
	HeadSHA     string
	HeadBranch  string
	BaseRef     string
	BaseSHA     string
	Labels      []string
	Reviewers   []string // asked, and not yet heard; a team is /slug
	UpdatedAt   time.Time
	// ClosedBy is who closed or merged it, MergedSHA the commit on the base.
	ClosedBy, MergedSHA string

	// What follows is known while it is open.
	Mergeable Mergeable
	// Behind: the branch must be brought up to date before it is merged.
	Behind bool
	// Approvals and ChangesRequested are the newest word of people who may
	// write. An approval of another commit than the head does not count.
	Approvals, ChangesRequested int
	ApprovedBy                  []string
	// Foreign: the branch holds a commit that Honk did not make.
	Foreign bool
}

// Pull reads a pull request.
func (f *Forge) Pull(ctx context.Context, repo string, number int) (Pull, error) {
	talk, err := f.talk(ctx, repo)
	if err != nil {
		return Pull{}, err
	}
	got, err := talk.PullRequest(ctx, number)
	if err != nil {
		return Pull{}, err
	}
	p := Pull{
		Number: got.Number, URL: got.URL, Title: got.Title, Body: got.Body, State: got.State, Draft: got.Draft,
		HeadSHA: got.SHA, HeadBranch: got.Branch, BaseRef: got.Base, BaseSHA: got.BaseSHA, Labels: got.Labels,
		Reviewers: got.Reviewers, UpdatedAt: got.UpdatedAt, MergedSHA: got.MergeSHA, ClosedBy: got.MergedBy.Login,
		Mergeable: MergeableUnknown, Behind: got.Behind,
	}
	switch {
	case got.Mergeable != nil && *got.Mergeable:
		p.Mergeable = MergeableClean
	case got.Mergeable != nil:
		p.Mergeable = MergeableConflicted
	}
	switch p.State {
	case task.PullRequestOpen:
		if p.Foreign, err = foreign(ctx, talk, got); err == nil {
			err = p.review(ctx, talk)
		}
	case task.PullRequestClosed:
		var issue client.Issue
		issue, err = talk.Issue(ctx, number)
		p.ClosedBy = issue.ClosedBy.Login
	case task.PullRequestMerged:
	}
	return p, err
}

// foreign reports whether a pull request has a commit that is not by the
// App's bot. What GitHub does not list may be.
func foreign(ctx context.Context, talk *client.Repo, pr client.PullRequest) (bool, error) {
	self, err := talk.Self(ctx)
	if err != nil {
		return false, err
	}
	commits, err := talk.Commits(ctx, pr.Number)
	if err != nil {
		return false, err
	}
	own := func(u client.User, email string) bool {
		return strings.EqualFold(u.Login, self.Login()) || strings.EqualFold(email, self.Email())
	}
	return len(commits) < pr.Commits || slices.ContainsFunc(commits, func(c client.Commit) bool {
		return !own(c.Author, c.AuthorEmail) || !own(c.Committer, c.CommitterEmail)
	}), nil
}

// review counts the newest word of each reviewer. Whoever can read a public
// repository can approve there: only who may write counts.
func (p *Pull) review(ctx context.Context, talk *client.Repo) error {
	all, err := talk.Reviews(ctx, p.Number)
	if err != nil {
		return err
	}
	newest := map[string]client.Review{}
	for _, v := range all {
		switch v.State {
		case "approved", "changes_requested", "dismissed":
			newest[v.Author.Login] = v
		}
	}
	for login, v := range newest {
		stale := v.State == "approved" && v.SHA != p.HeadSHA
		if login == "" || v.State == "dismissed" || stale {
			continue
		}
		permission, err := talk.Permission(ctx, login)
		if err != nil {
			return err
		}
		switch {
		case !client.CanWrite(permission):
		case v.State == "approved":
			p.Approvals++
			p.ApprovedBy = append(p.ApprovedBy, login)
		default:
			p.ChangesRequested++
		}
	}
	slices.SortFunc(p.ApprovedBy, cmp.Compare[string])
	return nil
}
