package tree

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
	maxTotal   = 40 << 20  // of all changed files
	maxHeld    = 256 << 20 // of a file that may be as it was
	maxHashed  = 2 << 30   // of files whose time stamps changed
	maxIgnore  = 1 << 20   // of a .gitignore
	maxRules   = 10_000    // of all .gitignore files that rule a directory
)

// walker reads a hostile work tree: it follows no link, waits for no pipe,
// and reads no file that did not change since the tree was filled.
type walker struct {
	base  map[string]Entry
	start map[string]Stamp
	store func(content []byte) error
	dirs  map[string]bool // directories that hold files of the base
	now   map[string]Entry
	edits []Edit
	added []string
	sizes map[string]int64

	entries       int
	total, hashed int64
}

// Changes are how a work tree differs from the base commit.
type Changes struct {
	// Edits turn the base's tree into the work tree's, sorted by path.
	Edits []Edit
	// Sizes are those of the files that Edits set.
	Sizes map[string]int64
}

// Walk compares the work tree in dir with the base commit. start is what the
// tree held when it was filled; store keeps new content. What no change may
// hold is an error of code invalid that names the path and the remedy.
func Walk(ctx context.Context, dir string, base map[string]Entry, start map[string]Stamp, store func([]byte) error) (Changes, error) {
	w := &walker{
		base: base, start: start, store: store, dirs: map[string]bool{},
		now: map[string]Entry{}, sizes: map[string]int64{},
	}
	for p := range base {
		for dir := path.Dir(p); dir != "." && !w.dirs[dir]; dir = path.Dir(dir) {
			w.dirs[dir] = true
		}
	}
	err := w.walk(ctx, dir)
	return Changes{w.edits, w.sizes}, err
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
	for p, e := range w.base {
		if e.Mode == ModeGitlink {
			if err := w.keepGitlink(p, e); err != nil {
				return err
			}
		} else if _, ok := w.now[p]; !ok {
			w.edits = append(w.edits, Edit{Path: p})
		}
	}
	if len(w.edits) > maxChanged {
		return Refuse(w.edits[maxChanged].Path, fmt.Sprintf(
			"the change has more than %d files; make it smaller, or add what is generated to .gitignore", maxChanged))
	}
	slices.SortFunc(w.edits, func(x, y Edit) int { return strings.Compare(x.Path, y.Path) })
	slices.Sort(w.added)
	return collisions(w.now, w.added)
}

// keepGitlink keeps a submodule as the base has it, checked out or not.
func (w *walker) keepGitlink(p string, e Entry) error {
	for parent := p; parent != "."; parent = path.Dir(parent) {
		if found, ok := w.now[parent]; ok && found != e {
			return Refuse(parent, "takes the place of a submodule; restore it")
		}
	}
	w.now[p] = e
	return nil
}

// dir reads one directory. rules are the ignore rules above it.
func (w *walker) dir(ctx context.Context, root *os.Root, dir string, rules []gitignore.Pattern) error {
	if strings.Count(dir, "/") >= maxDepth {
		return Refuse(dir, fmt.Sprintf("lies more than %d directories deep; flatten it", maxDepth))
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
		// Many names held against many rules take long.
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		p := path.Join(dir, name)
		info, err := root.Lstat(name)
		switch _, tracked := w.base[p]; {
		case errors.Is(err, fs.ErrNotExist), p == ".git":
			continue
		case err != nil:
			return Refuse(p, "cannot be read; make it readable or remove it")
		case tracked:
		case match.Match(strings.Split(p, "/"), info.IsDir()) && !(info.IsDir() && w.dirs[p]):
			continue
		case isDotGit(name):
			return Refuse(p, "a nested git repository cannot be part of a change; remove it, or add it to .gitignore")
		}
		if err := w.entry(ctx, root, p, info, rules); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) entry(ctx context.Context, root *os.Root, p string, info fs.FileInfo, rules []gitignore.Pattern) error {
	was := w.base[p]
	switch mode := info.Mode(); {
	case was.Mode == ModeGitlink && mode.IsDir():
		return nil
	case mode.IsDir():
		// The dot opens nothing but a directory: by now it may be a pipe,
		// which would have to be waited for.
		sub, err := root.OpenRoot(path.Base(p) + "/.")
		if err != nil {
			return Refuse(p, "cannot be opened; make it readable or remove it")
		}
		defer sub.Close()
		return w.dir(ctx, sub, p, rules)
	case mode&fs.ModeSymlink != 0:
		return w.symlink(root, p, was)
	case !mode.IsRegular():
		return Refuse(p, "is a pipe, socket or device; remove it")
	case mode&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) != 0:
		return Refuse(p, "has a special permission bit; clear it with chmod")
	}
	return w.file(root, p, info, was)
}

