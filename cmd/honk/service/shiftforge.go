package service

import (
	"context"
	"errors"

	"honk/integrations/github/client"
	"honk/integrations/github/forge"
	"honk/integrations/github/page"
	github "honk/integrations/github/shift"
	"honk/integrations/shift/act"
	"honk/integrations/shift/look"
	"honk/integrations/shift/see"
	"honk/internal/runner"
	"honk/internal/task"
)

// shiftForge is GitHub as shifts need it. It implements shift.Forge.
type shiftForge struct {
	*github.Forge
	app   *client.App
	tasks *forge.Forge
	pages *page.Pages
}

// refusal puts a refusal into the words of shifts.
func refusal(err error) error {
	if refused, ok := errors.AsType[*github.RefusedError](err); ok {
		return &act.RefusedError{Why: act.Why(refused.Why), Err: refused.Err}
	}
	return err
}

// Find implements look.Forge.
func (f shiftForge) Find(ctx context.Context, q look.Query) ([]task.Listing, []string, error) {
	found, err := f.Forge.Find(ctx, github.Query{Org: q.Org, Topics: q.Topics, Search: q.Search})
	return found.Repos, found.Unreachable, err
}

// Checks implements see.Forge.
func (f shiftForge) Checks(ctx context.Context, repo, sha string) (see.Checks, error) {
	c, err := f.Forge.Checks(ctx, repo, sha)
	return see.Checks{
		Pending: c.Pending, Passed: c.Passed, Skipped: c.Skipped, Failed: append(c.Failed, c.Cancelled...), Reports: c.Reports,
	}, err
}

// Owners implements act.Forge.
func (f shiftForge) Owners(ctx context.Context, repo, sha string, paths []string, most int) (users, teams []string, err error) {
	return f.Forge.Owners(ctx, repo, github.Change{SHA: sha, Paths: paths, Most: most})
}

// Pull implements see.Forge.
func (f shiftForge) Pull(ctx context.Context, repo string, number int) (see.Pull, error) {
	p, err := f.Forge.Pull(ctx, repo, number)
	if err != nil {
		return see.Pull{}, err
	}
	self, err := f.app.Self(ctx)
	return see.Pull{
		Number: p.Number, URL: p.URL, State: p.State, Draft: p.Draft, HeadSHA: p.HeadSHA, Base: p.BaseRef,
		By: p.ClosedBy, ByHonk: p.ClosedBy == self.Login(), MergedSHA: p.MergedSHA,
		Conflicted: p.Mergeable == github.MergeableConflicted, Behind: p.Behind,
		ApprovedBy: p.ApprovedBy, Objection: p.ChangesRequested > 0, Foreign: p.Foreign, UpdatedAt: p.UpdatedAt,
	}, err
}

// Push implements act.Forge. Who lets a shift run holds the App's key, as
// whoever runs a command does.
func (f shiftForge) Push(ctx context.Context, p runner.Publication) (task.PullRequest, error) {
	p.Task.Request.Source = task.SourceCLI
	p.Task.Request.Options.PullRequest = "none"
	return f.tasks.Publish(ctx, p)
}

// Evidence implements act.Forge.
func (f shiftForge) Evidence(p runner.Publication) (string, error) {
	_, body, err := f.pages.PullRequest(p, 0)
	return page.Rewrite("", body), err
}

// Open implements act.Forge.
func (f shiftForge) Open(ctx context.Context, repo string, n act.NewPull) (task.PullRequest, error) {
	pr, err := f.Forge.Open(ctx, repo, github.NewPull(n))
	return pr, refusal(err)
}

// Ready implements act.Forge.
func (f shiftForge) Ready(ctx context.Context, repo string, number int) error {
	return refusal(f.Forge.Ready(ctx, repo, number))
}

// Close implements act.Forge.
func (f shiftForge) Close(ctx context.Context, repo string, number int, comment string) error {
	return refusal(f.Forge.Close(ctx, repo, number, comment))
}

// Merge implements act.Forge.
func (f shiftForge) Merge(ctx context.Context, repo string, number int, headSHA, method string) (string, error) {
	sha, err := f.Forge.Merge(ctx, repo, number, headSHA, method)
	return sha, refusal(err)
}

// DeleteBranch implements act.Forge.
func (f shiftForge) DeleteBranch(ctx context.Context, repo, branch, sha string) error {
	return refusal(f.Forge.DeleteBranch(ctx, repo, branch, sha))
}
