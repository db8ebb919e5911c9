package runner

import (
	"context"
	"slices"
	"time"

	"honk/internal/task"
)

// keptNote tells the agent what it finds in its work tree.
const keptNote = "The work tree already holds the unfinished change of an earlier run; git diff HEAD shows it. " +
	"Keep what serves the request, mend or undo the rest: the whole difference to HEAD is what counts as the change."

// openWork makes the tree that the agent changes: the base's, or one that
// holds what an earlier run left.
func (a *attempt) openWork(ctx context.Context) error {
	if a.work != nil {
		return nil
	}
	a.work = a.base
	kept, err := a.kept(ctx)
	if err != nil || kept.Empty() {
		return err
	}
	// What was made on another commit may still fit this one.
	kept.Base = a.base.BaseSHA
	work, err := a.opts.Git.Materialise(ctx, a.base, kept, nil)
	if code := task.CodeOf(err); code == task.CodeConflict || code == task.CodeInvalid {
		return a.warn(ctx, "the change kept from an earlier run does not apply to %s any more; starting without it", short(a.base.BaseSHA))
	}
	if err != nil {
		return err
	}
	a.work = work
	return nil
}

// kept is the change that the agent starts from: that of an earlier attempt,
// or the last one of the task that the request resumes.
func (a *attempt) kept(ctx context.Context) (task.Patch, error) {
	resume := a.task.Request.Resume
	if resume == "" || a.crew.Once || !a.res.Patch.Empty() {
		return a.res.Patch, nil
	}
	p, err := a.pastOf(ctx, resume)
	if err != nil {
		return task.Patch{}, err
	}
	if p.patch.Empty() {
		return p.patch, a.warn(ctx, "task %s has kept no change; starting without one", resume)
	}
	a.viewed = p.change.Viewed
	return p.patch, nil
}

// closeWork removes the agent's tree if it is not the base's, which is removed
// elsewhere.
func (a *attempt) closeWork() error {
	if a.work == nil || a.work == a.base {
		return nil
	}
	return a.work.Close()
}

// context is the conversation that the agent is shown.
func (a *attempt) context() []task.Note {
	notes := slices.Clone(a.task.Request.Context)
	if a.work != a.base {
		notes = append(notes, task.Note{Author: "honk", At: time.Now(), Text: keptNote})
	}
	return notes
}

// inbox returns what people have added to the request and this attempt's agent
// does not know.
func (a *attempt) inbox(ctx context.Context) (notes []task.Note, err error) {
	if a.opts.InboxFunc != nil {
		notes, err = a.opts.InboxFunc(ctx, a.task.ID)
		notes = a.opts.Secrets.Request(task.Request{Context: notes}).Context
		a.notes = append(a.notes, notes...)
	}
	notes = append(a.untold, notes...)
	a.untold = nil
	return notes, err
}
