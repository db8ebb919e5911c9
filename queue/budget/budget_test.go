package budget

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"honk/internal/llm"
	"honk/internal/postgres"
	"honk/internal/postgres/pgtest"
	"honk/internal/task"
)

func newDB(t *testing.T) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), pgtest.New(t, func(ctx context.Context, url string) error {
		db, err := postgres.Open(ctx, url, 2)
		if err != nil {
			return err
		}
		defer db.Close()
		_, err = db.Migrate(ctx)
		return err
	}, "budget"), 8)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// Parallel workers on common budgets neither overspend nor wait for each other
// in a circle, and a killed one's reservation is booked by the next.
func TestParallel(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	var all sync.WaitGroup
	for i := range 8 {
		tk := task.Task{ID: task.NewID(time.Now()), Attempt: 1}
		scopes := []scope{
			{key: taskScope(tk.ID)},
			{key: "repo:forge/acme/api:2026-01-01", name: "repository", cap: llm.Amount{USD: 3}},
			{key: "day:2026-01-01", name: "day", cap: llm.Amount{USD: 4}},
		}
		all.Go(func() { spend(t.Context(), t, db, tk, scopes, i%2 == 0) })
	}
	all.Wait()
	var spent, reserved float64
	err := db.Pool().QueryRow(t.Context(), `SELECT max(spent_usd) FILTER (WHERE scope LIKE 'day:%'), max(abs(reserved_usd) + reserved_tokens)
		FROM budgets`).Scan(&spent, &reserved)
	if err != nil || spent > 3 || spent < 2.85 || reserved > 1e-9 {
		t.Errorf("spent %v, reserved %v, %v; want 3 and nothing", spent, reserved, err)
	}
}

// spend reserves and spends until there is no more.
func spend(ctx context.Context, t *testing.T, db *postgres.DB, tk task.Task, scopes []scope, killed bool) {
	t.Helper()
	for {
		id, err := reserve(ctx, db, tk, scopes, llm.Amount{USD: 0.1, Tokens: 10})
		if denied, ok := errors.AsType[*llm.DeniedError](err); ok {
			if denied.Scope != "repository" || denied.Left.USD > 0.11 {
				t.Errorf("denied by %+v", denied)
			}
			return
		}
		if err == nil && killed {
			err = db.InTx(ctx, func(tx *postgres.Tx) error { return SettleLost(ctx, tx, tk.ID) })
		} else if err == nil {
			_, _, err = settle(ctx, db, id, scopes, llm.Amount{USD: 0.1, Tokens: 10})
		}
		if err != nil {
			t.Errorf("without patience: %v", err)
			return
		}
	}
}

func TestSpent_unknown(t *testing.T) {
	t.Parallel()
	if got, err := Spent(t.Context(), newDB(t), "nobody"); err != nil || got != (llm.Amount{}) {
		t.Errorf("got %+v, %v", got, err)
	}
}
