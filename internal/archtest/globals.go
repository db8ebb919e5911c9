package archtest

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// makers are the calls whose result nobody can change, or that make it once.
var makers = []string{
	"base32.NewEncoding", "errors.New", "regexp.MustCompile", "strings.NewReplacer", "template.Must",
	"sync.OnceFunc", "sync.OnceValue", "sync.OnceValues",
}

// checkGlobals lets a package variable be an error, a compiled expression, an
// embedded file or an unexported table that nothing writes to.
func (t *tree) checkGlobals(p *pkg) {
	g := globals{dir: p.dir, makers: compilers(p), tables: map[string]bool{}}
	for _, f := range p.files {
		if f.test {
			continue
		}
		for _, decl := range f.Decls {
			if d, ok := decl.(*ast.GenDecl); ok && d.Tok == token.VAR {
				t.checkVars(g, d)
			}
		}
	}
	for _, f := range p.files {
		if !f.test {
			t.checkWrites(f, g.tables)
		}
	}
}

// globals is what is known of a package's variables.
type globals struct {
	dir string
	// makers are makers and the package's own functions of the kind.
	makers []string
	tables map[string]bool
}

// compilers returns makers with the package's own short names for
// regexp.MustCompile.
func compilers(p *pkg) []string {
	found := slices.Clone(makers)
	for _, f := range p.files {
		for _, decl := range f.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || fn.Type.Results.NumFields() != 1 {
				continue
			}
			if star, ok := fn.Type.Results.List[0].Type.(*ast.StarExpr); ok && callee(star.X) == "regexp.Regexp" {
				found = append(found, fn.Name.Name)
			}
		}
	}
	return found
}

// checkVars checks one var declaration and notes its tables.
func (t *tree) checkVars(g globals, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		s, ok := spec.(*ast.ValueSpec)
		if !ok || s.Names[0].Name == "_" || embedded(d.Doc) || embedded(s.Doc) {
			continue
		}
		for i, name := range s.Names {
			var value ast.Expr
			if i < len(s.Values) {
				value = s.Values[i]
			}
			switch {
			case g.isMaker(value), slices.Contains(linked, g.dir+"."+name.Name):
			case isTable(value) && !name.IsExported():
				g.tables[name.Name] = true
			default:
				t.report(name, "%s is a mutable global; make it a constant, a field or an unexported table", name.Name)
			}
		}
	}
}

func embedded(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool {
		return strings.HasPrefix(c.Text, "//go:embed ")
	})
}

// isMaker reports whether a value is the result of a maker, directly or by
// its methods.
func (g globals) isMaker(value ast.Expr) bool {
	call, ok := value.(*ast.CallExpr)
	if !ok {
		return false
	}
	if sel, ok := call.Fun.(*ast.SelectorExpr); ok && g.isMaker(sel.X) {
		return true
	}
	return slices.Contains(g.makers, callee(call.Fun))
}

// callee returns a name as it is written: f or package.F.
func callee(expr ast.Expr) string {
	switch e := expr.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.IndexExpr:
		return callee(e.X)
	case *ast.SelectorExpr:
		if qualifier, ok := e.X.(*ast.Ident); ok {
			return qualifier.Name + "." + e.Sel.Name
		}
	}
	return ""
}

// isTable reports whether a value is written out in full.
func isTable(value ast.Expr) bool {
	if call, ok := value.(*ast.CallExpr); ok && len(call.Args) == 1 {
		// A conversion of a literal, like []byte("...").
		_, conversion := call.Fun.(*ast.ArrayType)
		return conversion
	}
	_, ok := value.(*ast.CompositeLit)
	return ok
}

// checkWrites reports statements that change a table.
func (t *tree) checkWrites(f *file, tables map[string]bool) {
	report := func(expr ast.Expr) {
		if name := base(expr); name != nil && tables[name.Name] {
			t.report(name, "%s is written to; a package variable is a table nobody changes", name.Name)
		}
	}
	ast.Inspect(f.File, func(n ast.Node) bool {
		switch s := n.(type) {
		case *ast.AssignStmt:
			if s.Tok != token.DEFINE {
				for _, left := range s.Lhs {
					report(left)
				}
			}
		case *ast.IncDecStmt:
			report(s.X)
		case *ast.UnaryExpr:
			if _, whole := s.X.(*ast.Ident); whole && s.Op == token.AND {
				report(s.X)
			}
		case *ast.CallExpr:
			if name, ok := s.Fun.(*ast.Ident); ok && (name.Name == "delete" || name.Name == "clear") {
				report(s.Args[0])
			}
		}
		return true
	})
}

// base returns the identifier at the bottom of x, x[i], x.f and *x.
func base(expr ast.Expr) *ast.Ident {
	for {
		switch e := expr.(type) {
		case *ast.Ident:
			return e
		case *ast.IndexExpr:
			expr = e.X
		case *ast.SelectorExpr:
			expr = e.X
		case *ast.StarExpr:
			expr = e.X
		case *ast.ParenExpr:
			expr = e.X
		default:
			return nil
		}
	}
}
