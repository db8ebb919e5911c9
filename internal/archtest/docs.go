package archtest

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// checkDocs checks the package comment and those of exported names.
func (t *tree) checkDocs(p *pkg) {
	source, commented := false, false
	for _, f := range p.files {
		if f.test {
			continue
		}
		source = true
		doc := f.Doc.Text()
		if strings.HasPrefix(doc, "Package ") || strings.HasPrefix(doc, "Command ") {
			commented = true
		}
		for _, decl := range f.Decls {
			t.checkDeclDoc(decl)
		}
	}
	if source && !commented {
		t.reportPath(p.dir, "no package comment; say in one sentence what the package is")
	}
}

func (t *tree) checkDeclDoc(decl ast.Decl) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Doc == nil && d.Name.IsExported() && exportedReceiver(d) && !selfEvident(d) {
			t.report(d, "%s has no comment; say what it is", d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			t.checkSpecDoc(d, spec)
		}
	}
}

func (t *tree) checkSpecDoc(d *ast.GenDecl, spec ast.Spec) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && s.Doc == nil && d.Doc == nil {
			t.report(s, "%s has no comment; say what it is", s.Name.Name)
		}
	case *ast.ValueSpec:
		exported := slices.ContainsFunc(s.Names, (*ast.Ident).IsExported)
		if exported && s.Doc == nil && s.Comment == nil && d.Doc == nil {
			t.report(s, "%s has no comment; say what it is", s.Names[0].Name)
		}
	}
}

// exportedReceiver reports whether a method's type is exported; functions
// count as such.
func exportedReceiver(fn *ast.FuncDecl) bool {
	if fn.Recv == nil {
		return true
	}
	expr := fn.Recv.List[0].Type
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.Ident:
			return e.IsExported()
		default:
			return false
		}
	}
}

// selfEvident reports whether a method is one of those whose meaning every
// reader of Go knows.
func selfEvident(fn *ast.FuncDecl) bool {
	return fn.Recv != nil && slices.Contains([]string{"Error", "Unwrap", "String"}, fn.Name.Name)
}

func (t *tree) line(pos token.Pos) int { return t.fset.Position(pos).Line }
