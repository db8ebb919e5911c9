package shift

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"honk/internal/postgres"
)

// Row is a target of a shift. Shift, Repo and Unit name it.
type Row struct {
	Shift string
	// Repo is owner/name.
	Repo  string
	Unit  string
	State string
	// DueAt is when something happens to it by itself, nil for never.
	DueAt *time.Time
	// Data is what package fleet keeps of it.
	Data json.RawMessage
	// Changed is set by the store: it grows with every change of any row.
	Changed int64
}

// Event is what happened to a row, as package fleet tells it.
type Event struct {
	Shift, Repo, Unit string
	Data              json.RawMessage
}

// batch is how many rows one statement writes.
const batch = 1000

// PutRows stores rows, new ones and changed ones.
func (s Store) PutRows(ctx context.Context, rows []Row) error {
	for part := range slices.Chunk(rows, batch) {
		err := s.Exec(ctx, putRows, pgx.StrictNamedArgs{
			"shift":  column(part, func(r Row) string { return r.Shift }),
			"repo":   column(part, func(r Row) string { return clean(r.Repo) }),
			"unit":   column(part, func(r Row) string { return clean(r.Unit) }),
			"state":  column(part, func(r Row) string { return r.State }),
			"due_at": column(part, func(r Row) *time.Time { return r.DueAt }),
			"data":   column(part, func(r Row) string { return string(r.Data) }),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Lists of JSON as text spare what JSON about JSON would cost.
const putRows = `INSERT INTO shift_rows (shift, repo, unit, state, due_at, data, changed)
	SELECT shift, repo, unit, state, due_at, data::json, nextval('shift_changes')
	FROM unnest(@shift::text[], @repo::text[], @unit::text[], @state::text[], @due_at::timestamptz[], @data::text[])
	AS g (shift, repo, unit, state, due_at, data)
	ON CONFLICT (shift, repo, unit) DO UPDATE SET state = excluded.state, due_at = excluded.due_at,
	data = excluded.data, changed = excluded.changed`

// AddEvents appends what happened to rows, in order.
func (s Store) AddEvents(ctx context.Context, events []Event) error {
	for part := range slices.Chunk(events, batch) {
		err := s.Exec(ctx, addEvents, pgx.StrictNamedArgs{
			"shift": column(part, func(e Event) string { return e.Shift }),
			"repo":  column(part, func(e Event) string { return clean(e.Repo) }),
			"unit":  column(part, func(e Event) string { return clean(e.Unit) }),
			"data":  column(part, func(e Event) string { return string(e.Data) }),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

const addEvents = `INSERT INTO shift_events (shift, repo, unit, data)
	SELECT shift, repo, unit, data::json FROM unnest(@shift::text[], @repo::text[], @unit::text[], @data::text[])
	WITH ORDINALITY AS g (shift, repo, unit, data, n) ORDER BY n`

func column[T, V any](list []T, of func(T) V) []V {
	col := make([]V, len(list))
	for i, v := range list {
		col[i] = of(v)
	}
	return col
}

const selectRows = `SELECT shift, repo, unit, state, due_at, data, changed FROM shift_rows`

func scanRow(row pgx.CollectableRow) (r Row, err error) {
	err = row.Scan(&r.Shift, &r.Repo, &r.Unit, &r.State, &r.DueAt, &r.Data, &r.Changed)
	return r, err
}

func rowKey(shift, repo, unit string) pgx.StrictNamedArgs {
	return pgx.StrictNamedArgs{"shift": clean(shift), "repo": clean(repo), "unit": clean(unit)}
}

// Row returns a row; postgres.ErrNotFound when there is none.
func (s Store) Row(ctx context.Context, shift, repo, unit string) (Row, error) {
	return postgres.One(ctx, s.Store, findRow, rowKey(shift, repo, unit), scanRow)
}

const findRow = selectRows + ` WHERE shift = @shift AND repo = @repo AND unit = @unit`

// Rows returns all rows of a shift by repository and unit.
func (s Store) Rows(ctx context.Context, shift string) ([]Row, error) {
	return postgres.Many(ctx, s.Store, listRows, pgx.StrictNamedArgs{"shift": clean(shift)}, scanRow)
}

const listRows = selectRows + ` WHERE shift = @shift ORDER BY repo, unit`

// RowsOf returns the rows of a repository in all shifts, whatever the case of
// its name.
func (s Store) RowsOf(ctx context.Context, repo string) ([]Row, error) {
	return postgres.Many(ctx, s.Store, listRowsOf, pgx.StrictNamedArgs{"repo": clean(repo)}, scanRow)
}

const listRowsOf = selectRows + ` WHERE lower(repo) = lower(@repo) ORDER BY shift, unit`

// Changed returns what has changed of all shifts after a change, in order.
func (s Store) Changed(ctx context.Context, after int64) ([]Row, error) {
	return postgres.Many(ctx, s.Store, listChanged, pgx.StrictNamedArgs{"after": after}, scanRow)
}

const listChanged = selectRows + ` WHERE changed > @after ORDER BY changed`

// Due returns the rows of shifts in a phase that are due by now, the longest
// due first.
func (s Store) Due(ctx context.Context, phase string, now time.Time) ([]Row, error) {
	return postgres.Many(ctx, s.Store, listDue, pgx.StrictNamedArgs{"phase": phase, "now": now}, scanRow)
}

const listDue = `SELECT shift, repo, unit, r.state, due_at, data, changed FROM shift_rows r JOIN shifts ON name = shift
	WHERE phase = @phase AND due_at <= @now ORDER BY due_at`

// Events returns what became of a row, the oldest first.
func (s Store) Events(ctx context.Context, shift, repo, unit string) ([]Event, error) {
	return postgres.Many(ctx, s.Store, listEvents, rowKey(shift, repo, unit), func(row pgx.CollectableRow) (e Event, err error) {
		err = row.Scan(&e.Shift, &e.Repo, &e.Unit, &e.Data)
		return e, err
	})
}

const listEvents = `SELECT shift, repo, unit, data FROM shift_events WHERE shift = @shift AND repo = @repo AND unit = @unit ORDER BY seq`

// LastChange is the latest change of any row, 0 when there is none.
func (s Store) LastChange(ctx context.Context) (int64, error) {
	return postgres.One(ctx, s.Store, lastChange, pgx.StrictNamedArgs{}, pgx.RowTo[int64])
}

const lastChange = `SELECT coalesce(max(changed), 0) FROM shift_rows`
