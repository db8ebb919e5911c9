// Package gitops is the door for shifts that live in a repository: a pull
// request to it gets the plan of the manifests it changes as a comment, and
// what is on its default branch is what is applied.
//
// Files are read through GitHub at one commit, never from a clone, and nothing
// of them is executed. What a pull request holds is hostile: whose author may
// not write to the repository gets no answer, since a plan tells of
// repositories that a reader may not see. All here bears repetition.
package gitops

import (
	"context"
	"log/slog"
	"path"
	"strings"
	"sync"
	"time"

	"honk/fleet"
	"honk/fleet/plan"
	"honk/fleet/target"
	"honk/integrations/github/client"
	"honk/integrations/github/event"
	"honk/internal/postgres"
	"honk/internal/secret"
	"honk/internal/task"
)

const (
	// atForge is how who applied a shift ends where that was done here.
	atForge = " at github"
	// removal is why a shift is paused whose manifest is gone. One that comes
	// back lets it go on.
	removal = "the removal of its manifest from "
	// planTime bounds the plans of one delivery.
	planTime = 75 * time.Second
)

// Shifts are the fleet's.
type Shifts interface {
	// Plan looks at a manifest's targets and says what applying it means. It
	// changes nothing.
	Plan(ctx context.Context, f File) (Planned, error)
	// All returns the shifts there are.
	All(ctx context.Context) ([]Applied, error)
	// Pause holds a shift, and Resume lets it go on.
	Pause(ctx context.Context, name, by string) error
	Resume(ctx context.Context, name, by string) error
}

// File is a manifest with the files beside it that it names.
type File struct {
	// Name is its path; messages begin with it.
	Name  string
	Data  []byte
	Files map[string][]byte
}

// Planned is what applying a manifest means.
type Planned struct {
	*plan.Plan
	Excluded []target.Excluded
	// ApplyFunc applies it. Rows that have changed since count as they are.
	ApplyFunc func(ctx context.Context, by string) error
}

// Applied is a shift as it is, and who applied it last.
type Applied struct {
	fleet.Shift
	By string
}

// Options says what a Door works with. All but Dir are required.
type Options struct {
	App    *client.App
	DB     *postgres.DB
	Shifts Shifts
	// Repo is where manifests live, as owner/name, Dir the directory of it
	// that they are looked for in; empty is the root.
	Repo, Dir string
	Secrets   *secret.Scanner
	Log       *slog.Logger
}

// Door is the door for shifts that live in a repository. It is safe for
// concurrent use.
type Door struct {
	Options

	// turn is held by who applies.
	turn chan struct{}

	mu sync.Mutex
	// looked is the commit that was last applied without any problem, known
	// what there is in it, by path.
	looked string
	known  map[string]known
}

// known is a manifest that needs no other look while it, the files it names
// and what is applied are the same.
type known struct {
	// shift is its name, empty for a file that is no manifest.
	shift, digest string
	blob, print   string
	names         []string
}

// New returns a Door.
func New(opts Options) *Door {
	if opts.Dir != "" {
		opts.Dir = path.Clean(opts.Dir) + "/"
	}
	return &Door{Options: opts, turn: make(chan struct{}, 1), known: map[string]known{}}
}

// Handle does what an event in the repository asks for and returns what became
// of it in a few words, none where the event is about something else.
func (d *Door) Handle(ctx context.Context, e event.Event) (string, error) {
	if !strings.EqualFold(e.Repository.String(), d.Repo) {
		return "", nil
	}
	by := e.Sender.Login + atForge
	switch e.Name + " " + e.Action {
	case "push ":
		if e.Push.Branch != e.Repository.DefaultBranch {
			return "not the default branch", nil
		}
		wrong, err := d.apply(ctx, by)
		d.complain(ctx, wrong)
		return "manifests looked at", err
	case "pull_request closed":
		if e.Merged {
			return d.merged(ctx, e, by)
		}
	case "pull_request opened", "pull_request reopened", "pull_request synchronize", "pull_request ready_for_review":
		return d.propose(ctx, e)
	}
	return "", nil
}

// Look applies what is on the default branch and has not been applied, should
// a webhook have been lost.
func (d *Door) Look(ctx context.Context) error {
	at, err := d.branch(ctx)
	if err != nil {
		return err
	}
	d.mu.Lock()
	same := d.looked == at.sha
	d.mu.Unlock()
	if same {
		return nil
	}
	wrong, err := d.apply(ctx, "somebody"+atForge)
	d.complain(ctx, wrong)
	return err
}

// complain says to the operator what nobody else is told.
func (d *Door) complain(ctx context.Context, wrong []problem) {
	for _, p := range wrong {
		d.Log.WarnContext(ctx, "manifest not applied", "repo", d.Repo, "path", p.path, "problem", strings.Join(p.said, "; "))
	}
}

// place is the repository at the head of its default branch.
type place struct {
	talk        *client.Repo
	branch, sha string
}

func (d *Door) branch(ctx context.Context) (place, error) {
	owner, name, _ := strings.Cut(d.Repo, "/")
	talk, err := d.App.Talk(ctx, owner, name)
	if err != nil {
		return place{}, err
	}
	info, err := talk.Info(ctx)
	if err != nil {
		return place{}, err
	}
	at := place{talk: talk, branch: info.DefaultBranch}
	if at.sha, err = talk.Branch(ctx, at.branch); err == nil && at.sha == "" {
		err = task.Errorf(task.CodeNotFound, "%s has no branch %q; push a first commit", d.Repo, at.branch)
	}
	return at, err
}

// locked does something while nobody else, in whatever process, does something
// under the same name.
func (d *Door) locked(ctx context.Context, name string, do func(ctx context.Context) error) error {
	return d.DB.InTx(ctx, func(tx *postgres.Tx) error {
		if err := tx.Lock(ctx, "gitops/"+strings.ToLower(d.Repo)+"/"+name); err != nil {
			return err
		}
		return do(ctx)
	})
}
