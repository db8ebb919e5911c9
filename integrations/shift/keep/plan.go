package keep

import (
	"context"
	"time"

	"honk/fleet"
	"honk/fleet/life"
	"honk/fleet/manifest"
	"honk/fleet/plan"
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
		if op.Order != "" {
			next, more, _ := life.Step(row, fleet.Facts{Order: op.Order, OrderReason: op.Reason, Actor: by}, w.Policy, k.Now)
			row, moves = next, append(moves, more...)
		}
		changes = append(changes, Change{row, moves})
	}
	return k.PutRows(ctx, changes...)
}

// Due reports whether a shift's targets are to be looked for anew.
func (w *Work) Due(now time.Time) bool { return !w.NextRun.IsZero() && !now.Before(w.NextRun) }
