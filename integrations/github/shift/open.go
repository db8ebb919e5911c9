package shift

import (
	"context"
	"slices"
	"strings"

	"honk/integrations/github/client"
	"honk/integrations/github/forge"
	"honk/internal/task"
)

// NewPull is a pull request to be opened.
type NewPull struct {
	// Branch is where the change is, Base where it is to go.
	Branch, Base string
	Title, Body  string
	Draft        bool
	Labels       []string
	// Reviewers are people, Teams slugs. Whom GitHub refuses is left out.
	Reviewers, Teams []string
}

// Open opens the pull request of a branch, or returns the one there is: also
// one that somebody has closed or merged, as long as the branch is at the same
// commit. Labels and reviewers that an earlier try did not come to are added;
// an error of that kind comes with the pull request.
func (f *Forge) Open(ctx context.Context, repo string, n NewPull) (pr task.PullRequest, err error) {
	err = f.with(ctx, repo, client.ForReview(), func(at *client.Repo) error {
		have, found, err := latest(ctx, at, n.Branch)
		if err != nil {
			return err
		}
		if !found {
			have, err = forge.Create(ctx, at, client.NewPullRequest{
				Title: n.Title, Body: n.Body, Branch: n.Branch, Base: n.Base, Draft: n.Draft,
			})
			if err != nil {
				return err
			}
		}
		pr = have.Task()
		pr.Base = have.Base
		if have.State != task.PullRequestOpen {
			return nil
		}
		return f.dress(ctx, at, have, n)
	})
	return pr, err
}

// latest finds the newest pull request of a branch, unless it ended with
// another commit than the branch has now.
func latest(ctx context.Context, at *client.Repo, branch string) (client.PullRequest, bool, error) {
	pr, found, err := at.PullRequestFor(ctx, branch)
	if err != nil || !found || pr.State == task.PullRequestOpen {
		return pr, found, err
	}
	head, err := at.Branch(ctx, branch)
	return pr, head == "" || head == pr.SHA, err
}

// dress gives a pull request the labels and reviewers it lacks. One without
// them is still one: only what may pass is tried again.
func (f *Forge) dress(ctx context.Context, at *client.Repo, pr client.PullRequest, n NewPull) error {
	err := at.AddLabels(ctx, pr.Number, missing(n.Labels, pr.Labels)...)
	if err := f.optional(ctx, "labels", pr, err); err != nil {
		return err
	}
	if len(pr.Reviewers) > 0 || len(n.Reviewers)+len(n.Teams) == 0 {
		return nil
	}
	reviews, err := at.Reviews(ctx, pr.Number)
	if err != nil || len(reviews) > 0 {
		return err
	}
	err = at.RequestReviewers(ctx, pr.Number, n.Reviewers, n.Teams)
	return f.optional(ctx, "reviewers", pr, err)
}

func (f *Forge) optional(ctx context.Context, what string, pr client.PullRequest, err error) error {
	switch task.CodeOf(err) {
	case task.CodeInvalid, task.CodeForbidden, task.CodeNotFound, task.CodeConflict:
		f.log.WarnContext(ctx, "pull request incomplete", "without", what, "pull_request", pr.URL, "error", err)
		return nil
	default:
		return err
	}
}

// missing returns the labels that are not there yet. Their case does not
// count.
func missing(want, have []string) []string {
	var out []string
	for _, l := range want {
		if !slices.ContainsFunc(have, func(h string) bool { return strings.EqualFold(h, l) }) {
			out = append(out, l)
		}
	}
	return out
}

// Label puts labels on a pull request that are not there yet.
func (f *Forge) Label(ctx context.Context, repo string, number int, labels ...string) error {
	pr, err := f.read(ctx, repo, number)
	if err != nil {
		return err
	}
	labels = missing(labels, pr.Labels)
	if len(labels) == 0 {
		return nil
	}
	return f.with(ctx, repo, client.ForReview(), func(at *client.Repo) error {
		return at.AddLabels(ctx, number, labels...)
	})
}

// RequestReview asks people, and teams by slug, to review. Whom GitHub refuses
// is left out.
func (f *Forge) RequestReview(ctx context.Context, repo string, number int, users, teams []string) error {
	if len(users)+len(teams) == 0 {
		return nil
	}
	return f.with(ctx, repo, client.ForReview(), func(at *client.Repo) error {
		return at.RequestReviewers(ctx, number, users, teams)
	})
}

// read reads a pull request with the shared handle.
func (f *Forge) read(ctx context.Context, repo string, number int) (client.PullRequest, error) {
	talk, err := f.talk(ctx, repo)
	if err != nil {
		return client.PullRequest{}, err
	}
	return talk.PullRequest(ctx, number)
}
