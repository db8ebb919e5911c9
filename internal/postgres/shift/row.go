package shift

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"honk/internal/postgres"
	"honk/internal/task"
)

// Row is a target of a shift. Shift, Repo and Unit name it.
type Row struct {
	Shift string
	// Repo is owner/name.
	Repo               string
	Unit               string
	State, Want, Doing string
	Wave, Place        int
	DueAt, NotBefore   *time.Time
	TaskID             task.ID
	Branch             string
	// Number is that of its pull request, 0 for none.
	Number             int
	Cluster, Signature string
	// Data is what package fleet keeps of it.
	Data json.RawMessage
	// Version is the one that was read; a new row's is 1.
	Version int64
}

// Event is a row's change of state.
type Event struct {
	// Shift, Repo, Unit and Seq are set by the store.
	Shift, Repo, Unit string
	Seq               int64
	At                time.Time
	From, To          string
	Cause, Actor      string
	Delivery, Log     string
}

// Change is a row as it is to be, and how it came to be so.
type Change struct {
	Row    Row
	Events []Event
}

// batch is how many rows one statement writes.
const batch = 1000

// AddRows stores new rows. Those that are there already stay as they are.
func AddRows(ctx context.Context, s postgres.Store, rows []Row) error {
	for part := range slices.Chunk(rows, batch) {
		if err := s.Exec(ctx, addRows, rowArgs(part)); err != nil {
			return err
		}
	}
	return nil
}

// AddRows is AddRows in a transaction of its own: all or none.
func (s Store) AddRows(ctx context.Context, rows []Row) error {
	return s.db.InTx(ctx, func(tx *postgres.Tx) error { return AddRows(ctx, tx.Store, rows) })
}

// Put stores changed rows, whose versions are then one more, and their events.
// postgres.ErrFenced when one of them is no longer what was read: the
// transaction must not be committed then.
func Put(ctx context.Context, tx postgres.Store, changes ...Change) error {
	// Whoever locks in one order does not meet another.
	changes = slices.Clone(changes)
	slices.SortStableFunc(changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Row.Shift, b.Row.Shift), cmp.Compare(a.Row.Repo, b.Row.Repo), cmp.Compare(a.Row.Unit, b.Row.Unit))
	})
	for part := range slices.Chunk(changes, batch) {
		if err := put(ctx, tx, part); err != nil {
			return err
		}
	}
	return nil
}

func put(ctx context.Context, tx postgres.Store, changes []Change) error {
	var rows []Row
	var events []Event
	for _, c := range changes {
		rows = append(rows, c.Row)
		for _, e := range c.Events {
			e.Shift, e.Repo, e.Unit = c.Row.Shift, c.Row.Repo, c.Row.Unit
			events = append(events, e)
		}
	}
	n, err := tx.Affect(ctx, putRows, rowArgs(rows))
	if err != nil {
		return err
	}
	if int(n) != len(rows) {
		return fmt.Errorf("storing %d rows of shift %q, %d of them changed: %w", len(rows), rows[0].Shift, len(rows)-int(n), postgres.ErrFenced)
	}
	if len(events) == 0 {
		return nil
	}
	return tx.Exec(ctx, addEvents, eventArgs(events))
}

// PutRows is Put in a transaction of its own: all or none.
func (s Store) PutRows(ctx context.Context, changes []Change) error {
	return s.db.InTx(ctx, func(tx *postgres.Tx) error { return Put(ctx, tx.Store, changes...) })
}

// given are rows that come as a list per column. Lists of JSON as text spare
// what JSON about JSON would cost.
const given = `unnest(@shift::text[], @repo::text[], @unit::text[], @state::text[], @wave::int[], @place::int[],
	@want::text[], @doing::text[], @due_at::timestamptz[], @not_before::timestamptz[], @task_id::text[],
	@branch::text[], @number::int[], @cluster::text[], @signature::text[], @data::text[], @version::bigint[])
	AS g (shift, repo, unit, state, wave, place, want, doing, due_at, not_before, task_id,
	branch, number, cluster, signature, data, version)`

const inOrder = ` ORDER BY g.shift COLLATE "C", g.repo COLLATE "C", g.unit COLLATE "C"`

