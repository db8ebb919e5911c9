package plan_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"honk/verify/plan"
)

// tree makes a file system of "name" or "name=content" entries.
func tree(files ...string) fstest.MapFS {
	out := fstest.MapFS{}
	for _, f := range files {
		name, content, _ := strings.Cut(f, "=")
		out[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return out
}

func names(verifiers []plan.Verifier) []string {
	out := []string{}
	for _, v := range verifiers {
		out = append(out, v.Name)
	}
	return out
}

func TestDetect(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		files []string
		want  []string
	}{
		{"nothing", []string{"README.md"}, []string{}},
		{"go", []string{"go.mod=module m"}, []string{"gofmt", "go build", "go test"}},
		{"go with a linter", []string{"go.mod", ".golangci.yml"}, []string{"gofmt", "go build", "golangci-lint", "go test"}},
		{"go beats make", []string{"go.mod", "Makefile=test:\n\tx\n"}, []string{"gofmt", "go build", "go test"}},
		{"make", []string{"Makefile=CC := x\n.PHONY: test\nall: x\nlint:\n\ty\ncheck test: z\nx.o: x.c\n"}, []string{"make all", "make lint", "make test"}},
		{"just", []string{"justfile=set x := \"1\"\nbuild:\n  x\ntest arg='1':\n  y\n"}, []string{"just build", "just test"}},
		{"npm", []string{`package.json={"scripts":{"test":"node --test","lint":"x","build":"y","typecheck":"z","format:check":"p"}}`}, []string{"npm run format:check", "npm run build", "npm run typecheck", "npm run lint", "npm test"}},
		{"pnpm", []string{`package.json={"scripts":{"test":"vitest"}}`, "pnpm-lock.yaml"}, []string{"pnpm test"}},
		{"yarn", []string{`package.json={"scripts":{"test":"jest"},"packageManager":"yarn@4.1.0"}`}, []string{"yarn test"}},
		{"npm placeholder", []string{`package.json={"scripts":{"test":"echo \"Error: no test specified\" && exit 1"}}`}, []string{}},
		{"tools without scripts", []string{`package.json={"devDependencies":{"typescript":"5","eslint":"9"}}`, "tsconfig.json"}, []string{"tsc", "eslint"}},
		{"manifest that does not parse", []string{"package.json={"}, []string{}},
		{"npm workspaces", []string{
			`package.json={"workspaces":["packages/*"],"scripts":{"test":"x"}}`,
			`packages/a/package.json={"scripts":{"test":"x","lint":"y"}}`,
		}, []string{"npm run lint (packages/a)", "npm test"}},
		{"monorepo", []string{"a/go.mod", `b/package.json={"scripts":{"test":"x"}}`, "c/d/pom.xml"}, []string{
			"gofmt (a)", "go build (a)", "mvn test-compile (c/d)", "go test (a)", "npm test (b)", "mvn test (c/d)",
		}},
		{"go.work", []string{"go.work", "a/go.mod", "b/go.mod"}, []string{
			"gofmt (a)", "gofmt (b)", "go build (a)", "go build (b)", "go test (a)", "go test (b)",
		}},
		{"not ours", []string{
			"vendor/x/go.mod", "node_modules/x/package.json={\"scripts\":{\"test\":\"x\"}}", "testdata/go.mod",
			".hidden/go.mod", "third_party/go.mod", "examples/a/go.mod", "a/fixtures/go.mod",
		}, []string{}},
		{"python", []string{"pyproject.toml=[tool.ruff]\n[tool.mypy]\n"}, []string{"compileall", "ruff check", "mypy", "pytest"}},
		{"cargo workspace", []string{"Cargo.toml=[workspace]\nmembers = [\"a\"]", "a/Cargo.toml=[package]"}, []string{"cargo fmt", "cargo check", "cargo test"}},
		{"maven modules", []string{"pom.xml=<modules></modules>", "a/pom.xml"}, []string{"mvn test-compile", "mvn test"}},
		{"gradle", []string{"settings.gradle.kts", "app/build.gradle.kts"}, []string{"gradle classes", "gradle test"}},
		{"others", []string{"a/x.csproj", "b/Gemfile", "b/.rubocop.yml", "c/composer.json", "c/phpunit.xml.dist"}, []string{
			"dotnet build (a)", "rubocop (b)", "dotnet test (a)", "rake test (b)", "phpunit (c)",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, names(plan.Detect(tree(tt.files...), nil))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestDetect_configured(t *testing.T) {
	t.Parallel()
	base := tree("go.mod", "a/go.mod")
	got := plan.Detect(base, []plan.Command{
		{Run: "make test"},
		{Name: "lint", Kind: "lint", Run: "x"},
		{Name: "lint", Kind: "lint", Run: "y"},
		{Name: "build a", Kind: "build", Run: "z", Dir: "a/"},
	})
	want := []string{"gofmt", "gofmt (a)", "build a", "go build", "lint", "lint #2", "make test", "go test (a)"}
	if diff := cmp.Diff(want, names(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, v := range got {
		if v.Why == "configuration" && v.Recipe != nil {
			t.Errorf("%s has a recipe", v.Name)
		}
	}
}

// TestDetect_hostile: names that a terminal or a shell would take amiss stay
// out of scripts and are quoted in names.
func TestDetect_hostile(t *testing.T) {
	t.Parallel()
	dir := "a\nb\x1b[31m $(x)"
	got := plan.Detect(tree(dir+"/go.mod=module $(y)", dir+"/Makefile=$(shell z):\n"), nil)
	if len(got) != 3 {
		t.Fatalf("got %q", names(got))
	}
	for _, v := range got {
		if strings.ContainsAny(v.Name, "\n\x1b") || v.Dir != dir {
			t.Errorf("name %q, dir %q", v.Name, v.Dir)
		}
		if strings.Contains(v.Recipe.Script, "$(x)") || strings.Contains(v.Recipe.Script, "$(y)") {
			t.Errorf("script %q", v.Recipe.Script)
		}
	}
}

// countingFS counts the entries it hands out of one endless directory.
type countingFS struct{ given *int }

func (c countingFS) Open(string) (fs.File, error) { return &endless{given: c.given}, nil }

type endless struct {
	fs.File
	given *int
}

func (e *endless) Close() error { return nil }

func (e *endless) ReadDir(n int) ([]fs.DirEntry, error) {
	out := make([]fs.DirEntry, max(n, 1))
	for i := range out {
		*e.given++
		out[i] = entry(fmt.Sprintf("d%d", *e.given))
	}
	return out, nil
}

type entry string

func (e entry) Name() string               { return string(e) }
func (e entry) IsDir() bool                { return true }
func (e entry) Type() fs.FileMode          { return fs.ModeDir }
func (e entry) Info() (fs.FileInfo, error) { return nil, fs.ErrNotExist }

func TestDetect_endless(t *testing.T) {
	t.Parallel()
	given := 0
	if got := plan.Detect(countingFS{&given}, nil); len(got) != 0 || given > 200_000 {
		t.Errorf("got %d verifiers, looked at %d entries", len(got), given)
	}
}

func TestDetect_bounds(t *testing.T) {
	t.Parallel()
	var files []string
	for i := range 100 {
		files = append(files, fmt.Sprintf("m%02d/go.mod", i))
	}
	got := plan.Detect(tree(files...), nil)
	if len(got) != 24*3 {
		t.Errorf("got %d verifiers", len(got))
	}
}

func TestLockfiles(t *testing.T) {
	t.Parallel()
	got := plan.Lockfiles(tree("go.mod", "go.sum", "web/package-lock.json", "node_modules/a/package-lock.json", "x.go"))
	if diff := cmp.Diff([]string{"go.mod", "go.sum", "web/package-lock.json"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestDependencyDirs(t *testing.T) {
	t.Parallel()
	got := plan.DependencyDirs(tree("package.json", "api/pyproject.toml", "go.mod", "old/package.json", "old/node_modules/x.js"))
	if diff := cmp.Diff([]string{"node_modules", "api/.venv", "api/venv"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRecipe_alone(t *testing.T) {
	t.Parallel()
	byName := map[string]plan.Verifier{}
	for _, v := range plan.Detect(tree(
		"go.mod", "a/pyproject.toml", "b/Cargo.toml", "c/pom.xml", "d/build.gradle",
		`e/package.json={"scripts":{"test":"jest --ci"}}`, `f/package.json={"scripts":{"test":"jest && x"}}`,
	), nil) {
		byName[v.Name] = v
	}
	for name, tt := range map[string]struct {
		id   string
		want []string
	}{
		"go test":         {"m/p:TestA/b.c", []string{"-count=1", "-run", `^TestA$/^b\.c$`, "m/p"}},
		"pytest (a)":      {"t/x.py::T::t[a b]", []string{"t/x.py::T::t[a b]"}},
		"cargo test (b)":  {"src/lib.rs:t::a", []string{"--", "--exact", "t::a"}},
		"mvn test (c)":    {"a.B.c", []string{"-DfailIfNoTests=false", "-Dsurefire.failIfNoSpecifiedTests=false", "-Dtest=a.B#c"}},
		"gradle test (d)": {"a.B.c()", []string{"--tests", "a.B.c"}},
		"npm test (e)":    {"a.js > b (c)", []string{"a.js", "-t", `^b \(c\)$`}},
	} {
		if diff := cmp.Diff(tt.want, byName[name].Recipe.Alone(tt.id)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if got := byName[name].Recipe.Alone("-x"); name != "cargo test (b)" && got != nil {
			t.Errorf("%s: an option passes for a test: %q", name, got)
		}
	}
	if byName["npm test (f)"].Recipe.Alone != nil {
		t.Error("a compound script is not taken apart")
	}
}
