package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"honk/internal/task"
)

// lockPoll is how often a lock that somebody holds is tried again.
const lockPoll = 50 * time.Millisecond

// mirror is the cache of one remote repository: bare, with only the refs that
// were asked for, below refs/honk/.
type mirror struct {
	repo
	src Source
	env []string
}

func (g *Git) mirror(src Source) (mirror, error) {
	env, err := src.remote()
	if err != nil {
		return mirror{}, err
	}
	path, err := src.mirrorPath()
	if err != nil {
		return mirror{}, err
	}
	return mirror{repo{g, filepath.Join(g.dir, path)}, src, env}, nil
}

func (m mirror) run(ctx context.Context, args ...string) ([]byte, error) {
	return m.repo.run(ctx, command{args: args, env: m.env, secret: m.src.Auth.line})
}

// fetch makes sure the mirror holds what ref names at the remote and returns
// it. An empty ref is the remote's HEAD.
func (m mirror) fetch(ctx context.Context, ref string) (sha, branch string, err error) {
	unlock, err := lock(ctx, m.dir+".lock")
	if err != nil {
		return "", "", err
	}
	defer unlock()
	if err := m.prepare(); err != nil {
		return "", "", err
	}
	sha, branch, err = m.update(ctx, ref)
	if task.CodeOf(err) != task.CodeInternal || ctx.Err() != nil {
		return sha, branch, err
	}
	// Nothing in a mirror is precious. If it is broken, a new one helps; if
	// it is not, the second error says what is wrong.
	m.g.log.WarnContext(ctx, "mirror renewed", "repo", m.src.Repo.String(), "error", err)
	if err := os.RemoveAll(m.dir); err != nil {
		return "", "", fmt.Errorf("removing a broken mirror: %w", err)
	}
	if err := m.prepare(); err != nil {
		return "", "", err
	}
	return m.update(ctx, ref)
}

func (m mirror) prepare() error {
	if isGitDir(m.dir) {
		return nil
	}
	if err := os.RemoveAll(m.dir); err != nil {
		return fmt.Errorf("removing a broken mirror: %w", err)
	}
	_, err := m.g.newBare(m.dir)
	return err
}

func (m mirror) update(ctx context.Context, ref string) (sha, branch string, err error) {
	if shaPattern.MatchString(ref) {
		return ref, ref, m.want(ctx, ref, "refs/honk/commits/"+ref, ref)
	}
	adv, err := m.advertised(ctx, ref)
	if err != nil {
		return "", "", err
	}
	for _, name := range candidates(ref) {
		sha, ok := adv.refs[name]
		if !ok {
			continue
		}
		err := m.want(ctx, name, "refs/honk/"+strings.TrimPrefix(name, "refs/"), sha)
		if err != nil {
			return "", "", err
		}
		// A tag may name a tag object; the commit is what counts.
		sha, err = m.line(ctx, "rev-parse", "--verify", "--end-of-options", sha+"^{commit}")
		if ref == "" {
			ref = strings.TrimPrefix(adv.head, "refs/heads/")
		}
		return sha, ref, err
	}
	if ref == "" {
		return "", "", task.Errorf(task.CodeInvalid, "%s has no commit yet", m.src.Repo)
	}
	return "", "", task.Errorf(task.CodeNotFound, "there is no branch, tag or commit %q in %s", ref, m.src.Repo)
}

// candidates are the full names a ref may stand for, best first.
func candidates(ref string) []string {
	if ref == "" {
		return []string{"HEAD"}
	}
	return []string{"refs/heads/" + ref, "refs/tags/" + ref, ref}
}

// advertisement is what a remote says about its refs.
type advertisement struct {
	refs map[string]string
	head string // what HEAD stands for
}

func (m mirror) advertised(ctx context.Context, ref string) (advertisement, error) {
	args := append([]string{"ls-remote", "--symref", "--", m.src.Repo.URL}, candidates(ref)...)
	out, err := m.run(ctx, args...)
	if err != nil {
		return advertisement{}, m.explain(err)
	}
	adv := advertisement{refs: map[string]string{}}
	for l := range strings.Lines(string(out)) {
		value, name, _ := strings.Cut(strings.TrimSuffix(l, "\n"), "\t")
		if target, ok := strings.CutPrefix(value, "ref: "); ok && name == "HEAD" {
			adv.head = target
		} else if shaPattern.MatchString(value) {
			adv.refs[name] = value
		}
	}
	return adv, nil
}

// want fetches what the remote calls name unless the mirror has sha under its
// own name already.
func (m mirror) want(ctx context.Context, name, own, sha string) error {
	have, err := m.line(ctx, "rev-parse", "--verify", "--quiet", own)
	if err == nil && have == sha {
		return nil
	}
	_, err = m.run(ctx, "fetch", "--quiet", "--prune", "--no-tags", "--no-write-fetch-head",
		"--no-recurse-submodules", "--no-auto-maintenance", "--", m.src.Repo.URL, "+"+name+":"+own)
	return m.explain(err)
}

// explain turns what a remote complains about into words for a person.
func (m mirror) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case complains(err, "not our ref", "couldn't find remote ref", "unadvertised object"):
		return task.Errorf(task.CodeNotFound, "the commit or ref is not in %s: %w", m.src.Repo, err)
	case complains(err, "mismatched algorithms"):
		return task.Errorf(task.CodeInvalid, "%s uses SHA-256 objects, which Honk does not support", m.src.Repo)
	case complains(err, "Authentication failed", "could not read Username", "returned error: 401", "returned error: 403"):
		return task.Errorf(task.CodeForbidden, "%s refuses us; check the token and its permissions: %w", m.src.Repo, err)
	case complains(err, "returned error: 30", "unable to update url base from redirection"):
		return task.Errorf(task.CodeInvalid, "%s has moved; use its new URL: %w", m.src.Repo, err)
	case complains(err, "not found", "does not appear to be a git repository"):
		return task.Errorf(task.CodeNotFound, "there is no repository %s: %w", m.src.Repo, err)
	case complains(err, "unable to access", "Could not resolve", "hung up", "early EOF"):
		return task.Errorf(task.CodeUnavailable, "%s cannot be reached: %w", m.src.Repo, err)
	}
	return err
}

// lock takes a lock that holds among processes, until unlock or our death.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("locking: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking: %w", err)
	}
	poll := time.NewTicker(lockPoll)
	defer poll.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return nil, errors.Join(fmt.Errorf("locking %q: %w", path, err), f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), f.Close())
		case <-poll.C:
		}
	}
}
