// Package archtest holds the tree to the layout that docs/architecture.md
// draws: who may import whom, which package may touch which SDK, how large
// things may grow, that everything exported is explained, and that nothing is
// global and mutable. Its test fails when the tree does not comply.
package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// module is the import path of the tree's root.
const module = "honk"

// Check reads the Go files of the module in fsys and returns what is wrong
// with them, sorted, each with its place and remedy.
func Check(fsys fs.FS) ([]string, error) {
	t, err := load(fsys)
	if err != nil {
		return nil, err
	}
	for _, dir := range t.dirs() {
		p := t.packages[dir]
		t.checkLayer(p)
		t.checkSize(p)
		t.checkDocs(p)
		t.checkGlobals(p)
		for _, f := range p.files {
			t.checkCages(p, f)
			t.checkFuncs(p, f)
		}
	}
	slices.Sort(t.problems)
	return t.problems, nil
}

// tree is the parsed module and what was found wrong with it.
type tree struct {
	fset     *token.FileSet
	packages map[string]*pkg
	problems []string
}

// pkg is a directory with Go files.
type pkg struct {
	dir   string
	files []*file
}

// file is a parsed Go file.
type file struct {
	*ast.File
	path  string
	test  bool
	lines int
}

// load parses every Go file below the root that is ours: no fixtures, no
// other module, nothing generated.
func load(fsys fs.FS) (*tree, error) {
	t := &tree{fset: token.NewFileSet(), packages: map[string]*pkg{}}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return t.enter(fsys, name)
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		return t.add(fsys, name)
	})
	return t, err
}

func (t *tree) enter(fsys fs.FS, dir string) error {
	if dir == "." {
		return nil
	}
	base := path.Base(dir)
	_, err := fs.Stat(fsys, path.Join(dir, "go.mod"))
	if err == nil || base == "testdata" || base == "node_modules" || strings.HasPrefix(base, ".") {
		return fs.SkipDir
	}
	return nil
}

func (t *tree) add(fsys fs.FS, name string) error {
	src, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	parsed, err := parser.ParseFile(t.fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("parsing %q: %w", name, err)
	}
	if ast.IsGenerated(parsed) {
		return nil
	}
	dir := path.Dir(name)
	if t.packages[dir] == nil {
		t.packages[dir] = &pkg{dir: dir}
	}
	t.packages[dir].files = append(t.packages[dir].files, &file{
		File:  parsed,
		path:  name,
		test:  strings.HasSuffix(name, "_test.go"),
		lines: t.fset.File(parsed.FileStart).LineCount(),
	})
	return nil
}

func (t *tree) dirs() []string {
	var dirs []string
	for dir := range t.packages {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	return dirs
}

// report adds a problem at a node.
func (t *tree) report(n ast.Node, format string, args ...any) {
	pos := t.fset.Position(n.Pos())
	t.problems = append(t.problems,
		fmt.Sprintf("%s:%d: ", pos.Filename, pos.Line)+fmt.Sprintf(format, args...))
}

// reportPath adds a problem of a whole file or directory.
func (t *tree) reportPath(name, format string, args ...any) {
	t.problems = append(t.problems, name+": "+fmt.Sprintf(format, args...))
}
