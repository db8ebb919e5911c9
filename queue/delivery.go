package queue

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/riverqueue/river"

	"honk/internal/postgres"
	"honk/internal/task"
)

type deliveryWorker struct {
	river.WorkerDefaults[delivery]
	w *Worker
}

// forbiddenTries is how often a delivery is tried for which we lack a right: a
// token that was just revoked is replaced, an App that was suspended let in
// again. That is about half an hour.
const forbiddenTries = 20

// Timeout implements river.Worker. To look for the targets of a shift is to
// look at thousands of repositories.
func (*deliveryWorker) Timeout(job *river.Job[delivery]) time.Duration {
	if job.Args.Source == task.SourceShift && strings.HasPrefix(job.Args.ID, "resolve/") {
		return 45 * time.Minute
	}
	return 2 * time.Minute
}

// Work hands a delivery to its door. One that has been handled before is
// left alone: the answer to an earlier try was lost.
func (d *deliveryWorker) Work(ctx context.Context, job *river.Job[delivery]) error {
	found, err := d.w.db.Delivery(ctx, job.Args.Source, job.Args.ID)
	if errors.Is(err, postgres.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	log := d.w.opts.Log.With("source", found.Source, "delivery_id", found.ID, "event", found.Event)
	door, ok := d.w.opts.Doors[found.Source]
	if !ok {
		return d.w.db.Handled(ctx, found.Source, found.ID, "this source is not configured")
	}
	result, err := door.HandleFunc(ctx, found)
	if err != nil && (cutShort(ctx, err) || task.CodeOf(err) == task.CodeForbidden && job.Attempt < forbiddenTries) {
		log.WarnContext(ctx, "delivery put off", "error", err)
		return err
	}
	if err != nil && actionOf(task.CodeOf(err)) != giveUp {
		log.WarnContext(ctx, "delivery put off", "error", err)
		return afterError(err)
	}
	if err != nil {
		log.WarnContext(ctx, "delivery refused", "error", err)
		result = "refused: " + err.Error()
	}
	return d.w.db.Handled(ctx, found.Source, found.ID, result)
}
