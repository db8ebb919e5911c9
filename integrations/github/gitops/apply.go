package gitops

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"honk/fleet"
	"honk/integrations/github/event"
	"honk/internal/task"
)

// errMoved says that somebody has pushed meanwhile: what they pushed is looked
// at by itself.
var errMoved = errors.New("the branch has moved")

// applying is one look at the default branch.
type applying struct {
	d       *Door
	at      place
	files   *snapshot
	by      string
	applied map[string]Applied
	// names are the paths of shifts; nameless counts manifests whose shift
	// cannot be told.
	names    map[string]string
	nameless int
	wrong    []problem
}

// apply makes what is on the default branch what is applied, and returns what
// is wrong with manifests that are not. One that cannot be applied holds no
// other up.
func (d *Door) apply(ctx context.Context, by string) (wrong []problem, err error) {
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	a := &applying{d: d, by: by, applied: map[string]Applied{}, names: map[string]string{}}
	if a.at, err = d.branch(ctx); err != nil {
		return nil, err
	}
	if a.files, err = d.at(ctx, a.at.talk, a.at.sha); err != nil {
		return nil, err
	}
	all, err := d.Shifts.All(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		a.applied[s.Name] = s
	}
	switch err := a.all(ctx); {
	case errors.Is(err, errMoved):
		return nil, nil
	case err != nil:
		return a.wrong, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.looked = ""; len(a.wrong) == 0 {
		d.looked = a.at.sha
	}
	maps.DeleteFunc(d.known, func(name string, _ known) bool {
		_, here := a.files.files[name]
		return !here
	})
	return a.wrong, nil
}

func (a *applying) all(ctx context.Context) error {
	list := a.files.candidates()
	if len(list) > maxManifests {
		return task.Errorf(task.CodeInvalid, "%s has %d YAML files in %q, and %d are looked at; set shifts.path to a directory of manifests",
			a.d.Repo, len(list), a.d.Dir, maxManifests)
	}
	var failed error
	for _, name := range list {
		err := a.one(ctx, name)
		if errors.Is(err, errMoved) {
			return err
		}
		if said, ok := mendable(err); err != nil && ok {
			a.wrong = append(a.wrong, problem{path: name, said: said})
			a.nameless++
			continue
		}
		failed = errors.Join(failed, err)
	}
	if failed != nil {
		return failed
	}
	return a.gone(ctx)
}

// one applies one manifest, if it differs from what is applied.
func (a *applying) one(ctx context.Context, name string) error {
	blob := a.files.files[name].SHA
	a.d.mu.Lock()
	k, ok := a.d.known[name]
	a.d.mu.Unlock()
	if ok && k.blob == blob && k.print == a.files.print(name, k.names) {
		if k.shift == "" {
			return nil
		}
		if _, taken := a.names[k.shift]; !taken && a.applied[k.shift].Digest == k.digest {
			a.names[k.shift] = name
			return a.back(ctx, k.shift)
		}
	}
	a.files.left = maxBytes
	doc, err := a.files.read(ctx, name)
	if err != nil {
		return err
	}
	k = known{blob: blob}
	if doc != nil {
		if err := a.document(ctx, doc); err != nil {
			said, ok := mendable(err)
			if ok {
				a.wrong = append(a.wrong, problem{name, said, doc.names})
				return nil
			}
			return err
		}
		k.shift, k.digest, k.names = doc.name, doc.digest, doc.names
	}
	k.print = a.files.print(name, k.names)
	a.d.mu.Lock()
	defer a.d.mu.Unlock()
	a.d.known[name] = k
	return nil
}

func (a *applying) document(ctx context.Context, doc *document) error {
	if doc.name == "" {
		a.nameless++
	} else if other, taken := a.names[doc.name]; taken {
		return twice(doc, other)
	} else {
		a.names[doc.name] = doc.Name
	}
	if doc.wrong != nil {
		return doc.wrong
	}
	if was, ok := a.applied[doc.name]; ok && doc.digest == was.Digest && strings.HasSuffix(was.By, atForge) {
		return a.back(ctx, doc.name)
	}
	p, err := a.d.plan(ctx, doc, time.Now())
	if err != nil {
		return err
	}
	err = a.unmoved(ctx, func(ctx context.Context) error { return p.ApplyFunc(ctx, a.by) })
	if err != nil {
		return err
	}
	a.d.Log.InfoContext(ctx, "manifest applied", "repo", a.d.Repo, "path", doc.Name, "shift", doc.name, "by", a.by)
	return a.back(ctx, doc.name)
}

// twice says that two manifests describe one shift.
func twice(doc *document, other string) error {
	return task.Errorf(task.CodeConflict, "%s:1: describes the shift %s, and so does %s; each needs a metadata.name of its own", doc.Name, doc.name, other)
}

// unmoved does something while the branch is where this look is at. An older
// look never comes after a newer one.
func (a *applying) unmoved(ctx context.Context, do func(ctx context.Context) error) error {
	return a.d.locked(ctx, "apply", func(ctx context.Context) error {
		now, err := a.at.talk.Branch(ctx, a.at.branch)
		if err != nil {
			return err
		}
		if now != a.at.sha {
			return errMoved
		}
		return do(ctx)
	})
}

// back lets a shift go on that was paused since its manifest was gone.
func (a *applying) back(ctx context.Context, name string) error {
	was := a.applied[name]
	if was.Phase != fleet.PhasePaused || !strings.Contains(was.Reason, removal) {
		return nil
	}
	return a.unmoved(ctx, func(ctx context.Context) error {
		err := a.d.Shifts.Resume(ctx, name, a.by)
		if task.CodeOf(err) == task.CodeConflict {
			err = nil // somebody has meanwhile
		}
		return err
	})
}

// gone pauses the shifts whose manifests were here and are no longer. While
// some manifest does not say whose it is, none is taken for gone.
func (a *applying) gone(ctx context.Context) error {
	if a.nameless > 0 {
		return nil
	}
	var failed error
	for name, was := range a.applied {
		if _, here := a.names[name]; here || was.Phase != fleet.PhaseRunning || !strings.HasSuffix(was.By, atForge) {
			continue
		}
		err := a.unmoved(ctx, func(ctx context.Context) error {
			return a.d.Shifts.Pause(ctx, name, fmt.Sprintf("%s%s, by %s", removal, a.d.Repo, a.by))
		})
		if errors.Is(err, errMoved) {
			return err
		}
		failed = errors.Join(failed, err)
		a.d.Log.InfoContext(ctx, "manifest is gone", "repo", a.d.Repo, "shift", name, "by", a.by)
	}
	return failed
}

// plan plans one manifest in what is left of the time since a start.
func (d *Door) plan(ctx context.Context, doc *document, start time.Time) (Planned, error) {
	if doc.wrong != nil {
		return Planned{}, doc.wrong
	}
	within, cancel := context.WithDeadline(ctx, start.Add(planTime))
	defer cancel()
	p, err := d.Shifts.Plan(within, doc.File)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		return p, task.Errorf(task.CodeInvalid, "%s:1: has targets that take longer than %s to look at; use honk shift plan and apply, or narrow spec.targets",
			doc.Name, planTime)
	}
	return p, err
}

// merged applies what a merged pull request changes and says there what cannot
// be.
func (d *Door) merged(ctx context.Context, e event.Event, by string) (string, error) {
	wrong, err := d.apply(ctx, by)
	if len(wrong) == 0 {
		return "manifests looked at", err
	}
	return "manifests looked at", errors.Join(err, d.mourn(ctx, e.Subject.Number, wrong))
}

// mourn says on a merged pull request what is wrong with what it has changed.
func (d *Door) mourn(ctx context.Context, number int, wrong []problem) error {
	at, err := d.branch(ctx)
	if err != nil {
		return err
	}
	changed, err := at.talk.Changed(ctx, number)
	if err != nil {
		return err
	}
	w := d.writer()
	for _, p := range wrong {
		if touches(changed, p.path, p.names) {
			w.problem(p)
		}
	}
	if w.empty() {
		d.complain(ctx, wrong)
		return nil
	}
	return d.locked(ctx, fmt.Sprint("pull/", number), func(ctx context.Context) error {
		return d.post(ctx, at.talk, number, markMerged, w.merged())
	})
}
