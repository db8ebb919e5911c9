package origin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"honk/internal/git/command"
	"honk/internal/task"
)

// lockPoll is how often a lock that somebody holds is tried again.
const lockPoll = 50 * time.Millisecond

// mirror is the cache of one remote repository: bare, with only the refs that
// were asked for, below refs/honk/.
type mirror struct {
	command.Repo
	src Source
	env []string
	log *slog.Logger
}

func (c Cache) mirror(src Source) (mirror, error) {
	env, err := src.remote()
	if err != nil {
		return mirror{}, err
	}
	path, err := src.mirrorPath()
	if err != nil {
		return mirror{}, err
	}
	return mirror{command.Repo{Binary: c.Binary, Dir: filepath.Join(c.Dir, path)}, src, env, c.Log}, nil
}

func (m mirror) run(ctx context.Context, args ...string) ([]byte, error) {
	return m.Run(ctx, command.Command{Args: args, Env: m.env, Secret: m.src.Auth.line})
}

// fetch makes sure the mirror holds what ref names at the remote and returns
// it. An empty ref is the remote's HEAD.
func (m mirror) fetch(ctx context.Context, ref string) (sha, branch string, err error) {
	unlock, err := lock(ctx, m.Dir+".lock")
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
	m.log.WarnContext(ctx, "mirror renewed", "repo", m.src.Repo.String(), "error", err)
	if err := os.RemoveAll(m.Dir); err != nil {
		return "", "", fmt.Errorf("removing a broken mirror: %w", err)
	}
	if err := m.prepare(); err != nil {
		return "", "", err
	}
	return m.update(ctx, ref)
}

func (m mirror) prepare() error {
	if isGitDir(m.Dir) {
		return nil
	}
	if err := os.RemoveAll(m.Dir); err != nil {
		return fmt.Errorf("removing a broken mirror: %w", err)
	}
	_, err := command.New(m.Binary, m.Dir)
	return err
}

func (m mirror) update(ctx context.Context, ref string) (sha, branch string, err error) {
	if shaPattern.MatchString(ref) {
		if _, err := m.Line(ctx, "rev-parse", "--verify", "--quiet", ref+"^{commit}"); err == nil {
			return ref, ref, nil // a commit never changes: nothing to ask for
		}
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
		sha, err = m.Line(ctx, "rev-parse", "--verify", "--end-of-options", sha+"^{commit}")
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
	have, err := m.Line(ctx, "rev-parse", "--verify", "--quiet", own)
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
	case command.Complains(err, "not our ref", "couldn't find remote ref", "unadvertised object"):
		return task.Errorf(task.CodeNotFound, "the commit or ref is not in %s: %w", m.src.Repo, err)
	case command.Complains(err, "mismatched algorithms"):
		return task.Errorf(task.CodeInvalid, "%s uses SHA-256 objects, which Honk does not support", m.src.Repo)
	case command.Complains(err, "Authentication failed", "could not read Username", "returned error: 401", "returned error: 403"):
		return task.Errorf(task.CodeForbidden, "%s refuses us; check the token and its permissions: %w", m.src.Repo, err)
	case command.Complains(err, "returned error: 30", "unable to update url base from redirection"):
		return task.Errorf(task.CodeInvalid, "%s has moved; use its new URL: %w", m.src.Repo, err)
	case command.Complains(err, "not found", "does not appear to be a git repository"):
		return task.Errorf(task.CodeNotFound, "there is no repository %s: %w", m.src.Repo, err)
	case command.Complains(err, "returned error: 429", "HTTP 429"):
		return task.Errorf(task.CodeRateLimited, "%s asks us to wait: %w", m.src.Repo, err)
	case command.Complains(err, "unable to access", "Could not resolve", "hung up", "early EOF", "RPC failed",
		"unexpected disconnect", "expected flush"):
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
