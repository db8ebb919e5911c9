package gitops_test

import (
	"fmt"
	"strings"
	"testing"

	"honk/integrations/github/githubtest"
	"honk/internal/task"
)

func TestPropose(t *testing.T) {
	t.Parallel()
	b := setup(t, "", map[string]string{"README.md": "# shifts\n"})
	at := b.pull("ada", "new", map[string]string{"fleet/greet.yaml": greet("greet", "T"), "fleet/run.sh": "true\n"})
	b.handle()
	first := b.says(at, "<!-- honk:shifts plan -->\n", "### `fleet/greet.yaml`: greet, generation 1", "**2 targets: 2 CREATE.**",
		"| all | 2 | 2 | `acme/", "<details><summary>Targets: 2</summary>", "| CREATE | `acme/a` |")
	b.did("")

	// The same head says nothing anew, whatever happens.
	b.must(b.forge.SetDraft(at, true))
	b.must(b.forge.SetDraft(at, false))
	before := len(b.forge.Requests())
	b.handle()
	for _, r := range b.forge.Requests()[before:] {
		if r.Method == "PATCH" || r.Method == "POST" && strings.Contains(r.Path, "comments") {
			t.Errorf("%s %s", r.Method, r.Path)
		}
	}

	b.push("ada", "new", map[string]string{"fleet/greet.yaml": greet("greet", "T") + "  owner: [\n"})
	b.handle()
	b.says(at, "It cannot be applied:", "- `fleet/greet.yaml:8`: is not YAML: ")
	b.push("ada", "new", map[string]string{"fleet/greet.yaml": greet("greet", "T") + "  ownr: x\n"})
	b.handle()
	b.says(at, "- `fleet/greet.yaml:8`: ", "ownr", "owner")

	// What it names counts as well.
	b.push("ada", "new", map[string]string{"fleet/greet.yaml": greet("greet", "T")}, "fleet/run.sh")
	b.handle()
	b.says(at, "`fleet/greet.yaml:6`", "run.sh, which does not exist")
	b.push("ada", "new", map[string]string{"fleet/run.sh": "true\n"})
	b.handle()
	_, plan, _ := strings.Cut(first, "###")
	if _, again, _ := strings.Cut(b.says(at, "2 CREATE"), "###"); again != plan {
		t.Errorf("the plan was\n%s\nand is\n%s", plan, again)
	}
	b.push("ada", "new", nil, "fleet/run.sh", "fleet/greet.yaml")
	b.handle()
	b.says(at, "changes no shift any more")
	b.did("")
}

// Strangers, bots and pull requests about something else get no answer.
func TestPropose_silence(t *testing.T) {
	t.Parallel()
	files := map[string]string{"fleet/run.sh": "true\n", "other/x.yaml": "kind: Deployment\n"}
	b := setup(t, "fleet", files)
	b.must(b.forge.Fork(t.Context(), home, "bob"))
	plain := map[string]string{"fleet/greet.yaml": greet("greet", "T")}
	for name, at := range map[string]githubtest.At{
		"reader":           b.pull("bob", "reader", plain),
		"elsewhere":        b.pull("ada", "elsewhere", map[string]string{"other/greet.yaml": greet("greet", "T")}),
		"no manifest":      b.pull("ada", "none", map[string]string{"fleet/ci.yaml": "kind: Deployment\n", "fleet/a.txt": "a\n"}),
		"hidden":           b.pull("ada", "hidden", map[string]string{"fleet/.github/greet.yaml": greet("greet", "T")}),
		"not a plain file": b.pull("ada", "text", map[string]string{"fleet/greet.yaml.txt": greet("greet", "T")}),
	} {
		b.handle()
		if got := b.comments(at); len(got) > 0 {
			t.Errorf("%s: %s", name, got)
		}
	}
	// Whose author may write, and into whose fork somebody else has pushed.
	b.ahead.Add(2)
	_, err := b.forge.Commit(t.Context(), githubtest.Change{Repo: "bob/shifts", Branch: "x", Login: "bob", Files: plain})
	b.must(err)
	n, err := b.forge.OpenPull(t.Context(), "ada", home, githubtest.NewPull{Title: "T", Head: "x", Fork: "bob/shifts"})
	b.must(err)
	b.handle()
	at := githubtest.At{Login: "ada", Repo: home, Number: n}
	b.says(at, "2 CREATE")
	_, err = b.forge.Commit(t.Context(), githubtest.Change{
		Repo: "bob/shifts", Branch: "x", Login: "bob", Files: map[string]string{"fleet/greet.yaml": greet("other", "T")},
	})
	b.must(err)
	b.handle()
	b.says(at, "greet, generation 1")
	b.did("")
}

func TestPropose_removal(t *testing.T) {
	t.Parallel()
	b := setup(t, "", map[string]string{"greet.yaml": greet("greet", "T"), "run.sh": "true\n", "far/run.sh": "true\n"})
	b.must(b.door.Look(t.Context()))
	b.did("apply greet by somebody at github")
	at := b.pull("ada", "gone", nil, "greet.yaml")
	b.handle()
	b.says(at, "### `greet.yaml`", "It is removed: `greet` is paused")
	moved := b.pull("ada", "moved", map[string]string{"far/greet.yaml": greet("greet", "T")}, "greet.yaml")
	b.handle()
	if text := b.says(moved, "far/greet.yaml", "generation 1", "2 CREATE"); strings.Contains(text, "removed") {
		t.Error(text)
	}
	twice := b.pull("ada", "twice", map[string]string{"far/greet.yaml": greet("greet", "T")})
	b.handle()
	b.says(twice, "`far/greet.yaml:1`", "describes the shift greet, and so does greet.yaml")
}

