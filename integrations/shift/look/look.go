// Package look finds the targets of a shift and looks at each before anything
// is spent on it.
package look

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"honk/fleet/manifest"
	"honk/fleet/plan"
	"honk/fleet/target"
	"honk/fleet/text"
	"honk/internal/config"
	"honk/internal/task"
)

// Forge is where the repositories are.
type Forge interface {
	// Find returns the repositories that a query is about, and the names of
	// those among its hits that Honk cannot reach.
	Find(ctx context.Context, q Query) (found []task.Listing, unreachable []string, err error)
	// Repo returns a repository; not_found when there is none within reach.
	Repo(ctx context.Context, repo string) (task.Listing, error)
	// Head returns the commit that a branch is at, the default one when empty.
	Head(ctx context.Context, repo, branch string) (string, error)
	File(ctx context.Context, repo, sha, path string) (content []byte, found bool, err error)
	Paths(ctx context.Context, repo, sha string) (paths []string, truncated bool, err error)
}

// Query says which repositories are wanted. What is empty does not count.
type Query struct {
	Org    string
	Topics []string
	Search string
}

// lookers is how many repositories are looked at once.
const lookers = 8

// Look is what a look at a shift's targets said.
type Look struct {
	Targets  []plan.Looked     `json:"targets"`
	Excluded []target.Excluded `json:"excluded,omitempty"`
}

// At finds the targets of a manifest and looks at each: whether it is
// within reach, what its .honk.yaml says, whether the preconditions hold.
// Nothing is cloned. A shift that takes back what another merged has only what
// that is, and of it what its sources name where there are any.
func At(ctx context.Context, forge Forge, m *manifest.Manifest, merged []target.Target) (Look, error) {
	found, err := sources(ctx, forge, m)
	if err != nil {
		return Look{}, err
	}
	if merged != nil {
		if merged, err = known(ctx, forge, merged); err != nil {
			return Look{}, err
		}
		found = [][]target.Target{among(merged, found)}
	}
	in, out, err := target.Resolve(m.Spec.Targets, found...)
	if err != nil {
		return Look{}, err
	}
	l := looker{forge: forge, m: m}
	if l.preconditions, err = target.NewPreconditions(m.Spec.Targets.Preconditions); err != nil {
		return Look{}, err
	}
	if l.texts, err = text.New(m.Spec.PullRequest); err != nil {
		return Look{}, err
	}
	all := make([][]plan.Looked, len(in))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lookers)
	for i, t := range in {
		group.Go(func() (err error) {
			all[i], err = l.at(ctx, t)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return Look{}, err
	}
	look := Look{Excluded: out}
	for _, some := range all {
		look.Targets = append(look.Targets, some...)
	}
	if n := len(look.Targets); n > m.Spec.Targets.Limit {
		return Look{}, task.Errorf(task.CodeInvalid,
			"the shift has %d targets and its limit is %d; narrow spec.targets or raise spec.targets.limit", n, m.Spec.Targets.Limit)
	}
	return look, nil
}

// looker looks at targets, several at once.
type looker struct {
	forge         Forge
	m             *manifest.Manifest
	preconditions *target.Preconditions
	texts         *text.Texts
}

// at looks at one repository and returns its targets: itself, or its units.
func (l *looker) at(ctx context.Context, t target.Target) ([]plan.Looked, error) {
	looked := plan.Looked{Target: t}
	sha, err := l.forge.Head(ctx, t.Repo, "")
	switch task.CodeOf(err) {
	case "":
	case task.CodeNotFound, task.CodeForbidden, task.CodeConflict:
		looked.Gone = err.Error()
		return []plan.Looked{looked}, l.text(&looked)
	default:
		return nil, fmt.Errorf("looking at %s: %w", t.Repo, err)
	}
	looked.Target.BaseSHA = sha
	raw, found, err := l.forge.File(ctx, t.Repo, sha, config.RepoFileName)
	if err := own(err, &looked); err != nil {
		return nil, fmt.Errorf("looking at %s: %w", t.Repo, err)
	}
	if found {
		file, err := config.ParseRepo(raw)
		if err != nil {
			looked.Unmet = err.Error()
		}
		looked.OptOut, looked.NoAutomerge = file.Shifts == config.ShiftsOff, file.Shifts == config.ShiftsNoAutomerge
	}
	if looked.OptOut || looked.Unmet != "" {
		return []plan.Looked{looked}, l.text(&looked)
	}
	return l.units(ctx, looked)
}

// own takes an error that is about one repository, and will be the next time,
// for what does not hold there: it keeps no other from being looked at.
func own(err error, looked *plan.Looked) error {
	switch task.CodeOf(err) {
	case task.CodeInvalid, task.CodeNotFound, task.CodeForbidden, task.CodeConflict:
		looked.Unmet = err.Error()
		return nil
	default:
		return err
	}
}

// units tests the preconditions in each unit.
func (l *looker) units(ctx context.Context, looked plan.Looked) ([]plan.Looked, error) {
	t := looked.Target
	units := []string{t.Unit}
	if u := l.m.Spec.Targets.Unit; u != nil && t.Unit == "" {
		paths, truncated, err := l.forge.Paths(ctx, t.Repo, t.BaseSHA)
		if err := own(err, &looked); err != nil {
			return nil, fmt.Errorf("looking at %s: %w", t.Repo, err)
		}
		switch {
		case looked.Unmet != "":
		case truncated:
			looked.Unmet = "it has too many files to find its units"
		default:
			if units = target.Units(u.RootAt, paths); len(units) == 0 {
				looked.Unmet, units = "nothing in it matches "+u.RootAt, []string{""}
			}
		}
	}
	all, err := l.tested(ctx, looked, units)
	if u := l.m.Spec.Targets.Unit; err != nil || u == nil || t.Unit != "" || u.PullRequests == manifest.UnitsEach {
		return all, err
	}
	// One change for all of them, wherever one can be made.
	one := all[0]
	for _, unit := range all {
		if unit.Unmet == "" {
			one = unit
		}
	}
	one.Target.Unit = ""
	return []plan.Looked{one}, l.text(&one)
}

// tested tests the preconditions of units, of which there is one at least.
func (l *looker) tested(ctx context.Context, looked plan.Looked, units []string) (all []plan.Looked, err error) {
	t := looked.Target
	for _, unit := range units {
		one := looked
		one.Target.Unit = unit
		if one.Unmet == "" {
			answer, err := l.preconditions.Check(unit, func(path string) ([]byte, bool, error) {
				return l.forge.File(ctx, t.Repo, t.BaseSHA, path)
			})
			one.Unmet = answer.Reason
			if err := own(err, &one); err != nil {
				return nil, fmt.Errorf("looking at %s: %w", t.Repo, err)
			}
		}
		if err := l.text(&one); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// text sets the digest of what the pull request says, leaving out what only a
// run can tell.
func (l *looker) text(looked *plan.Looked) error {
	if strings.Contains(l.m.Spec.PullRequest.Title+l.m.Spec.PullRequest.Body.Text, ".outputs") {
		return nil
	}
	said, err := l.texts.Render(Data(l.m, looked.Target))
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(said.Title + "\x00" + said.Body))
	looked.Text = hex.EncodeToString(sum[:8])
	return nil
}

// Data is what the text of a target's pull request may say before its run.
func Data(m *manifest.Manifest, t target.Target) text.Data {
	return text.Data{
		Repo: t.Repo, Owner: t.Owner, Unit: t.Unit, Shift: m.Metadata.Name, Why: m.Metadata.Why,
		Params: m.Spec.Params, Row: t.Row,
	}
}
