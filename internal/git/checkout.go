package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"honk/internal/task"
)

// racy is the age a file must have before its time stamps prove anything: the
// kernel stamps with a coarse clock, so a write in the same tick leaves none.
const racy = 20 * time.Millisecond

// Checkout is a work tree of one task. Its methods are safe for concurrent
// use. The caller closes it.
type Checkout struct {
	// Dir is the work tree, to be mounted. Its .git is the agent's to play
	// with: nobody on the host ever reads it.
	Dir string
	// BaseSHA is the commit it was made from, BaseRef the branch's name, or
	// what was asked for where that was no branch.
	BaseSHA string
	BaseRef string

	base *base
	// start is what the work tree held when it was filled.
	start map[string]stamp
	read  sync.Once
	tree  *baseFS
	seq   sync.Mutex // orders what writes to the trusted directory
	turn  int
}

// stamp is a file of the work tree as it was filled: what the file system
// says of it, and what it holds. The change time cannot be set by anybody, so
// a file with the same stamp has the same content.
type stamp struct {
	entry
	stat stat
}

type stat struct {
	size, ino    int64
	mtime, ctime syscall.Timespec
	mode         fs.FileMode
}

func statOf(info fs.FileInfo) stat {
	s := stat{size: info.Size(), mode: info.Mode()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.ino, s.mtime, s.ctime = int64(sys.Ino), sys.Mtim, sys.Ctim
	}
	return s
}

// Checkout fetches ref of src, the default branch when ref is empty, and fills
// a work tree with it, byte for byte as committed. Errors: invalid, not_found,
// forbidden, unavailable.
func (g *Git) Checkout(ctx context.Context, src Source, ref string) (*Checkout, error) {
	b, err := g.openBase(ctx, src, ref)
	if err != nil {
		return nil, err
	}
	index := filepath.Join(b.dir, "index")
	c, err := b.fill(ctx, func(ctx context.Context) (map[string]entry, error) {
		_, err := b.run(ctx, command{index: index, args: []string{"read-tree", b.sha}})
		return b.files, b.incomplete(err)
	})
	if err != nil {
		return nil, errors.Join(err, b.remove())
	}
	return c, nil
}

// fill makes the work tree from the index that prepare writes, while the
// base's pack is made and handed to the agent's own .git. prepare returns
// what is in the index.
func (b *base) fill(ctx context.Context, prepare func(context.Context) (map[string]entry, error)) (*Checkout, error) {
	c := &Checkout{Dir: filepath.Join(b.root, "work"), BaseSHA: b.sha, BaseRef: b.branch, base: b}
	if err := os.Mkdir(c.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the work tree: %w", err)
	}
	index := filepath.Join(b.dir, "index")
	work, workCtx := errgroup.WithContext(ctx)
	work.Go(func() error {
		if err := b.link(workCtx); err != nil {
			return err
		}
		return b.disposable(c.Dir)
	})
	work.Go(func() error {
		files, err := prepare(workCtx)
		if err != nil {
			return err
		}
		_, err = b.run(workCtx, command{
			worktree: c.Dir, index: index,
			args: []string{"checkout-index", "--all", "--index", "--quiet"},
		})
		if err != nil {
			return b.incomplete(err)
		}
		c.start, err = snapshot(c.Dir, files)
		return err
	})
	if err := work.Wait(); err != nil {
		return nil, err
	}
	if err := b.detach(); err != nil {
		return nil, err
	}
	return c, copyFile(filepath.Join(c.Dir, ".git", "index"), index)
}

// snapshot remembers what the file system says of every file just written.
// Nobody else can reach the tree yet.
func snapshot(dir string, files map[string]entry) (map[string]stamp, error) {
	start := make(map[string]stamp, len(files))
	for path, e := range files {
		info, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(path)))
		if err != nil {
			return nil, fmt.Errorf("checking the new work tree: %w", err)
		}
		start[path] = stamp{e, statOf(info)}
	}
	limit := syscall.NsecToTimespec(time.Now().Add(-racy).UnixNano())
	for path, s := range start {
		if later(s.stat.ctime, limit) {
			s.stat.ino = -1 // matches nothing: hash the file when asked
			start[path] = s
		}
	}
	return start, nil
}

