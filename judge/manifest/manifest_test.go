package manifest_test

import (
	"cmp"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"honk/judge/manifest"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		want []manifest.Dep
	}{
		"go.mod": {
			"module a\n\ngo 1.25 // x\n\nrequire b.c/d v1.0.0\n\nreplace (\n\tb.c/d => ./d\n\te.f/g v1 => h.i/j v2\n)\n",
			[]manifest.Dep{{Name: "b.c/d", Version: "v1.0.0", Source: "./d"}, {Name: "e.f/g", Source: "h.i/j@v2"}, {Name: "go", Version: "1.25"}},
		},
		"web/package.json": {
			`{"devDependencies": {"a": "^1", "b": "user/b#main", "c": "npm:d@2"}, "overrides": {"e": {"f": "1"}}}`,
			[]manifest.Dep{{Name: "a", Version: "^1"}, {Name: "b", Source: "github:user/b#main"}, {Name: "c", Version: "2", Source: "npm:d@2"}},
		},
		"Cargo.toml": {
			"[target.'cfg(unix)'.dependencies]\na = \"1\"\n[workspace.dependencies.b]\ngit = \"https://x/b\"\n[patch.crates-io]\nc = { path = \"c\" }\n",
			[]manifest.Dep{{Name: "a", Version: "1"}, {Name: "b", Source: "https://x/b"}, {Name: "c", Source: "c"}},
		},
		"requirements/dev.txt": {"x==1\n", nil},
		"dev-requirements.txt": {
			"# no\nA_b[x]>=1,<2 ; python_version > '3'  # why\n-r base.txt\n-e git+https://x/y\nz @ https://x/z.whl\n",
			[]manifest.Dep{{Name: "a-b", Version: ">=1,<2"}, {Name: "git+https://x/y", Source: "git+https://x/y"}, {Name: "z", Source: "https://x/z.whl"}},
		},
	} {
		got, err := manifest.Parse(name, []byte(tt.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		slices.SortFunc(got, func(a, b manifest.Dep) int { return cmp.Compare(a.Name, b.Name) })
		if d := gocmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	for name, text := range map[string]string{"package.json": "{", "Cargo.toml": "[", "pyproject.toml": "= 1"} {
		if _, err := manifest.Parse(name, []byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestLower(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		prev, next string
		want       bool
	}{
		{"1.2.3", "1.2.2", true},
		{"1.2.3", "1.2.4", false},
		{"^1.2.3", "~1.2.3", false},
		{"1.2.3", "1.2", false},
		{"1.10", "1.9", true},
		{"2", "1", true},
		{"v1.0.0", "v1.0.0-rc1", true},
		{"v1.0.0-rc1", "v1.0.0", false},
		{"v0.0.0-20250101000000-abc", "v0.0.0-20240101000000-abc", true},
		{"", "1", false},
		{"*", "latest", false},
		{"workspace:*", "1.0", false},
	} {
		if got := manifest.Lower(tt.prev, tt.next); got != tt.want {
			t.Errorf("Lower(%q, %q) = %v", tt.prev, tt.next, got)
		}
	}
}
