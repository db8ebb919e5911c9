package shift

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"honk/internal/postgres"
	"honk/internal/task"
)

const selectRows = `SELECT shift, repo, unit, state, wave, place, want, doing, due_at, not_before,
	task_id, branch, number, cluster, signature, data, version FROM shift_rows`

func scanRow(row pgx.CollectableRow) (r Row, err error) {
	var id string
	err = row.Scan(&r.Shift, &r.Repo, &r.Unit, &r.State, &r.Wave, &r.Place, &r.Want, &r.Doing, &r.DueAt, &r.NotBefore,
		&id, &r.Branch, &r.Number, &r.Cluster, &r.Signature, &r.Data, &r.Version)
	r.TaskID = task.ID(id)
	return r, err
}

// Row returns a row; postgres.ErrNotFound when there is none.
func (s Store) Row(ctx context.Context, shift, repo, unit string) (Row, error) {
	return FindRow(ctx, s.db.Store, shift, repo, unit)
}

// FindRow is Store.Row in the transaction of s.
func FindRow(ctx context.Context, s postgres.Store, shift, repo, unit string) (Row, error) {
	return postgres.One(ctx, s, findRow, rowKey(shift, repo, unit), scanRow)
}

const findRow = selectRows + ` WHERE shift = @shift AND repo = @repo AND unit = @unit`

func rowKey(shift, repo, unit string) pgx.StrictNamedArgs {
	return pgx.StrictNamedArgs{"shift": clean(shift), "repo": clean(repo), "unit": clean(unit)}
}

// Rows returns all rows of a shift in the order of the rollout.
func (s Store) Rows(ctx context.Context, shift string) ([]Row, error) {
	return postgres.Many(ctx, s.db.Store, listRows, pgx.StrictNamedArgs{"shift": clean(shift)}, scanRow)
}

const byPlace = ` ORDER BY wave, place, repo, unit`

const listRows = selectRows + ` WHERE shift = @shift` + byPlace

// RowsIn returns the rows of a shift that are in one of the states, in the
// order of the rollout.
func (s Store) RowsIn(ctx context.Context, shift string, states ...string) ([]Row, error) {
	return postgres.Many(ctx, s.db.Store, listRowsIn, pgx.StrictNamedArgs{
		"shift": clean(shift), "states": append([]string{}, states...),
	}, scanRow)
}

const listRowsIn = selectRows + ` WHERE shift = @shift AND state = ANY (@states)` + byPlace

// Due returns rows of all shifts that are due by now, the longest due first.
func (s Store) Due(ctx context.Context, now time.Time, limit int) ([]Row, error) {
	return postgres.Many(ctx, s.db.Store, listDue, pgx.StrictNamedArgs{"now": now, "limit": limit}, scanRow)
}

const listDue = selectRows + ` WHERE due_at <= @now ORDER BY due_at LIMIT @limit`

// first takes one where units share a task or a pull request. No index is in
// this order: one that were would be walked from its start.
const first = ` ORDER BY place, shift, repo, unit LIMIT 1`

// RowOfTask returns the row that a task runs for; postgres.ErrNotFound when it
// is no row's, or no longer its row's.
func (s Store) RowOfTask(ctx context.Context, id task.ID) (Row, error) {
	return postgres.One(ctx, s.db.Store, findRowOfTask, pgx.StrictNamedArgs{"task_id": clean(string(id))}, scanRow)
}

const findRowOfTask = selectRows + ` WHERE task_id = @task_id AND task_id <> ''` + first

// RowOfPull returns the row of a pull request; postgres.ErrNotFound when it is
// no row's.
func (s Store) RowOfPull(ctx context.Context, repo string, number int) (Row, error) {
	return postgres.One(ctx, s.db.Store, findRowOfPull, pgx.StrictNamedArgs{"repo": clean(repo), "number": number}, scanRow)
}

const findRowOfPull = selectRows + ` WHERE repo = @repo AND number = @number AND number > 0` + first

// RowOfBranch returns the row that pushes to a branch; postgres.ErrNotFound
// when none does.
func (s Store) RowOfBranch(ctx context.Context, repo, branch string) (Row, error) {
	return postgres.One(ctx, s.db.Store, findRowOfBranch, pgx.StrictNamedArgs{
		"repo": clean(repo), "branch": clean(branch),
	}, scanRow)
}

const findRowOfBranch = selectRows + ` WHERE repo = @repo AND branch = @branch AND branch <> ''` + first

// RowsOfRepo returns the rows of a repository in all shifts.
func (s Store) RowsOfRepo(ctx context.Context, repo string) ([]Row, error) {
	return postgres.Many(ctx, s.db.Store, listRowsOfRepo, pgx.StrictNamedArgs{"repo": clean(repo)}, scanRow)
}

const listRowsOfRepo = selectRows + ` WHERE repo = @repo ORDER BY shift, unit`

// CountStates returns how many rows of a shift are in each state that has any.
func (s Store) CountStates(ctx context.Context, shift string) (map[string]int, error) {
	type count struct {
		state string
		n     int
	}
	counts, err := postgres.Many(ctx, s.db.Store, countStates, pgx.StrictNamedArgs{"shift": clean(shift)},
		func(row pgx.CollectableRow) (c count, err error) {
			err = row.Scan(&c.state, &c.n)
			return c, err
		})
	states := make(map[string]int, len(counts))
	for _, c := range counts {
		states[c.state] = c.n
	}
	return states, err
}

const countStates = `SELECT state, count(*) FROM shift_rows WHERE shift = @shift GROUP BY state`

// Events returns what became of a row, the oldest first.
func (s Store) Events(ctx context.Context, shift, repo, unit string) ([]Event, error) {
	return postgres.Many(ctx, s.db.Store, listEvents, rowKey(shift, repo, unit),
		func(row pgx.CollectableRow) (e Event, err error) {
			err = row.Scan(&e.Shift, &e.Repo, &e.Unit, &e.Seq, &e.At, &e.From, &e.To, &e.Cause, &e.Actor, &e.Delivery, &e.Log)
			return e, err
		})
}

const listEvents = `SELECT shift, repo, unit, seq, at, from_state, to_state, cause, actor, delivery, log
	FROM shift_events WHERE shift = @shift AND repo = @repo AND unit = @unit ORDER BY seq`
