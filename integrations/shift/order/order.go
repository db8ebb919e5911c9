// Package order does what people want of shifts and their rows.
package order

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"honk/fleet"
	"honk/fleet/manifest"
	"honk/fleet/wave"
	"honk/integrations/shift/keep"
	"honk/internal/task"
)

// Orders gives orders. It is safe for concurrent use; the fields are requireo.
type Orders struct {
	Keep *keep.Store
	// StepFunc lets facts work on a row.
	StepFunc func(ctx context.Context, key fleet.Key, facts func(row *fleet.Row) *fleet.Facts) error
	// WakeFunc has rows looked at soon.
	WakeFunc func()
	Log      *slog.Logger
}

// Which says which rows of a shift an order is for: one repository, those that
// fail with one signature, or all.
type Which struct {
	Repo, Signature string
	All             bool
}

// Pause holds a shift: nothing of it acts any more.
func (o *Orders) Pause(ctx context.Context, name, by string) error {
	return o.turn(ctx, name, func(s *fleet.Shift) error {
		if s.Phase == fleet.PhaseCompleted {
			return task.Errorf(task.CodeConflict, "%s is completed; there is nothing to pause", name)
		}
		s.Phase, s.Reason = fleet.PhasePaused, "paused by "+by
		return nil
	})
}

// Resume lets a paused or halted shift go on. What settled before does not
// halt it again.
func (o *Orders) Resume(ctx context.Context, name, by string) error {
	return o.Keep.In(ctx, func(k *keep.Tx) error {
		w, err := k.Found(ctx, name)
		if err != nil {
			return err
		}
		s := w.Shift
		if s.Phase == fleet.PhaseRunning {
			return task.Errorf(task.CodeConflict, "%s runs; there is nothing to resume", name)
		}
		s.Phase, s.Reason, s.ResumedAt = fleet.PhaseRunning, "", k.Now
		o.Log.InfoContext(ctx, "shift resumed", "shift", name, "by", by)
		return k.PutShift(ctx, s)
	})
}

// turn changes a shift.
func (o *Orders) turn(ctx context.Context, name string, change func(*fleet.Shift) error) error {
	return o.Keep.In(ctx, func(k *keep.Tx) error {
		w, err := k.Found(ctx, name)
		if err != nil {
			return err
		}
		s := w.Shift
		if err := change(&s); err != nil {
			return err
		}
		return k.PutShift(ctx, s)
	})
}

// Approve approves what comes after a wave, the current one when none is
// named, or the changes of one shape. It returns what was approveo.
func (o *Orders) Approve(ctx context.Context, name, what, by string) (approved string, err error) {
	w, err := o.Keep.Found(ctx, name)
	if err != nil {
		return "", err
	}
	rows, err := o.rows(ctx, name)
	if err != nil {
		return "", err
	}
	var same []fleet.Key
	for i := range rows {
		if what != "" && rows[i].Change.Shape == what {
			same = append(same, rows[i].Key)
		}
	}
	if len(same) > 0 {
		return "the shape " + what, o.approve(ctx, same, what, by)
	}
	waves := w.Manifest.Spec.Rollout.Waves
	if len(waves) == 0 {
		waves = wave.Default(len(rows))
	}
	err = o.turn(ctx, name, func(s *fleet.Shift) error {
		if what == "" {
			what = waves[min(s.Wave, len(waves)-1)].Name
		}
		if !slices.ContainsFunc(waves, func(w manifest.Wave) bool { return w.Name == what }) {
			return task.Errorf(task.CodeNotFound, "%s has no wave and no shape %q; honk shift status shows them", name, what)
		}
		if !slices.Contains(s.Approved, what) {
			s.Approved = append(s.Approved, what)
		}
		approved = "what comes after wave " + what
		return nil
	})
	return approved, err
}

