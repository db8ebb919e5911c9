package queue_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"honk/internal/runner"
	"honk/internal/task"
	"honk/queue"
)

func contains(raw []byte, text string) bool { return bytes.Contains(raw, []byte(text)) }

// wall is a notifier that remembers what is posted on it.
type wall struct {
	mu       sync.Mutex
	messages map[string]runner.View
	posts    int
	edits    int
	tried    int
	failFunc func(n int) error
}

func newWall() *wall { return &wall{messages: map[string]runner.View{}} }

func (w *wall) Notify(_ context.Context, n task.Notice, v runner.View) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n.Tried {
		w.tried++
	}
	if w.failFunc != nil {
		if err := w.failFunc(w.posts + w.edits); err != nil {
			return "", err
		}
	}
	id := n.MessageID
	if id == "" {
		w.posts++
		id = fmt.Sprintf("message-%d", w.posts)
	} else {
		w.edits++
	}
	w.messages[id] = v
	return id, nil
}

func (w *wall) counts() (posts, edits int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.posts, w.edits
}

func (w *wall) only() runner.View {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, v := range w.messages {
		return v
	}
	return runner.View{}
}

func doors(w *wall) map[task.Source]queue.Door {
	return map[task.Source]queue.Door{task.SourceGitHub: {Notifier: w}}
}

func (b *bundle) open() (n int) {
	b.Helper()
	err := b.db.Pool().QueryRow(b.Context(), "SELECT count(*) FROM notices WHERE closed_at IS NULL").Scan(&n)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func TestNotice_oneMessageEndsWithTheTruth(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := newWall()
	rec := queue.Recorder{Queue: b.q}
	rare := map[task.Source]queue.Door{task.SourceGitHub: {Notifier: w, EditEvery: time.Hour}}
	b.worker(queue.WorkerOptions{Doors: rare, RunFunc: func(ctx context.Context, tk task.Task) runner.Result {
		for seq := range 20 {
			err := rec.Record(ctx, task.Event{
				TaskID: tk.ID, Seq: seq + 1, Attempt: tk.Attempt, At: time.Now(), Kind: task.EventPhase,
				Data: []byte(`{"phase":"change"}`),
			})
			if err != nil {
				t.Error(err)
			}
		}
		return done(ctx, tk)
	}})
	b.submit("api", "1")
	b.eventually("nothing is owed", func() bool { return b.open() == 0 })
	posts, edits := w.counts()
	if posts != 1 || edits > 1 {
		t.Errorf("posted %d and edited %d times, want one post and at most the last edit", posts, edits)
	}
	if v := w.only(); v.Result == nil || v.Result.Summary != "done" || v.Task.Status != task.StatusDelivered {
		t.Errorf("the message ends with %+v", v)
	}
}

func TestNotice_survivesTheForge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := newWall()
	failures := 0
	w.failFunc = func(int) error {
		if failures++; failures <= 2 {
			err := task.Errorf(task.CodeRateLimited, "slow down")
			err.After = 10 * time.Millisecond
			return err
		}
		return nil
	}
	b.worker(queue.WorkerOptions{Doors: doors(w), RunFunc: done})
	b.submit("api", "1")
	b.eventually("nothing is owed", func() bool { return b.open() == 0 })
	if posts, _ := w.counts(); posts != 1 {
		t.Errorf("posted %d times", posts)
	}
	if w.tried == 0 {
		t.Error("no try was told that an earlier one may have posted")
	}
}

func TestNotice_nobodyLeft(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := newWall()
	w.failFunc = func(int) error { return task.Errorf(task.CodeNotFound, "the issue is gone") }
	b.worker(queue.WorkerOptions{Doors: doors(w), RunFunc: done})
	b.submit("api", "1")
	b.eventually("nothing is owed", func() bool { return b.open() == 0 })
}

func TestReply_onceEach(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := newWall()
	b.worker(queue.WorkerOptions{Doors: doors(w), RunFunc: done})
	n := task.Notice{Source: task.SourceGitHub, Repo: request("api", "").Repo, Thread: "1", Text: "help"}
	for range 3 {
		if err := b.q.Reply(t.Context(), n, "comment/1"); err != nil {
			t.Fatal(err)
		}
	}
	b.eventually("nothing is owed", func() bool { return b.open() == 0 })
	if posts, edits := w.counts(); posts != 1 || edits != 0 {
		t.Errorf("posted %d and edited %d times", posts, edits)
	}
}

func TestReceive_handledOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var mu sync.Mutex
	handled := map[string]int{}
	door := queue.Door{HandleFunc: func(_ context.Context, d task.Delivery) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		handled[d.ID]++
		if d.ID == "limited" && handled[d.ID] < 3 {
			err := task.Errorf(task.CodeRateLimited, "slow down")
			err.After = time.Millisecond
			return "", err
		}
		if d.ID == "refused" {
			return "", task.Errorf(task.CodeInvalid, "it makes no sense")
		}
		return "done", nil
	}}
	b.worker(queue.WorkerOptions{Doors: map[task.Source]queue.Door{task.SourceGitHub: door}, RunFunc: done})
	for range 3 {
		for _, id := range []string{"plain", "limited", "refused"} {
			d := task.Delivery{Source: task.SourceGitHub, ID: id, Event: "issue_comment", Payload: []byte(`{}`)}
			if _, err := b.q.Receive(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.eventually("all are handled", func() bool {
		var open int
		err := b.db.Pool().QueryRow(t.Context(), "SELECT count(*) FROM deliveries WHERE handled_at IS NULL").Scan(&open)
		return err == nil && open == 0
	})
	mu.Lock()
	defer mu.Unlock()
	if handled["plain"] != 1 || handled["limited"] != 3 || handled["refused"] != 1 {
		t.Errorf("handled %v", handled)
	}
}

func TestNotesLeft_becomeADelivery(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := make(chan task.Delivery, 1)
	door := queue.Door{HandleFunc: func(_ context.Context, d task.Delivery) (string, error) {
		got <- d
		return "", nil
	}}
	b.worker(queue.WorkerOptions{
		Doors: map[task.Source]queue.Door{task.SourceGitHub: door},
		RunFunc: func(ctx context.Context, tk task.Task) runner.Result {
			if ok, err := b.db.AddNote(ctx, tk.ID, "comment/2", task.Note{Author: "ada", Text: "and the docs"}); !ok || err != nil {
				t.Errorf("adding a note: %t, %v", ok, err)
			}
			return done(ctx, tk)
		},
	})
	id := b.submit("api", "1").ID
	b.ends(id, task.StatusDelivered)
	if d := <-got; d.Event != task.EventNotesLeft || string(d.Payload) != fmt.Sprintf("%q", id) {
		t.Errorf("got %s %s", d.Event, d.Payload)
	}
	if ok, err := b.db.AddNote(t.Context(), id, "comment/3", task.Note{}); ok || err != nil {
		t.Errorf("a note to a task that has ended: %t, %v", ok, err)
	}
}
