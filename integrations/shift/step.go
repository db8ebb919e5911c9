package shift

import (
	"context"

	"honk/fleet"
	"honk/integrations/shift/keep"
)

// step lets facts work on a row and stores what becomes of it.
func (d *Door) step(ctx context.Context, key fleet.Key, facts func(row *fleet.Row) *fleet.Facts) error {
	var effects []fleet.Effect
	err := d.Keep.In(ctx, func(k *keep.Tx) error {
		row, err := k.Row(ctx, key)
		if err != nil {
			return err
		}
		f := facts(&row)
		if f == nil {
			return nil
		}
		effects, err = k.Step(ctx, &row, *f, nil)
		return err
	})
	if err != nil {
		return err
	}
	d.after(ctx, effects)
	d.wake()
	return nil
}
