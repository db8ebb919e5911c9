package queue_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"honk/internal/llm"
	"honk/internal/postgres"
	"honk/internal/task"
	"honk/queue"
	"honk/queue/budget"
)

// TestLedger_parallel lets many workers spend at once: no cap is passed.
func TestLedger_parallel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	caps := budget.Caps{
		Task:    llm.Amount{USD: 1, Tokens: 1000},
		RepoDay: llm.Amount{USD: 1.5},
		Day:     llm.Amount{USD: 2},
	}
	var mu sync.Mutex
	spent, denied := 0, map[string]int{}
	var all sync.WaitGroup
	for i := range 4 {
		req := request([]string{"api", "api", "web", "web"}[i], time.Now().String())
		ledger := budget.Ledger(b.db, task.Task{ID: task.NewID(time.Now()), Request: req, Attempt: 1}, caps)
		for range 3 {
			all.Go(func() {
				for range 10 {
					r, err := ledger.ReserveFunc(t.Context(), llm.Amount{USD: 0.1, Tokens: 10})
					if no, ok := errors.AsType[*llm.DeniedError](err); ok {
						mu.Lock()
						denied[no.Scope]++
						mu.Unlock()
						continue
					}
					if err != nil {
						t.Error(err)
						return
					}
					if _, err := r.SettleFunc(t.Context(), llm.Amount{USD: 0.1, Tokens: 10}); err != nil {
						t.Error(err)
					}
					mu.Lock()
					spent++
					mu.Unlock()
				}
			})
		}
	}
	all.Wait()
	if spent > 20 || spent < 19 { // $2.00 in steps of $0.10, binary fractions apart
		t.Errorf("%d calls were paid for, want 20", spent)
	}
	if denied["day"] == 0 {
		t.Errorf("denied %v, want some by the day's cap", denied)
	}
}

func TestLedger_settle(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tk := task.Task{ID: task.NewID(time.Now()), Request: request("api", "1"), Attempt: 1}
	ledger := budget.Ledger(b.db, tk, budget.Caps{Task: llm.Amount{USD: 1}})
	r, err := ledger.ReserveFunc(t.Context(), llm.Amount{USD: 0.8, Tokens: 100})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.ReserveFunc(t.Context(), llm.Amount{USD: 0.3}); err == nil {
		t.Error("$0.80 and $0.30 were reserved of $1.00")
	}
	balance, err := r.SettleFunc(t.Context(), llm.Amount{USD: 0.25, Tokens: 30})
	if err != nil {
		t.Fatal(err)
	}
	if balance.Left.USD != 0.75 || balance.Used != 0.25 {
		t.Errorf("balance %+v, want $0.75 left, a quarter used", balance)
	}
	// Settled twice is booked once.
	if _, err := r.SettleFunc(t.Context(), llm.Amount{USD: 0.25, Tokens: 30}); err != nil {
		t.Fatal(err)
	}
	if got, err := budget.Spent(t.Context(), b.db, tk.ID); err != nil || got != (llm.Amount{USD: 0.25, Tokens: 30}) {
		t.Errorf("spent %+v, %v", got, err)
	}
}

func TestRecorder_recallsWhatWasRecorded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.submit("api", "1")
	var rec postgres.Record
	if err := b.db.InTx(t.Context(), func(tx *postgres.Tx) (err error) {
		rec, _, err = tx.Claim(t.Context(), "w", postgres.Room{})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	r := queue.Recorder{Queue: b.q}
	patch := `{"base":"4be1c02","diff":"AAEC","files":[{"path":"a.go","kind":"modified","added":1,"removed":0,"size":3}]}`
	for seq, e := range []task.Event{
		{Kind: task.EventReply, Step: 1, Data: []byte("{\"text\":\"\\u0000 \\ud800\"}")},
		{Kind: task.EventPatch, Data: []byte(patch)},
		{Kind: task.EventVerdict, Data: []byte(`{"decision":"approve"}`)},
	} {
		e.TaskID, e.Seq, e.Attempt, e.At = rec.ID, seq+1, rec.Attempt, time.Now()
		for range 2 { // an answer that was lost: the same again is fine
			if err := r.Record(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := r.Recall(context.WithoutCancel(t.Context()), rec.ID)
	if err != nil || len(got) != 3 {
		t.Fatalf("recalled %d events, %v", len(got), err)
	}
	if string(got[1].Data) != patch {
		t.Errorf("the patch came back as %s", got[1].Data)
	}
	if p, err := b.db.Patch(t.Context(), rec.ID); err != nil || len(p.Diff) != 3 || p.Files[0].Path != "a.go" {
		t.Errorf("patch %+v, %v", p, err)
	}
}
