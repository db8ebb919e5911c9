package shift

import (
	"context"

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
	if p.Look, err = look.At(ctx, d.Forge, p.Manifest); err != nil {
		return p, err
	}
	err = d.Keep.In(ctx, func(k *keep.Tx) error {
		p.Plan, err = k.Plan(ctx, p.Manifest, p.Targets, false)
		return err
	})
	return p, err
}

// Apply stores a plan and lets the shift run. Rows that have changed since
// count as they are now.
func (d *Door) Apply(ctx context.Context, p Planned, by string) (applied *plan.Plan, err error) {
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
		return k.Apply(ctx, applied, by)
	})
	return applied, err
}

// resolve looks for the targets of a shift anew, as its schedule says.
func (d *Door) resolve(ctx context.Context, name string) (string, error) {
	w, err := d.Keep.Work(ctx, name)
	if err != nil {
		return "", err
	}
	p := Planned{File: w.File, Manifest: w.Manifest}
	if p.Look, err = look.At(ctx, d.Forge, w.Manifest); err != nil {
		return "", err
	}
	err = d.Keep.In(ctx, func(k *keep.Tx) error {
		if p.Plan, err = k.Plan(ctx, p.Manifest, p.Targets, true); err != nil {
			return err
		}
		if err := k.Apply(ctx, p.Plan, "schedule"); err != nil {
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
		p.Shift.CleanSince = status.Clean(left, p.Shift.CleanSince, k.Now)
		if err := k.PutShift(ctx, p.Shift); err != nil {
			return err
		}
		return k.PutNext(ctx, name, w.Next(k.Now))
	})
	return "targets resolved", err
}
