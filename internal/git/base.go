package git

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"honk/internal/task"
)

// Git's file modes.
const (
	modeTree    = 0o040000
	modeFile    = 0o100644
	modeExec    = 0o100755
	modeSymlink = 0o120000
	modeGitlink = 0o160000
)

// neutral switches off, with the highest precedence there is, every
// attribute that would change bytes or call a program.
const neutral = "* -text !eol !crlf -ident !filter !working-tree-encoding !diff !merge " +
	"!conflict-marker-size !whitespace !export-subst !export-ignore\n"

// newBare makes a git directory of ours without running git.
func (g *Git) newBare(dir string, alternates ...string) (repo, error) {
	r := repo{g, dir}
	for _, sub := range []string{"objects/info", "objects/pack", "refs", "info"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return r, fmt.Errorf("making a git directory: %w", err)
		}
	}
	config := "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
	if len(alternates) > 0 {
		// What borrows objects lives no longer than a task.
		config += "\tfsync = none\n"
	}
	var list strings.Builder
	for _, a := range alternates {
		if strings.Contains(a, "\n") {
			return r, task.Errorf(task.CodeInvalid, "the path %q holds a line break; move the repository", a)
		}
		list.WriteString(a + "\n")
	}
	for name, content := range map[string]string{
		"HEAD":                    "ref: refs/heads/none\n",
		"config":                  config,
		"info/attributes":         neutral,
		"objects/info/alternates": list.String(),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return r, fmt.Errorf("making a git directory: %w", err)
		}
	}
	return r, nil
}

// entry is a file of a tree.
type entry struct {
	mode uint32
	sha  string
}

// base is a commit to work from, in a task directory with a trusted git
// directory that holds all of its objects once link has run.
type base struct {
	repo
	root        string // the task's directory
	sha, branch string
	// files are the entries of the commit's tree by path.
	files map[string]entry
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
	sha, branch, objects, err := g.locate(ctx, src, ref)
	if err != nil {
		return nil, err
	}
	b = &base{sha: sha, branch: branch}
	key := sha256.Sum256([]byte(objects))
	b.cache = filepath.Join(g.dir, "bases", hex.EncodeToString(key[:12]), sha)
	if err := b.makeRoot(g, objects); err != nil {
		return nil, err
	}
	if err := b.readTree(ctx); err != nil {
		return nil, errors.Join(err, b.remove())
	}
	return b, nil
}

// locate finds the commit and the directory its objects are in.
func (g *Git) locate(ctx context.Context, src Source, ref string) (sha, branch, objects string, err error) {
	if src.local() {
		l, err := discover(src.Repo.URL)
		if err != nil {
			return "", "", "", err
		}
		lens, done, err := g.lens(l)
		if err != nil {
			return "", "", "", err
		}
		defer done()
		sha, branch, err = lens.resolve(ctx, ref)
		return sha, branch, l.objects(), err
	}
	m, err := g.mirror(src)
	if err != nil {
		return "", "", "", err
	}
	sha, branch, err = m.fetch(ctx, ref)
	return sha, branch, filepath.Join(m.dir, "objects"), err
}

func (b *base) makeRoot(g *Git, alternates ...string) (err error) {
	if b.root, err = os.MkdirTemp(filepath.Join(g.dir, "tasks"), "task-"); err != nil {
		return fmt.Errorf("making a task directory: %w", err)
	}
	b.repo, err = g.newBare(filepath.Join(b.root, "git"), alternates...)
	if err != nil {
		return errors.Join(err, b.remove())
	}
	return nil
}

// readTree lists the base commit.
func (b *base) readTree(ctx context.Context) error {
	out, err := b.run(ctx, command{args: []string{"ls-tree", "-r", "-t", "-z", "--full-tree", b.sha}})
	if err != nil {
		return b.incomplete(err)
	}
	b.files = map[string]entry{}
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
		if mode == modeTree {
			b.trees = append(b.trees, field[2])
			continue
		}
		b.files[path] = entry{uint32(mode), field[2]}
	}
	return nil
}

// incomplete explains why objects of the base commit cannot be read.
func (b *base) incomplete(err error) error {
	if complains(err, "unable to read", "bad object", "missing", "cannot read object", "Could not read") {
		return task.Errorf(task.CodeInvalid,
			"objects of commit %.12s are missing; the repository is a partial clone or damaged, fetch them with: git fetch --refetch --no-filter: %w", b.sha, err)
	}
	return err
}

// detach forgets where the objects came from, once link has run: from now on
// nobody else's garbage collection can take any, and git leaves no trace in
// somebody else's directory (it renews the times of packs it finds objects
// in).
func (b *base) detach() error {
	if err := os.Remove(filepath.Join(b.dir, "objects", "info", "alternates")); err != nil {
		return fmt.Errorf("detaching the trusted directory: %w", err)
	}
	return nil
}

// remove deletes the task's directory. A hostile tree may hold directories
// that forbid it.
func (b *base) remove() error {
	if err := os.RemoveAll(b.root); err == nil {
		return nil
	}
	_ = filepath.WalkDir(b.root, func(path string, d os.DirEntry, _ error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	if err := os.RemoveAll(b.root); err != nil {
		return fmt.Errorf("removing a task directory: %w", err)
	}
	return nil
}
