package budget

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"honk/internal/llm"
	"honk/internal/postgres"
	"honk/internal/task"
)

// patience is how long a reservation waits for a database that is away.
const patience = time.Minute

// Caps are what may be spent; 0 is no cap.
type Caps struct {
	Task, RepoDay, Day llm.Amount
}

// Ledger returns the ledger of a task: what it spends is reserved first,
// against its own cap, its repository's of the day and that of the day. Days
// are UTC's.
func Ledger(db *postgres.DB, t task.Task, caps Caps) llm.Ledger {
	return llm.Ledger{ReserveFunc: func(ctx context.Context, a llm.Amount) (llm.Reservation, error) {
		scopes := scopesOf(t, caps, time.Now())
		var id int64
		err := postgres.Persist(ctx, patience, func(ctx context.Context) (err error) {
			id, err = reserve(ctx, db, t, scopes, a)
			return err
		})
		if denied, ok := errors.AsType[*llm.DeniedError](err); ok {
			return llm.Reservation{}, denied
		}
		if err != nil {
			return llm.Reservation{}, err
		}
		return llm.Reservation{SettleFunc: func(ctx context.Context, spent llm.Amount) (balance llm.Balance, err error) {
			err = postgres.Persist(ctx, patience, func(ctx context.Context) (err error) {
				balance.Left, balance.Used, err = settle(ctx, db, id, scopes, spent)
				return err
			})
			return balance, err
		}}, nil
	}}
}

func scopesOf(t task.Task, caps Caps, now time.Time) []scope {
	day := now.UTC().Format(time.DateOnly)
	repo := t.Request.Repo
	return []scope{
		{key: taskScope(t.ID), name: "task", cap: caps.Task},
		{key: fmt.Sprintf("repo:%s/%s:%s", repo.Host, repo, day), name: "repository today", cap: caps.RepoDay},
		{key: "day:" + day, name: "day", cap: caps.Day},
	}
}

// taskScope is the key under which a task's own spending is booked.
func taskScope(id task.ID) string { return "task:" + string(id) }

// Spent returns what a task has spent so far, in all of its attempts.
func Spent(ctx context.Context, db *postgres.DB, id task.ID) (a llm.Amount, err error) {
	err = postgres.Persist(ctx, patience, func(ctx context.Context) error {
		return db.InTx(ctx, func(tx *postgres.Tx) error {
			b, err := read(ctx, tx, taskScope(id))
			a = b.spent
			if errors.Is(err, pgx.ErrNoRows) {
				return nil
			}
			return err
		})
	})
	return a, err
}

type row struct{ spent, reserved llm.Amount }

// read returns a scope's row; pgx.ErrNoRows when there is none.
func read(ctx context.Context, tx *postgres.Tx, key string) (r row, err error) {
	err = tx.Pgx().QueryRow(ctx, readBudget, pgx.StrictNamedArgs{"scope": key}).
		Scan(&r.spent.USD, &r.spent.Tokens, &r.reserved.USD, &r.reserved.Tokens)
	if err != nil {
		return r, fmt.Errorf("reading a budget: %w", err)
	}
	return r, nil
}

const readBudget = `SELECT spent_usd, spent_tokens, reserved_usd, reserved_tokens FROM budgets WHERE scope = @scope`

func unlimited() llm.Amount { return llm.Amount{USD: math.Inf(1), Tokens: math.MaxInt} }

// balance returns what is neither spent nor reserved in a scope, and the
// spent share of its cap.
func balance(ctx context.Context, tx *postgres.Tx, s scope) (left llm.Amount, used float64, err error) {
	b, err := read(ctx, tx, s.key)
	left = unlimited()
	if c := s.cap.USD; c > 0 {
		left.USD = max(0, c-b.spent.USD-b.reserved.USD)
		used = b.spent.USD / c
	}
	if c := s.cap.Tokens; c > 0 {
		left.Tokens = max(0, c-b.spent.Tokens-b.reserved.Tokens)
		used = max(used, float64(b.spent.Tokens)/float64(c))
	}
	return left, used, err
}
