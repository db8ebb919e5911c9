package postgres

import (
	"context"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"honk/internal/postgres/pgtest"
)

// TestQueries prepares every query of the package on the migrated schema.
func TestQueries(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	conn, err := db.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	queries := packageQueries(t)
	if len(queries) < 40 {
		t.Fatalf("only %d queries found", len(queries))
	}
	named := regexp.MustCompile(`@([a-z_]+)`)
	for name, sql := range queries {
		args := pgx.NamedArgs{}
		for _, m := range named.FindAllStringSubmatch(sql, -1) {
			args[m[1]] = nil
		}
		rewritten, _, err := args.RewriteQuery(t.Context(), conn.Conn(), sql, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := conn.Conn().Prepare(t.Context(), name, rewritten); err != nil {
			t.Errorf("%s: %v\n%s", name, err, sql)
		}
	}
}

// packageQueries returns the constants of the package that are SQL.
func packageQueries(t *testing.T) map[string]string {
	t.Helper()
	fset := token.NewFileSet()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	conf := types.Config{Importer: importer.Default(), Error: func(error) {}}
	info := &types.Info{Defs: map[*ast.Ident]types.Object{}}
	// Imports need not resolve: constants are the package's own.
	_, _ = conf.Check("honk/internal/postgres", fset, files, info)
	found := map[string]string{}
	for id, obj := range info.Defs {
		c, ok := obj.(*types.Const)
		if !ok || c.Val().Kind() != constant.String {
			continue
		}
		sql := constant.StringVal(c.Val())
		if regexp.MustCompile(`^(SELECT|INSERT|UPDATE|DELETE|WITH)\s`).MatchString(sql) && sql != pullRequestColumns {
			found[id.Name] = sql
		}
	}
	return found
}

// newDB returns a migrated database of this test's own.
func newDB(t *testing.T) *DB {
	t.Helper()
	db, err := Open(t.Context(), pgtest.New(t, migrate, "postgres"), 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// migrate makes the schema of the tests' databases.
func migrate(ctx context.Context, url string) error {
	db, err := Open(ctx, url, 2)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Migrate(ctx)
	return err
}
