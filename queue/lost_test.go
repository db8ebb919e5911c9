package queue_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"honk/internal/llm"
	"honk/internal/postgres"
	"honk/internal/runner"
	"honk/internal/task"
	"honk/queue"
	"honk/queue/budget"
)

// failing is a notifier that does what it is told.
type failing func(ctx context.Context, n task.Notice, v runner.View) (string, error)

func (f failing) Notify(ctx context.Context, n task.Notice, v runner.View) (string, error) {
	return f(ctx, n, v)
}

func notifier(f failing) map[task.Source]queue.Door {
	return map[task.Source]queue.Door{task.SourceGitHub: {Notifier: f}}
}

func (b *bundle) exec(sql string, args ...any) {
	b.Helper()
	if _, err := b.db.Pool().Exec(b.Context(), sql, args...); err != nil {
		b.Fatal(err)
	}
}

// A worker that stops while it posts leaves the message owed: its own end is
// no answer.
func TestNotice_cutShortByStop(t *testing.T) {
	t.Parallel()
	b := setup(t)
	posting := make(chan struct{})
	var once sync.Once
	w := b.worker(queue.WorkerOptions{Name: "leaving", Grace: time.Millisecond, RunFunc: done, Doors: notifier(
		func(ctx context.Context, _ task.Notice, v runner.View) (string, error) {
			if !v.Task.Status.Final() {
				return "1", nil
			}
			once.Do(func() { close(posting) })
			<-ctx.Done()
			return "", &task.Error{Code: task.CodeCancelled, Message: "commenting was cancelled", Cause: ctx.Err()}
		})})
	b.submit("api", "1")
	<-posting
	if err := w.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := b.open(); got != 1 {
		t.Fatalf("%d messages are owed, want 1", got)
	}
	wall := newWall()
	b.worker(queue.WorkerOptions{Name: "coming", RunFunc: done, Doors: doors(wall)})
	b.eventually("nothing is owed", func() bool { return b.open() == 0 })
}

// Where a message cannot be posted while its task runs, the end is told all
// the same; where we lack a right, it is tried again.
func TestNotice_endIsTold(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		code  task.Code
		final bool // the end is refused once, too
	}{
		"gone for a while": {code: task.CodeNotFound},
		"forbidden":        {code: task.CodeForbidden, final: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			finish := make(chan struct{})
			var refused, told atomic.Int32
			var first sync.Once
			b.worker(queue.WorkerOptions{
				RunFunc: func(ctx context.Context, tk task.Task) runner.Result {
					<-finish
					return done(ctx, tk)
				},
				Doors: notifier(func(_ context.Context, _ task.Notice, v runner.View) (string, error) {
					if !v.Task.Status.Final() || tt.final && refused.Load() < 2 {
						refused.Add(1)
						first.Do(func() { close(finish) })
						return "", task.Errorf(tt.code, "no")
					}
					told.Add(1)
					return "1", nil
				}),
			})
			b.submit("api", "1")
			b.eventually("nothing is owed", func() bool { return b.open() == 0 })
			if told.Load() != 1 {
				t.Errorf("the end was told %d times", told.Load())
			}
		})
	}
}

// A token may have been revoked a moment ago: what is forbidden is tried again.
func TestReceive_forbiddenForNow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var tries atomic.Int32
	door := queue.Door{HandleFunc: func(context.Context, task.Delivery) (string, error) {
		if tries.Add(1) == 1 {
			return "", task.Errorf(task.CodeForbidden, "bad credentials")
		}
		return "done", nil
	}}
	b.worker(queue.WorkerOptions{Doors: map[task.Source]queue.Door{task.SourceGitHub: door}, RunFunc: done})
	if _, err := b.q.Receive(t.Context(), task.Delivery{Source: task.SourceGitHub, ID: "1", Event: "x", Payload: []byte(`{}`)}); err != nil {
		t.Fatal(err)
	}
	b.eventually("it is handled", func() bool {
		var result string
		err := b.db.Pool().QueryRow(t.Context(), "SELECT result FROM deliveries").Scan(&result)
		return err == nil && result == "done"
	})
}

