package queue

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/riverqueue/river"

	"honk/internal/postgres"
	"honk/internal/runner"
	"honk/internal/task"
	"honk/queue/budget"
)

const (
	// maxFailures is how many attempts may end in an error worth another.
	maxFailures = 3
	// maxLost is how many workers may be lost over a task: one that kills
	// workers is not given to all of them.
	maxLost = 5
)

type ticketWorker struct {
	river.WorkerDefaults[ticket]
	w *Worker
}

// Timeout implements river.Worker: a task has limits of its own.
func (*ticketWorker) Timeout(*river.Job[ticket]) time.Duration { return -1 }

// Work takes the next task and runs it. No task, no room: the ticket is spent,
// and whoever makes room writes a new one.
func (t *ticketWorker) Work(ctx context.Context, _ *river.Job[ticket]) error {
	rec, ok, err := t.w.claim(context.WithoutCancel(ctx))
	if err != nil || !ok {
		return err
	}
	t.w.work(ctx, rec)
	return nil
}

// work runs a claimed task and stores what became of it.
func (w *Worker) work(ctx context.Context, rec postgres.Record) {
	t := rec.Task
	log := w.opts.Log.With("task_id", t.ID, "attempt", t.Attempt, "repo", t.Request.Repo.String())
	log.InfoContext(ctx, "task started")
	run, done := w.track(ctx, t.ID)
	defer done()
	var res runner.Result
	switch {
	case rec.CancelledBy != "":
		res = cancelled(rec.CancelledBy)
	case rec.Lost >= maxLost:
		res = ended(task.StatusFailed, task.Errorf(task.CodeInternal,
			"%d workers were lost while they worked on this task; it is given up", rec.Lost))
	default:
		res = w.run(run, t)
	}
	delay, again := delayOf(rec, res)
	if handedBack(run, res) {
		delay, again = postgres.Delay{Why: errHandBack.Error()}, true
	}
	err := w.conclude(ctx, rec, res, delay, again)
	if err != nil && !postgres.Transient(err) {
		// Something in the result cannot be stored: that it ended can.
		log.ErrorContext(ctx, "end of the task not stored", "status", res.Status, "error", err)
		res = ended(task.StatusFailed, task.Errorf(task.CodeInternal, "what became of the task could not be stored"))
		err = w.conclude(ctx, rec, res, postgres.Delay{}, false)
	}
	if err != nil {
		log.ErrorContext(ctx, "end of the task not stored", "error", err)
		return
	}
	log.InfoContext(ctx, "task ended", "status", res.Status, "steps", res.Usage.Steps, "cost_usd", res.Usage.CostUSD)
}

// run runs a task. One that is at fault takes no worker with it, and is not
// left without an end.
func (w *Worker) run(ctx context.Context, t task.Task) (res runner.Result) {
	defer func() {
		if p := recover(); p != nil {
			w.opts.Log.ErrorContext(ctx, "task panicked", "task_id", t.ID, "panic", p, "stack", string(debug.Stack()))
			res = ended(task.StatusFailed, task.Errorf(task.CodeInternal, "a fault in Honk ended the task"))
		}
	}()
	return w.opts.RunFunc(ctx, t)
}

// conclude stores the end of an attempt, in one transaction with what follows
// from it. It does not give up while the database is away: nobody else would
// know.
func (w *Worker) conclude(ctx context.Context, rec postgres.Record, res runner.Result, delay postgres.Delay, again bool) error {
	return postgres.Persist(context.WithoutCancel(ctx), time.Hour, func(ctx context.Context) error {
		err := w.db.InTx(ctx, func(tx *postgres.Tx) error {
			var err error
			if again {
				if err = tx.Requeue(ctx, rec.Task, delay); err == nil {
					err = w.insert(ctx, tx, ticket{}, delay.For)
				}
			} else {
				err = w.finish(ctx, tx, rec.Task, res)
			}
			if err != nil {
				return err
			}
			if err := w.tell(ctx, tx, rec.ID); err != nil {
				return err
			}
			return w.passOn(ctx, tx)
		})
		if errors.Is(err, postgres.ErrFenced) {
			return nil // another attempt owns the task; its end counts
		}
		return err
	})
}

// handedBack reports whether an attempt ended because its worker does, and not
// by itself or by a person.
func handedBack(run context.Context, res runner.Result) bool {
	why := context.Cause(run)
	if why == nil || res.Status != task.StatusCancelled && res.Status != task.StatusFailed {
		return false
	}
	known, ok := errors.AsType[*task.Error](why)
	return !ok || known.Code != task.CodeCancelled
}

// delayOf decides whether a task is tried again.
func delayOf(rec postgres.Record, res runner.Result) (d postgres.Delay, again bool) {
	if res.Status != task.StatusFailed || res.Err == nil || rec.Lost >= maxLost {
		return d, false
	}
	switch actionOf(res.Err.Code) {
	case snooze:
		return postgres.Delay{For: waitOf(res.Err), Why: res.Err.Message}, true
	case retry:
		d = postgres.Delay{For: backoff(3 * (rec.Failures + 1)), Why: res.Err.Message, Failed: true}
		return d, rec.Failures+1 < maxFailures
	case giveUp:
	}
	return d, false
}

// finish stores the end of a task, its pull request, and what nobody has
// heeded of what was said to it.
func (w *Worker) finish(ctx context.Context, tx *postgres.Tx, t task.Task, res runner.Result) error {
	if err := tx.Finish(ctx, t, res.Status, res.Brief()); err != nil {
		return err
	}
	// No later attempt books what this one, or one that was lost, has left.
	if err := budget.SettleLost(ctx, tx, t.ID); err != nil {
		return err
	}
	if pr := res.PullRequest; pr != nil && pr.Number != 0 {
		err := tx.PutPullRequest(ctx, postgres.PullRequest{PullRequest: *pr, Repo: t.Request.Repo, LastTaskID: t.ID})
		if err != nil {
			return err
		}
	}
	if err := tx.ReturnNotes(ctx, t.ID); err != nil {
		return err
	}
	left, err := tx.NotesLeft(ctx, t.ID)
	if err != nil || left == 0 || res.Status == task.StatusCancelled {
		return err
	}
	_, err = w.receive(ctx, tx, []task.Delivery{{
		Source: t.Request.Source, ID: task.EventNotesLeft + "/" + string(t.ID), Event: task.EventNotesLeft,
		Payload: fmt.Appendf(nil, "%q", t.ID),
	}})
	return err
}

// tell says that the message of a task is out of date.
func (q *Queue) tell(ctx context.Context, tx *postgres.Tx, id task.ID) error {
	n, err := tx.Want(ctx, id)
	if errors.Is(err, postgres.ErrNotFound) {
		return nil // nobody is told of this task
	}
	if err != nil {
		return err
	}
	return q.insert(ctx, tx, notice{ID: n}, 0)
}

// passOn writes a ticket for the next task, since there is room now.
func (q *Queue) passOn(ctx context.Context, tx *postgres.Tx) error {
	waiting, err := tx.Waiting(ctx, 1)
	if err != nil || waiting == 0 {
		return err
	}
	return q.insert(ctx, tx, ticket{}, 0)
}

func cancelled(by string) runner.Result {
	return ended(task.StatusCancelled, task.Errorf(task.CodeCancelled, "Cancelled by %s.", by))
}

func ended(status task.Status, err *task.Error) runner.Result {
	return runner.Result{Outcome: task.Outcome{Status: status, Summary: err.Message, Err: err}}
}
