package queue_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"honk/internal/llm"
	"honk/internal/postgres"
	"honk/internal/runner"
	"honk/internal/task"
	"honk/queue"
	"honk/queue/budget"
)

// untilDone is a run that goes on until it is stopped, and tells why.
func untilDone(started chan<- task.Task) func(context.Context, task.Task) runner.Result {
	return func(ctx context.Context, t task.Task) runner.Result {
		started <- t
		<-ctx.Done()
		var why *task.Error
		if !errors.As(context.Cause(ctx), &why) {
			why = task.Errorf(task.CodeInternal, "%w", context.Cause(ctx))
		}
		status := task.StatusFailed
		if why.Code == task.CodeCancelled {
			status = task.StatusCancelled
		}
		return runner.Result{Outcome: task.Outcome{Status: status, Summary: why.Message, Err: why}}
	}
}

func TestCancel_running(t *testing.T) {
	t.Parallel()
	b := setup(t)
	started := make(chan task.Task, 1)
	b.worker(queue.WorkerOptions{RunFunc: untilDone(started)})
	id := b.submit("api", "1").ID
	<-started
	asked := time.Now()
	if ok, err := b.db.Cancel(t.Context(), id, "@ada"); !ok || err != nil {
		t.Fatalf("cancelling: %t, %v", ok, err)
	}
	rec := b.ends(id, task.StatusCancelled)
	if took := time.Since(asked); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	if want := "Cancelled by @ada."; !contains(rec.Result, want) {
		t.Errorf("the result does not say %q: %s", want, rec.Result)
	}
	if ok, err := b.db.Cancel(t.Context(), id, "@bob"); ok || err != nil {
		t.Errorf("cancelling what has ended: %t, %v", ok, err)
	}
}

func TestCancel_queued(t *testing.T) {
	t.Parallel()
	b := setup(t)
	started := make(chan task.Task, 9)
	b.worker(queue.WorkerOptions{Tasks: 1, RunFunc: untilDone(started)})
	first := b.submit("api", "1").ID
	<-started
	second := b.submit("api", "2").ID
	if ok, err := b.db.Cancel(t.Context(), second, "@ada"); !ok || err != nil {
		t.Fatalf("cancelling: %t, %v", ok, err)
	}
	b.ends(second, task.StatusCancelled)
	if b.record(first).Status != task.StatusRunning || len(started) != 0 {
		t.Error("the wrong task was ended, or the cancelled one ran")
	}
}

func TestStop_handsBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	started := make(chan task.Task, 9)
	w := b.worker(queue.WorkerOptions{Name: "leaving", Grace: 50 * time.Millisecond, RunFunc: untilDone(started)})
	id := b.submit("api", "1").ID
	<-started
	if err := w.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	rec := b.record(id)
	if rec.Status != task.StatusQueued || rec.Failures != 0 {
		t.Fatalf("got %s with %d failures, want queued with none", rec.Status, rec.Failures)
	}
	b.worker(queue.WorkerOptions{Name: "coming", RunFunc: done})
	if rec := b.ends(id, task.StatusDelivered); rec.Attempt != 2 {
		t.Errorf("delivered in attempt %d, want 2", rec.Attempt)
	}
}

func TestStop_waitsForTheGrace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	started, finish := make(chan struct{}), make(chan struct{})
	w := b.worker(queue.WorkerOptions{Grace: patience, RunFunc: func(ctx context.Context, tk task.Task) runner.Result {
		close(started)
		<-finish
		return done(ctx, tk)
	}})
	id := b.submit("api", "1").ID
	<-started
	stopped := make(chan error, 1)
	go func() { stopped <- w.Stop(t.Context()) }()
	close(finish)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if got := b.record(id).Status; got != task.StatusDelivered {
		t.Errorf("got %s, want delivered", got)
	}
}

// TestLostWorker plays a worker that dies without a word: its task, its job
// and what it reserved are taken over, and what it still sends is refused.
func TestLostWorker(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.submit("api", "1").ID
	var lost postgres.Record
	err := b.db.InTx(t.Context(), func(tx *postgres.Tx) (err error) {
		lost, _, err = tx.Claim(t.Context(), "dead", postgres.Room{})
		return err
	})
	if err != nil || lost.ID != id {
		t.Fatalf("claiming: %q, %v", lost.ID, err)
	}
	ledger := budget.Ledger(b.db, lost.Task, budget.Caps{Day: llm.Amount{USD: 10}})
	if _, err := ledger.ReserveFunc(t.Context(), llm.Amount{USD: 3, Tokens: 7}); err != nil {
		t.Fatal(err)
	}
	b.worker(queue.WorkerOptions{RunFunc: done})
	if rec := b.ends(id, task.StatusDelivered); rec.Attempt != 2 {
		t.Errorf("delivered in attempt %d, want 2", rec.Attempt)
	}
	if spent, err := budget.Spent(t.Context(), b.db, id); err != nil || spent != (llm.Amount{USD: 3, Tokens: 7}) {
		t.Errorf("spent %+v, %v, want the reservation booked whole", spent, err)
	}
	late := task.Event{TaskID: id, Seq: 99, Attempt: lost.Attempt, At: time.Now(), Kind: task.EventPhase, Data: []byte(`{}`)}
	if err := (queue.Recorder{Queue: b.q}).Record(t.Context(), late); !errors.Is(err, postgres.ErrFenced) {
		t.Errorf("an event of the lost attempt: %v, want it refused", err)
	}
	if err := b.db.Finish(t.Context(), lost.Task, task.StatusFailed, nil); !errors.Is(err, postgres.ErrFenced) {
		t.Errorf("the end of the lost attempt: %v, want it refused", err)
	}
}
