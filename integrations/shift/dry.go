package shift

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"honk/fleet"
	"honk/integrations/shift/act"
	"honk/integrations/shift/keep"
	"honk/internal/postgres"
	"honk/internal/task"
)

// purpose is what a dry run is good for: a task of a shift whose change goes
// nowhere.
type purpose string

// The purposes. They begin the delivery ID of their tasks.
const (
	// toProve: a transform must make the same change twice before Honk merges.
	toProve purpose = "prove"
	// toMeasure: whether a target would still be changed.
	toMeasure purpose = "measure"
	// toSample: what applying a manifest would make of a few targets.
	toSample purpose = "sample"
)

// purposeOf returns what the dry run is good for that a task is, if it is one.
func purposeOf(t task.Task) (purpose, bool) {
	head, _, _ := strings.Cut(t.Request.DeliveryID, ":")
	switch p := purpose(head); p {
	case toProve, toMeasure, toSample:
		return p, true
	}
	return "", false
}

// dry returns the dry run of a purpose on a commit of a row's target, which it
// asks for if it is new. stamp tells runs for one purpose apart.
func (d *Door) dry(ctx context.Context, w *keep.Work, row *fleet.Row, p purpose, stamp string) (postgres.Record, error) {
	id := fmt.Sprintf("%s:%s/%s/%.16s", p, row.Key, stamp, w.Recipe)
	rec, err := d.DB.TaskOf(ctx, task.SourceShift, id)
	if err == nil || !isMissing(err) {
		return rec, err
	}
	fresh := *row
	fresh.Redo = fleet.RedoFresh
	req, err := d.request(ctx, w, &fresh)
	if err != nil {
		return rec, err
	}
	req.DeliveryID, req.Ref, req.Origin.Thread = id, row.BaseSHA, "shift/"+id
	rec.Task, _, err = d.Queue.Submit(ctx, req)
	return rec, err
}

// maxProofs is how often a proof is tried that comes to no end of its own.
const maxProofs = 3

// prove has a row's transform run once more on the same base, and says what
// is wrong unless it makes the same change. While it runs the error is
// rate_limited, which asks to come again and counts as no failure.
func (d *Door) prove(ctx context.Context, w *keep.Work, row *fleet.Row) (string, error) {
	var rec postgres.Record
	var err error
	stamp := row.PR.HeadSHA
	for n := 2; ; n++ {
		rec, err = d.dry(ctx, w, row, toProve, stamp)
		// What failed may have nothing to do with the transform.
		again := err == nil && (rec.Status == task.StatusFailed || rec.Status == task.StatusCancelled)
		if !again || n > maxProofs {
			break
		}
		stamp = fmt.Sprintf("%s/%d", row.PR.HeadSHA, n)
	}
	switch {
	case err != nil:
		return "", act.Ours(err)
	case !rec.Status.Final():
		return "", act.Ours(&task.Error{Code: task.CodeRateLimited, Message: "the transform runs once more", After: 3 * time.Second})
	case rec.Status != task.StatusDelivered:
		return "a second run of the transform ended with " + string(rec.Status), nil
	}
	was, err := d.DB.Patch(ctx, row.TaskID)
	is, isErr := d.DB.Patch(ctx, rec.ID)
	if err := cmp.Or(err, isErr); isMissing(err) {
		return "its change is no longer kept, so that nothing can be compared with it", nil
	} else if err != nil {
		return "", act.Ours(err)
	}
	if was.Base != is.Base || string(was.Diff) != string(is.Diff) {
		return "a second run of the transform makes another change", nil
	}
	return "", nil
}

// maxMeasured is how many targets of a shift are measured in one night.
const maxMeasured = 500

// measure finds out which targets would still be changed, of those that
// nothing is done with any more: by a dry run where the base has moved since
// the last, or, where a run costs money, by what the look at them said.
func (d *Door) measure(ctx context.Context, w *keep.Work, looked Planned) error {
	rows, err := d.Keep.Rows(ctx, w.Name)
	if err != nil {
		return err
	}
	known := map[fleet.Key]*fleet.Row{}
	for i := range rows {
		known[rows[i].Key] = &rows[i]
	}
	asked := 0
	for i := range looked.Targets {
		t := &looked.Targets[i]
		row := known[fleet.Key{Shift: w.Name, Repo: t.Target.Repo, Unit: t.Target.Unit}]
		if row == nil || !row.State.Terminal() && !row.State.Merged() || row.Residue.SHA == t.Target.BaseSHA {
			continue
		}
		switch {
		case t.Gone != "" || t.OptOut || t.Unmet != "":
			err = d.residue(ctx, row.Key, fleet.Residue{SHA: t.Target.BaseSHA})
		case !w.Manifest.Spec.Transform.Deterministic():
			if len(w.Manifest.Spec.Targets.Preconditions) > 0 {
				err = d.residue(ctx, row.Key, fleet.Residue{SHA: t.Target.BaseSHA, Left: true})
			}
		case row.State == fleet.NoChange && row.BaseSHA == t.Target.BaseSHA || asked == maxMeasured:
		default:
			asked++
			at := *row
			at.BaseSHA = t.Target.BaseSHA
			_, err = d.dry(ctx, w, &at, toMeasure, at.BaseSHA)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// measured takes in the end of a dry run.
func (d *Door) measured(ctx context.Context, p purpose, t task.Task) error {
	if p != toMeasure || t.Status != task.StatusDelivered && t.Status != task.StatusNoChange {
		return nil
	}
	key, err := fleet.ParseKey(t.Request.Origin.Row)
	if err != nil {
		return err
	}
	err = d.residue(ctx, key, fleet.Residue{SHA: t.Request.Ref, Left: t.Status == task.StatusDelivered})
	if errors.Is(err, postgres.ErrNotFound) {
		return nil
	}
	return err
}

func (d *Door) residue(ctx context.Context, key fleet.Key, r fleet.Residue) error {
	return d.step(ctx, key, func(*fleet.Row) *fleet.Facts { return &fleet.Facts{Residue: &r} })
}
