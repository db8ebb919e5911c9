package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
)

// The bounds of a walk. A change beyond them is not one a person would read.
const (
	maxEntries = 400_000
	maxDepth   = 64
	maxChanged = 2_000
	maxFile    = 10 << 20
	maxTotal   = 40 << 20 // of all changed files
	maxHashed  = 2 << 30  // of files whose time stamps changed
	maxIgnore  = 1 << 20  // of a .gitignore
)

// walker reads a hostile work tree: it follows no link, waits for no pipe,
// and reads no file that did not change since the tree was filled.
type walker struct {
	base  *base
	start map[string]stamp
	store func(content []byte) (sha string, err error)
	dirs  map[string]bool // directories that hold files of the base
	now   map[string]entry
	edits []edit
	added []string
	sizes map[string]int64

	entries       int
	total, hashed int64
}

func (c *Checkout) newWalker(start map[string]stamp, store func([]byte) (string, error)) *walker {
	w := &walker{
		base: c.base, start: start, store: store, dirs: map[string]bool{},
		now: map[string]entry{}, sizes: map[string]int64{},
	}
	for p := range c.base.files {
		for dir := path.Dir(p); dir != "." && !w.dirs[dir]; dir = path.Dir(dir) {
			w.dirs[dir] = true
		}
	}
	return w
}

// walk finds out what changed below dir.
func (w *walker) walk(ctx context.Context, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("opening the work tree: %w", err)
	}
	defer root.Close()
	if err := w.dir(ctx, root, "", nil); err != nil {
		return err
	}
	for p, e := range w.base.files {
		if e.mode == modeGitlink {
			if err := w.keepGitlink(p, e); err != nil {
				return err
			}
		} else if _, ok := w.now[p]; !ok {
			w.edits = append(w.edits, edit{path: p})
		}
	}
	if len(w.edits) > maxChanged {
		return refuse(w.edits[maxChanged].path, fmt.Sprintf(
			"the change has more than %d files; make it smaller, or add what is generated to .gitignore", maxChanged))
	}
	slices.SortFunc(w.edits, func(x, y edit) int { return strings.Compare(x.path, y.path) })
	slices.Sort(w.added)
	return collisions(w.now, w.added)
}

// keepGitlink keeps a submodule as the base has it, checked out or not.
func (w *walker) keepGitlink(p string, e entry) error {
	for parent := p; parent != "."; parent = path.Dir(parent) {
		if found, ok := w.now[parent]; ok && found != e {
			return refuse(parent, "takes the place of a submodule; restore it")
		}
	}
	w.now[p] = e
	return nil
}

// dir reads one directory. rules are the ignore rules above it; nil rules
// inside an ignored directory that holds tracked files are marked by ignored.
func (w *walker) dir(ctx context.Context, root *os.Root, dir string, rules []gitignore.Pattern) error {
	if strings.Count(dir, "/") >= maxDepth {
		return refuse(dir, fmt.Sprintf("lies more than %d directories deep; flatten it", maxDepth))
	}
	names, err := w.names(ctx, root, dir)
	if err != nil {
		return err
	}
	rules, err = withIgnoreFile(root, dir, names, rules)
	if err != nil {
		return err
	}
	if err := w.checkBare(dir, names); err != nil {
		return err
	}
	match := gitignore.NewMatcher(rules)
	for _, name := range names {
		p := path.Join(dir, name)
		info, err := root.Lstat(name)
		switch _, tracked := w.base.files[p]; {
		case errors.Is(err, fs.ErrNotExist), p == ".git":
			continue
		case err != nil:
			return refuse(p, "cannot be read; make it readable or remove it")
		case tracked:
		case match.Match(strings.Split(p, "/"), info.IsDir()) && !(info.IsDir() && w.dirs[p]):
			continue
		case isDotGit(name):
			return refuse(p, "a nested git repository cannot be part of a change; remove it, or add it to .gitignore")
		}
		if err := w.entry(ctx, root, p, info, rules); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) entry(ctx context.Context, root *os.Root, p string, info fs.FileInfo, rules []gitignore.Pattern) error {
	was := w.base.files[p]
	switch mode := info.Mode(); {
	case was.mode == modeGitlink && mode.IsDir():
		return nil
	case mode.IsDir():
		sub, err := root.OpenRoot(path.Base(p))
		if err != nil {
			return refuse(p, "cannot be opened; make it readable or remove it")
		}
		defer sub.Close()
		return w.dir(ctx, sub, p, rules)
	case mode&fs.ModeSymlink != 0:
		return w.symlink(root, p, was)
	case !mode.IsRegular():
		return refuse(p, "is a pipe, socket or device; remove it")
	case mode&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) != 0:
		return refuse(p, "has a special permission bit; clear it with chmod")
	}
	return w.file(root, p, info, was)
}

