package shift

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"honk/fleet"
	"honk/fleet/plan"
	"honk/fleet/status"
	"honk/integrations/shift/ending"
	"honk/integrations/shift/keep"
	"honk/internal/postgres"
	"honk/internal/runner"
	"honk/internal/task"
)

const (
	// sampleEvery is how often the runs of a sample are looked at.
	sampleEvery = time.Second
	// idleFor is how long nobody takes a run on before that is said.
	idleFor = 20 * time.Second
)

// Sampled is what a manifest makes of a few of its targets. Nothing of it went
// anywhere.
type Sampled struct {
	status.Status
	// Rows are as they would be once their runs had ended.
	Rows []fleet.Row `json:"rows"`
	// Diffs show one change of each shape.
	Diffs map[string]string `json:"diffs"`
}

// Sample has a planned change made for up to n targets, those first that would
// go first, and pushes nothing. sayFunc is told when nobody does the work.
func (d *Door) Sample(ctx context.Context, p Planned, n int, sayFunc func(string)) (s Sampled, err error) {
	w := &keep.Work{Shift: p.Shift, Manifest: p.Manifest, Policy: fleet.PolicyOf(p.Manifest)}
	if w.Recipe, err = d.Keep.AddSample(ctx, p.File, p.Manifest); err != nil {
		return s, err
	}
	var open []int // The rows whose runs have not ended.
	defer func() {
		if err != nil {
			d.drop(context.WithoutCancel(ctx), s.Rows, open)
		}
	}()
	stamp := time.Now().UTC().Format("20060102T150405.000")
	for i, row := range p.sample(n) {
		rec, err := d.dry(ctx, w, &row, toSample, stamp)
		switch task.CodeOf(err) {
		case "":
			row.TaskID, row.State = rec.ID, fleet.Running
			open = append(open, i)
		case task.CodeNotFound, task.CodeForbidden:
			row.State, row.Reason = fleet.Unreachable, err.Error()
		default:
			return s, err
		}
		s.Rows = append(s.Rows, row)
	}
	s.Diffs = map[string]string{}
	idle := time.AfterFunc(idleFor, func() {
		sayFunc("no run of the sample has ended yet; honk serve does them: is it running, and not busy?")
	})
	defer idle.Stop()
	for len(open) > 0 {
		before := len(open)
		if open, err = d.gather(ctx, w, &s, open); err != nil {
			return s, err
		}
		if len(open) < before {
			idle.Stop()
		}
		if len(open) > 0 {
			rest(ctx, sampleEvery)
		}
		if ctx.Err() != nil {
			return s, context.Cause(ctx)
		}
	}
	s.Status = status.Of(w.Shift, w.Policy, s.Rows)
	return s, nil
}

// sample picks the rows to try: those that would run, in the order of the
// rollout, then those that are done. Each is tried on its base as it is now.
func (p Planned) sample(n int) (rows []fleet.Row) {
	heads := map[fleet.Key]string{}
	for i := range p.Targets {
		t := &p.Targets[i].Target
		heads[fleet.Key{Shift: p.Shift.Name, Repo: t.Repo, Unit: t.Unit}] = t.BaseSHA
	}
	for _, runs := range []bool{true, false} {
		for i := range p.Ops {
			op := &p.Ops[i]
			if would := slices.Contains([]plan.Kind{plan.Create, plan.Update, plan.Rebase}, op.Kind); would != runs || op.Kind == plan.Skip || op.Row.Unmatched {
				continue
			}
			if len(rows) < n {
				row := op.Row
				row.BaseSHA = cmp.Or(heads[row.Key], row.BaseSHA)
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// gather takes in which runs have ended, and returns the rows of the others.
func (d *Door) gather(ctx context.Context, w *keep.Work, s *Sampled, open []int) (still []int, err error) {
	for _, i := range open {
		rec, err := d.DB.Task(ctx, s.Rows[i].TaskID)
		if err != nil {
			return open, err
		}
		if !rec.Status.Final() {
			still = append(still, i)
			continue
		}
		if err := d.sampled(ctx, w, &s.Rows[i], rec, s.Diffs); err != nil {
			return open, err
		}
	}
	return still, nil
}

// sampled takes in the end of a run.
func (d *Door) sampled(ctx context.Context, w *keep.Work, row *fleet.Row, rec postgres.Record, diffs map[string]string) error {
	res := runner.Result{Outcome: task.Outcome{Status: rec.Status}}
	if rec.Result != nil {
		if err := json.Unmarshal(rec.Result, &res); err != nil {
			return fmt.Errorf("reading the result of task %s: %w", rec.ID, err)
		}
	}
	if rec.Status == task.StatusDelivered {
		patch, err := d.DB.Patch(ctx, rec.ID)
		if err != nil {
			return err
		}
		res.Patch = patch
	}
	f := ending.Of(w, row, rec.Task, res)
	row.State, row.Reason, row.Since = ending.StateOf(f.Ending), f.Reason, time.Now()
	row.Change, row.Signature, row.CostUSD = f.Change, f.Signature, f.CostUSD
	if shape := f.Change.Shape; shape != "" && diffs[shape] == "" {
		diffs[shape] = string(res.Patch.Diff)
	}
	return nil
}

// drop cancels the runs that nobody waits for any more.
func (d *Door) drop(ctx context.Context, rows []fleet.Row, open []int) {
	for _, i := range open {
		if _, err := d.DB.Cancel(ctx, rows[i].TaskID, "honk shift plan"); err != nil {
			d.Log.WarnContext(ctx, "run of a sample not cancelled", "task_id", rows[i].TaskID, "error", err)
		}
	}
}
