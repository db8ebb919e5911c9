package client

import (
	"context"

	"github.com/google/go-github/v62/github"

	"honk/internal/task"
)

// TargetKind says what a reaction stands at.
type TargetKind string

// The kinds of target. An issue's ID is its number, and so is a pull
// request's.
const (
	TargetIssue         TargetKind = "issue"
	TargetComment       TargetKind = "comment"
	TargetReviewComment TargetKind = "review_comment"
)

// Target is what a reaction stands at.
type Target struct {
	Kind TargetKind
	ID   int64
}

// React adds a reaction, by GitHub's name: eyes, confused, rocket, +1. The
// same one twice is the same reaction.
func (r *Repo) React(ctx context.Context, at Target, content string) (id int64, err error) {
	var got *github.Reaction
	switch at.Kind {
	case TargetIssue:
		got, _, err = r.gh.Reactions.CreateIssueReaction(ctx, r.owner, r.name, int(at.ID), content)
	case TargetComment:
		got, _, err = r.gh.Reactions.CreateIssueCommentReaction(ctx, r.owner, r.name, at.ID, content)
	case TargetReviewComment:
		got, _, err = r.gh.Reactions.CreatePullRequestCommentReaction(ctx, r.owner, r.name, at.ID, content)
	default:
		err = task.Errorf(task.CodeInternal, "there is no reacting to a %q", at.Kind)
	}
	return got.GetID(), r.at.Explain(err, "adding a reaction", at.need())
}

// Unreact removes a reaction. One that is gone already is no error.
func (r *Repo) Unreact(ctx context.Context, at Target, id int64) (err error) {
	switch at.Kind {
	case TargetIssue:
		_, err = r.gh.Reactions.DeleteIssueReaction(ctx, r.owner, r.name, int(at.ID), id)
	case TargetComment:
		_, err = r.gh.Reactions.DeleteIssueCommentReaction(ctx, r.owner, r.name, at.ID, id)
	case TargetReviewComment:
		_, err = r.gh.Reactions.DeletePullRequestCommentReaction(ctx, r.owner, r.name, at.ID, id)
	default:
		err = task.Errorf(task.CodeInternal, "there is no reacting to a %q", at.Kind)
	}
	return gone(r.at.Explain(err, "removing a reaction", at.need()))
}

func (t Target) need() string {
	if t.Kind == TargetReviewComment {
		return "pull_requests: write"
	}
	return "issues: write"
}
