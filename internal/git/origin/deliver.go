package origin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"honk/internal/git/command"
	"honk/internal/task"
)

// localBranch makes or moves a branch in a repository of this machine without
// running git there: a push would run git-receive-pack under that
// repository's configuration and hooks. New objects are added as loose files,
// then one ref file, in git's own way of locking.
type localBranch struct {
	from command.Repo // holds the new objects
	repo local
	lens lens
}

func (d localBranch) head(ctx context.Context, ref string) (string, error) {
	sha, err := d.lens.Line(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", ref)
	if err != nil && ctx.Err() == nil {
		return "", nil
	}
	return sha, err
}

func (d localBranch) set(ctx context.Context, ref, old, sha string) error {
	check := d.free
	if old != "" {
		check = d.idle
	}
	if err := check(ctx, ref); err != nil {
		return err
	}
	from, err := os.OpenRoot(d.from.Dir)
	if err != nil {
		return fmt.Errorf("opening the trusted directory: %w", err)
	}
	defer from.Close()
	objects, err := openOwned(d.repo.objects())
	if err != nil {
		return err
	}
	defer objects.Close()
	if err := objects.addLoose(from, sha); err != nil {
		return err
	}
	refs, err := openOwned(d.repo.common)
	if err != nil {
		return err
	}
	defer refs.Close()
	if old == "" {
		return refs.createRef(ref, sha)
	}
	return refs.moveRef(ref, sha, func() error {
		// Under the lock for it, the ref stays where it is.
		if at, err := d.head(ctx, ref); err != nil || at != old {
			return errors.Join(err, Moved(ref))
		}
		return nil
	})
}

// idle refuses a branch that is checked out: its work tree would seem to take
// the commit back.
func (d localBranch) idle(_ context.Context, ref string) error {
	heads, err := fs.Glob(os.DirFS(d.repo.common), "worktrees/*/HEAD")
	if err != nil {
		return fmt.Errorf("listing work trees: %w", err)
	}
	if !d.repo.bare {
		heads = append(heads, "HEAD")
	}
	for _, head := range heads {
		if readLine(filepath.Join(d.repo.common, head)) == "ref: "+ref {
			return task.Errorf(task.CodeConflict,
				"the branch %q is checked out in a work tree; switch that to another branch and try again", short(ref))
		}
	}
	return nil
}

// free refuses a ref that could not live beside those which are there, packed
// or not: refs/heads/honk and refs/heads/honk/x exclude each other.
func (d localBranch) free(ctx context.Context, ref string) error {
	out, err := d.lens.Line(ctx, "for-each-ref", "--format=%(refname)", "refs/heads")
	if err != nil {
		return err
	}
	for name := range strings.Lines(out) {
		name = strings.TrimSuffix(name, "\n")
		if strings.HasPrefix(ref+"/", name+"/") || strings.HasPrefix(name+"/", ref+"/") {
			return task.Errorf(task.CodeConflict,
				"the branch %q is in the way of %q; rename it", short(name), short(ref))
		}
	}
	return nil
}

func short(ref string) string { return strings.TrimPrefix(ref, "refs/heads/") }

// owned is a directory of somebody else's repository that we add files to.
// Everything new gets the directory's owner, so that a repository stays its
// owner's even when Honk runs as root. Links that lead out are refused.
type owned struct {
	*os.Root
	uid, gid int
	mode     fs.FileMode
}

func openOwned(dir string) (*owned, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("opening %q: %w", dir, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening %q: %w", dir, err)
	}
	o := &owned{Root: root, uid: -1, gid: -1, mode: info.Mode().Perm()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		o.uid, o.gid = int(sys.Uid), int(sys.Gid)
	}
	return o, nil
}

// addLoose copies the loose objects of a trusted directory, and head, the one
// that makes the others reachable, last.
func (o *owned) addLoose(from *os.Root, head string) error {
	names, err := fs.Glob(from.FS(), "objects/[0-9a-f][0-9a-f]/*")
	if err != nil {
		return fmt.Errorf("listing new objects: %w", err)
	}
	last := "objects/" + head[:2] + "/" + head[2:]
	names = append(slices.DeleteFunc(names, func(n string) bool { return n == last }), last)
	for _, name := range names {
		content, err := from.ReadFile(name)
		if err != nil {
			return fmt.Errorf("reading a new object: %w", err)
		}
		err = o.add(strings.TrimPrefix(name, "objects/"), content)
		if err != nil {
			return fmt.Errorf("adding an object to the repository: %w", err)
		}
	}
	return nil
}

// createRef makes a ref under git's lock for it.
func (o *owned) createRef(ref, sha string) error {
	return o.lockRef(ref, sha, func(lockFile string) error {
		// A link, unlike a rename, never replaces what is there.
		err := o.Link(lockFile, ref)
		if errors.Is(err, fs.ErrExist) {
			return task.Errorf(task.CodeConflict, "the branch %q exists already", short(ref))
		}
		return err
	})
}

// moveRef moves a ref under git's lock for it, if check agrees.
func (o *owned) moveRef(ref, sha string, check func() error) error {
	return o.lockRef(ref, sha, func(lockFile string) error {
		if err := check(); err != nil {
			return err
		}
		// A packed ref has no file; one that is a name for another, or a
		// link, is not ours to replace.
		was, err := o.ReadFile(ref)
		info, statErr := o.Lstat(ref)
		if statErr == nil && (err != nil || !info.Mode().IsRegular() || strings.HasPrefix(string(was), "ref:")) {
			return task.Errorf(task.CodeConflict, "the branch %q is a name for another; name that one", short(ref))
		}
		return o.Rename(lockFile, ref)
	})
}

// lockRef writes what a ref shall hold into its lock file and puts that in
// place.
func (o *owned) lockRef(ref, sha string, place func(lockFile string) error) error {
	if err := o.mkdir(path.Dir(ref)); err != nil {
		return fmt.Errorf("setting %q: %w", ref, err)
	}
	lockFile := ref + ".lock"
	f, err := o.OpenFile(lockFile, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return task.Errorf(task.CodeConflict, "somebody else is changing the branch %q; try again", short(ref))
	}
	if err != nil {
		return fmt.Errorf("setting %q: %w", ref, err)
	}
	defer func() { _ = o.Remove(lockFile) }()
	_, err = io.WriteString(f, sha+"\n")
	if err = errors.Join(err, f.Sync(), f.Close(), o.own(lockFile)); err != nil {
		return fmt.Errorf("setting %q: %w", ref, err)
	}
	if err := place(lockFile); err != nil {
		return fmt.Errorf("setting %q: %w", ref, err)
	}
	return nil
}

// add creates an object file whole or not at all. One that exists is left
// alone: its name says what it holds.
func (o *owned) add(name string, content []byte) error {
	if _, err := o.Lstat(name); err == nil {
		return nil
	}
	if err := o.mkdir(path.Dir(name)); err != nil {
		return err
	}
	tmp := path.Join(path.Dir(name), "tmp_obj_"+rand.Text())
	f, err := o.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return err
	}
	defer func() { _ = o.Remove(tmp) }()
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close(), o.own(tmp)); err != nil {
		return err
	}
	if err := o.Link(tmp, name); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func (o *owned) mkdir(dir string) error {
	made := ""
	for part := range strings.SplitSeq(dir, "/") {
		made = path.Join(made, part)
		switch err := o.Mkdir(made, o.mode); {
		case errors.Is(err, fs.ErrExist):
		case err != nil:
			return err
		default:
			if err := o.own(made); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *owned) own(name string) error {
	if o.uid < 0 {
		return nil
	}
	return o.Lchown(name, o.uid, o.gid)
}