// What a pull request holds is hostile.
func TestPropose_hostile(t *testing.T) {
	t.Parallel()
	bomb := head("bomb") + "spec: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\n"
	many := map[string]string{}
	for i := range 210 {
		many[fmt.Sprintf("m%d.yaml", i)] = greet(fmt.Sprint("m", i), "T")
	}
	thick := map[string]string{"run.sh": "true\n"}
	for i := range 25 {
		thick[fmt.Sprintf("m%d.yaml", i)] = greet(fmt.Sprint("m", i), "T")
	}
	large := map[string]string{}
	for i := range 18 {
		large[fmt.Sprintf("m%d.yaml", i)] = greet(fmt.Sprint("m", i), "T") + "# " + strings.Repeat("x", 1<<20-1000)
	}
	wide := "spec:\n  targets:\n    repos:\n"
	for i := range 400 {
		wide += fmt.Sprintf("    - acme/r%d\n", i)
	}
	wide += "    exclude: {repos: [acme/out]}\n  transform: {script: {text: 'true'}}\n  pullRequest: {title: T}\n"
	for name, tt := range map[string]struct {
		files map[string]string
		want  []string
		// before are on the default branch already.
		before map[string]string
	}{
		"manifest of 5 MB": {
			files: map[string]string{"big.yaml": greet("big", "T") + "# " + strings.Repeat("x", 5<<20)},
			want:  []string{"`big.yaml:1`", "bytes; at most 1048576 are read"},
		},
		"script of 2 MB": {
			files: map[string]string{"a.yaml": greet("a", "T"), "run.sh": strings.Repeat("true\n", 1<<19)},
			want:  []string{"`a.yaml:6`", "larger than 1 MiB"},
		},
		"bomb":                 {files: map[string]string{"bomb.yaml": bomb}, want: []string{"`bomb.yaml:4`", "anchors and aliases"}},
		"many manifests":       {files: many, want: []string{"210 YAML files", "200 are looked at"}},
		"more than is planned": {files: thick, want: []string{"m0, generation 1", "5 manifests not told of"}},
		"much together":        {before: large, files: map[string]string{"run.sh": "true\n"}, want: []string{"more than 16 MiB together"}},
		"leads out": {
			files: map[string]string{"x/a.yaml": strings.ReplaceAll(greet("a", "T"), "run.sh", "../run.sh"), "run.sh": "true\n"},
			want:  []string{"`x/a.yaml:6`", "leads out of the manifest"},
		},
		"words": {
			files: map[string]string{"w.yaml": greet("w", "T") + "  \"@everyone <img src=x> ![a](http://evil/x)\": 1\n", "run.sh": "true\n"},
			want:  []string{"`w.yaml:8`"},
		},
		"long list": {files: map[string]string{"wide.yaml": head("wide") + wide}, want: []string{
			"**400 targets: 400 CREATE.**", "<details><summary>Targets: 400</summary>", "370 more", "<details><summary>Left out: 1</summary>",
			"| wave |", "canary", "approval",
		}},
		"deep names": {
			files: map[string]string{"a.yaml": strings.ReplaceAll(greet("a", "T"), "run.sh", "1/2/3/4/run.sh"), "1/2/3/4/run.sh": "true\n"},
			want:  []string{"which does not exist"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, "", map[string]string{"README.md": "#\n"})
			if tt.before != nil {
				b.push("ada", "main", tt.before)
			}
			b.events() // they are not what this is about
			at := b.pull("ada", "new", tt.files)
			b.handle()
			text := b.says(at, tt.want...)
			for _, bad := range []string{"@everyone", "@ada", "<img", "](http"} {
				if strings.Contains(text, bad) {
					t.Errorf("%q got through:\n%s", bad, text)
				}
			}
			if len(text) > 65_000 {
				t.Errorf("the comment has %d bytes", len(text))
			}
		})
	}
}

// A limit of the forge's is nobody's mistake: the delivery comes again.
func TestPropose_later(t *testing.T) {
	t.Parallel()
	b := setup(t, "", map[string]string{"run.sh": "true\n"})
	at := b.pull("ada", "new", map[string]string{"greet.yaml": greet("greet", "T")})
	b.shifts.planFunc = func() error { return task.Errorf(task.CodeRateLimited, "GitHub wants peace") }
	events := b.events()
	e := events[len(events)-1]
	if _, err := b.door.Handle(t.Context(), e); task.CodeOf(err) != task.CodeRateLimited {
		t.Errorf("Handle() = %v, want the limit", err)
	}
	if got := b.comments(at); len(got) > 0 {
		t.Errorf("it says %s", got)
	}
	// Somebody pushes while it is planned: the newer delivery answers.
	pushed := false
	b.shifts.planFunc = func() error {
		if !pushed {
			pushed = true
			b.push("ada", "new", map[string]string{"greet.yaml": greet("greet", "Another")})
		}
		return nil
	}
	if got, err := b.door.Handle(t.Context(), e); err != nil || got != "it has gone on" || len(b.comments(at)) > 0 {
		t.Errorf("Handle() = %q, %v with %s", got, err, b.comments(at))
	}
	b.handle()
	b.says(at, "2 CREATE")
}
