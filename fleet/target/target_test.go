package target_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"honk/fleet/manifest"
	"honk/fleet/target"
)

func TestRead(t *testing.T) {
	t.Parallel()
	got, err := target.Read("t.csv", []byte("\ufeffrepo,unit,ticket\nacme/api,,T-1\nacme/web, cmd ,\"T,2\"\n"))
	want := []target.Target{
		{Repo: "acme/api", Row: map[string]string{"ticket": "T-1"}, Sources: []string{"file"}},
		{Repo: "acme/web", Unit: "cmd", Row: map[string]string{"ticket": "T,2"}, Sources: []string{"file"}},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Read(): %v\n%s", err, diff)
	}
	tests := map[string]string{
		"":                         "t.csv:1: has no head line",
		"name\nx":                  "t.csv:1: lacks the column repo",
		"repo\nacme/a\nb\na/b/c\n": "t.csv:3: repo is \"b\"; write owner/name\nt.csv:4: repo is \"a/b/c\"",
		"repo,x\nacme/a\nacme/b,1": "t.csv:2: wrong number of fields",
	}
	for data, want := range tests {
		if _, err := target.Read("t.csv", []byte(data)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Read(%q) = %v, want %q", data, err, want)
		}
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	m := manifest.Targets{Limit: 3, Exclude: manifest.Exclude{Repos: []string{"acme/legacy-*"}}}
	repos := []target.Target{{Repo: "acme/web", Sources: []string{"repos"}}, {Repo: "acme/legacy-1"}}
	forge := []target.Target{{Repo: "Acme/Web", Owner: "team", Sources: []string{"github"}}, {Repo: "acme/api"}, {Repo: "acme/old", Archived: true}}
	in, out, err := target.Resolve(m, repos, forge)
	if err != nil {
		t.Fatal(err)
	}
	want := []target.Target{{Repo: "acme/api"}, {Repo: "acme/web", Owner: "team", Sources: []string{"repos", "github"}}}
	if diff := cmp.Diff(want, in); diff != "" {
		t.Errorf("targets:\n%s", diff)
	}
	if len(out) != 2 || out[0].Reason != `excluded by "acme/legacy-*"` || out[1].Reason != "archived" {
		t.Errorf("excluded: %+v", out)
	}
	m.Limit = 1
	if _, _, err := target.Resolve(m, repos, forge); err == nil || !strings.Contains(err.Error(), "2 targets and its limit is 1") {
		t.Errorf("over the limit: %v", err)
	}
}

func TestPreconditions(t *testing.T) {
	t.Parallel()
	files := map[string]string{"go.mod": "module x\n\ngo 1.24\n", "svc/go.mod": "go 1.26\n"}
	asked := []string{}
	lookup := func(path string) ([]byte, bool, error) {
		asked = append(asked, path)
		if path == "boom" {
			return nil, false, errors.New("unavailable")
		}
		data, ok := files[path]
		return []byte(data), ok, nil
	}
	tests := map[string]struct {
		tests  []manifest.Precondition
		unit   string
		reason string
		run    int
		err    bool
	}{
		"holds":           {tests: []manifest.Precondition{{Run: []string{"test", "-d", "cmd"}}, {Exists: "go.mod"}, {File: "go.mod", Matches: `^go 1\.2[0-5]`}}, run: 1},
		"missing":         {tests: []manifest.Precondition{{Exists: "pom.xml"}}, reason: "pom.xml does not exist"},
		"no match":        {tests: []manifest.Precondition{{File: "go.mod", Matches: `^go 1\.26`}}, reason: `go.mod does not match "^go 1\\.26"`},
		"within the unit": {tests: []manifest.Precondition{{File: "go.mod", Matches: `^go 1\.26`}}, unit: "svc"},
		"file is missing": {tests: []manifest.Precondition{{File: "pom.xml", Matches: "x"}}, reason: "pom.xml does not exist"},
		"cannot look":     {tests: []manifest.Precondition{{Exists: "boom"}}, err: true},
	}
	for name, tt := range tests {
		p, err := target.NewPreconditions(tt.tests)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Check(tt.unit, lookup)
		if got.Reason != tt.reason || len(got.Run) != tt.run || (err != nil) != tt.err {
			t.Errorf("%s: Check() = %+v, %v", name, got, err)
		}
	}
	asked = asked[:0]
	p, _ := target.NewPreconditions([]manifest.Precondition{{File: "go.mod", Matches: "x"}, {Exists: "pom.xml"}})
	if _, err := p.Check("", lookup); err != nil || !cmp.Equal(asked, []string{"pom.xml"}) {
		t.Errorf("asked for %v, want the cheap test first", asked)
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	files := []string{"go.mod", "a/go.mod", "a/b/go.mod", "a/main.go", "a/x.mod"}
	if got := target.Units("**/go.mod", files); !cmp.Equal(got, []string{"", "a", "a/b"}) {
		t.Errorf("Units() = %q", got)
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	entity := map[string]any{
		"kind":     "Component",
		"metadata": map[string]any{"annotations": map[string]any{"backstage.io/source": "url:x"}, "tags": []any{"go", "grpc"}},
		"spec":     map[string]any{"type": "service", "lifecycle": "production"},
	}
	list := func(items ...any) []any { return items }
	object := func(pairs ...any) map[string]any {
		m := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i].(string)] = pairs[i+1]
		}
		return m
	}
	tests := map[string]struct {
		predicate map[string]any
		want      bool
	}{
		"empty":        {object(), true},
		"plain":        {object("kind", "component"), true},
		"other":        {object("kind", "API"), false},
		"and":          {object("kind", "Component", "spec.type", "library"), false},
		"in":           {object("spec.type", object("$in", list("library", "service"))), true},
		"not in":       {object("spec.type", object("$in", list("library"))), false},
		"any":          {object("$any", list(object("kind", "API"), object("spec.type", "service"))), true},
		"all":          {object("$all", list(object("kind", "API"), object("spec.type", "service"))), false},
		"not":          {object("$not", object("kind", "API")), true},
		"exists":       {object("spec.owner", object("$exists", false), "spec.type", object("$exists", true)), true},
		"contains":     {object("metadata.tags", object("$contains", "go")), true},
		"lacks":        {object("metadata.tags", object("$contains", "java")), false},
		"prefix":       {object("spec.lifecycle", object("$hasPrefix", "prod")), true},
		"dotted key":   {object("metadata.annotations.backstage.io/source", "url:x"), true},
		"list is like": {object("metadata.tags", "grpc"), true},
		"nothing":      {object("spec.nothing.at.all", "x"), false},
	}
	for name, tt := range tests {
		if got := target.Match(tt.predicate, entity); got != tt.want {
			t.Errorf("%s: Match() = %v, want %v", name, got, tt.want)
		}
	}
}
