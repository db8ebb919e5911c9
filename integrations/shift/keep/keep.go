// Package keep is where shifts are remembered, and the transactions in which
// they change: all of them wait for one another, since what one row may do
// depends on all others.
package keep

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"honk/fleet"
	"honk/fleet/ledger"
	"honk/fleet/manifest"
	"honk/fleet/plan"
	"honk/internal/postgres"
	pg "honk/internal/postgres/shift"
	"honk/internal/task"
)

// Work is a shift with what makes its changes.
type Work struct {
	fleet.Shift
	// By is who applied it last, NextRun when its targets are looked for
	// anew, zero for never.
	By       string
	NextRun  time.Time
	Manifest *manifest.Manifest
	Policy   fleet.Policy
}

// Requested reports whether somebody at the forge is who applied the shift,
// as far as that is known: by name, or by login through a repository.
func (w *Work) Requested(login string) bool {
	by, _, _ := strings.Cut(w.By, " at ")
	return strings.EqualFold(by, login)
}

// Options says how shifts are kept. DB, Agent and Limits are required.
type Options struct {
	DB *postgres.DB
	// Agent names the model and the version of the agent.
	Agent string
	// AutoPrompt are the prompt shifts that may merge by themselves.
	AutoPrompt []string
	// Limits are what the forge allows.
	Limits ledger.Limits
}

// Store keeps shifts. It is safe for concurrent use.
type Store struct {
	Options

	mu sync.Mutex
	// manifests are those read so far, by shift and digest.
	manifests map[string]*manifest.Manifest
}

// New returns a Store.
func New(opts Options) *Store {
	return &Store{Options: opts, manifests: map[string]*manifest.Manifest{}}
}

// Tx is one transaction on shifts.
type Tx struct {
	keep  *Store
	store pg.Store
	// Now is when it began.
	Now time.Time
	// works are those it has met.
	works map[string]*Work
}

// Begin makes a transaction one on shifts.
func (s *Store) Begin(ctx context.Context, tx *postgres.Tx) (*Tx, error) {
	if err := tx.Lock(ctx, "shifts"); err != nil {
		return nil, err
	}
	return &Tx{s, pg.Store{Store: tx.Store}, time.Now(), map[string]*Work{}}, nil
}

// In does something in a transaction on shifts.
func (s *Store) In(ctx context.Context, do func(k *Tx) error) error {
	return s.DB.InTx(ctx, func(tx *postgres.Tx) error {
		k, err := s.Begin(ctx, tx)
		if err != nil {
			return err
		}
		return do(k)
	})
}

// store has the queries, each for itself.
func (s *Store) store() pg.Store { return pg.Store{Store: s.DB.Store} }

// look does something that changes nothing, and waits for nobody.
func look[T any](s *Store, do func(k *Tx) (T, error)) (T, error) {
	return do(&Tx{s, s.store(), time.Now(), map[string]*Work{}})
}

// Look does something that changes nothing, and waits for nobody.
func (s *Store) Look(do func(k *Tx) error) error {
	_, err := look(s, func(k *Tx) (struct{}, error) { return struct{}{}, do(k) })
	return err
}

// Work returns a shift with its manifest.
func (s *Store) Work(ctx context.Context, name string) (*Work, error) {
	return look(s, func(k *Tx) (*Work, error) { return k.Work(ctx, name) })
}

// Found is the shift that somebody names.
func (s *Store) Found(ctx context.Context, name string) (*Work, error) {
	return look(s, func(k *Tx) (*Work, error) { return k.Found(ctx, name) })
}

// Row returns a row as it is.
func (s *Store) Row(ctx context.Context, key fleet.Key) (fleet.Row, error) {
	return look(s, func(k *Tx) (fleet.Row, error) { return k.Row(ctx, key) })
}

// Rows returns the rows of a shift as they are.
func (s *Store) Rows(ctx context.Context, name string) ([]fleet.Row, error) {
	return look(s, func(k *Tx) ([]fleet.Row, error) { return k.Rows(ctx, name) })
}

// RowsOf returns the rows of a repository in all shifts.
func (s *Store) RowsOf(ctx context.Context, repo string) ([]fleet.Row, error) {
	return rowsOf(s.store().RowsOf(ctx, repo))
}

// Shifts returns all shifts, the newest first.
func (s *Store) Shifts(ctx context.Context) ([]fleet.Shift, error) {
	return look(s, func(k *Tx) (all []fleet.Shift, err error) {
		stored, err := k.store.Shifts(ctx)
		if err != nil {
			return nil, err
		}
		for i := range stored {
			shift, err := decode[fleet.Shift](stored[i].State)
			if err != nil {
				return nil, err
			}
			all = append(all, shift)
		}
		return all, nil
	})
}

