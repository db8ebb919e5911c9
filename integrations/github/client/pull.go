package client

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/go-github/v62/github"

	"honk/internal/task"
)

// PullRequest is a pull request.
type PullRequest struct {
	Number int
	Title  string
	Body   string
	Author User
	State  task.PullRequestState
	Draft  bool
	Locked bool
	// Branch and SHA are its head, in the repository HeadRepo (owner/name),
	// which is empty when that is deleted.
	Branch   string
	SHA      string
	HeadRepo string
	// Base is the branch it goes into, BaseSHA where that stood.
	Base      string
	BaseSHA   string
	CreatedAt time.Time
	UpdatedAt time.Time
	URL       string
	Labels    []string
	// Reviewers are asked for a review and have not given it: people, and
	// teams by slug with a slash before it.
	Reviewers []string
	// MergeSHA is the commit on the base once it is merged, MergedBy whose
	// doing that was.
	MergeSHA string
	MergedBy User
	// What follows is known of a pull request that was read, not listed.
	// Mergeable is nil while GitHub has not found out. Behind: the base has
	// commits that the branch lacks and must not lack.
	Mergeable *bool
	Behind    bool
	Commits   int

	node string
}

// Task returns the pull request as a task's outcome names it.
func (p PullRequest) Task() task.PullRequest {
	return task.PullRequest{
		Number: p.Number, URL: p.URL, Branch: p.Branch, HeadSHA: p.SHA, State: p.State,
	}
}

func pullOf(p *github.PullRequest) PullRequest {
	out := PullRequest{
		Number: p.GetNumber(), Title: p.GetTitle(), Body: p.GetBody(), Author: userOf(p.User),
		State: task.PullRequestOpen, Draft: p.GetDraft(), Locked: p.GetLocked(),
		Branch: p.GetHead().GetRef(), SHA: p.GetHead().GetSHA(), HeadRepo: p.GetHead().GetRepo().GetFullName(),
		Base: p.GetBase().GetRef(), BaseSHA: p.GetBase().GetSHA(),
		CreatedAt: p.GetCreatedAt().Time, UpdatedAt: p.GetUpdatedAt().Time, URL: p.GetHTMLURL(),
		Mergeable: p.Mergeable, Behind: p.GetMergeableState() == "behind", Commits: p.GetCommits(), node: p.GetNodeID(),
	}
	for _, l := range p.Labels {
		out.Labels = append(out.Labels, l.GetName())
	}
	for _, u := range p.RequestedReviewers {
		out.Reviewers = append(out.Reviewers, u.GetLogin())
	}
	for _, t := range p.RequestedTeams {
		out.Reviewers = append(out.Reviewers, "/"+t.GetSlug())
	}
	// The list of pull requests leaves merged out and has merged_at.
	switch {
	case p.GetMerged() || p.MergedAt != nil:
		out.State, out.MergeSHA, out.MergedBy = task.PullRequestMerged, p.GetMergeCommitSHA(), userOf(p.MergedBy)
	case p.GetState() == "closed":
		out.State = task.PullRequestClosed
	}
	return out
}

// PullRequest reads a pull request.
func (r *Repo) PullRequest(ctx context.Context, number int) (PullRequest, error) {
	got, _, err := r.gh.PullRequests.Get(ctx, r.owner, r.name, number)
	if err != nil {
		return PullRequest{}, r.at.Explain(err, fmt.Sprintf("reading pull request #%d", number), "pull_requests: read")
	}
	return pullOf(got), nil
}

// PullRequestFor finds the newest pull request from a branch of this
// repository, open or not.
func (r *Repo) PullRequestFor(ctx context.Context, branch string) (pr PullRequest, found bool, err error) {
	if err := checkBranch(branch); err != nil {
		return PullRequest{}, false, err
	}
	got, _, err := r.gh.PullRequests.List(ctx, r.owner, r.name, &github.PullRequestListOptions{
		State: "all", Head: r.owner + ":" + branch, Sort: "created", Direction: "desc",
		ListOptions: github.ListOptions{PerPage: perPage},
	})
	if err != nil {
		return PullRequest{}, false,
			r.at.Explain(err, "looking for the pull request of "+branch, "pull_requests: read")
	}
	for _, p := range got {
		// A fork's branch may have the same name.
		one := pullOf(p)
		if one.Branch == branch && (one.HeadRepo == "" || strings.EqualFold(one.HeadRepo, r.String())) &&
			(!found || one.Number > pr.Number) {
			pr, found = one, true
		}
	}
	return pr, found, nil
}

// NewPullRequest is what is opened.
type NewPullRequest struct {
	Title string
	Body  string
	// Branch is where the change is, Base where it is to go.
	Branch string
	Base   string
	Draft  bool
}

// CreatePullRequest opens a pull request. The error's code is conflict when
// there is one from the branch already.
func (r *Repo) CreatePullRequest(ctx context.Context, pr NewPullRequest) (PullRequest, error) {
	maintain := true
	got, _, err := r.gh.PullRequests.Create(ctx, r.owner, r.name, &github.NewPullRequest{
		Title: &pr.Title, Body: &pr.Body, Head: &pr.Branch, Base: &pr.Base, Draft: &pr.Draft,
		MaintainerCanModify: &maintain,
	})
	if err != nil {
		return PullRequest{}, r.at.Explain(err, "opening a pull request", "pull_requests: write")
	}
	return pullOf(got), nil
}

// EditPullRequest changes a pull request's title and body; nil leaves as is.
func (r *Repo) EditPullRequest(ctx context.Context, number int, title, body *string) (PullRequest, error) {
	got, _, err := r.gh.PullRequests.Edit(ctx, r.owner, r.name, number,
		&github.PullRequest{Title: title, Body: body})
	if err != nil {
		return PullRequest{}, r.at.Explain(err, fmt.Sprintf("editing pull request #%d", number), "pull_requests: write")
	}
	return pullOf(got), nil
}

// RequestReviewers asks people, and teams by slug, to review. GitHub refuses
// all of them for one who cannot: then each is asked alone, and who is refused
// is left out.
func (r *Repo) RequestReviewers(ctx context.Context, number int, users, teams []string) error {
	if len(users)+len(teams) == 0 {
		return nil
	}
	err := r.requestReviewers(ctx, number, users, teams)
	if !refused(err) || len(users)+len(teams) == 1 {
		return r.refusedReviewer(ctx, number, err)
	}
	for _, u := range users {
		if err := r.refusedReviewer(ctx, number, r.requestReviewers(ctx, number, []string{u}, nil)); err != nil {
			return err
		}
	}
	for _, t := range teams {
		if err := r.refusedReviewer(ctx, number, r.requestReviewers(ctx, number, nil, []string{t})); err != nil {
			return err
		}
	}
	return nil
}

func (r *Repo) requestReviewers(ctx context.Context, number int, users, teams []string) error {
	_, _, err := r.gh.PullRequests.RequestReviewers(ctx, r.owner, r.name, number,
		github.ReviewersRequest{Reviewers: users, TeamReviewers: teams})
	return r.at.Explain(err, fmt.Sprintf("asking for review of #%d", number), "pull_requests: write")
}

func refused(err error) bool {
	code := task.CodeOf(err)
	return code == task.CodeInvalid || code == task.CodeConflict
}

func (r *Repo) refusedReviewer(ctx context.Context, number int, err error) error {
	if !refused(err) {
		return err
	}
	r.log.InfoContext(ctx, "reviewer refused", "repo", r.String(), "number", number, "error", err)
	return nil
}
