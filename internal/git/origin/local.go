package origin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"honk/internal/git/command"
	"honk/internal/task"
)

// Info describes a repository of this machine.
type Info struct {
	// Top is the top of the work tree, the git directory when Bare.
	Top string
	// GitDir is the work tree's own git directory.
	GitDir string
	Bare   bool
	// Branch is checked out, empty when HEAD is detached.
	Branch  string
	HeadSHA string
	// Dirty says that the work tree may hold changes which are in no commit.
	Dirty bool
}

// Resolve finds the repository that path lies in. It reads, and executes
// nothing of what the repository's configuration says. The error's code is
// not_found when there is no such path, which may then mean something else.
func (c Cache) Resolve(ctx context.Context, path string) (Info, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return Info{}, task.Errorf(task.CodeNotFound, "there is no directory %q", path)
	}
	l, err := discover(path)
	if err != nil {
		return Info{}, err
	}
	lens, done, err := c.lens(l)
	if err != nil {
		return Info{}, err
	}
	defer done()
	sha, ref, err := lens.resolve(ctx, "")
	if err != nil {
		return Info{}, err
	}
	info := Info{Top: l.top, GitDir: l.gitDir, Bare: l.bare, HeadSHA: sha, Branch: ref}
	if !l.bare {
		info.Dirty = lens.dirty(ctx, l)
	}
	return info, nil
}

// local is a repository of this machine: whose it is we do not know, so its
// config file is never given to git.
type local struct {
	top, gitDir string
	// common holds what linked work trees share: objects, refs, config.
	common string
	bare   bool
}

// discover walks up from path to the repository it lies in.
func discover(path string) (local, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return local{}, fmt.Errorf("resolving %q: %w", path, err)
	}
	info, err := os.Stat(abs)
	if err != nil || !info.IsDir() {
		return local{}, task.Errorf(task.CodeInvalid, "%q is not a directory", path)
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return local{}, fmt.Errorf("resolving %q: %w", path, err)
	}
	for top := abs; ; top = filepath.Dir(top) {
		dotGit := filepath.Join(top, ".git")
		switch info, err := os.Stat(dotGit); {
		case err == nil && info.IsDir() && isGitDir(dotGit):
			l := local{top: top, gitDir: dotGit, common: dotGit}
			return l, l.check()
		case err == nil && info.Mode().IsRegular():
			l, err := follow(top)
			if err != nil {
				return l, err
			}
			return l, l.check()
		}
		// A bare repository counts only where it was named, never on the
		// way up: a repository can hold one as plain files.
		if top == abs && isGitDir(top) {
			l := local{top: top, gitDir: top, common: top, bare: true}
			return l, l.check()
		}
		if top == filepath.Dir(top) {
			return local{}, task.Errorf(task.CodeInvalid,
				"%q is not in a git repository; create one with: git init && git add -A && git commit", path)
		}
	}
}

