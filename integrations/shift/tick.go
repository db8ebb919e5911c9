package shift

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"honk/fleet"
	"honk/fleet/schedule"
	"honk/integrations/shift/act"
	"honk/integrations/shift/keep"
	"honk/internal/task"
)

const (
	// eventAct is the delivery that does what a row has leave for, eventResolve
	// the one that looks for a shift's targets anew.
	eventAct     = "shift.act"
	eventResolve = "shift.resolve"
	// overdue is how long after its time an act is taken for lost. Its
	// delivery has the same ID as before, so it is stored once.
	overdue = time.Minute
	// maxPolls is how many rows one tick looks at, at the forge.
	maxPolls = 20
)

// tick is what one Tick has decided and does once that is stored.
type tick struct {
	// paused: the forge wants peace.
	paused  bool
	runs    []fleet.Key
	acts    []fleet.Row
	polls   []fleet.Key
	resolve []*keep.Work
	effects []fleet.Effect
}

// Tick lets the rows of all running shifts act that may. It is done by one
// process at a time, every few seconds.
func (d *Door) Tick(ctx context.Context) error {
	var t tick
	err := d.Keep.In(ctx, func(k *keep.Tx) error {
		t = tick{}
		return d.decide(ctx, k, &t)
	})
	if err != nil {
		return err
	}
	d.after(ctx, t.effects)
	for i := range t.acts {
		err = errors.Join(err, d.send(ctx, &t.acts[i]))
	}
	for _, w := range t.resolve {
		_, sendErr := d.Queue.Receive(ctx, task.Delivery{
			Source: task.SourceShift, ID: fmt.Sprintf("resolve/%s/%d", w.Name, w.NextRun.Unix()), Event: eventResolve,
			Payload: fmt.Appendf(nil, "%q", w.Name),
		})
		err = errors.Join(err, sendErr)
	}
	return errors.Join(err, d.each(ctx, t.runs, d.run), d.each(ctx, t.polls, d.refresh))
}

// each does something for rows. One that fails does not hold the others up,
// but for a limit of the forge's: that pauses everything.
func (d *Door) each(ctx context.Context, keys []fleet.Key, do func(context.Context, fleet.Key) error) error {
	for _, key := range keys {
		err := do(ctx, key)
		switch {
		case err == nil:
		case task.CodeOf(err) == task.CodeRateLimited:
			return d.Keep.In(ctx, func(k *keep.Tx) error { return k.Pause(ctx, k.Now.Add(act.WaitOf(err))) })
		case ctx.Err() != nil:
			return err
		default:
			d.Log.WarnContext(ctx, "row does not go on", "row", key.String(), "error", err)
		}
	}
	return nil
}

// decide decides and stores who may act.
func (d *Door) decide(ctx context.Context, k *keep.Tx, t *tick) error {
	works, err := k.Running(ctx)
	if err != nil || len(works) == 0 {
		return err
	}
	l, err := k.Ledger(ctx)
	if err != nil {
		return err
	}
	s := schedule.New(l, nil)
	rows := map[fleet.Key]*fleet.Row{}
	for _, w := range works {
		list, err := k.Rows(ctx, w.Name)
		if err != nil {
			return err
		}
		for i := range list {
			row := &list[i]
			rows[row.Key] = row
			if row.Due.IsZero() || row.Due.After(k.Now) {
				continue
			}
			effects, err := k.Step(ctx, row, fleet.Facts{Cause: "time"}, nil)
			if err != nil {
				return err
			}
			t.effects = append(t.effects, effects...)
		}
		if err := s.Add(w.Shift, w.Manifest, list); err != nil {
			return err
		}
		if w.Due(k.Now) {
			t.resolve = append(t.resolve, w)
		}
		d.look(k, t, list)
	}
	if t.paused = !l.Paused(k.Now).IsZero(); t.paused {
		t.polls = nil
	}
	if err := (granting{k, t, rows}).all(ctx, s.Schedule(k.Now)); err != nil {
		return err
	}
	for _, w := range works {
		now, _ := s.Shift(w.Name)
		if finished(w, rows) && now.Phase == fleet.PhaseRunning {
			now.Phase, now.Reason = fleet.PhaseCompleted, "nothing is left"
		}
		if !reflect.DeepEqual(now, w.Shift) {
			d.Log.InfoContext(ctx, "shift goes on", "shift", now.Name, "phase", now.Phase, "wave", now.Wave, "reason", now.Reason)
			if err := k.PutShift(ctx, now); err != nil {
				return err
			}
		}
	}
	return k.PutLedger(ctx, l)
}

// granting stores leave to act.
type granting struct {
	k    *keep.Tx
	t    *tick
	rows map[fleet.Key]*fleet.Row
}

// all stores what rows are about to do.
func (g granting) all(ctx context.Context, decided schedule.Decision) error {
	for _, one := range decided.Grants {
		if one.Act == fleet.ActRun {
			if !g.t.paused {
				g.t.runs = append(g.t.runs, one.Key)
			}
			continue
		}
		row := g.rows[one.Key]
		effects, err := g.k.Step(ctx, row, fleet.Facts{Grant: one.Act}, func(row *fleet.Row) {
			if row.Doing == one.Act {
				// From here on it names this very act.
				row.NotBefore = one.At.Truncate(time.Millisecond)
			}
		})
		if err != nil {
			return err
		}
		g.t.effects = append(g.t.effects, effects...)
		if row.Doing == one.Act {
			g.t.acts = append(g.t.acts, *row)
		}
	}
	return nil
}

// look picks the rows whose act may be lost, and those that nobody has looked
// at, at the forge, for a while.
func (d *Door) look(k *keep.Tx, t *tick, rows []fleet.Row) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range rows {
		row := &rows[i]
		switch {
		case row.Doing != "" && row.Doing != fleet.ActRun:
			if k.Now.Sub(row.NotBefore) > overdue {
				t.acts = append(t.acts, *row)
			}
		case row.PR.HeadSHA == "" || row.Doing == fleet.ActRun:
		case row.PR.Open, row.State == fleet.Pushed, row.State == fleet.CIPending, row.State == fleet.CIFailed, row.State == fleet.RevertProposed:
			if k.Now.Sub(d.looked[row.Key]) > d.Poll && len(t.polls) < maxPolls {
				d.looked[row.Key] = k.Now
				t.polls = append(t.polls, row.Key)
			}
		}
	}
}

// finished reports whether nothing of a shift is left to do. One that looks
// for its targets again and again takes its time to be sure.
func finished(w *keep.Work, rows map[fleet.Key]*fleet.Row) bool {
	if w.Manifest.Spec.Schedule != nil {
		return w.Manifest.Spec.Schedule.Until == "done" && w.Complete(time.Now())
	}
	for key, row := range rows {
		if key.Shift != w.Name || row.Unmatched || row.State.Terminal() || row.State == fleet.Merged && w.Policy.Watch == 0 {
			continue
		}
		return false
	}
	return true
}

// order is the payload of eventAct.
type order struct {
	Row   string    `json:"row"`
	Act   fleet.Act `json:"act"`
	Stamp string    `json:"stamp"`
}
