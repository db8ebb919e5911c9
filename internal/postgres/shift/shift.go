// Package shift remembers shifts: what they are, where their targets stand,
// what became of each, and what an identity may still do at the forge. It
// knows tables, not rules; package fleet decides.
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

// Store has the queries, in a transaction or each for itself.
type Store struct{ postgres.Store }

// Shift is a change to many repositories.
type Shift struct {
	Name, Phase string
	// By is who applied it last.
	By string
	// State is what package fleet keeps of it.
	State json.RawMessage
	// NextRunAt is when its targets are looked for anew, nil for never.
	NextRunAt *time.Time
	// Manifest and Files are nil in a list, and stay as they are when they are
	// nil in what is stored.
	Manifest []byte
	Files    map[string][]byte
}

// Put stores a shift.
func (s Store) Put(ctx context.Context, sh Shift) error {
	files, err := json.Marshal(sh.Files)
	if err != nil {
		return fmt.Errorf("encoding the files of shift %q: %w", sh.Name, err)
	}
	args := pgx.StrictNamedArgs{
		"name": sh.Name, "phase": sh.Phase, "by": clean(sh.By), "state": sh.State, "next_run_at": sh.NextRunAt,
	}
	if sh.Manifest == nil {
		return s.Exec(ctx, putShift, args)
	}
	args["manifest"], args["files"] = sh.Manifest, files
	return s.Exec(ctx, applyShift, args)
}

const putShift = `UPDATE shifts SET phase = @phase, applied_by = @by, state = @state, next_run_at = @next_run_at WHERE name = @name`

const applyShift = `INSERT INTO shifts (name, phase, applied_by, state, manifest, files, next_run_at)
	VALUES (@name, @phase, @by, @state, @manifest, @files, @next_run_at)
	ON CONFLICT (name) DO UPDATE SET phase = excluded.phase, applied_by = excluded.applied_by, state = excluded.state,
	manifest = excluded.manifest, files = excluded.files, next_run_at = excluded.next_run_at`

// Shift returns a shift; postgres.ErrNotFound when there is none.
func (s Store) Shift(ctx context.Context, name string) (Shift, error) {
	return postgres.One(ctx, s.Store, findShift, pgx.StrictNamedArgs{"name": clean(name)}, func(row pgx.CollectableRow) (sh Shift, err error) {
		var files []byte
		if err := row.Scan(&sh.Name, &sh.Phase, &sh.By, &sh.State, &sh.NextRunAt, &sh.Manifest, &files); err != nil {
			return sh, err
		}
		return sh, json.Unmarshal(files, &sh.Files)
	})
}

const findShift = `SELECT name, phase, applied_by, state, next_run_at, manifest, files FROM shifts WHERE name = @name`

// State returns a shift without its manifest; postgres.ErrNotFound when there
// is none.
func (s Store) State(ctx context.Context, name string) (Shift, error) {
	return postgres.One(ctx, s.Store, findState, pgx.StrictNamedArgs{"name": clean(name)}, scanState)
}

const findState = `SELECT name, phase, applied_by, state, next_run_at FROM shifts WHERE name = @name`

func scanState(row pgx.CollectableRow) (sh Shift, err error) {
	err = row.Scan(&sh.Name, &sh.Phase, &sh.By, &sh.State, &sh.NextRunAt)
	return sh, err
}

// Shifts returns all shifts without their manifests, the newest first.
func (s Store) Shifts(ctx context.Context) ([]Shift, error) {
	return postgres.Many(ctx, s.Store, listShifts, pgx.StrictNamedArgs{}, scanState)
}

const listShifts = `SELECT name, phase, applied_by, state, next_run_at FROM shifts ORDER BY created_at DESC, name`

// AddSample remembers what tasks try out before it is applied, by the digest
// of all that makes a change, and forgets those from before a time.
func (s Store) AddSample(ctx context.Context, recipe string, sh Shift, before time.Time) error {
	files, err := json.Marshal(sh.Files)
	if err != nil {
		return fmt.Errorf("encoding the files of a sample: %w", err)
	}
	args := pgx.StrictNamedArgs{"before": before}
	if err := s.Exec(ctx, forgetSamples, args); err != nil {
		return err
	}
	return s.Exec(ctx, addSample, pgx.StrictNamedArgs{"recipe": recipe, "manifest": sh.Manifest, "files": files})
}

const forgetSamples = `DELETE FROM shift_samples WHERE created_at < @before`

const addSample = `INSERT INTO shift_samples (recipe, manifest, files) VALUES (@recipe, @manifest, @files)
	ON CONFLICT (recipe) DO UPDATE SET created_at = now(), manifest = excluded.manifest, files = excluded.files`

// Sample returns what is tried out; postgres.ErrNotFound when it is not, or
// no longer, known.
func (s Store) Sample(ctx context.Context, recipe string) (Shift, error) {
	return postgres.One(ctx, s.Store, findSample, pgx.StrictNamedArgs{"recipe": clean(recipe)}, func(row pgx.CollectableRow) (sh Shift, err error) {
		var files []byte
		if err := row.Scan(&sh.Manifest, &files); err != nil {
			return sh, err
		}
		return sh, json.Unmarshal(files, &sh.Files)
	})
}

const findSample = `SELECT manifest, files FROM shift_samples WHERE recipe = @recipe`

// Ledger returns what is known of an identity at the forge, nil before the
// first PutLedger.
func (s Store) Ledger(ctx context.Context, identity string) (json.RawMessage, error) {
	state, err := postgres.One(ctx, s.Store, findLedger, pgx.StrictNamedArgs{"identity": identity},
		func(row pgx.CollectableRow) (state json.RawMessage, err error) {
			err = row.Scan(&state)
			return state, err
		})
	if errors.Is(err, postgres.ErrNotFound) {
		return nil, nil
	}
	return state, err
}

const findLedger = `SELECT state FROM forge_ledgers WHERE identity = @identity`

// PutLedger stores what is known of an identity.
func (s Store) PutLedger(ctx context.Context, identity string, state json.RawMessage) error {
	return s.Exec(ctx, putLedger, pgx.StrictNamedArgs{"identity": identity, "state": state})
}

const putLedger = `INSERT INTO forge_ledgers (identity, state) VALUES (@identity, @state)
	ON CONFLICT (identity) DO UPDATE SET state = excluded.state`

// clean is text fit for a column of text, which takes neither a NUL nor what
// is no UTF-8: paths of others may hold both.
func clean(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "\uFFFD")
}
