package check_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"honk/internal/secret"
	"honk/internal/task"
	"honk/judge/check"
	"honk/judge/diff"
)

// tree is file contents by path. A path that ends in "*" is executable, a
// content that starts with "-> " a symbolic link.
type tree map[string]string

// newPatch lets git make the patch from one tree to another.
func newPatch(t *testing.T, before, after tree) (task.Patch, fs.FS) {
	t.Helper()
	dir := t.TempDir()
	git := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "core.quotePath=true", "-c", "core.autocrlf=false"}, args...)...)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("git %v: %v", args, err)
		}
		return string(out)
	}
	put := func(files tree) {
		for name, text := range files {
			mode := fs.FileMode(0o644)
			if n, ok := strings.CutSuffix(name, "*"); ok {
				name, mode = n, 0o755
			}
			p := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
				t.Fatal(err)
			}
			if to, ok := strings.CutPrefix(text, "-> "); ok {
				if err := os.Symlink(to, p); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if err := os.WriteFile(p, []byte(text), mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	git("init", "-q")
	put(before)
	git("add", "-Af")
	base := strings.TrimSpace(git("write-tree"))
	for name := range before {
		if err := os.Remove(filepath.Join(dir, strings.TrimSuffix(name, "*"))); err != nil {
			t.Fatal(err)
		}
	}
	put(after)
	git("add", "-Af")
	p, err := diff.Patch([]byte(git("diff", "--cached", "--no-renames", "--full-index", "--binary", "--no-ext-diff", base)))
	if err != nil {
		t.Fatal(err)
	}
	p.Base = base
	for i, c := range p.Files {
		p.Files[i].Size = int64(len(after[c.Path]))
	}
	base2 := fstest.MapFS{}
	for name, text := range before {
		base2[strings.TrimSuffix(name, "*")] = &fstest.MapFile{Data: []byte(text)}
	}
	return p, base2
}

// ruling is a case of a table: a change, the request, and what the checks say
// of it as "check severity", sorted.
type ruling struct {
	prompt        string
	before, after tree
	policy        check.Policy
	viewed        []string
	want          []string
}

func newScanner(t *testing.T, known ...string) *secret.Scanner {
	t.Helper()
	s, err := secret.New(known, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func runRulings(t *testing.T, cases map[string]ruling) {
	t.Helper()
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, base := newPatch(t, tt.before, tt.after)
			found := check.Run(check.Input{Patch: p, Base: base, Prompt: tt.prompt, Policy: tt.policy, Viewed: tt.viewed, Secrets: newScanner(t, canary)})
			got := []string{}
			for _, f := range found {
				got = append(got, f.Check+" "+string(f.Severity))
			}
			slices.Sort(got)
			if d := cmp.Diff(append([]string{}, tt.want...), got); d != "" {
				t.Errorf("findings (-want +got):\n%s\n%+v", d, found)
			}
		})
	}
}

const canary = "kT9vQ2xLm4Zr7WbN1pYc8HsDf3Gj6Ae5"

func TestRun_unreadable(t *testing.T) {
	t.Parallel()
	p, base := newPatch(t, tree{"a.txt": "1\n"}, tree{"a.txt": "2\n", "b.txt": "3\n"})
	for name, change := range map[string]func(*task.Patch){
		"broken diff":   func(p *task.Patch) { p.Diff = p.Diff[:len(p.Diff)-8] },
		"unlisted file": func(p *task.Patch) { p.Files = p.Files[:1] },
		"listed only":   func(p *task.Patch) { p.Files = append(p.Files, task.FileChange{Path: "c.txt"}) },
		"twice":         func(p *task.Patch) { p.Diff = append(slices.Clone(p.Diff), p.Diff...) },
	} {
		q := p
		q.Files = slices.Clone(p.Files)
		change(&q)
		found := check.Run(check.Input{Patch: q, Base: base})
		if check.Worst(found) != check.Veto {
			t.Errorf("%s: %+v", name, found)
		}
	}
	if found := check.Run(check.Input{Patch: p, Base: base}); len(found) != 0 {
		t.Errorf("honest patch: %+v", found)
	}
}

func TestRun_capped(t *testing.T) {
	t.Parallel()
	after := tree{}
	for i := range 50 {
		after["node_modules/x"+strconv.Itoa(i)] = "x\n"
	}
	p, base := newPatch(t, tree{}, after)
	found := check.Run(check.Input{Patch: p, Base: base})
	if len(found) != 22 || found[21].Message != "and 30 more like these" || found[21].Severity != check.Veto {
		t.Errorf("%d findings, the last %+v", len(found), found[len(found)-1])
	}
}

func TestWorst(t *testing.T) {
	t.Parallel()
	all := []check.Finding{{Severity: check.Flag}, {Severity: check.Human}, {Severity: check.Revise}}
	if got := check.Worst(all); got != check.Human {
		t.Errorf("Worst = %q", got)
	}
	if got := check.Worst(nil); got != "" {
		t.Errorf("Worst(nil) = %q", got)
	}
	if got := check.Blocking(all); len(got) != 2 {
		t.Errorf("Blocking = %+v", got)
	}
	if got := check.Worst(append(all, check.Finding{Severity: "new"})); got != "new" {
		t.Errorf("an unknown severity ranks below: %q", got)
	}
}

func FuzzRun(f *testing.F) {
	f.Add("Remove `TestA` and fix lint", "diff --git a/a_test.go b/a_test.go\nindex 1..2 100644\n--- a/a_test.go\n+++ b/a_test.go\n@@ -1,2 +1,2 @@\n-func TestA(t *testing.T) {\n+func TestB(t *testing.T) { t.Skip()\n x\n")
	f.Add("bump", "diff --git a/go.mod b/go.mod\n--- a/go.mod\n+++ b/go.mod\n@@ -1 +1 @@\n-require a.b/c v1.2\n+replace a.b/c => ../x\n")
	f.Add("", "diff --git a/package.json b/package.json\nnew file mode 100755\n--- /dev/null\n+++ b/package.json\n@@ -0,0 +1 @@\n+{\"dependencies\":{\"a\":\"b/c\"}}\n")
	f.Add("x", "diff --git a/pyproject.toml b/pyproject.toml\nnew file mode 100644\n--- /dev/null\n+++ b/pyproject.toml\n@@ -0,0 +1,2 @@\n+[project]\n+dependencies=[\"a @ git+ssh://x\"]\n")
	f.Fuzz(func(t *testing.T, prompt, text string) {
		p, err := diff.Patch([]byte(text))
		if err != nil {
			return
		}
		for _, found := range check.Run(check.Input{Patch: p, Prompt: prompt, Base: fstest.MapFS{}}) {
			if found.Check == "" || found.Severity == "" || found.Message == "" || secret.Clean(found.Message+found.File, 0) != found.Message+found.File {
				t.Errorf("finding %+v", found)
			}
		}
	})
}