func later(a, b syscall.Timespec) bool {
	return a.Sec > b.Sec || a.Sec == b.Sec && a.Nsec > b.Nsec
}

// Close removes everything of the task. It is idempotent.
func (c *Checkout) Close() error { return c.base.remove() }

// disposable makes the .git that the agent sees: the base commit alone, as a
// shallow clone has it, with a copy of its objects.
func (b *base) disposable(dir string) error {
	dotGit := filepath.Join(dir, ".git")
	branch := b.branch
	if branch == "" || ValidRef(branch) != nil {
		branch = "base"
	}
	ref := "refs/heads/" + branch
	for path, content := range map[string]string{
		"HEAD": "ref: " + ref + "\n",
		ref:    b.sha + "\n",
		// Inside the sandbox the owner looks different, hence checkStat.
		"config": "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tcheckStat = minimal\n" +
			"\thooksPath = /dev/null\n[gc]\n\tauto = 0\n[user]\n\tname = honk\n\temail = honk@localhost\n",
		"shallow":         b.sha + "\n",
		"info/attributes": neutral,
	} {
		path = filepath.Join(dotGit, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("making the agent's git directory: %w", err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return fmt.Errorf("making the agent's git directory: %w", err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dotGit, "objects", "pack"), 0o755); err != nil {
		return fmt.Errorf("making the agent's git directory: %w", err)
	}
	packs, err := filepath.Glob(filepath.Join(b.dir, "objects", "pack", "pack-*"))
	for _, pack := range packs {
		err = errors.Join(err, copyFile(filepath.Join(dotGit, "objects", "pack", filepath.Base(pack)), pack))
	}
	return err
}

func copyFile(to, from string) error {
	src, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("copying: %w", err)
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("copying: %w", err)
	}
	_, err = dst.ReadFrom(src)
	if err = errors.Join(err, dst.Close()); err != nil {
		return fmt.Errorf("copying %q: %w", from, err)
	}
	return nil
}

// Materialise makes a new work tree: the base commit of c with p applied, but
// with the base's content at the changed paths that fromBase names. An empty
// patch gives the plain base; a nil fromBase keeps all of the patch.
func (g *Git) Materialise(ctx context.Context, c *Checkout, p task.Patch, fromBase func(path string) bool) (*Checkout, error) {
	b := &base{sha: c.base.sha, branch: c.base.branch, files: c.base.files, trees: c.base.trees, cache: c.base.cache}
	// The task's own directory holds the base's pack, the cache may not.
	if err := b.makeRoot(g, filepath.Join(c.base.dir, "objects")); err != nil {
		return nil, err
	}
	next, err := b.fill(ctx, func(ctx context.Context) (map[string]entry, error) {
		return b.apply(ctx, filepath.Join(b.dir, "index"), p, fromBase)
	})
	if err != nil {
		return nil, errors.Join(err, b.remove())
	}
	return next, nil
}

// apply writes an index of the base commit with p applied and returns what it
// holds.
func (b *base) apply(ctx context.Context, index string, p task.Patch, fromBase func(string) bool) (map[string]entry, error) {
	if p.Base != "" && p.Base != b.sha {
		return nil, task.Errorf(task.CodeConflict, "the patch is for commit %.12s, not for %.12s", p.Base, b.sha)
	}
	if _, err := b.run(ctx, command{index: index, args: []string{"read-tree", b.sha}}); err != nil {
		return nil, b.incomplete(err)
	}
	if len(p.Diff) == 0 {
		return b.files, nil
	}
	if err := b.applyDiff(ctx, index, p); err != nil {
		return nil, err
	}
	var edits []edit
	if fromBase != nil {
		for _, f := range p.Files {
			if fromBase(f.Path) {
				edits = append(edits, edit{f.Path, b.files[f.Path]})
			}
		}
	}
	if err := b.editIndex(ctx, index, edits); err != nil {
		return nil, err
	}
	return b.listIndex(ctx, index)
}

func octal(mode uint32) string { return strconv.FormatUint(uint64(mode), 8) }