func isGitDir(dir string) bool {
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

// follow reads a .git file. The directory it names must name this work tree
// in turn: otherwise a planted file would lead us into somebody else's
// repository.
func follow(top string) (local, error) {
	dotGit := filepath.Join(top, ".git")
	target, ok := strings.CutPrefix(readLine(dotGit), "gitdir: ")
	if !ok {
		return local{}, task.Errorf(task.CodeInvalid, "%q is not a git file", dotGit)
	}
	l := local{top: top, gitDir: from(top, target)}
	l.common = l.gitDir
	if shared := readLine(filepath.Join(l.gitDir, "commondir")); shared != "" {
		l.common = from(l.gitDir, shared)
		if same(from(l.gitDir, readLine(filepath.Join(l.gitDir, "gitdir"))), dotGit) {
			return l, nil
		}
	} else if tree := l.setting("worktree"); tree != "" && same(from(l.gitDir, tree), top) {
		return l, nil
	}
	return local{}, task.Errorf(task.CodeInvalid,
		"%q points to a git directory which does not point back; name the repository itself, or mend the link with: git worktree repair", dotGit)
}

func from(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

func same(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// setting finds a variable in the config file without understanding the
// file: it is asked only for what must make us stop or may let us go on.
func (l local) setting(name string) string {
	raw, err := readRegular(filepath.Join(l.common, "config"), 1<<20)
	if err != nil {
		return ""
	}
	pattern := regexp.MustCompile(`(?im)^[ \t]*(?:\[[^\]]*\])?[ \t]*` + name + `[ \t]*=[ \t]*"?([^"\r\n#;]*)`)
	if m := pattern.FindSubmatch(raw); m != nil {
		return strings.TrimSpace(string(m[1]))
	}
	return ""
}

// check refuses the formats we cannot read.
func (l local) check() error {
	if format := l.setting("objectformat"); format != "" && !strings.EqualFold(format, "sha1") {
		return task.Errorf(task.CodeInvalid,
			"%q uses %s objects, which Honk does not support; use a SHA-1 repository", l.top, format)
	}
	if _, err := os.Stat(filepath.Join(l.common, "reftable")); err == nil {
		return task.Errorf(task.CodeInvalid,
			"%q stores its refs as reftable, which Honk does not support; change it with: git refs migrate --ref-format=files", l.top)
	}
	if !isGitDir(l.common) && l.common == l.gitDir {
		return task.Errorf(task.CodeInvalid, "%q is not a git directory", l.gitDir)
	}
	return nil
}

func (l local) objects() string { return filepath.Join(l.common, "objects") }

// readRegular reads a file of a repository we do not trust: no device, no
// pipe, no more than max bytes.
func readRegular(path string, max int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fs.ErrInvalid)
	}
	return io.ReadAll(io.LimitReader(f, max))
}

func readLine(path string) string {
	raw, _ := readRegular(path, 4<<10)
	line, _, _ := bytes.Cut(raw, []byte("\n"))
	return strings.TrimRight(string(line), "\r")
}

// lens is a git directory of ours that shows another repository's refs and
// objects.
type lens struct{ command.Repo }

// lens returns a git directory of ours that shows another repository's refs
// and objects under a config file of our own. It is for reading only.
func (c Cache) lens(l local) (view lens, done func(), err error) {
	dir, err := os.MkdirTemp(c.Scratch, "lens-")
	if err != nil {
		return lens{}, nil, fmt.Errorf("making a lens: %w", err)
	}
	done = func() { _ = os.RemoveAll(dir) }
	view.Repo, err = command.New(c.Binary, dir, l.objects())
	head := readLine(filepath.Join(l.gitDir, "HEAD"))
	err = errors.Join(err,
		os.Remove(filepath.Join(dir, "refs")),
		os.Symlink(filepath.Join(l.common, "refs"), filepath.Join(dir, "refs")),
		os.Symlink(filepath.Join(l.common, "packed-refs"), filepath.Join(dir, "packed-refs")),
		os.Symlink(filepath.Join(l.common, "info", "exclude"), filepath.Join(dir, "info", "exclude")),
		os.WriteFile(filepath.Join(dir, "HEAD"), []byte(head+"\n"), 0o600))
	if err != nil {
		done()
		return lens{}, nil, fmt.Errorf("making a lens: %w", err)
	}
	return view, done, nil
}

// resolve returns the commit that ref names and the branch's name, or ref
// where it is no branch. An empty ref is HEAD.
func (r lens) resolve(ctx context.Context, ref string) (sha, branch string, err error) {
	for _, name := range candidates(ref) {
		sha, err = r.Line(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}")
		if err != nil {
			continue
		}
		full, err := r.Line(ctx, "rev-parse", "--symbolic-full-name", name)
		if branch, ok := strings.CutPrefix(full, "refs/heads/"); ok || err != nil {
			return sha, branch, err
		}
		return sha, ref, nil
	}
	if ctx.Err() != nil {
		return "", "", context.Cause(ctx)
	}
	if ref == "" {
		return "", "", task.Errorf(task.CodeInvalid,
			"the repository has no commit yet; make one with: git add -A && git commit")
	}
	return "", "", task.Errorf(task.CodeNotFound, "there is no branch, tag or commit %q in the repository", ref)
}

// dirty compares a work tree with its index and HEAD. When it cannot tell it
// says yes: the answer only warns.
func (r lens) dirty(ctx context.Context, l local) bool {
	raw, err := readRegular(filepath.Join(l.gitDir, "index"), 1<<30)
	if err != nil {
		return true
	}
	index := filepath.Join(r.Dir, "index")
	if err := os.WriteFile(index, raw, 0o600); err != nil {
		return true
	}
	out, err := r.Run(ctx, command.Command{Worktree: l.top, Index: index, Args: []string{
		"status", "--porcelain", "--ignore-submodules=all",
	}})
	return err != nil || len(out) > 0
}
