package archtest

import (
	"cmp"
	"go/ast"
	"slices"
	"strings"
)

// checkSize checks files and the package as a whole.
func (t *tree) checkSize(p *pkg) {
	total := 0
	for _, f := range p.files {
		limit := cmp.Or(small[f.path], maxFile)
		if f.test {
			limit = maxTestFile
		} else {
			total += f.lines
		}
		if f.lines > limit {
			t.reportPath(f.path, "%d lines, at most %d; split it", f.lines, limit)
		}
	}
	if total > maxPackage {
		t.reportPath(p.dir, "%d lines without tests, at most %d; split the package", total, maxPackage)
	}
}

// checkFuncs checks the functions of a file. Tests are often one long table,
// so they are only held to the file's size.
func (t *tree) checkFuncs(p *pkg, f *file) {
	if f.test {
		return
	}
	limit := maxFunc
	if slices.Contains(loops, p.dir) {
		limit = maxLoopFunc
	}
	for _, decl := range f.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if fn.Name.Name == "init" && fn.Recv == nil {
			t.report(fn, "init runs before anybody asked; call it from cmd/honk")
		}
		if n := fn.Type.Params.NumFields(); n > maxParameter {
			t.report(fn, "%s has %d parameters, at most %d; use an options struct", fn.Name.Name, n, maxParameter)
		}
		if fn.Body == nil {
			continue
		}
		if n := t.line(fn.Body.Rbrace) - t.line(fn.Body.Lbrace) - 1; n > limit {
			t.report(fn, "%s has %d lines, at most %d; split it", fn.Name.Name, n, limit)
		}
		t.checkPanic(fn)
	}
}

// checkPanic lets only functions that begin with must panic.
func (t *tree) checkPanic(fn *ast.FuncDecl) {
	if strings.HasPrefix(strings.ToLower(fn.Name.Name), "must") {
		return
	}
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if name, ok := call.Fun.(*ast.Ident); ok && name.Name == "panic" {
				t.report(call, "%s panics; return an error", fn.Name.Name)
			}
		}
		return true
	})
}
