package shift

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"honk/fleet"
	"honk/integrations/shift/act"
	"honk/integrations/shift/health"
	"honk/integrations/shift/keep"
	"honk/internal/task"
)

// send has a worker do what a row has leave for.
func (d *Door) send(ctx context.Context, row *fleet.Row) error {
	o := leave{Row: row.Key.String(), Act: row.Doing, Stamp: act.Stamp(row)}
	payload, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("encoding what a row may do: %w", err)
	}
	_, err = d.Queue.Receive(ctx, task.Delivery{
		Source: task.SourceShift, ID: fmt.Sprintf("%s/%s/%s%s", o.Row, o.Act, o.Stamp, again(row.NotBefore)), Event: eventAct, Payload: payload,
		After: max(0, time.Until(row.NotBefore)),
	})
	return err
}

// again sets the delivery apart that is asked for once more because nothing
// has come of the one of a time: it may have been given up. It is empty for an
// hour, in which the first is still at it.
func again(since time.Time) string {
	if hours := int(time.Since(since) / time.Hour); hours > 0 {
		return fmt.Sprintf("/%d", hours)
	}
	return ""
}

// Handle does what a delivery asks for and returns what became of it in a few
// words. It bears repetition.
func (d *Door) Handle(ctx context.Context, del task.Delivery) (string, error) {
	switch del.Event {
	case eventResolve:
		var name string
		if err := json.Unmarshal(del.Payload, &name); err != nil {
			return "", task.Errorf(task.CodeInternal, "reading which shift it is: %w", err)
		}
		return d.lookAnew(ctx, name)
	case eventMoved:
		var repo string
		if err := json.Unmarshal(del.Payload, &repo); err != nil {
			return "", task.Errorf(task.CodeInternal, "reading whose base moved: %w", err)
		}
		open, err := d.lookAt(ctx, repo)
		return fmt.Sprintf("%d pull requests", open), err
	case health.Event:
		return health.Hear(ctx, d.Keep, d.step, del.Payload)
	case eventAct:
		var o leave
		if err := json.Unmarshal(del.Payload, &o); err != nil {
			return "", task.Errorf(task.CodeInternal, "reading what a row may do: %w", err)
		}
		return d.carryOut(ctx, o)
	}
	return "nothing to do", nil
}

// notFound begins what is said of a shift whose targets were not found anew.
const notFound = "targets not looked for: "

// lookAnew looks for a shift's targets. What another try would not mend is
// told in its status until a later look comes off.
func (d *Door) lookAnew(ctx context.Context, name string) (string, error) {
	said, err := d.resolve(ctx, name)
	reason := ""
	switch task.CodeOf(err) {
	case "":
	case task.CodeInvalid, task.CodeNotFound, task.CodeForbidden, task.CodeConflict:
		reason = notFound + err.Error()
		d.Log.WarnContext(ctx, "targets not looked for", "shift", name, "error", err)
	default:
		return said, err
	}
	return cmp.Or(reason, said), d.Keep.In(ctx, func(k *keep.Tx) error {
		w, err := k.Found(ctx, name)
		if err != nil || reason == "" && !strings.HasPrefix(w.Reason, notFound) {
			return err
		}
		s := w.Shift
		if s.Phase == fleet.PhaseRunning {
			s.Reason = reason
		}
		if err := k.PutShift(ctx, s); err != nil {
			return err
		}
		return k.PutNext(ctx, name, keep.Next(w.Manifest, k.Now))
	})
}

// carryOut does an act, if it is still the one that the row has leave for,
// and stores its end.
func (d *Door) carryOut(ctx context.Context, o leave) (string, error) {
	key, err := fleet.ParseKey(o.Row)
	if err != nil {
		return "", err
	}
	w, err := d.Keep.Work(ctx, key.Shift)
	if err != nil {
		return "", err
	}
	row, err := d.Keep.Row(ctx, key)
	if err != nil {
		return "", err
	}
	if !o.is(&row) {
		return "done before", nil
	}
	if w.Phase != fleet.PhaseRunning && !(w.Phase == fleet.PhaseHalted && o.Act == fleet.ActRevert) {
		// A pause stops outward acts at once: the leave is taken back.
		return string(w.Phase), d.end(ctx, o, key, fleet.DoneFact{Act: o.Act, Fail: fleet.FailLimited, Until: time.Now(), Reason: "the shift is " + string(w.Phase)})
	}
	done, err := d.actor().Do(ctx, w, &row)
	if err != nil {
		return "", err
	}
	if err := d.end(ctx, o, key, done); err != nil {
		return "", err
	}
	if done.Fail == "" {
		// What happened at the forge in between was not known to be the row's.
		if err := d.refresh(ctx, key); err != nil {
			d.Log.WarnContext(ctx, "row not looked at", "row", o.Row, "error", err)
		}
	}
	return fmt.Sprintf("%s %s %s", o.Act, done.Fail, done.Reason), nil
}

// end stores the end of an act.
func (d *Door) end(ctx context.Context, o leave, key fleet.Key, done fleet.DoneFact) error {
	return d.step(ctx, key, func(row *fleet.Row) *fleet.Facts {
		if !o.is(row) {
			return nil
		}
		return &fleet.Facts{Cause: string(o.Act), Done: &done, Delivery: fmt.Sprintf("%s/%s/%s", o.Row, o.Act, o.Stamp)}
	})
}

// is reports whether leave is for what a row is doing now.
func (o leave) is(row *fleet.Row) bool { return row.Doing == o.Act && act.Stamp(row) == o.Stamp }

// after does what follows from stored facts beside acts. None of it is owed:
// a task that nobody waits for any more ends by itself.
func (d *Door) after(ctx context.Context, effects []fleet.Effect) {
	for _, e := range effects {
		switch e.Kind {
		case fleet.EffectCancel:
			row, err := d.Keep.Row(ctx, e.Key)
			if err == nil && row.TaskID != "" {
				_, err = d.DB.Cancel(ctx, row.TaskID, "the shift "+e.Key.Shift)
			}
			if err != nil {
				d.Log.WarnContext(ctx, "task not cancelled", "row", e.Key.String(), "error", err)
			}
		case fleet.EffectAlert:
			d.Log.ErrorContext(ctx, "shift needs its owner", "row", e.Key.String(), "reason", e.Text)
		case fleet.EffectRun, fleet.EffectRegenerate, fleet.EffectPush, fleet.EffectOpen, fleet.EffectReady, fleet.EffectUpdate, fleet.EffectMerge,
			fleet.EffectClose, fleet.EffectRemind, fleet.EffectEscalate, fleet.EffectRevert, fleet.EffectHalt, fleet.EffectSnooze:
		}
	}
}