// Moves returns a row's changes of state, in order.
func (s *Store) Moves(ctx context.Context, key fleet.Key) (all []fleet.Transition, err error) {
	events, err := s.store().Events(ctx, key.Shift, key.Repo, key.Unit)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		move, err := decode[fleet.Transition](e.Data)
		if err != nil {
			return nil, err
		}
		all = append(all, move)
	}
	return all, nil
}

// understand reads the manifest of a stored shift, once.
func (s *Store) understand(ctx context.Context, w *Work, stored func(context.Context) (pg.Shift, error)) error {
	id := w.Name + "/" + w.Digest
	// Not held while the database is asked: who has its last connection may
	// wait for it.
	s.mu.Lock()
	m := s.manifests[id]
	s.mu.Unlock()
	if m == nil {
		sh, err := stored(ctx)
		if err != nil {
			return err
		}
		if m, err = s.Parse(File{Name: w.Name, Data: sh.Manifest, Files: sh.Files}); err != nil {
			return fmt.Errorf("reading the stored manifest of %s: %w", w.Name, err)
		}
		// What is tried out may differ in what is no part of its recipe.
		if m.Digest == w.Digest {
			s.know(id, m)
		}
	}
	w.Manifest, w.Policy, w.Recipe = m, fleet.PolicyOf(m), plan.Recipe(m, s.Agent)
	return nil
}

// knows reports whether the manifest of a stored shift is at hand.
func (s *Store) knows(stored pg.Shift) bool {
	shift, err := decode[fleet.Shift](stored.State)
	s.mu.Lock()
	defer s.mu.Unlock()
	return err == nil && s.manifests[shift.Name+"/"+shift.Digest] != nil
}

func (s *Store) know(id string, m *manifest.Manifest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.manifests) > maxManifests {
		clear(s.manifests)
	}
	s.manifests[id] = m
}

// maxManifests is how many manifests are kept at hand.
const maxManifests = 100

// AddSample remembers a manifest that is tried out, and returns the digest of
// what makes its changes.
func (s *Store) AddSample(ctx context.Context, f File, m *manifest.Manifest) (string, error) {
	recipe := plan.Recipe(m, s.Agent)
	return recipe, s.DB.InTx(ctx, func(tx *postgres.Tx) error {
		return pg.Store{Store: tx.Store}.AddSample(ctx, recipe, pg.Shift{Manifest: f.Data, Files: f.Files}, time.Now().Add(-keepSamples))
	})
}

// keepSamples is how long what is tried out is remembered.
const keepSamples = 24 * time.Hour

// Recipe returns the manifest with which a shift makes its changes, if that is
// still the one of a digest, or the one that is tried out. The code is
// conflict when it is neither.
func (s *Store) Recipe(ctx context.Context, name, recipe string) (*manifest.Manifest, error) {
	w, err := s.Work(ctx, name)
	if err == nil && w.Recipe == recipe {
		return w.Manifest, nil
	}
	if err != nil && !isMissing(err) {
		return nil, err
	}
	tried := &Work{Shift: fleet.Shift{Name: name, Digest: "sample/" + recipe}}
	err = s.understand(ctx, tried, func(ctx context.Context) (pg.Shift, error) {
		return s.store().Sample(ctx, recipe)
	})
	if isMissing(err) {
		return nil, task.Errorf(task.CodeConflict, "the manifest of %s has changed since this was asked for", name)
	}
	return tried.Manifest, err
}

// measureEvery is how often what is left is measured of a shift without a
// schedule.
const measureEvery = 24 * time.Hour

// Next is when a shift's targets are looked for anew, zero for never.
func Next(m *manifest.Manifest, now time.Time) time.Time {
	s := m.Spec.Schedule
	if s == nil {
		return now.Add(measureEvery)
	}
	when, err := cron.ParseStandard("CRON_TZ=" + s.Timezone + " " + s.Cron)
	if err != nil {
		return time.Time{} // It was checked with the manifest.
	}
	next := when.Next(now)
	zone, err := time.LoadLocation(s.Timezone)
	if err != nil {
		return time.Time{}
	}
	// The day itself counts, where the schedule is.
	if end, err := time.ParseInLocation(time.DateOnly, s.Until, zone); err == nil && !next.Before(end.AddDate(0, 0, 1)) {
		return time.Time{}
	}
	return next
}
