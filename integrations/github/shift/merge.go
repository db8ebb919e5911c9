package shift

import (
	"context"
	"strings"

	"honk/integrations/github/client"
	"honk/internal/task"
)

// Merge merges a pull request by merge, squash or rebase, if its head is at
// headSHA still, and returns the commit on the base. One that is merged
// already, by whomever, is a success. What GitHub does not merge as it is now
// is a RefusedError; what it may in a moment, unavailable.
func (f *Forge) Merge(ctx context.Context, repo string, number int, headSHA, method string) (sha string, err error) {
	switch method {
	case "merge", "squash", "rebase":
	default:
		return "", task.Errorf(task.CodeInvalid, "%q is no way to merge; use merge, squash or rebase", method)
	}
	err = f.with(ctx, repo, client.ForMerge(), func(at *client.Repo) error {
		sha, err = at.Merge(ctx, number, headSHA, method)
		switch task.CodeOf(err) {
		case task.CodeConflict, task.CodeUnavailable, task.CodeNotFound:
		default:
			return err
		}
		// The answer may have been lost, or somebody was quicker.
		pr, readErr := at.PullRequest(ctx, number)
		if readErr == nil && pr.State == task.PullRequestMerged {
			sha = pr.MergeSHA
			return nil
		}
		if task.CodeOf(err) != task.CodeConflict || readErr != nil {
			return err
		}
		return unmerged(at, pr, headSHA, err)
	})
	return sha, err
}

// unmerged says why GitHub has not merged a pull request.
func unmerged(at *client.Repo, pr client.PullRequest, headSHA string, err error) error {
	said := err.Error()
	switch {
	case pr.State == task.PullRequestClosed:
		return refuse(WhyClosed, "%s#%d was closed, so it is not merged", at, pr.Number)
	case pr.SHA != headSHA:
		return refuse(WhyMoved, "%s#%d is at %.12s now and not at %.12s, so it is not merged", at, pr.Number, pr.SHA, headSHA)
	case pr.Mergeable != nil && !*pr.Mergeable:
		return refuse(WhyConflicted, "%s#%d has conflicts with %s, so it is not merged", at, pr.Number, pr.Base)
	case strings.Contains(said, "try the merge again"), strings.Contains(said, "not mergeable") && pr.Mergeable == nil:
		return task.Errorf(task.CodeUnavailable, "%s; try again", said)
	}
	return refuse(WhyBlocked, "%s#%d is not merged: %s", at, pr.Number, said)
}

// DeleteBranch deletes a branch that is at sha still; one that is gone is no
// error. GitHub cannot compare and delete in one, so what is pushed in between
// is lost: it is for branches whose pull request has ended.
func (f *Forge) DeleteBranch(ctx context.Context, repo, branch, sha string) error {
	return f.with(ctx, repo, client.ForMerge(), func(at *client.Repo) error {
		head, err := at.Branch(ctx, branch)
		switch {
		case err != nil, head == "":
			return err
		case head != sha:
			return refuse(WhyMoved, "the branch %s of %s is at %.12s now, so it is not deleted", branch, repo, head)
		}
		return at.DeleteBranch(ctx, branch)
	})
}