const addRows = `INSERT INTO shift_rows (shift, repo, unit, state, wave, place, want, doing, due_at, not_before,
	task_id, branch, number, cluster, signature, data, version)
	SELECT shift, repo, unit, state, wave, place, want, doing, due_at, not_before,
	task_id, branch, number, cluster, signature, nullif(data, '')::json, 1 FROM ` + given + inOrder + ` ON CONFLICT DO NOTHING`

const putRows = `WITH held AS MATERIALIZED (
		SELECT g.* FROM ` + given + ` JOIN shift_rows r ON r.shift = g.shift AND r.repo = g.repo AND r.unit = g.unit
		WHERE r.version = g.version` + inOrder + ` FOR NO KEY UPDATE OF r
	)
	UPDATE shift_rows r SET state = h.state, wave = h.wave, place = h.place, want = h.want, doing = h.doing,
	due_at = h.due_at, not_before = h.not_before, task_id = h.task_id, branch = h.branch, number = h.number,
	cluster = h.cluster, signature = h.signature, data = nullif(h.data, '')::json, version = r.version + 1
	FROM held h WHERE r.shift = h.shift AND r.repo = h.repo AND r.unit = h.unit AND r.version = h.version`

const addEvents = `INSERT INTO shift_events (shift, repo, unit, at, from_state, to_state, cause, actor, delivery, log)
	SELECT shift, repo, unit, at, from_state, to_state, cause, actor, delivery, log
	FROM unnest(@shift::text[], @repo::text[], @unit::text[], @at::timestamptz[], @from::text[], @to::text[],
	@cause::text[], @actor::text[], @delivery::text[], @log::text[]) WITH ORDINALITY
	AS g (shift, repo, unit, at, from_state, to_state, cause, actor, delivery, log, n) ORDER BY n`

// texts is a column of a list.
func texts[T any](list []T, of func(T) string) []string {
	return column(list, func(v T) string { return clean(of(v)) })
}

func column[T, V any](list []T, of func(T) V) []V {
	col := make([]V, len(list))
	for i, v := range list {
		col[i] = of(v)
	}
	return col
}

func rowArgs(rows []Row) pgx.StrictNamedArgs {
	return pgx.StrictNamedArgs{
		"shift":      texts(rows, func(r Row) string { return r.Shift }),
		"repo":       texts(rows, func(r Row) string { return r.Repo }),
		"unit":       texts(rows, func(r Row) string { return r.Unit }),
		"state":      texts(rows, func(r Row) string { return r.State }),
		"wave":       column(rows, func(r Row) int { return r.Wave }),
		"place":      column(rows, func(r Row) int { return r.Place }),
		"want":       texts(rows, func(r Row) string { return r.Want }),
		"doing":      texts(rows, func(r Row) string { return r.Doing }),
		"due_at":     column(rows, func(r Row) *time.Time { return r.DueAt }),
		"not_before": column(rows, func(r Row) *time.Time { return r.NotBefore }),
		"task_id":    texts(rows, func(r Row) string { return string(r.TaskID) }),
		"branch":     texts(rows, func(r Row) string { return r.Branch }),
		"number":     column(rows, func(r Row) int { return r.Number }),
		"cluster":    texts(rows, func(r Row) string { return r.Cluster }),
		"signature":  texts(rows, func(r Row) string { return r.Signature }),
		"data":       column(rows, func(r Row) string { return string(r.Data) }),
		"version":    column(rows, func(r Row) int64 { return r.Version }),
	}
}

func eventArgs(events []Event) pgx.StrictNamedArgs {
	return pgx.StrictNamedArgs{
		"shift":    texts(events, func(e Event) string { return e.Shift }),
		"repo":     texts(events, func(e Event) string { return e.Repo }),
		"unit":     texts(events, func(e Event) string { return e.Unit }),
		"at":       column(events, func(e Event) time.Time { return e.At }),
		"from":     texts(events, func(e Event) string { return e.From }),
		"to":       texts(events, func(e Event) string { return e.To }),
		"cause":    texts(events, func(e Event) string { return e.Cause }),
		"actor":    texts(events, func(e Event) string { return e.Actor }),
		"delivery": texts(events, func(e Event) string { return e.Delivery }),
		"log":      texts(events, func(e Event) string { return e.Log }),
	}
}
