package shift

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"honk/fleet"
	"honk/fleet/schedule"
	"honk/integrations/shift/act"
	"honk/integrations/shift/board"
	"honk/integrations/shift/keep"
	pg "honk/internal/postgres/shift"
	"honk/internal/task"
)

const (
	// tickEvery is how often rows are looked at that may act by time alone,
	// tickGap how long at least ticks are apart.
	tickEvery = 2 * time.Second
	tickGap   = 50 * time.Millisecond
	// eventAct is the delivery that does what a row has leave for, eventResolve
	// the one that looks for a shift's targets anew.
	eventAct     = "shift.act"
	eventResolve = "shift.resolve"
	// starters is how many runs are started at once.
	starters = 8
)

// tick is what one Tick has decided and does once that is stored.
type tick struct {
	runs    []fleet.Key
	acts    []fleet.Row
	polls   []fleet.Key
	resolve []*keep.Work
	effects []fleet.Effect
}

// Run lets the rows of all running shifts act that may, until ctx ends. Of
// several processes one does.
func (d *Door) Run(ctx context.Context) {
	for ctx.Err() == nil {
		_, err := pg.Alone(ctx, d.DB, "shift ticks", d.watch)
		if err != nil && ctx.Err() == nil {
			d.Log.WarnContext(ctx, "shifts do not go on", "error", err)
		}
		rest(ctx, tickEvery)
	}
}

func (d *Door) watch(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := d.Tick(ctx); err != nil {
			return err
		}
		rest(ctx, tickGap)
		select {
		case <-ctx.Done():
		case <-d.woken:
		case <-time.After(tickEvery):
		}
	}
	return nil
}

// rest waits, unless ctx ends.
func rest(ctx context.Context, long time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(long):
	}
}

// wake has rows looked at without waiting for the next tick.
func (d *Door) wake() {
	select {
	case d.woken <- struct{}{}:
	default:
	}
}

// Tick lets the rows of all running shifts act once that may.
func (d *Door) Tick(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.board == nil {
		d.board = board.New(d.zone)
	}
	var t tick
	err := d.Keep.In(ctx, func(k *keep.Tx) error {
		t = tick{}
		return d.decide(ctx, k, &t)
	})
	if err != nil {
		d.board = nil // It may know of what was not stored.
		return err
	}
	d.after(ctx, t.effects)
	for i := range t.acts {
		err = errors.Join(err, d.send(ctx, &t.acts[i]))
	}
	for _, w := range t.resolve {
		_, sendErr := d.Queue.Receive(ctx, task.Delivery{
			Source: task.SourceShift, ID: fmt.Sprintf("resolve/%s/%d%s", w.Name, w.NextRun.Unix(), again(w.NextRun)), Event: eventResolve,
			Payload: fmt.Appendf(nil, "%q", w.Name),
		})
		err = errors.Join(err, sendErr)
	}
	return errors.Join(err, d.each(ctx, t.runs, d.run), d.each(ctx, t.polls, d.refresh))
}

// each does something for rows. One that fails does not hold the others up,
// but for a limit of the forge's: that pauses everything.
func (d *Door) each(ctx context.Context, keys []fleet.Key, do func(context.Context, fleet.Key) error) error {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(starters)
	for _, key := range keys {
		group.Go(func() error {
			err := do(within, key)
			d.board.Doubt(key)
			if err == nil || task.CodeOf(err) == task.CodeRateLimited || within.Err() != nil {
				return err
			}
			d.Log.WarnContext(ctx, "row does not go on", "row", key.String(), "error", err)
			return nil
		})
	}
	err := group.Wait()
	if task.CodeOf(err) == task.CodeRateLimited {
		return d.Keep.In(ctx, func(k *keep.Tx) error { return k.Pause(ctx, k.Now.Add(act.WaitOf(err))) })
	}
	return err
}

// decide decides and stores who may act.
func (d *Door) decide(ctx context.Context, k *keep.Tx, t *tick) error {
	works, err := k.Running(ctx)
	if err != nil || len(works) == 0 {
		d.board = board.New(d.zone)
		return err
	}
	due, err := k.Due(ctx)
	if err != nil {
		return err
	}
	for i := range due {
		effects, err := k.Step(ctx, &due[i], fleet.Facts{Cause: "time"}, nil)
		if err != nil {
			return err
		}
		t.effects = append(t.effects, effects...)
	}
	l, err := k.Ledger(ctx)
	if err != nil {
		return err
	}
	if err := d.board.Update(ctx, k, works, l); err != nil {
		return err
	}
	paused := !l.Paused(k.Now).IsZero()
	decided := d.board.Scheduler.Schedule(k.Now)
	if err := d.grant(ctx, k, decided.Grants, t); err != nil {
		return err
	}
	if paused {
		// What was granted is in doubt, so that it is granted again.
		for _, key := range t.runs {
			d.board.Doubt(key)
		}
		t.runs = nil
	} else {
		t.polls = d.board.Unseen(k.Now, d.Poll)
	}
	lost, err := d.board.Lost(ctx, k)
	if err != nil {
		return err
	}
	t.acts = append(t.acts, lost...)
	for _, w := range works {
		if err := d.finish(ctx, k, w); err != nil {
			return err
		}
		if !w.NextRun.IsZero() && !k.Now.Before(w.NextRun) {
			t.resolve = append(t.resolve, w)
		}
	}
	if !slices.ContainsFunc(decided.Grants, func(g schedule.Grant) bool { return g.Act != fleet.ActRun }) {
		return nil // Nothing was reserved.
	}
	return k.PutLedger(ctx, l)
}

// grant stores what rows are about to do. A run is stored with its task,
// later.
func (d *Door) grant(ctx context.Context, k *keep.Tx, grants []schedule.Grant, t *tick) error {
	for _, one := range grants {
		if one.Act == fleet.ActRun {
			t.runs = append(t.runs, one.Key)
			continue
		}
		row, err := k.Row(ctx, one.Key)
		if err != nil {
			return err
		}
		effects, err := k.Step(ctx, &row, fleet.Facts{Grant: one.Act}, func(row *fleet.Row) {
			if row.Doing == one.Act {
				// From here on it names this very act.
				row.NotBefore = one.At.Truncate(time.Millisecond)
			}
		})
		if err != nil {
			return err
		}
		t.effects = append(t.effects, effects...)
		if row.Doing == one.Act {
			t.acts = append(t.acts, row)
		}
	}
	return nil
}

// finish stores what became of a shift.
func (d *Door) finish(ctx context.Context, k *keep.Tx, w *keep.Work) error {
	now, _ := d.board.Scheduler.Shift(w.Name)
	if now.Phase == fleet.PhaseRunning && d.board.Finished(w, k.Now) {
		now.Phase, now.Reason = fleet.PhaseCompleted, "nothing is left"
	}
	if reflect.DeepEqual(now, w.Shift) {
		return nil
	}
	switch {
	case now.Phase == fleet.PhaseHalted:
		d.Log.ErrorContext(ctx, "shift needs its owner", "shift", now.Name, "phase", now.Phase, "reason", now.Reason)
	case now.Phase != w.Phase || now.Wave != w.Wave:
		d.Log.InfoContext(ctx, "shift goes on", "shift", now.Name, "phase", now.Phase, "wave", now.Wave, "reason", now.Reason)
	}
	return k.PutShift(ctx, now)
}

// leave is the payload of eventAct: what a row may do.
type leave struct {
	Row   string    `json:"row"`
	Act   fleet.Act `json:"act"`
	Stamp string    `json:"stamp"`
}
