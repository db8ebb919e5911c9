package git

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"honk/internal/git/command"
	"honk/internal/git/tree"
	"honk/internal/rmtree"
	"honk/internal/task"
)

// base is a commit to work from, in a task directory with a trusted git
// directory that holds all of its objects once link has run.
type base struct {
	command.Repo
	root        string // the task's directory
	sha, branch string
	// files are the entries of the commit's tree by path.
	files map[string]tree.Entry
	trees []string // the object names of its trees
	cache string   // where its packs are kept
}

// openBase fetches src and prepares a task directory around the commit ref
// names.
func (g *Git) openBase(ctx context.Context, src Source, ref string) (b *base, err error) {
	if ref != "" {
		if err := ValidRef(ref); err != nil {
			return nil, err
		}
	}
	found, err := g.origin.Locate(ctx, src, ref)
	if err != nil {
		return nil, err
	}
	b = &base{sha: found.SHA, branch: found.Ref}
	key := sha256.Sum256([]byte(found.Objects))
	b.cache = filepath.Join(g.dir, "bases", hex.EncodeToString(key[:12]), b.sha)
	if err := b.makeRoot(g, found.Objects); err != nil {
		return nil, err
	}
	if err := b.readTree(ctx, g.limits); err != nil {
		return nil, errors.Join(err, b.remove())
	}
	return b, nil
}

func (b *base) makeRoot(g *Git, alternates ...string) (err error) {
	if b.root, err = os.MkdirTemp(g.tasks, "task-"); err != nil {
		return fmt.Errorf("making a task directory: %w", err)
	}
	b.Repo, err = command.New(g.binary, filepath.Join(b.root, "git"), alternates...)
	if err != nil {
		return errors.Join(err, b.remove())
	}
	return nil
}

// What a base commit may hold, in bytes: a work tree is written to the host's
// own disk, and a few kilobytes of objects can stand for terabytes of files.
const (
	maxBaseFile  = 1 << 30
	maxBaseTotal = 8 << 30
)

// limits are the sizes up to which a base commit is worked on.
type limits struct{ file, total int64 }

// readTree lists the base commit, and refuses one past the limits.
func (b *base) readTree(ctx context.Context, max limits) error {
	out, err := b.Run(ctx, command.Command{Args: []string{"ls-tree", "-r", "-t", "-z", "--full-tree", b.sha}})
	if errors.Is(err, command.ErrTooMuch) {
		return task.Errorf(task.CodeInvalid, "commit %.12s has more files than Honk can handle (%d MiB of names)", b.sha, command.MaxOutput>>20)
	}
	if err != nil {
		return b.incomplete(err)
	}
	b.files = map[string]tree.Entry{}
	for line := range bytes.SplitSeq(out, []byte{0}) {
		meta, path, ok := strings.Cut(string(line), "\t")
		field := strings.Fields(meta)
		if !ok || len(field) != 3 {
			continue
		}
		mode, err := strconv.ParseUint(field[0], 8, 32)
		if err != nil {
			return fmt.Errorf("reading the tree of %s: %w", b.sha, err)
		}
		if mode == tree.ModeTree {
			b.trees = append(b.trees, field[2])
			continue
		}
		b.files[path] = tree.Entry{Mode: uint32(mode), SHA: field[2]}
	}
	return b.weigh(ctx, max)
}

// weigh refuses a base commit that is larger than we write to a disk. Each
// content is looked up once, however many names it has.
func (b *base) weigh(ctx context.Context, max limits) error {
	paths := map[string]string{}
	for path, e := range b.files {
		if e.Mode != tree.ModeGitlink {
			paths[e.SHA] = path
		}
	}
	if len(paths) == 0 {
		return nil
	}
	out, err := b.Run(ctx, command.Command{
		Args:  []string{"cat-file", "--buffer", "--batch-check=%(objectname) %(objectsize)"},
		Stdin: strings.NewReader(strings.Join(slices.Collect(maps.Keys(paths)), "\n") + "\n"),
	})
	if err != nil {
		return b.incomplete(err)
	}
	sizes := make(map[string]int64, len(paths))
	for line := range strings.Lines(string(out)) {
		sha, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		size, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return b.missing(fmt.Errorf("looking up %q: %s", paths[sha], text))
		}
		if size > max.file {
			return task.Errorf(task.CodeInvalid,
				"the file %q of commit %.12s has %d MiB, more than the %d MiB Honk can handle; keep it with Git LFS",
				paths[sha], b.sha, size>>20, max.file>>20)
		}
		sizes[sha] = size
	}
	left := max.total
	for _, e := range b.files {
		if left -= sizes[e.SHA]; left < 0 {
			return task.Errorf(task.CodeInvalid,
				"the files of commit %.12s have more than the %d MiB Honk can handle; keep large ones with Git LFS", b.sha, max.total>>20)
		}
	}
	return nil
}

// incomplete explains why objects of the base commit cannot be read.
func (b *base) incomplete(err error) error {
	if command.Complains(err, "unable to read", "bad object", "missing", "cannot read object", "Could not read") {
		return b.missing(err)
	}
	return err
}

func (b *base) missing(err error) error {
	return task.Errorf(task.CodeInvalid,
		"objects of commit %.12s are missing; the repository is a partial clone or damaged, fetch them with: git fetch --refetch --no-filter: %w", b.sha, err)
}

// detach forgets where the objects came from, once link has run: from now on
// nobody else's garbage collection can take any, and git leaves no trace in
// somebody else's directory (it renews the times of packs it finds objects
// in).
func (b *base) detach() error {
	if err := os.Remove(filepath.Join(b.Dir, "objects", "info", "alternates")); err != nil {
		return fmt.Errorf("detaching the trusted directory: %w", err)
	}
	return nil
}

// remove deletes the task's directory.
func (b *base) remove() error { return rmtree.Remove(b.root) }
