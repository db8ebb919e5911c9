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
	p := task.Patch{Base: base, Diff: []byte(git("diff", "--cached", "--no-renames", "--full-index", "--binary", "--no-ext-diff", base))}
	raw := strings.Split(strings.TrimSuffix(git("diff", "--cached", "--no-renames", "--raw", "-z", base), "\x00"), "\x00")
	for i := 0; i+1 < len(raw); i += 2 {
		f := strings.Fields(raw[i])
		oldMode, _ := strconv.ParseUint(strings.TrimPrefix(f[0], ":"), 8, 32)
		newMode, _ := strconv.ParseUint(f[1], 8, 32)
		c := task.FileChange{Path: raw[i+1], OldMode: uint32(oldMode), NewMode: uint32(newMode)}
		c.Kind = map[string]task.ChangeKind{"A": task.ChangeAdded, "M": task.ChangeModified, "T": task.ChangeModified, "D": task.ChangeDeleted}[f[4]]
		c.Size = int64(len(after[c.Path]))
		c.Added, c.Removed = strings.Count(after[c.Path], "\n"), strings.Count(before[c.Path], "\n")
		p.Files = append(p.Files, c)
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
			if diff := cmp.Diff(append([]string{}, tt.want...), got); diff != "" {
				t.Errorf("findings (-want +got):\n%s\n%+v", diff, found)
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
