package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"honk/internal/git/command"
	"honk/internal/git/tree"
	"honk/internal/task"
)

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
	start map[string]tree.Stamp
	read  sync.Once
	tree  *tree.FS
	seq   sync.Mutex // orders what writes to the trusted directory
	turn  int
}

// Checkout fetches ref of src, the default branch when ref is empty, and fills
// a work tree with it, byte for byte as committed. Errors: invalid, not_found,
// forbidden, unavailable.
func (g *Git) Checkout(ctx context.Context, src Source, ref string) (*Checkout, error) {
	b, err := g.openBase(ctx, src, ref)
	if err != nil {
		return nil, err
	}
	index := filepath.Join(b.Dir, "index")
	c, err := b.fill(ctx, func(ctx context.Context) (map[string]tree.Entry, error) {
		_, err := b.Run(ctx, command.Command{Index: index, Args: []string{"read-tree", b.sha}})
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
func (b *base) fill(ctx context.Context, prepare func(context.Context) (map[string]tree.Entry, error)) (*Checkout, error) {
	c := &Checkout{Dir: filepath.Join(b.root, "work"), BaseSHA: b.sha, BaseRef: b.branch, base: b}
	if err := os.Mkdir(c.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the work tree: %w", err)
	}
	index := filepath.Join(b.Dir, "index")
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
		_, err = b.Run(workCtx, command.Command{
			Worktree: c.Dir, Index: index,
			Args: []string{"checkout-index", "--all", "--index", "--quiet"},
		})
		if err != nil {
			return b.incomplete(err)
		}
		c.start, err = tree.Snapshot(c.Dir, files)
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
		"info/attributes": command.Neutral,
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
	packs, err := filepath.Glob(filepath.Join(b.Dir, "objects", "pack", "pack-*"))
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

// BaseFiles returns the paths of the base commit's files, sorted. Submodules
// are left out.
func (c *Checkout) BaseFiles(context.Context) ([]string, error) {
	paths := make([]string, 0, len(c.base.files))
	for p, e := range c.base.files {
		if e.Mode != tree.ModeGitlink {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return paths, nil
}

// BaseFS returns the files of the base commit. They are read from objects, so
// nothing that happens to the work tree shows. Symbolic links are not
// followed: reading one gives its target. It also is an fs.ReadDirFS,
// fs.ReadFileFS and fs.StatFS, and safe for concurrent use.
func (c *Checkout) BaseFS() fs.FS {
	c.read.Do(func() { c.tree = tree.NewFS(c.base.files, c.base.storage()) })
	return c.tree
}

// Materialise makes a new work tree: the base commit of c with p applied, but
// with the base's content at the changed paths that fromBase names. An empty
// patch gives the plain base; a nil fromBase keeps all of the patch.
func (g *Git) Materialise(ctx context.Context, c *Checkout, p task.Patch, fromBase func(path string) bool) (*Checkout, error) {
	b := &base{sha: c.base.sha, branch: c.base.branch, files: c.base.files, trees: c.base.trees, cache: c.base.cache}
	// The task's own directory holds the base's pack, the cache may not.
	if err := b.makeRoot(g, filepath.Join(c.base.Dir, "objects")); err != nil {
		return nil, err
	}
	next, err := b.fill(ctx, func(ctx context.Context) (map[string]tree.Entry, error) {
		return b.apply(ctx, filepath.Join(b.Dir, "index"), p, fromBase)
	})
	if err != nil {
		return nil, errors.Join(err, b.remove())
	}
	return next, nil
}

// apply writes an index of the base commit with p applied and returns what it
// holds.
func (b *base) apply(ctx context.Context, index string, p task.Patch, fromBase func(string) bool) (map[string]tree.Entry, error) {
	if p.Base != "" && p.Base != b.sha {
		return nil, task.Errorf(task.CodeConflict, "the patch is for commit %.12s, not for %.12s", p.Base, b.sha)
	}
	if _, err := b.Run(ctx, command.Command{Index: index, Args: []string{"read-tree", b.sha}}); err != nil {
		return nil, b.incomplete(err)
	}
	if len(p.Diff) == 0 {
		return b.files, nil
	}
	if err := b.applyDiff(ctx, index, p); err != nil {
		return nil, err
	}
	var edits []tree.Edit
	if fromBase != nil {
		for _, f := range p.Files {
			if fromBase(f.Path) {
				edits = append(edits, tree.Edit{Path: f.Path, Entry: b.files[f.Path]})
			}
		}
	}
	if err := b.editIndex(ctx, index, edits); err != nil {
		return nil, err
	}
	return b.listIndex(ctx, index)
}