// names lists a directory, in order, with a bound on the whole walk.
func (w *walker) names(ctx context.Context, root *os.Root, dir string) ([]string, error) {
	f, err := root.Open(".")
	if err != nil {
		return nil, Refuse(dir, "cannot be opened; make it readable or remove it")
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
			return nil, Refuse(dir, fmt.Sprintf(
				"the work tree has more than %d files; remove what is not needed, or add it to .gitignore", maxEntries))
		case errors.Is(err, io.EOF):
			slices.Sort(names)
			return names, nil
		case err != nil:
			return nil, Refuse(dir, "cannot be read; make it readable or remove it")
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
	if _, tracked := w.base[path.Join(dir, "HEAD")]; tracked {
		return nil
	}
	return Refuse(dir, "is a bare git repository, which cannot be part of a change; remove it, or add it to .gitignore")
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
		return nil, Refuse(path.Join(dir, ".gitignore"), "cannot be read, or is too big")
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
		if len(rules) > maxRules {
			return nil, Refuse(path.Join(dir, ".gitignore"), fmt.Sprintf(
				"brings the ignore rules to more than %d; shorten it", maxRules))
		}
	}
	return rules, nil
}

func (w *walker) symlink(root *os.Root, p string, was Entry) error {
	target, err := root.Readlink(path.Base(p))
	if err != nil || was.Mode != ModeSymlink || BlobName([]byte(target)) != was.SHA {
		return Refuse(p, "symbolic links can be neither added nor changed; use a regular file")
	}
	w.now[p] = was
	return nil
}

func (w *walker) file(root *os.Root, p string, info fs.FileInfo, was Entry) error {
	e := Entry{ModeFile, ""}
	if info.Mode()&0o100 != 0 {
		e.Mode = ModeExec
	}
	start, known := w.start[p]
	size := info.Size()
	if known && start.stat == statOf(info) {
		e.SHA = start.SHA
	} else {
		if size > maxFile && (was.Mode == 0 || known && start.stat.size != size || size > maxHeld) {
			return tooBig(p)
		}
		if w.hashed += size; w.hashed > maxHashed {
			return Refuse(p, "too much was rewritten; restore what need not change")
		}
		content, link, err := readFile(root, path.Base(p), max(maxFile, size))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return Refuse(p, "cannot be read; make it readable, or remove it")
		}
		e.SHA, size = BlobName(content), int64(len(content))
		if e.SHA != was.SHA {
			if err := w.take(p, content, link); err != nil {
				return err
			}
		}
	}
	w.now[p] = e
	if e == was {
		return nil
	}
	if was.Mode == 0 {
		if reason := BadName(p); reason != "" {
			return Refuse(p, reason)
		}
		w.added = append(w.added, p)
	}
	w.sizes[p] = size
	w.edits = append(w.edits, Edit{p, e})
	return nil
}

// take stores content that the base does not have at p.
func (w *walker) take(p string, content []byte, linked bool) error {
	w.total += int64(len(content))
	switch {
	case linked:
		return Refuse(p, "is a hard link; replace it by a copy")
	case len(content) > maxFile:
		return tooBig(p)
	case len(w.edits) >= maxChanged, w.total > maxTotal:
		return Refuse(p, fmt.Sprintf(
			"the change has more than %d files or %d MiB; make it smaller, or add what is generated to .gitignore",
			maxChanged, maxTotal>>20))
	}
	return w.store(content)
}

func tooBig(p string) error {
	return Refuse(p, fmt.Sprintf("is larger than %d MiB; remove it, or add it to .gitignore", maxFile>>20))
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

// BlobName returns the name git gives to content.
func BlobName(content []byte) string {
	return plumbing.ComputeHash(plumbing.BlobObject, content).String()
}
