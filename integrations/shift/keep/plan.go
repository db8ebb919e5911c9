package keep

import (
	"context"

	"honk/fleet"
	"honk/fleet/life"
	"honk/fleet/manifest"
	"honk/fleet/plan"
	"honk/fleet/status"
)

// Plan says what a look at the targets means for the rows as they are.
func (k *Tx) Plan(ctx context.Context, m *manifest.Manifest, targets []plan.Looked, rerun bool) (*plan.Plan, error) {
	name := m.Metadata.Name
	var shift fleet.Shift
	switch w, err := k.Work(ctx, name); {
	case err == nil:
		shift = w.Shift
	case !isMissing(err):
		return nil, err
	}
	rows, err := k.Rows(ctx, name)
	if err != nil {
		return nil, err
	}
	return plan.New(plan.Input{
		Manifest: m, Agent: k.keep.Agent, Targets: targets, Shift: shift, Rows: rows, Rerun: rerun, Now: k.Now,
	})
}

// Apply stores the operations of a plan.
func (k *Tx) Apply(ctx context.Context, p *plan.Plan, by string) error {
	old, err := k.Rows(ctx, p.Shift.Name)
	if err != nil {
		return err
	}
	was := map[fleet.Key]fleet.State{}
	for i := range old {
		was[old[i].Key] = old[i].State
	}
	w, err := k.Work(ctx, p.Shift.Name)
	if err != nil {
		return err
	}
	var changes []Change
	for i := range p.Ops {
		op := &p.Ops[i]
		if op.Kind == plan.Noop {
			continue
		}
		row, moves := op.Row, []fleet.Transition(nil)
		if was[row.Key] != row.State {
			moves = append(moves, fleet.Transition{
				Key: row.Key, From: was[row.Key], To: row.State, At: k.Now, Cause: string(op.Kind) + " " + op.Reason, Actor: by,
			})
		}
		f := fleet.Facts{Cause: string(op.Kind), Actor: by}
		if op.Order != "" {
			f.Order, f.OrderReason = op.Order, op.Reason
		}
		if op.Order == fleet.OrderClose {
			f.Actor = "" // What a manifest closes, one may open again.
		}
		// What the row wants is by the policy of before.
		next, more, _ := life.Step(row, f, w.Policy, k.Now)
		changes = append(changes, Change{next, append(moves, more...)})
	}
	return k.PutRows(ctx, changes...)
}

// Count stores since when nothing of a shift is left, and when to look again.
func (k *Tx) Count(ctx context.Context, name string) error {
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
	return k.PutNext(ctx, name, Next(w.Manifest, k.Now))
}
