package shift

import (
	"context"
	"strings"
	"time"

	"honk/fleet"
	"honk/fleet/schedule"
	"honk/fleet/status"
	"honk/integrations/shift/keep"
	"honk/integrations/shift/order"
	"honk/internal/task"
)

// Report is how a shift stands, with what its waves and rows wait for.
type Report struct {
	status.Status
	By string `json:"by"`
	// Gate says why the next wave has not started.
	Gate string `json:"gate,omitempty"`
	// Left is how many rows have not ended.
	Left int         `json:"left"`
	Rows []fleet.Row `json:"rows,omitempty"`
}

// Status says how a shift stands.
func (d *Door) Status(ctx context.Context, name string) (r Report, err error) {
	err = d.Keep.Look(func(k *keep.Tx) error {
		w, err := k.Found(ctx, name)
		if err != nil {
			return err
		}
		rows, err := k.Rows(ctx, name)
		if err != nil {
			return err
		}
		s, err := d.scheduler(ctx, k, w, rows)
		if err != nil {
			return err
		}
		waits := map[fleet.Key]fleet.Wait{}
		for _, one := range s.Waits(k.Now) {
			waits[one.Key] = one.Wait
		}
		for i := range rows {
			if wait, ok := waits[rows[i].Key]; ok {
				rows[i].Wait = wait
			}
		}
		r = Report{Status: status.Of(w.Shift, w.Policy, rows), By: w.By, Rows: rows, Gate: s.GateReason(name, k.Now)}
		r.ETA, r.Left = s.Estimate(name, k.Now)
		if r.Left == 0 || w.Phase != fleet.PhaseRunning {
			r.ETA = time.Time{}
		}
		return nil
	})
	return r, err
}

// All says how each shift stands, the newest first, without its rows.
func (d *Door) All(ctx context.Context) (all []Report, err error) {
	shifts, err := d.Keep.Shifts(ctx)
	if err != nil {
		return nil, err
	}
	for _, one := range shifts {
		w, err := d.Keep.Work(ctx, one.Name)
		if err != nil {
			return nil, err
		}
		rows, err := d.Keep.Rows(ctx, one.Name)
		if err != nil {
			return nil, err
		}
		all = append(all, Report{Status: status.Of(w.Shift, w.Policy, rows), By: w.By})
	}
	return all, nil
}

// scheduler is one that knows all running shifts, and this one.
func (d *Door) scheduler(ctx context.Context, k *keep.Tx, w *keep.Work, rows []fleet.Row) (*schedule.Scheduler, error) {
	l, err := k.Ledger(ctx)
	if err != nil {
		return nil, err
	}
	works, err := k.Running(ctx)
	if err != nil {
		return nil, err
	}
	s := schedule.New(l, d.zone)
	for _, other := range works {
		if other.Name == w.Name {
			continue
		}
		list, err := k.Rows(ctx, other.Name)
		if err != nil {
			return nil, err
		}
		if err := s.Add(other.Shift, other.Manifest, list); err != nil {
			return nil, err
		}
	}
	return s, s.Add(w.Shift, w.Manifest, rows)
}

// Rows returns the rows of a shift.
func (d *Door) Rows(ctx context.Context, name string) ([]fleet.Row, error) {
	if _, err := d.Keep.Found(ctx, name); err != nil {
		return nil, err
	}
	return d.Keep.Rows(ctx, name)
}

// Story is what became of one target.
type Story struct {
	Row   fleet.Row
	Moves []fleet.Transition
	// Task is the last one's events.
	Task []task.Event
}

// Logs tells what became of the targets in a repository.
func (d *Door) Logs(ctx context.Context, name, repo string) (all []Story, err error) {
	rows, err := d.Rows(ctx, name)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if !strings.EqualFold(rows[i].Key.Repo, repo) {
			continue
		}
		s := Story{Row: rows[i]}
		if s.Moves, err = d.Keep.Moves(ctx, s.Row.Key); err != nil {
			return nil, err
		}
		if s.Row.TaskID != "" {
			if s.Task, err = d.DB.Events(ctx, s.Row.TaskID, 0); err != nil {
				return nil, err
			}
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		return nil, order.NoTarget(name, repo)
	}
	return all, nil
}
