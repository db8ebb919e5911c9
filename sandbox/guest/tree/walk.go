package tree

import (
	"cmp"
	"context"
	"io"
	"io/fs"
	"path"
	"slices"
	"time"
	"unicode/utf8"

	"honk/sandbox"
	"honk/sandbox/guest/wire"
)

const (
	// walkTime and walkEntries bound a look at a tree made to be endless.
	walkTime    = 10 * time.Second
	walkEntries = 500_000
	walkDepth   = 256
	// maxIgnore is how much of a .gitignore file is read.
	maxIgnore = 128 << 10
)

// walk visits the files of a tree.
type walk struct {
	t       *Tree
	ctx     context.Context // of the one call it lives for
	entries int
	visit   func(p string, mode fs.FileMode)
	// stopped says why not all was seen.
	stopped string
}

// walk calls visit for each regular file and symlink below p in path order,
// without .git, what .gitignore names, and names that are not UTF-8. It
// returns why it stopped early, if it did.
func (t *Tree) walk(ctx context.Context, p string, visit func(string, fs.FileMode)) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, walkTime)
	defer cancel()
	stat, err := t.root.Lstat(p)
	if err != nil {
		return "", refuse(p, err)
	}
	if !stat.IsDir() {
		if err := regular(p, stat); err != nil {
			return "", err
		}
		visit(p, stat.Mode())
		return "", nil
	}
	// The files above p rule it too.
	var rules ignores
	for dir := path.Dir(p); p != "." && dir != "."; dir = path.Dir(dir) {
		rules = append(t.ignoreFile(dir, nil), rules...)
	}
	if p != "." {
		rules = append(t.ignoreFile(".", nil), rules...)
	}
	w := &walk{t: t, ctx: ctx, visit: visit}
	w.dir(p, rules, 0)
	return w.stopped, nil
}

func (w *walk) dir(p string, rules ignores, depth int) {
	if depth > walkDepth {
		w.stopped = "directories nested too deeply were left out"
		return
	}
	// The dot opens nothing but a directory: by now it may be a pipe, which
	// would have to be waited for.
	f, err := w.t.root.Open(p + "/.")
	if err != nil {
		return
	}
	entries, _ := f.ReadDir(walkEntries)
	_ = f.Close()
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(sortName(a), sortName(b)) })
	rules = w.t.ignoreFile(p, rules)
	for _, e := range entries {
		w.entries++
		if w.entries > walkEntries || w.ctx.Err() != nil {
			w.stopped = "the tree is too large to look at all of it"
			return
		}
		child := path.Join(p, e.Name())
		if e.Name() == ".git" || !utf8.ValidString(e.Name()) || rules.match(child, e.IsDir()) {
			continue
		}
		switch mode := e.Type(); {
		case mode.IsDir():
			w.dir(child, rules, depth+1)
		case mode.IsRegular(), mode&fs.ModeSymlink != 0:
			w.visit(child, mode)
		}
	}
}

// sortName makes the order of a walk that of whole paths.
func sortName(e fs.DirEntry) string {
	if e.IsDir() {
		return e.Name() + "/"
	}
	return e.Name()
}

// ignoreFile adds the .gitignore of a directory, if it has one.
func (t *Tree) ignoreFile(dir string, rules ignores) ignores {
	f, _, err := t.openRegular(path.Join(dir, ".gitignore"))
	if err != nil {
		return rules
	}
	defer func() { _ = f.Close() }()
	text, _ := io.ReadAll(io.LimitReader(f, maxIgnore))
	return rules.with(dir, string(text))
}

// List returns the files below a directory.
func (t *Tree) List(ctx context.Context, req wire.ListRequest) (sandbox.Listing, error) {
	p, err := clean(req.Path)
	if err != nil {
		return sandbox.Listing{}, err
	}
	var l sandbox.Listing
	l.Incomplete, err = t.walk(ctx, p, func(file string, _ fs.FileMode) {
		if l.Total++; l.Total <= req.Max {
			l.Paths = append(l.Paths, file)
		}
	})
	return l, err
}
