package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"honk/internal/postgres"
	"honk/internal/runner"
	"honk/internal/task"
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
	view, err := n.w.view(ctx, due)
	if err != nil {
		return errors.Join(err, n.w.db.Release(ctx, due.ID))
	}
	final := due.Kind == task.NoticeReply || view.Task.Status.Final()
	if wait := n.early(due); wait > 0 && !final {
		return errors.Join(n.w.db.Release(ctx, due.ID), river.JobSnooze(wait))
	}
	return n.post(ctx, due, view, final)
}

// early is how long the message is left as it is, so that nobody's
// notifications flicker and the forge's budget lasts.
func (n *noticeWorker) early(due postgres.Due) time.Duration {
	if due.PostedAt == nil {
		return 0
	}
	// The database's clock may be ahead of ours.
	return min(n.w.opts.NoticeEvery, n.w.opts.NoticeEvery-time.Since(*due.PostedAt))
}

func (n *noticeWorker) post(ctx context.Context, due postgres.Due, view runner.View, final bool) error {
	door, ok := n.w.opts.Doors[due.Source]
	if !ok || door.Notifier == nil {
		return n.w.db.Posted(ctx, due, due.MessageID, final)
	}
	if err := n.w.db.Trying(ctx, due.ID); err != nil {
		return err
	}
	id, err := door.Notifier.Notify(ctx, due.Notice, view)
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
func (w *Worker) view(ctx context.Context, due postgres.Due) (v runner.View, err error) {
	if due.Kind != task.NoticeTask {
		return v, nil
	}
	rec, err := w.db.Task(ctx, due.TaskID)
	if err != nil {
		return v, err
	}
	v = runner.View{Task: rec.Task, Waiting: rec.Waiting, Elapsed: time.Since(rec.CreatedAt)}
	if rec.FinishedAt != nil {
		v.Elapsed = rec.FinishedAt.Sub(rec.CreatedAt)
	}
	switch {
	case rec.Status == task.StatusQueued:
		v.Ahead, err = w.db.QueuePlace(ctx, rec.ID)
		return v, err
	case rec.Result != nil:
		v.Result = &runner.Result{}
		if err := json.Unmarshal(rec.Result, v.Result); err != nil {
			return v, fmt.Errorf("reading the result of task %s: %w", rec.ID, err)
		}
	}
	return v, w.progress(ctx, &v)
}

// progress adds how far a task has come.
func (w *Worker) progress(ctx context.Context, v *runner.View) error {
	phases, err := w.db.Phases(ctx, v.Task.ID)
	if err != nil {
		return err
	}
	for _, e := range phases {
		var p task.PhaseData
		if err := json.Unmarshal(e.Data, &p); err != nil {
			return fmt.Errorf("reading a phase of task %s: %w", e.TaskID, err)
		}
		v.Phases = append(v.Phases, p)
	}
	silence, err := w.db.Silence(ctx, v.Task.ID)
	if err != nil {
		return err
	}
	if !v.Task.Status.Final() && silence > silentAge {
		v.Waiting = fmt.Sprintf("no step for %d minutes: the model, or a command, takes its time", int(silence.Minutes()))
	}
	last, err := w.db.LastReply(ctx, v.Task.ID)
	if errors.Is(err, postgres.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	var reply task.ReplyData
	if err := json.Unmarshal(last.Data, &reply); err != nil {
		return fmt.Errorf("reading a reply of task %s: %w", last.TaskID, err)
	}
	v.Step, v.CostUSD = last.Step, reply.CostUSD
	return nil
}
