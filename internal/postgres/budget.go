package postgres

import (
	"context"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"

	"honk/internal/task"
)

// Amount is money and tokens.
type Amount struct {
	USD    float64
	Tokens int64
}

// Scope is something that has a budget, and its caps; 0 is none.
type Scope struct {
	// Key names the row, Name is for people.
	Key, Name string
	Cap       Amount
}

// Denied says which scope has too little left.
type Denied struct {
	Scope Scope
	Left  Amount
}

// Reserve sets an amount aside in every scope or in none. denied is not nil
// when a scope has less than that left.
func (db *DB) Reserve(ctx context.Context, t task.Task, scopes []Scope, a Amount) (id int64, denied *Denied, err error) {
	keys := make([]string, len(scopes))
	err = db.InTx(ctx, func(tx *Tx) error {
		for i, s := range sorted(scopes) {
			keys[i] = s.Key
			if err := tx.exec(ctx, addBudget, pgx.StrictNamedArgs{"scope": s.Key}); err != nil {
				return err
			}
			n, err := tx.affect(ctx, reserveBudget, pgx.StrictNamedArgs{
				"scope": s.Key, "usd": a.USD, "tokens": a.Tokens, "cap_usd": s.Cap.USD, "cap_tokens": s.Cap.Tokens,
			})
			if err != nil {
				return err
			}
			if n == 0 {
				left, _, err := tx.balance(ctx, s)
				denied = &Denied{Scope: s, Left: left}
				if err != nil {
					return err
				}
				return errDenied
			}
		}
		id, err = one(ctx, tx.Store, addReservation, pgx.StrictNamedArgs{
			"task_id": string(t.ID), "attempt": t.Attempt, "scopes": keys, "usd": a.USD, "tokens": a.Tokens,
		}, pgx.RowTo[int64])
		return err
	})
	if err == errDenied { //nolint:errorlint // our own sentinel, returned as it is
		return 0, denied, nil
	}
	return id, nil, err
}

const addBudget = `INSERT INTO budgets (scope) VALUES (@scope) ON CONFLICT DO NOTHING`

const reserveBudget = `UPDATE budgets
	SET reserved_usd = reserved_usd + @usd, reserved_tokens = reserved_tokens + @tokens, touched_at = now()
	WHERE scope = @scope
	AND (@cap_usd::float8 = 0 OR spent_usd + reserved_usd + @usd <= @cap_usd)
	AND (@cap_tokens::bigint = 0 OR spent_tokens + reserved_tokens + @tokens <= @cap_tokens)`

const addReservation = `INSERT INTO reservations (task_id, attempt, scopes, usd, tokens)
	VALUES (@task_id, @attempt, @scopes, @usd, @tokens) RETURNING id`

// Settle gives a reservation back and books what was spent. One that somebody
// else has settled since is left alone. It returns what is left in the
// scope closest to its cap, and the spent share of that cap.
func (db *DB) Settle(ctx context.Context, id int64, scopes []Scope, spent Amount) (left Amount, used float64, err error) {
	left = Amount{math.Inf(1), math.MaxInt64}
	err = db.InTx(ctx, func(tx *Tx) error {
		if err := tx.exec(ctx, settle, pgx.StrictNamedArgs{
			"id": id, "usd": spent.USD, "tokens": spent.Tokens,
		}); err != nil {
			return err
		}
		for _, s := range scopes {
			l, u, err := tx.balance(ctx, s)
			if err != nil {
				return err
			}
			left = Amount{min(left.USD, l.USD), min(left.Tokens, l.Tokens)}
			used = max(used, u)
		}
		return nil
	})
	return left, used, err
}

const settle = `WITH gone AS (DELETE FROM reservations WHERE id = @id RETURNING scopes, usd, tokens)
	UPDATE budgets SET reserved_usd = greatest(0, reserved_usd - gone.usd),
		reserved_tokens = greatest(0, reserved_tokens - gone.tokens),
		spent_usd = spent_usd + @usd, spent_tokens = spent_tokens + @tokens, touched_at = now()
	FROM gone WHERE scope = ANY(gone.scopes)`

// SettleLost books what earlier attempts at a task reserved and never
// settled, whole: the calls may have been charged.
func (s Store) SettleLost(ctx context.Context, t task.Task) error {
	return s.exec(ctx, settleLost, pgx.StrictNamedArgs{"task_id": string(t.ID), "attempt": t.Attempt})
}

const settleLost = `WITH gone AS (
		DELETE FROM reservations WHERE task_id = @task_id AND attempt < @attempt RETURNING scopes, usd, tokens
	), sums AS (
		SELECT scope, sum(usd) AS usd, sum(tokens) AS tokens FROM gone, unnest(scopes) AS scope GROUP BY scope
	)
	UPDATE budgets SET reserved_usd = greatest(0, reserved_usd - sums.usd),
		reserved_tokens = greatest(0, reserved_tokens - sums.tokens),
		spent_usd = spent_usd + sums.usd, spent_tokens = spent_tokens + sums.tokens, touched_at = now()
	FROM sums WHERE budgets.scope = sums.scope`

// Spent returns what was spent in a scope.
func (s Store) Spent(ctx context.Context, key string) (Amount, error) {
	rows, err := many(ctx, s, readBudget, pgx.StrictNamedArgs{"scope": key}, scanBudget)
	if err != nil || len(rows) == 0 {
		return Amount{}, err
	}
	return rows[0].spent, nil
}

type budget struct{ spent, reserved Amount }

func scanBudget(row pgx.CollectableRow) (b budget, err error) {
	err = row.Scan(&b.spent.USD, &b.spent.Tokens, &b.reserved.USD, &b.reserved.Tokens)
	return b, err
}

const readBudget = `SELECT spent_usd, spent_tokens, reserved_usd, reserved_tokens FROM budgets WHERE scope = @scope`

// balance returns what is neither spent nor reserved in a scope, and the
// spent share of its cap.
func (s Store) balance(ctx context.Context, scope Scope) (left Amount, used float64, err error) {
	b, err := one(ctx, s, readBudget, pgx.StrictNamedArgs{"scope": scope.Key}, scanBudget)
	left = Amount{math.Inf(1), math.MaxInt64}
	if c := scope.Cap.USD; c > 0 {
		left.USD = max(0, c-b.spent.USD-b.reserved.USD)
		used = b.spent.USD / c
	}
	if c := scope.Cap.Tokens; c > 0 {
		left.Tokens = max(0, c-b.spent.Tokens-b.reserved.Tokens)
		used = max(used, float64(b.spent.Tokens)/float64(c))
	}
	return left, used, err
}

// sorted returns the scopes in the one order in which everybody locks them.
func sorted(scopes []Scope) []Scope {
	return slices.SortedFunc(slices.Values(scopes), func(a, b Scope) int {
		switch {
		case a.Key < b.Key:
			return -1
		case a.Key > b.Key:
			return 1
		}
		return 0
	})
}
