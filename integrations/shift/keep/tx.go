package keep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"honk/fleet"
	"honk/fleet/ledger"
	"honk/fleet/life"
	"honk/internal/postgres"
	pg "honk/internal/postgres/shift"
	"honk/internal/task"
)

// identity is whose budget at the forge it is: Honk has one.
const identity = "github"

func decode[T any](raw json.RawMessage) (v T, err error) {
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, fmt.Errorf("decoding what is stored of shifts: %w", err)
	}
	return v, nil
}

func encode(v any) (json.RawMessage, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding what is stored of shifts: %w", err)
	}
	return raw, nil
}

func isMissing(err error) bool { return errors.Is(err, postgres.ErrNotFound) }

// Work returns a shift with its manifest; postgres.ErrNotFound when there is
// none.
func (k *Tx) Work(ctx context.Context, name string) (*Work, error) {
	if w := k.works[name]; w != nil {
		return w, nil
	}
	// The manifest may be large, and is seldom a new one.
	stored, err := k.store.State(ctx, name)
	if err == nil && !k.keep.knows(stored) {
		stored, err = k.store.Shift(ctx, name)
	}
	if err != nil {
		return nil, err
	}
	return k.work(ctx, stored)
}

func (k *Tx) work(ctx context.Context, stored pg.Shift) (w *Work, err error) {
	w = &Work{By: stored.By}
	if w.Shift, err = decode[fleet.Shift](stored.State); err != nil {
		return nil, err
	}
	if stored.NextRunAt != nil {
		w.NextRun = *stored.NextRunAt
	}
	k.works[w.Name] = w
	return w, k.keep.understand(ctx, w, func(ctx context.Context) (pg.Shift, error) {
		if stored.Manifest != nil {
			return stored, nil
		}
		return k.store.Shift(ctx, w.Name)
	})
}

// Found is the shift that somebody names.
func (k *Tx) Found(ctx context.Context, name string) (*Work, error) {
	w, err := k.Work(ctx, name)
	if isMissing(err) {
		return nil, task.Errorf(task.CodeNotFound, "there is no shift %q; honk shift status shows those there are", name)
	}
	return w, err
}

