package shift

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"honk/fleet"
	"honk/fleet/manifest"
	"honk/integrations/shift/act"
	"honk/integrations/shift/keep"
	"honk/internal/postgres"
	"honk/internal/runner"
	"honk/internal/task"
)

// replayed begins the delivery ID of tasks that only show whether a transform
// makes the same change again.
const replayed = "replay/"

// Job is what a shift's task has its change made by.
type Job struct {
	// Script makes it, unless it is empty: then the agent does, within Limits.
	Script  []byte
	Env     map[string]string
	Dir     string
	Timeout time.Duration
	Limits  manifest.Limits
	// First are commands that must end with 0 before anything is done.
	First [][]string
}

// Job returns what a task of a shift has its change made by. The code is
// cancelled when the manifest has changed since the task was asked for.
func (d *Door) Job(ctx context.Context, t task.Task) (Job, error) {
	w, err := d.Keep.Work(ctx, t.Request.Origin.Shift)
	if err != nil {
		return Job{}, err
	}
	key, err := fleet.ParseKey(t.Request.Origin.Row)
	if err != nil {
		return Job{}, err
	}
	if t.Request.Origin.Message != w.Recipe {
		return Job{}, task.Errorf(task.CodeConflict, "the manifest of %s has changed since this was asked for", w.Name)
	}
	j := Job{Dir: key.Unit}
	for _, p := range w.Manifest.Spec.Targets.Preconditions {
		if len(p.Run) > 0 {
			j.First = append(j.First, p.Run)
		}
	}
	if p := w.Manifest.Spec.Transform.Prompt; p != nil {
		j.Limits = p.Limits
		return j, nil
	}
	s := w.Manifest.Spec.Transform.Script
	j.Script, j.Timeout = []byte(s.Text), s.Timeout
	j.Env = map[string]string{"SHIFT_REPO": key.Repo, "SHIFT_UNIT": key.Unit}
	for name, value := range w.Manifest.Spec.Params {
		j.Env["SHIFT_PARAM_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))] = value
	}
	return j, nil
}

// request is what a row's run asks for.
func (d *Door) request(ctx context.Context, w *keep.Work, row *fleet.Row) (task.Request, error) {
	l, err := d.Forge.Repo(ctx, row.Key.Repo)
	if err != nil {
		return task.Request{}, err
	}
	if l.Archived {
		return task.Request{}, task.Errorf(task.CodeForbidden, "archived")
	}
	said, err := act.Render(w, row, runner.Publication{})
	if err != nil {
		said.Title = "Make the change of " + w.Name // what its run says is not known yet
	}
	prompt := said.Title
	if p := w.Manifest.Spec.Transform.Prompt; p != nil {
		prompt = p.Text
		if row.Key.Unit != "" {
			prompt += "\n\nChange only what lies in the directory " + row.Key.Unit + "."
		}
	}
	return task.Request{
		Source:     task.SourceShift,
		DeliveryID: fmt.Sprintf("%s/%d/%d", row.Key, row.Generation, time.Now().UnixNano()),
		Repo:       l.Repo, Prompt: prompt,
		Origin: task.Origin{
			URL: w.Manifest.Metadata.Why, Thread: "shift/" + row.Key.String(), Message: w.Recipe, Shift: w.Name, Row: row.Key.String(),
		},
		Options: task.Options{Judge: w.Manifest.Spec.Verify.Judge, PullRequest: "none"},
	}, nil
}

// run starts the run of a row that has leave for it: the row's intent and its
// task are stored in one transaction.
func (d *Door) run(ctx context.Context, key fleet.Key) error {
	w, err := d.Keep.Work(ctx, key.Shift)
	if err != nil {
		return err
	}
	row, err := d.Keep.Row(ctx, key)
	if err != nil {
		return err
	}
	if row.PR.Open {
		return d.anew(ctx, key)
	}
	req, err := d.request(ctx, w, &row)
	switch task.CodeOf(err) {
	case "":
	case task.CodeNotFound, task.CodeForbidden:
		return d.unseen(ctx, key, err)
	default:
		return err
	}
	_, _, err = d.Queue.Submit(ctx, req, func(ctx context.Context, tx *postgres.Tx) (bool, error) {
		k, err := d.Keep.Begin(ctx, tx)
		if err != nil {
			return false, err
		}
		row, err := k.Row(ctx, key)
		if err != nil || row.Want != fleet.ActRun || row.Doing != "" {
			return false, err
		}
		rec, err := tx.TaskOf(ctx, task.SourceShift, req.DeliveryID)
		if err != nil {
			return false, err
		}
		_, err = k.Step(ctx, &row, fleet.Facts{Grant: fleet.ActRun}, func(row *fleet.Row) { row.TaskID = rec.ID })
		return row.State == fleet.Running, err
	})
	return err
}

// anew hands a row to people whose change would have to be made anew under its
// open pull request: nothing there is written over.
func (d *Door) anew(ctx context.Context, key fleet.Key) error {
	return d.Keep.In(ctx, func(k *keep.Tx) error {
		row, err := k.Row(ctx, key)
		if err != nil || row.Want != fleet.ActRun || !row.PR.Open {
			return err
		}
		if _, err := k.Step(ctx, &row, fleet.Facts{Grant: fleet.ActRun}, nil); err != nil {
			return err
		}
		_, err = k.Step(ctx, &row, fleet.Facts{Task: &fleet.TaskFact{
			Ending: fleet.EndHuman, Reason: "its pull request is open and the change would be made anew; close that, then honk shift retry",
		}}, nil)
		return err
	})
}

// Notify implements runner.Notifier: the end of a task is a fact of its row.
func (d *Door) Notify(ctx context.Context, n task.Notice, v runner.View) (string, error) {
	t := v.Task
	if n.Kind != task.NoticeTask || !t.Status.Final() || v.Result == nil || strings.HasPrefix(t.Request.DeliveryID, replayed) {
		return n.Thread, nil
	}
	key, err := fleet.ParseKey(t.Request.Origin.Row)
	if err != nil {
		return "", err
	}
	w, err := d.Keep.Work(ctx, key.Shift)
	if err != nil {
		return "", err
	}
	res := *v.Result
	if res.Status == task.StatusDelivered {
		if res.Patch, err = d.DB.Patch(ctx, t.ID); err != nil {
			return "", err
		}
	}
	return n.Thread, d.step(ctx, key, func(row *fleet.Row) *fleet.Facts {
		if row.State != fleet.Running || row.TaskID != t.ID {
			return nil // Nobody waits for it any more.
		}
		f := &fleet.Facts{Cause: "task " + string(t.ID), Log: string(t.ID)}
		if gone(res) {
			f.Target = &fleet.TargetFact{Gone: res.Summary, NoAutomerge: row.NoAutomerge}
			return f
		}
		f.Task = taskFact(w, row, t, res)
		return f
	})
}

// gone reports whether a task failed because its repository is out of reach.
func gone(res runner.Result) bool {
	if res.Status != task.StatusFailed || res.Err == nil {
		return false
	}
	return res.Err.Code == task.CodeNotFound || res.Err.Code == task.CodeForbidden
}

// replay has a row's transform run once more on the same base, and says what
// is wrong unless it makes the same change. While it runs the error is
// rate_limited, which asks to come again and counts as no failure.
func (d *Door) replay(ctx context.Context, row *fleet.Row) (string, error) {
	id := replayed + row.Key.String() + "/" + row.PR.HeadSHA
	rec, err := d.DB.TaskOf(ctx, task.SourceShift, id)
	if errors.Is(err, postgres.ErrNotFound) {
		first, err := d.DB.Task(ctx, row.TaskID)
		if err != nil {
			return "", act.Ours(err)
		}
		req := first.Request
		req.DeliveryID, req.Ref, req.Origin.Thread = id, row.BaseSHA, "shift/"+id
		if _, _, err := d.Queue.Submit(ctx, req); err != nil {
			return "", act.Ours(err)
		}
		return "", again()
	}
	switch {
	case err != nil:
		return "", act.Ours(err)
	case !rec.Status.Final():
		return "", again()
	case rec.Status != task.StatusDelivered:
		return "a second run of the transform ended with " + string(rec.Status), nil
	}
	was, err := d.DB.Patch(ctx, row.TaskID)
	is, isErr := d.DB.Patch(ctx, rec.ID)
	if err := cmp.Or(err, isErr); err != nil {
		return "", act.Ours(err)
	}
	if was.Base != is.Base || string(was.Diff) != string(is.Diff) {
		return "a second run of the transform makes another change", nil
	}
	return "", nil
}

// again says that something of ours is under way.
func again() error {
	return act.Ours(&task.Error{Code: task.CodeRateLimited, Message: "the transform runs once more", After: 3 * time.Second})
}
