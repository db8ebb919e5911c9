package service

import (
	"context"

	"honk/integrations/github"
	"honk/integrations/github/gitops"
	"honk/integrations/shift/keep"
	"honk/queue"
)

// manifests makes the door for shifts that live in a repository, where one is
// configured, and returns what is done there now and then.
func (b *building) manifests() []queue.Chore {
	from := b.cfg.Org.Shifts
	if from.Repository == "" {
		return nil
	}
	door := gitops.New(gitops.Options{
		App: b.app, DB: b.db.DB, Shifts: fleetShifts{b}, Repo: from.Repository, Dir: from.Path, Secrets: b.secrets, Log: b.log,
	})
	b.door.Manifests = github.Manifests{Repo: from.Repository, HandleFunc: door.Handle}
	return []queue.Chore{{Name: "manifests", Every: reconcileEvery, AtStart: true, RunFunc: door.Look}}
}

// fleetShifts are shifts as manifests in a repository need them. It implements
// gitops.Shifts.
type fleetShifts struct{ b *building }

// Plan implements gitops.Shifts.
func (f fleetShifts) Plan(ctx context.Context, file gitops.File) (gitops.Planned, error) {
	p, err := f.b.shifts.Plan(ctx, keep.File(file))
	return gitops.Planned{Plan: p.Plan, Excluded: p.Excluded, ApplyFunc: func(ctx context.Context, by string) error {
		_, err := f.b.shifts.Apply(ctx, p, by)
		return err
	}}, err
}

// All implements gitops.Shifts.
func (f fleetShifts) All(ctx context.Context) (all []gitops.Applied, err error) {
	list, err := f.b.shifts.Keep.Shifts(ctx)
	for i := range list {
		one := gitops.Applied{Shift: list[i]}
		w, err := f.b.shifts.Keep.Work(ctx, one.Name)
		if err == nil {
			one.By = w.By
		} else {
			// It is looked at as one that was never applied from here.
			f.b.log.WarnContext(ctx, "shift not understood", "shift", one.Name, "error", err)
		}
		all = append(all, one)
	}
	return all, err
}

// Pause implements gitops.Shifts.
func (f fleetShifts) Pause(ctx context.Context, name, by string) error {
	return f.b.shifts.Orders.Pause(ctx, name, by)
}

// Resume implements gitops.Shifts.
func (f fleetShifts) Resume(ctx context.Context, name, by string) error {
	return f.b.shifts.Orders.Resume(ctx, name, by)
}