// Running returns the shifts that run, by age. One whose manifest means
// nothing any more is halted.
func (k *Tx) Running(ctx context.Context) (works []*Work, err error) {
	all, err := k.store.Shifts(ctx)
	if err != nil {
		return nil, err
	}
	for _, stored := range all {
		if stored.Phase != string(fleet.PhaseRunning) {
			continue
		}
		w, err := k.work(ctx, stored)
		if task.CodeOf(err) == task.CodeInvalid {
			s := w.Shift
			s.Phase, s.Reason = fleet.PhaseHalted, err.Error()
			if err := k.PutShift(ctx, s); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		works = append(works, w)
	}
	return works, nil
}

// PutShift stores what changed of a shift.
func (k *Tx) PutShift(ctx context.Context, s fleet.Shift) error {
	w := k.works[s.Name]
	w.Shift = s
	return k.put(ctx, w, File{})
}

// PutManifest stores a shift with its manifest, and who applied it.
func (k *Tx) PutManifest(ctx context.Context, s fleet.Shift, f File, by string) error {
	w := &Work{Shift: s, By: by}
	if err := k.put(ctx, w, f); err != nil {
		return err
	}
	delete(k.works, s.Name)
	return nil
}

// PutNext stores when a shift's targets are looked for anew, zero for never.
func (k *Tx) PutNext(ctx context.Context, name string, at time.Time) error {
	w, err := k.Work(ctx, name)
	if err != nil {
		return err
	}
	w.NextRun = at
	return k.put(ctx, w, File{})
}

func (k *Tx) put(ctx context.Context, w *Work, f File) error {
	state, err := encode(w.Shift)
	if err != nil {
		return err
	}
	return k.store.Put(ctx, pg.Shift{
		Name: w.Name, Phase: string(w.Phase), By: w.By, State: state, NextRunAt: orNull(w.NextRun), Manifest: f.Data, Files: f.Files,
	})
}

func orNull(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

func rowsOf(stored []pg.Row, err error) ([]fleet.Row, error) {
	if err != nil {
		return nil, err
	}
	rows := make([]fleet.Row, 0, len(stored))
	for _, one := range stored {
		row, err := decode[fleet.Row](one.Data)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// Rows returns the rows of a shift.
func (k *Tx) Rows(ctx context.Context, name string) ([]fleet.Row, error) {
	return rowsOf(k.store.Rows(ctx, name))
}

// Due returns the rows of running shifts to which something happens by itself.
func (k *Tx) Due(ctx context.Context) ([]fleet.Row, error) {
	return rowsOf(k.store.Due(ctx, string(fleet.PhaseRunning), k.Now))
}

// Changed returns the rows that have changed since, and what to ask with the
// next time.
func (k *Tx) Changed(ctx context.Context, since int64) ([]fleet.Row, int64, error) {
	stored, err := k.store.Changed(ctx, since)
	if n := len(stored); n > 0 {
		since = stored[n-1].Changed
	}
	rows, err := rowsOf(stored, err)
	return rows, since, err
}

// LastChange is what Changed returned last, were it asked now.
func (k *Tx) LastChange(ctx context.Context) (int64, error) { return k.store.LastChange(ctx) }

// Row returns a row; postgres.ErrNotFound when there is none.
func (k *Tx) Row(ctx context.Context, key fleet.Key) (fleet.Row, error) {
	stored, err := k.store.Row(ctx, key.Shift, key.Repo, key.Unit)
	if err != nil {
		return fleet.Row{}, err
	}
	return decode[fleet.Row](stored.Data)
}

// Change is a row as it is to be, and how it came to be so.
type Change struct {
	Row   fleet.Row
	Moves []fleet.Transition
}

// PutRows stores rows with their changes of state.
func (k *Tx) PutRows(ctx context.Context, changes ...Change) error {
	rows := make([]pg.Row, 0, len(changes))
	var events []pg.Event
	for i := range changes {
		row := &changes[i].Row
		data, err := encode(row)
		if err != nil {
			return err
		}
		rows = append(rows, pg.Row{
			Shift: row.Key.Shift, Repo: row.Key.Repo, Unit: row.Key.Unit, State: string(row.State), DueAt: orNull(row.Due), Data: data,
		})
		for _, move := range changes[i].Moves {
			data, err := encode(move)
			if err != nil {
				return err
			}
			events = append(events, pg.Event{Shift: row.Key.Shift, Repo: row.Key.Repo, Unit: row.Key.Unit, Data: data})
		}
	}
	if err := k.store.PutRows(ctx, rows); err != nil {
		return err
	}
	return k.store.AddEvents(ctx, events)
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
	if err := k.PutRows(ctx, Change{next, moves}); err != nil {
		return nil, err
	}
	shift := w.Shift
	shift.SpentUSD += next.CostUSD - spent
	limited := f.Done != nil && f.Done.Fail == fleet.FailLimited
	if limited {
		giveBack(&shift, f.Done.Act)
	}
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
	if limited || shift.SpentUSD != w.SpentUSD || shift.Phase != w.Phase {
		return effects, k.PutShift(ctx, shift)
	}
	return effects, nil
}

// giveBack takes what a limit of the forge's has refused out of the rates.
func giveBack(s *fleet.Shift, act fleet.Act) {
	switch act {
	case fleet.ActPush:
		s.Pushes = s.Pushes.Give()
	case fleet.ActOpen:
		s.Opens = s.Opens.Give()
	case fleet.ActMerge:
		s.Merges = s.Merges.Give()
	case fleet.ActRun, fleet.ActReady, fleet.ActUpdate, fleet.ActClose, fleet.ActRemind, fleet.ActEscalate, fleet.ActRevert:
	}
}

// storedLedger is the ledger as it is stored.
type storedLedger struct {
	Entries []ledger.Entry `json:"entries,omitempty"`
	Paused  time.Time      `json:"paused,omitzero"`
}

// Ledger returns what is reserved at the forge.
func (k *Tx) Ledger(ctx context.Context) (*ledger.Ledger, error) {
	var s storedLedger
	raw, err := k.store.Ledger(ctx, identity)
	if err == nil && raw != nil {
		s, err = decode[storedLedger](raw)
	}
	return ledger.New(k.keep.Limits, s.Entries, s.Paused), err
}

// PutLedger stores what is reserved at the forge.
func (k *Tx) PutLedger(ctx context.Context, l *ledger.Ledger) error {
	raw, err := encode(storedLedger{l.Entries(k.Now.Add(-time.Hour)), l.Paused(k.Now)})
	if err != nil {
		return err
	}
	return k.store.PutLedger(ctx, identity, raw)
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
