package shift

import (
	"context"
	"errors"

	"honk/fleet"
	"honk/fleet/manifest"
	"honk/fleet/plan"
	"honk/integrations/shift/keep"
	"honk/integrations/shift/look"
	"honk/integrations/shift/revert"
)

// Planned is what applying a manifest means, as far as is known now.
type Planned struct {
	File     keep.File          `json:"-"`
	Manifest *manifest.Manifest `json:"-"`
	look.Look
	*plan.Plan
}

// Plan looks at a manifest's targets and says what applying it means. It
// changes nothing.
func (d *Door) Plan(ctx context.Context, f keep.File) (p Planned, err error) {
	if p.Manifest, p.File, err = d.Keep.Read(f); err != nil {
		return p, err
	}
	if p.Look, err = d.look(ctx, p.Manifest); err != nil {
		return p, err
	}
	err = d.Keep.In(ctx, func(k *keep.Tx) error {
		p.Plan, err = k.Plan(ctx, p.Manifest, p.Targets, false)
		return err
	})
	return p, err
}

// look finds the targets of a manifest and looks at each.
func (d *Door) look(ctx context.Context, m *manifest.Manifest) (look.Look, error) {
	merged, err := revert.Targets(ctx, d.Keep, m)
	if err != nil {
		return look.Look{}, err
	}
	return look.At(ctx, d.Forge, m, merged)
}

// Apply stores a plan and lets the shift run. Rows that have changed since
// count as they are now.
func (d *Door) Apply(ctx context.Context, p Planned, by string) (applied *plan.Plan, err error) {
	defer d.wake()
	err = d.Keep.In(ctx, func(k *keep.Tx) error {
		if applied, err = k.Plan(ctx, p.Manifest, p.Targets, false); err != nil {
			return err
		}
		if ph := applied.Shift.Phase; ph == fleet.PhasePlanned || ph == fleet.PhaseCompleted && applied.Runs > 0 {
			applied.Shift.Phase, applied.Shift.Reason = fleet.PhaseRunning, ""
		}
		if err := k.PutManifest(ctx, applied.Shift, p.File, by); err != nil {
			return err
		}
		if err := k.Apply(ctx, applied, by); err != nil {
			return err
		}
		return k.PutNext(ctx, applied.Shift.Name, keep.Next(p.Manifest, k.Now))
	})
	return applied, err
}

// errChanged says that somebody has applied another manifest, or holds the
// shift, since its targets were looked for: what was found is not stored.
var errChanged = errors.New("the shift has changed meanwhile")

// resolve looks for the targets of a shift anew: those of one with a schedule
// run again where something has changed. Then it measures what is left.
func (d *Door) resolve(ctx context.Context, name string) (string, error) {
	w, err := d.Keep.Work(ctx, name)
	if err != nil {
		return "", err
	}
	if w.Phase != fleet.PhaseRunning {
		return string(w.Phase), nil // It is asked for again once it runs.
	}
	p := Planned{Manifest: w.Manifest}
	if p.Look, err = d.look(ctx, w.Manifest); err != nil {
		return "", err
	}
	if w.Manifest.Spec.Schedule != nil {
		err := d.Keep.In(ctx, func(k *keep.Tx) error {
			now, err := k.Work(ctx, name)
			if err != nil {
				return err
			}
			if now.Digest != w.Digest || now.Phase != fleet.PhaseRunning {
				return errChanged
			}
			if p.Plan, err = k.Plan(ctx, p.Manifest, p.Targets, true); err != nil {
				return err
			}
			if err := k.PutShift(ctx, p.Shift); err != nil {
				return err
			}
			return k.Apply(ctx, p.Plan, "schedule")
		})
		if errors.Is(err, errChanged) {
			return err.Error(), nil
		}
		if err != nil {
			return "", err
		}
	}
	if err := d.measure(ctx, w, p); err != nil {
		return "", err
	}
	defer d.wake()
	return "targets resolved", d.Keep.In(ctx, func(k *keep.Tx) error { return k.Count(ctx, name) })
}
