package origin

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"

	"honk/internal/git/command"
	"honk/internal/task"
)

// Cache finds repositories and keeps mirrors of remote ones.
type Cache struct {
	// Binary is the git command's path.
	Binary string
	// Dir has the directory mirrors.
	Dir string
	// Scratch is where what lives no longer than a call is made.
	Scratch string
	Log     *slog.Logger
}

// Commit is a commit at its source.
type Commit struct {
	SHA string
	// Ref is the branch's name, or what was asked for where that was none.
	Ref string
	// Objects is the directory that holds it.
	Objects string
}

// Locate finds the commit that ref names, fetching it if need be. An empty ref
// is the source's HEAD.
func (c Cache) Locate(ctx context.Context, src Source, ref string) (found Commit, err error) {
	if src.Local() {
		l, err := discover(src.Repo.URL)
		if err != nil {
			return found, err
		}
		lens, done, err := c.lens(l)
		if err != nil {
			return found, err
		}
		defer done()
		found.Objects = l.objects()
		found.SHA, found.Ref, err = lens.resolve(ctx, ref)
		return found, err
	}
	m, err := c.mirror(src)
	if err != nil {
		return found, err
	}
	found.Objects = filepath.Join(m.Dir, "objects")
	found.SHA, found.Ref, err = m.fetch(ctx, ref)
	return found, err
}

// Destination is where a branch is made or moved.
type Destination struct {
	// Repo can read what HeadFunc finds.
	command.Repo
	// HeadFunc returns the commit a ref names, "" when there is none.
	HeadFunc func(ctx context.Context, ref string) (string, error)
	// SetFunc moves the ref from the commit it is at, "" for one that there
	// is not yet, to another. The error's code is conflict if it is
	// elsewhere by now.
	SetFunc func(ctx context.Context, ref, from, to string) error
	// CloseFunc ends the use.
	CloseFunc func()
}

// Destination returns src as the place for a branch whose objects are in from.
func (c Cache) Destination(src Source, from command.Repo) (Destination, error) {
	if !src.Local() {
		m, err := c.mirror(src)
		remote := remoteBranch{from, m}
		return Destination{from, remote.head, remote.set, func() {}}, err
	}
	l, err := discover(src.Repo.URL)
	if err != nil {
		return Destination{}, err
	}
	lens, done, err := c.lens(l)
	here := localBranch{from, l, lens}
	return Destination{lens.Repo, here.head, here.set, done}, err
}

// remoteBranch makes or moves a branch by git push to a literal URL.
type remoteBranch struct {
	from command.Repo
	m    mirror
}

func (r remoteBranch) head(ctx context.Context, ref string) (string, error) {
	adv, err := r.m.advertised(ctx, strings.TrimPrefix(ref, "refs/heads/"))
	sha := adv.refs[ref]
	if err != nil || sha == "" {
		return "", err
	}
	_, err = r.push(ctx, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
		"--no-recurse-submodules", "--no-auto-maintenance", "--", r.m.src.Repo.URL, ref)
	return sha, r.m.explain(err)
}

func (r remoteBranch) set(ctx context.Context, ref, from, to string) error {
	_, err := r.push(ctx, "push", "--quiet", "--no-follow-tags", "--recurse-submodules=no",
		// The empty lease means: only if the ref does not exist. With another
		// one, what is pushed has it as its parent.
		"--force-with-lease="+ref+":"+from, "--", r.m.src.Repo.URL, to+":"+ref)
	if from != "" && command.Complains(err, "stale info", "fetch first", "non-fast-forward", "cannot lock ref", "failed to update ref", "incorrect old value") {
		return Moved(ref)
	}
	if command.Complains(err, "stale info", "rejected", "already exists") {
		return task.Errorf(task.CodeConflict, "the repository does not take the branch: %w", err)
	}
	return r.m.explain(err)
}

// Moved is the error of a ref that is not where it was.
func Moved(ref string) error {
	return task.Errorf(task.CodeConflict,
		"somebody pushed to the branch %q in between; ask again, and the change is made on top of that", short(ref))
}

// push runs in the task's directory, with the mirror's right of access.
func (r remoteBranch) push(ctx context.Context, args ...string) ([]byte, error) {
	return r.from.Run(ctx, command.Command{
		Args: args, Env: r.m.env, Secret: r.m.src.Auth.line,
	})
}