// names lists a directory, in order, with a bound on the whole walk.
func (w *walker) names(ctx context.Context, root *os.Root, dir string) ([]string, error) {
	f, err := root.Open(".")
	if err != nil {
		return nil, refuse(dir, "cannot be opened; make it readable or remove it")
	}
	defer f.Close()
	var names []string
	for {
		some, err := f.Readdirnames(1024)
		names = append(names, some...)
		w.entries += len(some)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case w.entries > maxEntries:
			return nil, refuse(dir, fmt.Sprintf(
				"the work tree has more than %d files; remove what is not needed, or add it to .gitignore", maxEntries))
		case errors.Is(err, io.EOF):
			slices.Sort(names)
			return names, nil
		case err != nil:
			return nil, refuse(dir, "cannot be read; make it readable or remove it")
		}
	}
}

// checkBare refuses a new bare repository: whoever enters it with git runs
// what its configuration says.
func (w *walker) checkBare(dir string, names []string) error {
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if _, found := slices.BinarySearch(names, name); !found {
			return nil
		}
	}
	if _, tracked := w.base.files[path.Join(dir, "HEAD")]; tracked {
		return nil
	}
	return refuse(dir, "is a bare git repository, which cannot be part of a change; remove it, or add it to .gitignore")
}

func withIgnoreFile(root *os.Root, dir string, names []string, rules []gitignore.Pattern) ([]gitignore.Pattern, error) {
	if _, found := slices.BinarySearch(names, ".gitignore"); !found {
		return rules, nil
	}
	raw, _, err := readFile(root, ".gitignore", maxIgnore)
	if errors.Is(err, errNotRegular) || errors.Is(err, fs.ErrNotExist) {
		return rules, nil // git does not follow such a file either
	}
	if err != nil {
		return nil, refuse(path.Join(dir, ".gitignore"), "cannot be read, or is too big")
	}
	var domain []string
	if dir != "" {
		domain = strings.Split(dir, "/")
	}
	rules = slices.Clip(rules)
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimRight(line, "\r\n")
		if line != "" && line[0] != '#' {
			rules = append(rules, gitignore.ParsePattern(line, domain))
		}
	}
	return rules, nil
}

func (w *walker) symlink(root *os.Root, p string, was entry) error {
	target, err := root.Readlink(path.Base(p))
	if err != nil || was.mode != modeSymlink || blobName([]byte(target)) != was.sha {
		return refuse(p, "symbolic links can be neither added nor changed; use a regular file")
	}
	w.now[p] = was
	return nil
}

func (w *walker) file(root *os.Root, p string, info fs.FileInfo, was entry) error {
	e := entry{modeFile, ""}
	if info.Mode()&0o100 != 0 {
		e.mode = modeExec
	}
	start, known := w.start[p]
	size := info.Size()
	if known && start.stat == statOf(info) {
		e.sha = start.sha
	} else {
		if size > maxFile && (!known || start.stat.size != size) {
			return tooBig(p)
		}
		if w.hashed += size; w.hashed > maxHashed {
			return refuse(p, "too much was rewritten; restore what need not change")
		}
		content, link, err := readFile(root, path.Base(p), max(maxFile, size))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return refuse(p, "cannot be read; make it readable, or remove it")
		}
		e.sha, size = blobName(content), int64(len(content))
		if e.sha != was.sha {
			if err := w.take(p, content, link); err != nil {
				return err
			}
		}
	}
	w.now[p] = e
	if e == was {
		return nil
	}
	if was.mode == 0 {
		if reason := badName(p); reason != "" {
			return refuse(p, reason)
		}
		w.added = append(w.added, p)
	}
	w.sizes[p] = size
	w.edits = append(w.edits, edit{p, e})
	return nil
}

// take stores content that the base does not have at p.
func (w *walker) take(p string, content []byte, linked bool) error {
	w.total += int64(len(content))
	switch {
	case linked:
		return refuse(p, "is a hard link; replace it by a copy")
	case len(content) > maxFile:
		return tooBig(p)
	case len(w.edits) >= maxChanged, w.total > maxTotal:
		return refuse(p, fmt.Sprintf(
			"the change has more than %d files or %d MiB; make it smaller, or add what is generated to .gitignore",
			maxChanged, maxTotal>>20))
	}
	_, err := w.store(content)
	return err
}

func tooBig(p string) error {
	return refuse(p, fmt.Sprintf("is larger than %d MiB; remove it, or add it to .gitignore", maxFile>>20))
}

var (
	errNotRegular = errors.New("not a regular file")
	errTooBig     = errors.New("too big")
)

// readFile reads a regular file of at most limit bytes. What was looked at
// before may be something else by now while the sandbox lives: it is asked
// again after opening, which follows no link and waits for no pipe.
func readFile(root *os.Root, name string, limit int64) (content []byte, linked bool, err error) {
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, false, errNotRegular
	}
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, false, err
	}
	if !info.Mode().IsRegular() {
		return nil, false, errNotRegular
	}
	content, err = io.ReadAll(io.LimitReader(f, limit+1))
	if int64(len(content)) > limit {
		return nil, false, errTooBig
	}
	sys, ok := info.Sys().(*syscall.Stat_t)
	return content, ok && sys.Nlink > 1, err
}

func blobName(content []byte) string {
	return plumbing.ComputeHash(plumbing.BlobObject, content).String()
}
