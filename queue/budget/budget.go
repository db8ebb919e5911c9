// Package budget is what may be spent and what was: money and tokens by task,
// by a repository's day and by day. What a call may cost is reserved before it
// is made, in the database, so that parallel workers cannot overspend
// together.
package budget

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"honk/internal/llm"
	"honk/internal/postgres"
	"honk/internal/task"
)

// scope is something that has a budget, and its cap; 0 is none.
type scope struct {
	// key names the row, name is for people.
	key, name string
	cap       llm.Amount
}

// reserve sets an amount aside in every scope or in none. The error is an
// *llm.DeniedError when a scope has less than that left.
func reserve(ctx context.Context, db *postgres.DB, t task.Task, scopes []scope, a llm.Amount) (id int64, err error) {
	keys := keysOf(scopes)
	err = db.InTx(ctx, func(tx *postgres.Tx) error {
		for _, s := range sorted(scopes) {
			if err := exec(ctx, tx, addBudget, pgx.StrictNamedArgs{"scope": s.key}); err != nil {
				return err
			}
			tag, err := tx.Pgx().Exec(ctx, reserveBudget, pgx.StrictNamedArgs{
				"scope": s.key, "usd": a.USD, "tokens": a.Tokens, "cap_usd": s.cap.USD, "cap_tokens": s.cap.Tokens,
			})
			if err != nil {
				return fmt.Errorf("reserving: %w", err)
			}
			if tag.RowsAffected() == 0 {
				left, _, err := balance(ctx, tx, s)
				return errors.Join(err, &llm.DeniedError{Scope: s.name, Left: left})
			}
		}
		rows, err := tx.Pgx().Query(ctx, addReservation, pgx.StrictNamedArgs{
			"task_id": string(t.ID), "attempt": t.Attempt, "scopes": keys, "usd": a.USD, "tokens": a.Tokens,
		})
		if err == nil {
			id, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[int64])
		}
		return err
	})
	return id, err
}

const addBudget = `INSERT INTO budgets (scope) VALUES (@scope) ON CONFLICT DO NOTHING`

const reserveBudget = `UPDATE budgets
	SET reserved_usd = reserved_usd + @usd, reserved_tokens = reserved_tokens + @tokens, touched_at = now()
	WHERE scope = @scope
	AND (@cap_usd::float8 = 0 OR spent_usd + reserved_usd + @usd <= @cap_usd)
	AND (@cap_tokens::bigint = 0 OR spent_tokens + reserved_tokens + @tokens <= @cap_tokens)`

const addReservation = `INSERT INTO reservations (task_id, attempt, scopes, usd, tokens)
	VALUES (@task_id, @attempt, @scopes, @usd, @tokens) RETURNING id`

// settle gives a reservation back and books what was spent. One that somebody
// else has settled since is left alone. It returns what is left in the scope
// closest to its cap, and the spent share of that cap.
func settle(ctx context.Context, db *postgres.DB, id int64, scopes []scope, spent llm.Amount) (left llm.Amount, used float64, err error) {
	left = unlimited()
	err = db.InTx(ctx, func(tx *postgres.Tx) error {
		if err := lock(ctx, tx, keysOf(scopes)); err != nil {
			return err
		}
		err := exec(ctx, tx, settleOne, pgx.StrictNamedArgs{"id": id, "usd": spent.USD, "tokens": spent.Tokens})
		if err != nil {
			return err
		}
		for _, s := range scopes {
			l, u, err := balance(ctx, tx, s)
			if err != nil {
				return err
			}
			left = llm.Amount{USD: min(left.USD, l.USD), Tokens: min(left.Tokens, l.Tokens)}
			used = max(used, u)
		}
		return nil
	})
	return left, used, err
}

const settleOne = `WITH gone AS (DELETE FROM reservations WHERE id = @id RETURNING scopes, usd, tokens)
	UPDATE budgets SET reserved_usd = greatest(0, reserved_usd - gone.usd),
		reserved_tokens = greatest(0, reserved_tokens - gone.tokens),
		spent_usd = spent_usd + @usd, spent_tokens = spent_tokens + @tokens, touched_at = now()
	FROM gone WHERE scope = ANY(gone.scopes)`

// lock takes the rows of scopes in the one order in which everybody does; an
// update of several takes them as it finds them.
func lock(ctx context.Context, tx *postgres.Tx, keys []string) error {
	return exec(ctx, tx, lockBudgets, pgx.StrictNamedArgs{"scopes": keys})
}

const lockBudgets = `SELECT FROM budgets WHERE scope = ANY(@scopes) ORDER BY scope COLLATE "C" FOR UPDATE`

// SettleLost books what attempts at a task reserved and never settled, whole:
// the calls may have been charged. No attempt at it may be under way.
func SettleLost(ctx context.Context, tx *postgres.Tx, id task.ID) error {
	args := pgx.StrictNamedArgs{"task_id": string(id)}
	rows, err := tx.Pgx().Query(ctx, listReserved, args)
	if err != nil {
		return fmt.Errorf("looking for reservations: %w", err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(keys) == 0 {
		return err
	}
	if err := lock(ctx, tx, keys); err != nil {
		return err
	}
	return exec(ctx, tx, settleLost, args)
}

const listReserved = `SELECT DISTINCT unnest(scopes) FROM reservations WHERE task_id = @task_id`

const settleLost = `WITH gone AS (
		DELETE FROM reservations WHERE task_id = @task_id RETURNING scopes, usd, tokens
	), sums AS (
		SELECT scope, sum(usd) AS usd, sum(tokens) AS tokens FROM gone, unnest(scopes) AS scope GROUP BY scope
	)
	UPDATE budgets SET reserved_usd = greatest(0, reserved_usd - sums.usd),
		reserved_tokens = greatest(0, reserved_tokens - sums.tokens),
		spent_usd = spent_usd + sums.usd, spent_tokens = spent_tokens + sums.tokens, touched_at = now()
	FROM sums WHERE budgets.scope = sums.scope`

func exec(ctx context.Context, tx *postgres.Tx, sql string, args pgx.StrictNamedArgs) error {
	if _, err := tx.Pgx().Exec(ctx, sql, args); err != nil {
		return fmt.Errorf("keeping the budgets: %w", err)
	}
	return nil
}

func keysOf(scopes []scope) []string {
	keys := make([]string, len(scopes))
	for i, s := range scopes {
		keys[i] = s.key
	}
	return keys
}

// sorted returns the scopes in the order of lock.
func sorted(scopes []scope) []scope {
	return slices.SortedFunc(slices.Values(scopes), func(a, b scope) int { return strings.Compare(a.key, b.key) })
}