// A run that panics ends its task, not the worker.
func TestWorker_panic(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var tries atomic.Int32
	b.worker(queue.WorkerOptions{RunFunc: func(ctx context.Context, tk task.Task) runner.Result {
		if tries.Add(1) == 1 {
			panic("at fault")
		}
		return done(ctx, tk)
	}})
	id := b.submit("api", "1").ID
	b.eventually("it was tried", func() bool { return b.record(id).Failures == 1 })
	b.exec("UPDATE tasks SET not_before = now()")
	b.ends(id, task.StatusDelivered)
}

// What others wrote is stored although no column of text takes it.
func TestWorker_hostileText(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bad := "a\x00b\xff"
	b.worker(queue.WorkerOptions{
		RunFunc: func(context.Context, task.Task) runner.Result {
			err := task.Errorf(task.CodeRateLimited, "slow down %s", bad)
			err.After = time.Hour
			return runner.Result{Outcome: task.Outcome{Status: task.StatusFailed, Summary: bad, Err: err}}
		},
		Doors: map[task.Source]queue.Door{task.SourceGitHub: {HandleFunc: func(context.Context, task.Delivery) (string, error) {
			return bad, nil
		}}},
	})
	id := b.submit("api", "1").ID
	if _, err := b.q.Receive(t.Context(), task.Delivery{Source: task.SourceGitHub, ID: "1", Event: "x", Payload: []byte(bad)}); err != nil {
		t.Fatal(err)
	}
	n := task.Notice{Source: task.SourceGitHub, Repo: request("api", "").Repo, Thread: "1", Text: bad}
	if err := b.q.Reply(t.Context(), n, "1"); err != nil {
		t.Error(err)
	}
	b.eventually("the task is put off", func() bool { return strings.Contains(b.record(id).Waiting, "ab\uFFFD") })
	b.eventually("the delivery is handled", func() bool {
		var open int
		err := b.db.Pool().QueryRow(t.Context(), "SELECT count(*) FROM deliveries WHERE handled_at IS NULL").Scan(&open)
		return err == nil && open == 0
	})
}

