package keep

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"honk/fleet"
	"honk/fleet/ledger"
)

// schema is where shifts are remembered. Making it is part of the first
// transaction on shifts.
const schema = `CREATE TABLE IF NOT EXISTS x_shifts (name text PRIMARY KEY, shift jsonb NOT NULL, file jsonb NOT NULL, by text NOT NULL, next_run timestamptz);
CREATE TABLE IF NOT EXISTS x_rows (key text PRIMARY KEY, shift text NOT NULL REFERENCES x_shifts, row jsonb NOT NULL);
CREATE INDEX IF NOT EXISTS x_rows_shift ON x_rows (shift);
CREATE TABLE IF NOT EXISTS x_moves (id bigserial PRIMARY KEY, key text NOT NULL, move jsonb NOT NULL);
CREATE INDEX IF NOT EXISTS x_moves_key ON x_moves (key);
CREATE TABLE IF NOT EXISTS x_ledger (id int PRIMARY KEY, data jsonb NOT NULL);`

// many returns what a query finds, decoded.
func many[T any](ctx context.Context, k *Tx, sql string, args ...any) (out []T, err error) {
	rows, err := k.tx.Pgx().Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var raw []byte
		if err := rows.Scan(&raw); err != nil {
			return nil, err
		}
		var v T
		if err := json.Unmarshal(raw, &v); err != nil {
			return nil, fmt.Errorf("decoding what is stored of shifts: %w", err)
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// one returns the one thing that a query finds; postgres.ErrNotFound when
// there is none.
func one[T any](ctx context.Context, k *Tx, sql string, args ...any) (v T, err error) {
	all, err := many[T](ctx, k, sql, args...)
	if err != nil {
		return v, err
	}
	if len(all) == 0 {
		return v, notFound(fmt.Sprint(args...))
	}
	return all[0], nil
}

// put stores a value by a statement whose first argument it is.
func (k *Tx) put(ctx context.Context, sql string, v any, args ...any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding what is stored of shifts: %w", err)
	}
	_, err = k.tx.Pgx().Exec(ctx, sql, append([]any{raw}, args...)...)
	return err
}

// Shift returns a shift; postgres.ErrNotFound when there is none.
func (k *Tx) Shift(ctx context.Context, name string) (fleet.Shift, error) {
	return one[fleet.Shift](ctx, k, `SELECT shift FROM x_shifts WHERE name = $1`, name)
}

// storedWork is a work as it is stored.
type storedWork struct {
	Shift   fleet.Shift
	File    File
	By      string
	NextRun time.Time
}

const selectWork = `SELECT json_build_object('Shift', shift, 'File', file, 'By', by,
	'NextRun', coalesce(next_run, '0001-01-01T00:00:00Z')) FROM x_shifts WHERE `

func (k *Tx) understood(s storedWork) (*Work, error) {
	w := &Work{Shift: s.Shift, File: s.File, By: s.By, NextRun: s.NextRun}
	return w, k.store.understand(w)
}

// Work returns a shift with its manifest.
func (k *Tx) Work(ctx context.Context, name string) (*Work, error) {
	s, err := one[storedWork](ctx, k, selectWork+`name = $1`, name)
	if err != nil {
		return nil, err
	}
	return k.understood(s)
}

// Running returns the shifts that run, by name.
func (k *Tx) Running(ctx context.Context) (works []*Work, err error) {
	all, err := many[storedWork](ctx, k, selectWork+`shift->>'phase' = 'running' ORDER BY name`)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		w, err := k.understood(s)
		if err != nil {
			return nil, err
		}
		works = append(works, w)
	}
	return works, nil
}

// PutShift stores a shift.
func (k *Tx) PutShift(ctx context.Context, s fleet.Shift) error {
	return k.put(ctx, `UPDATE x_shifts SET shift = $1 WHERE name = $2`, s, s.Name)
}

// PutManifest stores a shift with its manifest, and who applied it first.
func (k *Tx) PutManifest(ctx context.Context, s fleet.Shift, f File, by string) error {
	return k.put(ctx, `INSERT INTO x_shifts (name, shift, file, by)
		SELECT v.name, v.shift, v.file, v.by FROM (SELECT $1::jsonb->>'Name' AS name, $1::jsonb->'Shift' AS shift, $1::jsonb->'File' AS file, $1::jsonb->>'By' AS by) v
		ON CONFLICT (name) DO UPDATE SET shift = excluded.shift, file = excluded.file`,
		map[string]any{"Name": s.Name, "Shift": s, "File": f, "By": by})
}

// PutNext stores when a shift's targets are looked for anew, zero for never.
func (k *Tx) PutNext(ctx context.Context, name string, at time.Time) error {
	_, err := k.tx.Pgx().Exec(ctx, `UPDATE x_shifts SET next_run = $2 WHERE name = $1`, name, nullTime(at))
	return err
}

func nullTime(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

// Rows returns the rows of a shift.
func (k *Tx) Rows(ctx context.Context, name string) ([]fleet.Row, error) {
	return many[fleet.Row](ctx, k, `SELECT row FROM x_rows WHERE shift = $1 ORDER BY key`, name)
}

// Row returns a row; postgres.ErrNotFound when there is none.
func (k *Tx) Row(ctx context.Context, key fleet.Key) (fleet.Row, error) {
	return one[fleet.Row](ctx, k, `SELECT row FROM x_rows WHERE key = $1`, key.String())
}

// PutRow stores a row with its changes of state.
func (k *Tx) PutRow(ctx context.Context, row fleet.Row, moves []fleet.Transition) error {
	err := k.put(ctx, `INSERT INTO x_rows (row, key, shift) VALUES ($1, $2, $3) ON CONFLICT (key) DO UPDATE SET row = excluded.row`,
		row, row.Key.String(), row.Key.Shift)
	for i := range moves {
		if err == nil {
			err = k.put(ctx, `INSERT INTO x_moves (move, key) VALUES ($1, $2)`, moves[i], moves[i].Key.String())
		}
	}
	return err
}

// Moves returns a row's changes of state, in order.
func (s *Store) Moves(ctx context.Context, key fleet.Key) (all []fleet.Transition, err error) {
	err = s.In(ctx, func(k *Tx) error {
		all, err = many[fleet.Transition](ctx, k, `SELECT move FROM x_moves WHERE key = $1 ORDER BY id`, key.String())
		return err
	})
	return all, err
}

// storedLedger is the ledger as it is stored.
type storedLedger struct {
	Entries []ledger.Entry
	Paused  time.Time
}

// Ledger returns what is reserved at the forge.
func (k *Tx) Ledger(ctx context.Context) (*ledger.Ledger, error) {
	s, err := one[storedLedger](ctx, k, `SELECT data FROM x_ledger WHERE id = 1`)
	if err != nil && !isMissing(err) {
		return nil, err
	}
	return ledger.New(ledger.GitHub(), s.Entries, s.Paused), nil
}

// PutLedger stores what is reserved at the forge.
func (k *Tx) PutLedger(ctx context.Context, l *ledger.Ledger) error {
	return k.put(ctx, `INSERT INTO x_ledger (id, data) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET data = excluded.data`,
		storedLedger{l.Entries(k.Now.Add(-time.Hour)), l.Paused(k.Now)})
}

// Pause holds all that is done at the forge until it wants to be asked again.
func (k *Tx) Pause(ctx context.Context, until time.Time) error {
	l, err := k.Ledger(ctx)
	if err != nil {
		return err
	}
	l.Pause(until)
	return k.PutLedger(ctx, l)
}
