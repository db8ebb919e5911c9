package shift

import (
	"context"

	"honk/integrations/shift/revert"

	"honk/fleet"
	"honk/fleet/manifest"
	"honk/fleet/plan"
	"honk/fleet/status"
	"honk/integrations/shift/keep"
	"honk/integrations/shift/look"
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
	p.File = f
	if p.Manifest, err = d.Keep.Parse(f); err != nil {
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
		if applied.Shift.Phase == fleet.PhasePlanned {
			applied.Shift.Phase = fleet.PhaseRunning
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

// resolve looks for the targets of a shift anew: those of one with a schedule
// run again where something has changed. Then it measures what is left.
func (d *Door) resolve(ctx context.Context, name string) (string, error) {
	w, err := d.Keep.Work(ctx, name)
	if err != nil {
		return "", err
	}
	p := Planned{Manifest: w.Manifest}
	if p.Look, err = d.look(ctx, w.Manifest); err != nil {
		return "", err
	}
	if w.Manifest.Spec.Schedule != nil {
		err := d.Keep.In(ctx, func(k *keep.Tx) error {
			if p.Plan, err = k.Plan(ctx, p.Manifest, p.Targets, true); err != nil {
				return err
			}
			if err := k.PutShift(ctx, p.Shift); err != nil {
				return err
			}
			return k.Apply(ctx, p.Plan, "schedule")
		})
		if err != nil {
			return "", err
		}
	}
	if err := d.measure(ctx, w, p); err != nil {
		return "", err
	}
	defer d.wake()
	return "targets resolved", d.Keep.In(ctx, func(k *keep.Tx) error { return d.count(ctx, k, name) })
}

// count stores since when nothing of a shift is left, and when to look again.
func (d *Door) count(ctx context.Context, k *keep.Tx, name string) error {
	w, err := k.Work(ctx, name)
	if err != nil {
		return err
	}
	rows, err := k.Rows(ctx, name)
	if err != nil {
		return err
	}
	left := 0
	for i := range rows {
		if status.Left(&rows[i]) {
			left++
		}
	}
	shift := w.Shift
	shift.CleanSince = status.Clean(left, shift.CleanSince, k.Now)
	if err := k.PutShift(ctx, shift); err != nil {
		return err
	}
	return k.PutNext(ctx, name, keep.Next(w.Manifest, k.Now))
}
