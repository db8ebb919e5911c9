package queue

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"

	"honk/internal/postgres"
	"honk/internal/runner"
	"honk/internal/task"
	"honk/queue/view"
)

const (
	// noticeLease is how long posting one message may take.
	noticeLease = time.Minute
	// hope is how long after a request its answer is tried where we have no
	// right to give it: an App that was suspended is let in again.
	hope = 24 * time.Hour
)

type noticeWorker struct {
	river.WorkerDefaults[notice]
	w *Worker
}

// Timeout implements river.Worker.
func (*noticeWorker) Timeout(*river.Job[notice]) time.Duration { return noticeLease }

// Work brings a message up to date. Several jobs for one message do so once.
func (n *noticeWorker) Work(ctx context.Context, job *river.Job[notice]) error {
	due, found, err := n.w.db.LeaseNotice(ctx, job.Args.ID, n.w.opts.Name, noticeLease)
	if errors.Is(err, postgres.ErrLeased) {
		return river.JobSnooze(time.Second)
	}
	if err != nil || !found {
		return err
	}
	v, err := n.w.view(ctx, due)
	if err != nil {
		return errors.Join(err, n.w.db.Release(ctx, due.ID))
	}
	final := due.Kind == task.NoticeReply || v.Task.Status.Final()
	if wait := n.early(due); wait > 0 && !final {
		return errors.Join(n.w.db.Release(ctx, due.ID), river.JobSnooze(wait))
	}
	return n.post(ctx, due, v, final)
}

// early is how long the message is left as it is, so that nobody's
// notifications flicker and the forge's budget lasts.
func (n *noticeWorker) early(due postgres.Due) time.Duration {
	if due.PostedAt == nil {
		return 0
	}
	// The database's clock may be ahead of ours.
	every := n.w.opts.Doors[due.Source].EditEvery
	return min(every, every-time.Since(*due.PostedAt))
}

func (n *noticeWorker) post(ctx context.Context, due postgres.Due, v runner.View, final bool) error {
	door, ok := n.w.opts.Doors[due.Source]
	if !ok || door.Notifier == nil {
		return n.w.db.Posted(ctx, due, due.MessageID, final)
	}
	if err := n.w.db.Trying(ctx, due.ID); err != nil {
		return err
	}
	id, err := door.Notifier.Notify(ctx, due.Notice, v)
	switch {
	case err == nil:
	case cutShort(ctx, err), final && task.CodeOf(err) == task.CodeForbidden && time.Since(due.CreatedAt) < hope:
		// What is owed is not paid by our end, nor by a right that is missing
		// for now. The lease is still ended when the worker stops.
		return errors.Join(err, n.w.db.Release(context.WithoutCancel(ctx), due.ID))
	case actionOf(task.CodeOf(err)) == giveUp:
		// The thread is gone or closed to us: nobody is left to be told. An
		// end that is still to come is tried all the same.
		n.w.opts.Log.WarnContext(ctx, "message cannot be posted", "task_id", due.TaskID, "thread", due.Thread, "error", err)
		id = due.MessageID
	default:
		return errors.Join(afterError(err), n.w.db.Release(ctx, due.ID))
	}
	return postgres.Persist(context.WithoutCancel(ctx), 30*time.Second, func(ctx context.Context) error {
		return n.w.db.Posted(ctx, due, id, final)
	})
}

// view gathers what the message of a task can tell.
func (w *Worker) view(ctx context.Context, due postgres.Due) (runner.View, error) {
	if due.Kind != task.NoticeTask {
		return runner.View{}, nil
	}
	rec, err := w.db.Task(ctx, due.TaskID)
	if err != nil {
		return runner.View{}, err
	}
	return view.Of(ctx, w.db, rec)
}
