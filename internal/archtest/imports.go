package archtest

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// checkLayer checks the imports inside the module. Tests may look down from
// any floor and sideways: they are nobody's dependency.
func (t *tree) checkLayer(p *pkg) {
	floor, ok := layers[p.dir]
	if !ok {
		t.reportPath(p.dir, "unknown package; add it to the table in internal/archtest/layout.go")
		return
	}
	for _, f := range p.files {
		if f.test {
			continue
		}
		for _, spec := range f.Imports {
			to, ours := strings.CutPrefix(importPath(spec.Path.Value), module+"/")
			target, known := layers[to]
			switch {
			case !ours:
			case !known:
				t.report(spec, "imports unknown package %s; add it to the table in internal/archtest/layout.go", to)
			case target < floor, sameTree(p.dir, to), slices.Contains(sideways[root(p.dir)], root(to)):
			default:
				t.report(spec, "%s (floor %d) must not import %s (floor %d); imports point down only",
					p.dir, floor, to, target)
			}
		}
	}
	if floor == 0 {
		t.checkStandardOnly(p)
	}
}

// checkStandardOnly holds floor 0 to the standard library.
func (t *tree) checkStandardOnly(p *pkg) {
	for _, f := range p.files {
		if f.test {
			continue
		}
		for _, spec := range f.Imports {
			name := importPath(spec.Path.Value)
			if first, _, _ := strings.Cut(name, "/"); strings.Contains(first, ".") {
				t.report(spec, "%s must not import %s; floor 0 is standard library only", p.dir, name)
			}
		}
	}
}

// sameTree reports whether two packages lie below one another or beside each
// other in one house: sandbox/bwrap and sandbox/guest, but not agent and
// judge.
func sameTree(a, b string) bool {
	return root(a) == root(b)
}

// root returns the package a tree belongs to: the topmost directory that is
// itself in the table.
func root(dir string) string {
	top := dir
	for parent := path.Dir(dir); parent != "."; parent = path.Dir(parent) {
		if _, ok := layers[parent]; ok {
			top = parent
		}
	}
	return top
}

// checkCages checks who imports SDKs and test libraries.
func (t *tree) checkCages(p *pkg, f *file) {
	for _, spec := range f.Imports {
		name := importPath(spec.Path.Value)
		for sdk, allowed := range cages {
			if below(name, sdk) && !slices.Contains(allowed, p.dir) {
				t.report(spec, "%s must not import %s; it is caged in %s",
					p.dir, name, strings.Join(append([]string{}, allowed...), ", "))
			}
		}
		isTestOnly := slices.ContainsFunc(testOnly, func(lib string) bool { return below(name, lib) })
		if isTestOnly && !f.test && !slices.Contains(testLibraries, p.dir) {
			t.report(spec, "%s must not import %s outside tests; it would get into the binary", p.dir, name)
		}
	}
}

// below reports whether an import is a package or lies in it.
func below(name, ancestor string) bool {
	return name == ancestor || strings.HasPrefix(name, ancestor+"/")
}

func importPath(literal string) string {
	name, err := strconv.Unquote(literal)
	if err != nil {
		return literal
	}
	return name
}