// A task that its worker holds and does not work on is taken up again.
func TestWorker_lostTrack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.submit("api", "1").ID
	err := b.db.InTx(t.Context(), func(tx *postgres.Tx) error {
		_, _, err := tx.Claim(t.Context(), "worker-1", postgres.Room{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	b.worker(queue.WorkerOptions{Name: "worker-1", RunFunc: done})
	if rec := b.ends(id, task.StatusDelivered); rec.Lost != 1 || rec.Attempt != 2 {
		t.Errorf("lost %d times, attempt %d", rec.Lost, rec.Attempt)
	}
}

// Only lost workers count against a task, not limits and not good ends of
// workers.
func TestWorker_manyAttempts(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		attempt, lost int
		want          task.Status
	}{
		"put off often": {attempt: 50, want: task.StatusDelivered},
		"lost often":    {attempt: 5, lost: 5, want: task.StatusFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.submit("api", "1").ID
			b.exec("UPDATE tasks SET attempt = $1, lost = $2", tt.attempt, tt.lost)
			b.worker(queue.WorkerOptions{RunFunc: done})
			b.ends(id, tt.want)
		})
	}
}

// What a lost attempt took and did not record is told to the next; what it
// recorded is not told twice by the queue.
func TestNotes_outliveTheWorker(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.submit("api", "1").ID
	for i, text := range []string{"recorded", "lost"} {
		note := task.Note{Author: "ada", At: time.Now(), Text: text}
		if ok, err := b.db.AddNote(t.Context(), id, fmt.Sprint(i), note); !ok || err != nil {
			t.Fatalf("adding a note: %t, %v", ok, err)
		}
	}
	var lost postgres.Record
	err := b.db.InTx(t.Context(), func(tx *postgres.Tx) (err error) {
		lost, _, err = tx.Claim(t.Context(), "dead", postgres.Room{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	notes, err := b.db.TakeNotes(t.Context(), id)
	if err != nil || len(notes) != 2 {
		t.Fatalf("took %v, %v", notes, err)
	}
	event := task.Event{TaskID: id, Seq: 1, Attempt: lost.Attempt, At: time.Now(), Kind: task.EventNotice, Data: noticeData(t, notes[:1])}
	if err := (queue.Recorder{Queue: b.q}).Record(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	told := make(chan []task.Note, 1)
	b.worker(queue.WorkerOptions{RunFunc: func(ctx context.Context, tk task.Task) runner.Result {
		notes, err := b.db.TakeNotes(ctx, tk.ID)
		if err != nil {
			t.Error(err)
		}
		told <- notes
		return done(ctx, tk)
	}})
	if got := <-told; len(got) != 1 || got[0].Text != "lost" {
		t.Errorf("the next attempt was told %v", got)
	}
	b.ends(id, task.StatusDelivered)
}

// Two tasks that go on top of one branch do not run at once.
func TestClaim_oneABranch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 6 {
		req := request("api", fmt.Sprint(i))
		req.Ref, req.Branch = "honk/x", "honk/x"
		if _, _, err := b.q.Submit(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	var running, most atomic.Int32
	b.worker(queue.WorkerOptions{Tasks: 4, RunFunc: func(ctx context.Context, tk task.Task) runner.Result {
		if n := running.Add(1); n > most.Load() {
			most.Store(n)
		}
		<-time.After(20 * time.Millisecond)
		running.Add(-1)
		return done(ctx, tk)
	}})
	b.eventually("all are done", func() bool {
		var left int
		err := b.db.Pool().QueryRow(t.Context(), "SELECT count(*) FROM tasks WHERE status <> 'delivered'").Scan(&left)
		return err == nil && left == 0
	})
	if most.Load() != 1 {
		t.Errorf("%d ran at once", most.Load())
	}
}

// A message whose job tries again by itself gets no further ones.
func TestRemind_noJobsOnTop(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.submit("api", "1")
	b.submit("api", "2")
	b.exec("UPDATE notices SET created_at = now() - interval '1 hour'")
	b.exec("UPDATE river_job SET state = 'scheduled', scheduled_at = now() + interval '1 hour' WHERE kind = 'notice' AND args->>'id' = (SELECT min(id) FROM notices)::text")
	b.exec("DELETE FROM river_job WHERE kind = 'notice' AND state = 'available'")
	for range 3 {
		if err := queue.Remind(t.Context(), b.db, b.q); err != nil {
			t.Fatal(err)
		}
	}
	var jobs int
	if err := b.db.Pool().QueryRow(t.Context(), "SELECT count(*) FROM river_job WHERE kind = 'notice'").Scan(&jobs); err != nil || jobs != 2 {
		t.Errorf("there are %d jobs for 2 messages, %v", jobs, err)
	}
}

// The end of a task settles what it left reserved.
func TestLedger_settledAtTheEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.worker(queue.WorkerOptions{RunFunc: func(ctx context.Context, tk task.Task) runner.Result {
		ledger := budget.Ledger(b.db, tk, budget.Caps{Day: llm.Amount{USD: 10}})
		if _, err := ledger.ReserveFunc(ctx, llm.Amount{USD: 2, Tokens: 5}); err != nil {
			t.Error(err)
		}
		return done(ctx, tk)
	}})
	b.ends(b.submit("api", "1").ID, task.StatusDelivered)
	var spent, reserved float64
	err := b.db.Pool().QueryRow(t.Context(), "SELECT spent_usd, reserved_usd FROM budgets WHERE scope LIKE 'day:%'").Scan(&spent, &reserved)
	if err != nil || spent != 2 || reserved != 0 {
		t.Errorf("spent %v, reserved %v, %v", spent, reserved, err)
	}
}

func noticeData(t *testing.T, notes []task.Note) []byte {
	t.Helper()
	raw, err := json.Marshal(task.NoticeData{Text: "noted", Notes: notes})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
