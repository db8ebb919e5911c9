// Package shift remembers shifts: what they are, where their targets stand,
// what became of each, and what an identity may still do at the forge. It
// knows tables, not rules; package fleet decides.
//
// Whatever changes has a version. Who writes it names the version that was
// read, and gets postgres.ErrFenced when somebody else has written since.
package shift

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"honk/internal/postgres"
)

// Store has the queries. A method is a transaction of its own; the functions
// of the same names are part of another's.
type Store struct{ db *postgres.DB }

// New returns a Store on a migrated database.
func New(db *postgres.DB) Store { return Store{db} }

// Shift is a change to many repositories.
type Shift struct {
	Name, Owner, Phase string
	Generation         int
	Manifest           []byte
	// Files are those that the manifest names.
	Files map[string][]byte
	// State is what package fleet keeps of it.
	State json.RawMessage
	// NextRunAt is when its schedule is due, nil for never.
	NextRunAt *time.Time
	// Version is the one that was read, 0 for a new shift.
	Version int64
	// CreatedAt and UpdatedAt are the database's.
	CreatedAt, UpdatedAt time.Time
}

// PutShift stores a shift, whose version is then one more.
// postgres.ErrFenced when it is no longer what was read, or a new one is not
// new.
func PutShift(ctx context.Context, s postgres.Store, sh Shift) error {
	args := pgx.StrictNamedArgs{
		"name": clean(sh.Name), "owner": clean(sh.Owner), "phase": clean(sh.Phase), "generation": sh.Generation,
		"manifest": append([]byte{}, sh.Manifest...), "state": orNull(sh.State), "next_run_at": sh.NextRunAt,
	}
	files, err := json.Marshal(sh.Files)
	if err != nil {
		return fmt.Errorf("encoding the files of shift %q: %w", sh.Name, err)
	}
	args["files"] = files
	sql := addShift
	if sh.Version != 0 {
		sql, args["version"] = putShift, sh.Version
	}
	n, err := s.Affect(ctx, sql, args)
	if err == nil && n == 0 {
		err = fmt.Errorf("storing shift %q: %w", sh.Name, postgres.ErrFenced)
	}
	return err
}

const addShift = `INSERT INTO shifts (name, owner, phase, generation, manifest, files, state, next_run_at, version)
	VALUES (@name, @owner, @phase, @generation, @manifest, @files, @state, @next_run_at, 1) ON CONFLICT DO NOTHING`

const putShift = `UPDATE shifts SET owner = @owner, phase = @phase, generation = @generation, manifest = @manifest,
	files = @files, state = @state, next_run_at = @next_run_at, updated_at = now(), version = version + 1
	WHERE name = @name AND version = @version`

// PutShift is PutShift in a transaction of its own.
func (s Store) PutShift(ctx context.Context, sh Shift) error { return PutShift(ctx, s.db.Store, sh) }

const shiftColumns = `name, owner, phase, generation, manifest, files, state, next_run_at, version, created_at, updated_at`

func scanShift(row pgx.CollectableRow) (sh Shift, err error) {
	var files []byte
	err = row.Scan(&sh.Name, &sh.Owner, &sh.Phase, &sh.Generation, &sh.Manifest, &files, &sh.State, &sh.NextRunAt,
		&sh.Version, &sh.CreatedAt, &sh.UpdatedAt)
	if err == nil && files != nil {
		err = json.Unmarshal(files, &sh.Files)
	}
	return sh, err
}

// Shift returns a shift; postgres.ErrNotFound when there is none.
func (s Store) Shift(ctx context.Context, name string) (Shift, error) {
	return postgres.One(ctx, s.db.Store, findShift, pgx.StrictNamedArgs{"name": clean(name)}, scanShift)
}

const findShift = `SELECT ` + shiftColumns + ` FROM shifts WHERE name = @name`

// Shifts returns all shifts, the newest first.
func (s Store) Shifts(ctx context.Context) ([]Shift, error) {
	return postgres.Many(ctx, s.db.Store, listShifts, pgx.StrictNamedArgs{}, scanShift)
}

const listShifts = `SELECT ` + shiftColumns + ` FROM shifts ORDER BY created_at DESC, name`

// DueShifts returns the shifts whose next run is not after now, the longest
// due first. Who runs one puts its NextRunAt on: the version lets one of
// several win.
func (s Store) DueShifts(ctx context.Context, now time.Time) ([]Shift, error) {
	return postgres.Many(ctx, s.db.Store, listDueShifts, pgx.StrictNamedArgs{"now": now}, scanShift)
}

const listDueShifts = `SELECT ` + shiftColumns + ` FROM shifts WHERE next_run_at <= @now ORDER BY next_run_at, name`

// Ledger returns what is known of an identity at the forge, and its version:
// nil and 0 before the first PutLedger.
func (s Store) Ledger(ctx context.Context, identity string) (state json.RawMessage, version int64, err error) {
	return Ledger(ctx, s.db.Store, identity)
}

// Ledger is Store.Ledger in the transaction of s.
func Ledger(ctx context.Context, s postgres.Store, identity string) (state json.RawMessage, version int64, err error) {
	state, err = postgres.One(ctx, s, findLedger, pgx.StrictNamedArgs{"identity": clean(identity)},
		func(row pgx.CollectableRow) (state json.RawMessage, err error) {
			err = row.Scan(&state, &version)
			return state, err
		})
	if errors.Is(err, postgres.ErrNotFound) {
		err = nil
	}
	return state, version, err
}

const findLedger = `SELECT state, version FROM forge_ledgers WHERE identity = @identity`

// PutLedger stores what is known of an identity, whose version is then one
// more than version. postgres.ErrFenced when it is no longer what was read.
func PutLedger(ctx context.Context, s postgres.Store, identity string, state json.RawMessage, version int64) error {
	args := pgx.StrictNamedArgs{"identity": clean(identity), "state": state}
	sql := addLedger
	if version != 0 {
		sql, args["version"] = putLedger, version
	}
	n, err := s.Affect(ctx, sql, args)
	if err == nil && n == 0 {
		err = fmt.Errorf("storing the ledger of %q: %w", identity, postgres.ErrFenced)
	}
	return err
}

const addLedger = `INSERT INTO forge_ledgers (identity, state, version) VALUES (@identity, @state, 1) ON CONFLICT DO NOTHING`

const putLedger = `UPDATE forge_ledgers SET state = @state, updated_at = now(), version = version + 1
	WHERE identity = @identity AND version = @version`

// PutLedger is PutLedger in a transaction of its own.
func (s Store) PutLedger(ctx context.Context, identity string, state json.RawMessage, version int64) error {
	return PutLedger(ctx, s.db.Store, identity, state, version)
}

// clean is text fit for a column of text, which takes neither a NUL nor what
// is no UTF-8: paths and logs of others may hold both.
func clean(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "\uFFFD")
}

// orNull is JSON for a column, NULL for none.
func orNull(raw json.RawMessage) any {
	if len(raw) == 0 {
		return nil
	}
	return raw
}
