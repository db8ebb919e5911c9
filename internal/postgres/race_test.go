package postgres

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/internal/task"
)

func newTask(t *testing.T, db *DB, delivery string) task.Task {
	t.Helper()
	tk, _, err := db.AddTask(t.Context(), task.Task{ID: task.NewID(time.Now()), CreatedAt: time.Now(), Request: task.Request{
		Source: task.SourceGitHub, DeliveryID: delivery, Repo: task.Repo{Host: "forge", Owner: "acme", Name: "api"},
		Origin: task.Origin{Thread: "1"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return tk
}

// A note that comes while the end of its task is being stored is either seen
// by that or refused.
func TestAddNote_duringTheEnd(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	tk := newTask(t, db, "1")
	taken := make(chan bool, 1)
	err := db.InTx(t.Context(), func(tx *Tx) error {
		if err := tx.Finish(t.Context(), tk, task.StatusDelivered, nil); err != nil {
			return err
		}
		if left, err := tx.NotesLeft(t.Context(), tk.ID); left != 0 || err != nil {
			return fmt.Errorf("%d notes are left: %w", left, err)
		}
		go func() {
			ok, err := db.AddNote(t.Context(), tk.ID, "1", task.Note{Text: "and small"})
			if err != nil {
				t.Error(err)
			}
			taken <- ok
		}()
		waitForLock(t, db)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if <-taken {
		t.Error("the note went to a task that never saw it")
	}
}

// waitForLock waits until somebody waits for somebody else, or would have.
func waitForLock(t *testing.T, db *DB) {
	t.Helper()
	for range 100 {
		var waiting bool
		err := db.pool.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waiting)
		if err != nil {
			t.Error(err)
		}
		if waiting {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
}

func TestAddNote_cancelled(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	tk := newTask(t, db, "1")
	if ok, err := db.Cancel(t.Context(), tk.ID, "@ada"); !ok || err != nil {
		t.Fatalf("cancelling: %t, %v", ok, err)
	}
	if ok, err := db.AddNote(t.Context(), tk.ID, "1", task.Note{}); ok || err != nil {
		t.Errorf("a note to a task that is to end: %t, %v", ok, err)
	}
}

// The same message ends what it found the first time, and nothing more.
func TestCancelThread(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	one := newTask(t, db, "1")
	cancel := func(key string) int {
		t.Helper()
		n, err := db.CancelThread(t.Context(), one.Request.Repo, "1", "@ada", key)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if got := cancel("a"); got != 1 {
		t.Errorf("it ended %d tasks, want 1", got)
	}
	if err := db.Finish(t.Context(), one, task.StatusCancelled, nil); err != nil {
		t.Fatal(err)
	}
	two := newTask(t, db, "2")
	if got := cancel("a"); got != 1 {
		t.Errorf("the second time it ended %d tasks, want the one of the first", got)
	}
	if rec, err := db.Task(t.Context(), two.ID); err != nil || rec.CancelledBy != "" {
		t.Errorf("it ended what came later: %q, %v", rec.CancelledBy, err)
	}
	if got := cancel("b"); got != 1 {
		t.Errorf("another ended %d tasks, want 1", got)
	}
}

// A day's budget is not forgotten on the same day, however short the retention.
func TestForget_budgets(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	_, err := db.pool.Exec(t.Context(), `INSERT INTO budgets (scope, spent_usd, reserved_usd, touched_at) VALUES
		('day:today', 5, 0, now() - interval '20 hours'),
		('day:past', 5, 1e-17, now() - interval '3 days'),
		('task:held', 5, 1, now() - interval '3 days')`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Forget(t.Context(), Retention{Deliveries: time.Hour, Events: time.Hour, Patches: time.Hour}); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, key := range []string{"day:today", "day:past", "task:held"} {
		var kept bool
		if err := db.pool.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM budgets WHERE scope = $1)", key).Scan(&kept); err != nil {
			t.Fatal(err)
		}
		got[key] = kept
	}
	if diff := cmp.Diff(map[string]bool{"day:today": true, "day:past": false, "task:held": true}, got); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

// A claim that has waited for another sees the task that came meanwhile, so
// that no ticket is spent for nothing; and it leaves alone what has just ended.
func TestClaim_afterWaiting(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	claimed := make(chan string, 1)
	err := db.InTx(t.Context(), func(tx *Tx) error {
		if err := tx.Lock(t.Context(), "claim"); err != nil {
			return err
		}
		go func() {
			var rec Record
			err := db.InTx(t.Context(), func(tx *Tx) (err error) {
				rec, _, err = tx.Claim(t.Context(), "w", Room{})
				return err
			})
			if err != nil {
				t.Error(err)
			}
			claimed <- rec.Request.DeliveryID
		}()
		waitForLock(t, db)
		newTask(t, db, "late")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := <-claimed; got != "late" {
		t.Errorf("it took %q, want the task that came meanwhile", got)
	}
	gone := newTask(t, db, "cancelled")
	ok := make(chan bool, 1)
	err = db.InTx(t.Context(), func(tx *Tx) error {
		if err := tx.Finish(t.Context(), gone, task.StatusCancelled, nil); err != nil {
			return err
		}
		go func() {
			var found bool
			err := db.InTx(t.Context(), func(tx *Tx) (err error) {
				_, found, err = tx.Claim(t.Context(), "w", Room{})
				return err
			})
			if err != nil {
				t.Error(err)
			}
			ok <- found
		}()
		waitForLock(t, db)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if <-ok {
		t.Error("it took a task that has ended")
	}
}

// Comments are handled side by side: their order is that of the writing.
func TestDueFeedback_order(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	repo, now := newTask(t, db, "1").Request.Repo, time.Now()
	for i, text := range []string{"second", "first"} {
		note := task.Note{Author: "ada", At: now.Add(-time.Duration(i) * time.Minute), Text: text}
		if _, err := db.AddFeedback(t.Context(), repo, 1, Feedback{Key: text, Note: note, Quiet: time.Hour, Most: time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	list, wait, err := db.DueFeedback(t.Context(), repo, 1)
	if err != nil || len(list) != 2 || list[0].Key != "first" || wait < 59*time.Minute {
		t.Errorf("got %v, due in %s, %v", list, wait, err)
	}
}
