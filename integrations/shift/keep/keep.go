// Package keep is where shifts are remembered, and the transactions in which
// they change: all of them wait for one another, since what one row may do
// depends on all others.
package keep

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"honk/fleet"
	"honk/fleet/life"
	"honk/fleet/manifest"
	"honk/fleet/plan"
	"honk/internal/postgres"
)

// Work is a shift with what makes its changes.
type Work struct {
	fleet.Shift
	File File
	// By is who applied it first, NextRun when its targets are looked for
	// anew.
	By       string
	NextRun  time.Time
	Manifest *manifest.Manifest
	Policy   fleet.Policy
	// Recipe is the digest of all that makes its changes.
	Recipe string
}

// read is a manifest that was read.
type read struct {
	manifest *manifest.Manifest
	recipe   string
}

// Tx is one transaction on shifts. All of them wait for one another: what
// one row may do depends on all others.
type Tx struct {
	store *Store
	tx    *postgres.Tx
	// Now is when it began.
	Now time.Time
}

// Store keeps shifts. It is safe for concurrent use.
type Store struct {
	db         *postgres.DB
	agent      string
	autoPrompt []string

	mu sync.Mutex
	// manifests are those read so far, by digest.
	manifests map[string]*read
}

// New returns a Store. agent names the model and the version of the agent,
// autoPrompt the prompt shifts that may merge by themselves.
func New(db *postgres.DB, agent string, autoPrompt []string) *Store {
	return &Store{db: db, agent: agent, autoPrompt: autoPrompt, manifests: map[string]*read{}}
}

// Begin makes a transaction one on shifts.
func (s *Store) Begin(ctx context.Context, tx *postgres.Tx) (*Tx, error) {
	if err := tx.Lock(ctx, "shifts"); err != nil {
		return nil, err
	}
	if _, err := tx.Pgx().Exec(ctx, schema); err != nil {
		return nil, fmt.Errorf("making the tables of shifts: %w", err)
	}
	return &Tx{s, tx, time.Now()}, nil
}

// In does something in a transaction on shifts.
func (s *Store) In(ctx context.Context, do func(k *Tx) error) error {
	return s.db.InTx(ctx, func(tx *postgres.Tx) error {
		k, err := s.Begin(ctx, tx)
		if err != nil {
			return err
		}
		return do(k)
	})
}

// Work returns a shift with its manifest.
func (s *Store) Work(ctx context.Context, name string) (w *Work, err error) {
	err = s.In(ctx, func(k *Tx) error {
		w, err = k.Work(ctx, name)
		return err
	})
	return w, err
}

// Row returns a row as it is.
func (s *Store) Row(ctx context.Context, key fleet.Key) (row fleet.Row, err error) {
	err = s.In(ctx, func(k *Tx) error {
		row, err = k.Row(ctx, key)
		return err
	})
	return row, err
}

// understand reads the manifest of a stored shift.
func (s *Store) understand(w *Work) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.manifests[w.Digest]
	if known == nil {
		m, err := s.Parse(w.File)
		if err != nil {
			return fmt.Errorf("reading the stored manifest of %s: %w", w.Name, err)
		}
		known = &read{m, plan.Recipe(m, s.agent)}
		s.manifests[w.Digest] = known
	}
	w.Manifest, w.Recipe, w.Policy = known.manifest, known.recipe, policyOf(known.manifest)
	return nil
}

// policyOf is what a row's life heeds of a manifest. A change cannot be made
// anew under an open pull request yet: people resolve conflicts.
func policyOf(m *manifest.Manifest) fleet.Policy {
	p := fleet.PolicyOf(m)
	p.Rebase = manifest.RebaseNever
	return p
}

// Step lets facts work on a row, changes what came of it where asked to, and
// stores it with what follows for the shift. It returns what is done once
// that is stored.
func (k *Tx) Step(ctx context.Context, row *fleet.Row, f fleet.Facts, change func(row *fleet.Row)) ([]fleet.Effect, error) {
	w, err := k.Work(ctx, row.Key.Shift)
	if err != nil {
		return nil, err
	}
	spent := row.CostUSD
	next, moves, effects := life.Step(*row, f, w.Policy, k.Now)
	if change != nil {
		change(&next)
	}
	*row = next
	if err := k.PutRow(ctx, next, moves); err != nil {
		return nil, err
	}
	shift := w.Shift
	shift.SpentUSD += next.CostUSD - spent
	for _, e := range effects {
		switch e.Kind {
		case fleet.EffectHalt:
			shift.Phase, shift.Reason = fleet.PhaseHalted, e.Text
		case fleet.EffectSnooze:
			if err := k.Pause(ctx, e.Until); err != nil {
				return nil, err
			}
		default:
		}
	}
	if shift.SpentUSD != w.SpentUSD || shift.Phase != w.Phase {
		return effects, k.PutShift(ctx, shift)
	}
	return effects, nil
}

// Next is when a shift's targets are looked for anew, zero for never.
func (w *Work) Next(now time.Time) time.Time {
	s := w.Manifest.Spec.Schedule
	if s == nil {
		return time.Time{}
	}
	when, err := cron.ParseStandard("CRON_TZ=" + s.Timezone + " " + s.Cron)
	if err != nil {
		return time.Time{} // It was checked with the manifest.
	}
	next := when.Next(now)
	if end, err := time.Parse(time.DateOnly, s.Until); err == nil && next.After(end.AddDate(0, 0, 1)) {
		return time.Time{}
	}
	return next
}

// notFound says that there is no such row.
func notFound(what string) error {
	return fmt.Errorf("%s: %w", what, postgres.ErrNotFound)
}