// approve approves the changes of rows as long as they have a shape: what was
// made since is another that nobody has read.
func (o *Orders) approve(ctx context.Context, keys []fleet.Key, shape, by string) error {
	for _, key := range keys {
		err := o.StepFunc(ctx, key, func(row *fleet.Row) *fleet.Facts {
			if row.Change.Shape != shape {
				return nil
			}
			return &fleet.Facts{Order: fleet.OrderApprove, Actor: by}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Retry has what failed done once more and returns of how many rows.
func (o *Orders) Retry(ctx context.Context, name string, which Which, by string) (int, error) {
	rows, err := o.rows(ctx, name)
	if err != nil {
		return 0, err
	}
	var keys []fleet.Key
	for i := range rows {
		r := &rows[i]
		failed := r.State.Failed() || r.State == fleet.Conflicted
		switch {
		case r.Unmatched: // It is none of the shift's targets any more.
		case which.Repo != "" && strings.EqualFold(r.Key.Repo, which.Repo):
			keys = append(keys, r.Key)
		case which.Signature != "" && failed && r.Signature.ID == which.Signature:
			keys = append(keys, r.Key)
		case which.All && failed:
			keys = append(keys, r.Key)
		}
	}
	if len(keys) == 0 {
		return 0, task.Errorf(task.CodeNotFound, "nothing of %s fits that and could be retried; honk shift status %s shows what fails", name, name)
	}
	if err := o.order(ctx, keys, fleet.Facts{Order: fleet.OrderRetry, Actor: by}); err != nil {
		return 0, err
	}
	return len(keys), o.turn(ctx, name, func(s *fleet.Shift) error {
		if s.Phase == fleet.PhaseCompleted {
			s.Phase, s.Reason = fleet.PhaseRunning, ""
		}
		return nil
	})
}

// Close closes the pull requests of a shift and ends its rows; with a
// repository only what is there. As a whole it does so whether the shift is
// held or not: nothing else is left for its rows to do.
func (o *Orders) Close(ctx context.Context, name, repo, by string) (int, error) {
	rows, err := o.rows(ctx, name)
	if err != nil {
		return 0, err
	}
	var keys []fleet.Key
	known := repo == ""
	for i := range rows {
		r := &rows[i]
		if repo != "" && !strings.EqualFold(r.Key.Repo, repo) {
			continue
		}
		if known = true; !r.State.Terminal() && !r.State.Merged() {
			keys = append(keys, r.Key)
		}
	}
	if !known {
		return 0, NoTarget(name, repo)
	}
	err = o.order(ctx, keys, fleet.Facts{Order: fleet.OrderClose, Actor: by, OrderReason: "closed by " + by})
	if err != nil || repo != "" {
		return len(keys), err
	}
	err = o.turn(ctx, name, func(s *fleet.Shift) error {
		if s.Phase == fleet.PhasePaused || s.Phase == fleet.PhaseHalted {
			s.Phase, s.Reason, s.ResumedAt = fleet.PhaseRunning, "", time.Now()
		}
		return nil
	})
	if err != nil {
		return len(keys), err
	}
	// Its schedule would find what to open anew.
	return len(keys), o.Keep.In(ctx, func(k *keep.Tx) error { return k.PutNext(ctx, name, time.Time{}) })
}

// NoTarget says that a shift has nothing in a repository.
func NoTarget(name, repo string) error {
	return task.Errorf(task.CodeNotFound, "%s has no target %q; honk shift status %s shows them", name, repo, name)
}

// order gives an order to rows, each for itself.
func (o *Orders) order(ctx context.Context, keys []fleet.Key, facts fleet.Facts) error {
	for _, key := range keys {
		if err := o.StepFunc(ctx, key, func(*fleet.Row) *fleet.Facts { return &facts }); err != nil {
			return err
		}
	}
	return nil
}

// rows returns the rows of the shift that somebody names.
func (o *Orders) rows(ctx context.Context, name string) ([]fleet.Row, error) {
	if _, err := o.Keep.Found(ctx, name); err != nil {
		return nil, err
	}
	return o.Keep.Rows(ctx, name)
}
