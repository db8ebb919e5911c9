package record

import (
	"context"
	"errors"

	"honk/internal/postgres"
	"honk/internal/runner/fact"
	"honk/internal/task"
)

// Follow puts a request on top of what its thread has led to, given the latest
// first: on the branch of a pull request that is still open, else on the patch
// that the last task left.
func Follow(ctx context.Context, db *postgres.DB, req *task.Request, tasks []postgres.Record) error {
	latest := true
	for _, t := range tasks {
		if t.Request.Repo.String() != req.Repo.String() || !t.Status.Final() {
			continue
		}
		if latest && t.Status != task.StatusDelivered && t.Status != task.StatusNoChange && req.Ref == "" {
			req.Resume = t.ID
		}
		latest = false
		made := fact.Stored(t).PullRequest
		if made == nil || made.Number == 0 {
			continue
		}
		ours, err := db.PullRequest(ctx, req.Repo, made.Number)
		switch {
		case errors.Is(err, postgres.ErrNotFound):
			return nil
		case err != nil || ours.State != task.PullRequestOpen:
			return err
		}
		if req.Ref == "" {
			req.Ref, req.Branch = ours.Branch, ours.Branch
		}
		return nil
	}
	return nil
}
