package shift

import (
	"context"
	"fmt"
	"strings"
	"time"

	"honk/fleet"
	"honk/fleet/manifest"
	"honk/integrations/shift/act"
	"honk/integrations/shift/ending"
	"honk/integrations/shift/keep"
	"honk/integrations/shift/revert"
	"honk/internal/postgres"
	"honk/internal/runner"
	"honk/internal/task"
	"honk/verify"
)

// Job is what a shift's task has its change made by.
type Job struct {
	// Script or Container makes it, unless both are empty: then the agent
	// does, within Limits.
	Script    []byte
	Container *manifest.Container
	Env       map[string]string
	Dir       string
	Timeout   time.Duration
	Limits    manifest.Limits
	// Proof is how it is proven beyond what is configured.
	Proof verify.Proof
	// RootAt has it made in each place whose root it matches, and not in Dir.
	RootAt string
	// Tests say where it is made.
	Tests []manifest.Precondition
}

// Job returns what a task of a shift has its change made by. The code is
// conflict when the manifest has changed since the task was asked for.
func (d *Door) Job(ctx context.Context, t task.Task) (Job, error) {
	m, err := d.Keep.Recipe(ctx, t.Request.Origin.Shift, t.Request.Origin.Message)
	if err != nil {
		return Job{}, err
	}
	key, err := fleet.ParseKey(t.Request.Origin.Row)
	if err != nil {
		return Job{}, err
	}
	j := Job{Dir: key.Unit, Proof: proof(m.Spec.Verify, key.Unit)}
	j.Tests = m.Spec.Targets.Preconditions
	if u := m.Spec.Targets.Unit; u != nil && u.PullRequests == manifest.UnitsOne {
		j.RootAt = u.RootAt
	}
	if p := m.Spec.Transform.Prompt; p != nil {
		j.Limits = p.Limits
		return j, nil
	}
	if s := m.Spec.Transform.Script; s != nil {
		j.Script, j.Timeout = []byte(s.Text), s.Timeout
	}
	if c := m.Spec.Transform.Container; c != nil {
		j.Container, j.Timeout = c, c.Timeout
	}
	if r := m.Spec.Transform.Revert; r != nil {
		j.Timeout = revert.Timeout
		if j.Script, err = revert.Script(ctx, d.Keep, fleet.Key{Shift: r.Shift, Repo: key.Repo, Unit: key.Unit}); err != nil {
			return Job{}, err
		}
	}
	j.Env = map[string]string{"SHIFT_REPO": key.Repo, "SHIFT_UNIT": key.Unit}
	for name, value := range m.Spec.Params {
		j.Env["SHIFT_PARAM_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))] = value
	}
	return j, nil
}

// proof is how a shift wants its changes proven; its commands run where its
// transform does.
func proof(v manifest.Verify, unit string) verify.Proof {
	p := verify.Proof{Alone: !v.Auto, Strict: !v.Baseline}
	for _, run := range v.Run {
		p.Run = append(p.Run, verify.Command{Run: run, Dir: unit})
	}
	return p
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
	prompt, resume := said.Title, task.ID("")
	if p := w.Manifest.Spec.Transform.Prompt; p != nil {
		prompt = p.Text
		if row.Key.Unit != "" {
			prompt += "\n\nChange only what lies in the directory " + row.Key.Unit + "."
		}
		if u := w.Manifest.Spec.Targets.Unit; u != nil && u.PullRequests == manifest.UnitsOne {
			prompt += "\n\nDo this in each directory that has a file which matches " + u.RootAt + ", and change nothing outside of them."
		}
		if row.Redo != fleet.RedoFresh {
			resume = row.TaskID // What was paid for may fit the moved base as it is.
		}
	}
	return task.Request{
		Source:     task.SourceShift,
		DeliveryID: fmt.Sprintf("%s/%d/%d", row.Key, row.Generation, time.Now().UnixNano()),
		Repo:       l.Repo, Prompt: prompt, Resume: resume,
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
		// It may be held since it was granted.
		now, err := k.Work(ctx, key.Shift)
		if err != nil || now.Phase != fleet.PhaseRunning {
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

// Notify implements runner.Notifier: the end of a task is a fact of its row.
func (d *Door) Notify(ctx context.Context, n task.Notice, v runner.View) (string, error) {
	t := v.Task
	if n.Kind != task.NoticeTask || !t.Status.Final() || v.Result == nil {
		return n.Thread, nil
	}
	if purpose, dry := purposeOf(t); dry {
		return n.Thread, d.measured(ctx, purpose, t)
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
		f.Task = ending.Of(w, row, t, res)
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
