package diff_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"honk/judge/diff"
)

// names and lines are pieces that a parser could take for a diff's own.
var (
	names = []string{"a", " b/", " ", "\"", "ü", "b/", "a/", ".x", "--- a", "dev", "null", "{", " => "}
	lines = []string{
		"x\n", "y\n", "\n", "--- a/x\n", "+++ b/x\n", "-- a/x\n", "++ b/x\n", "@@ -1,2 +1,2 @@\n", "diff --git a/x b/x\n", "\\ No newline at end of file\n",
		"\r\n", "\r", "index 0..1\n", "new file mode 120000\n", "deleted file mode 100644\n", "rename from x\n", "GIT binary patch\n", "literal 3\n",
		"\x00", "Binary files a and b differ\n", "\u2028", "\xff\n", "z", " \n", "\t\n", "-\n", "+\n", "-- \n2.39\n", "\f\n", "\v\n", "\u0085\n",
	}
)

// odd is a git work tree of odd files.
type odd struct {
	*testing.T
	*rand.Rand
	dir string
}

func (o odd) git(args ...string) []byte {
	cmd := exec.CommandContext(o.Context(), "git", append([]string{"-C", o.dir, "-c", "core.autocrlf=false"}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1"}
	out, err := cmd.Output()
	if err != nil {
		o.Fatalf("git %v: %v", args, err)
	}
	return out
}

func (o odd) pick(from []string, n int) string {
	var b strings.Builder
	for range n {
		b.WriteString(from[o.IntN(len(from))])
	}
	return b.String()
}

// add writes files. A name that another file is in the way of is left out.
func (o odd) add() {
	for range 25 {
		p := filepath.Join(o.dir, o.pick(names, 1+o.IntN(4)))
		if os.MkdirAll(filepath.Dir(p), 0o755) == nil {
			_ = os.WriteFile(p, []byte(o.pick(lines, o.IntN(30))), []os.FileMode{0o644, 0o755}[o.IntN(2)])
		}
	}
}

// change removes some files, edits some and flips the mode of others.
func (o odd) change() {
	for name := range strings.SplitSeq(strings.TrimSuffix(string(o.git("ls-files", "-z")), "\x00"), "\x00") {
		p := filepath.Join(o.dir, name)
		old, err := os.ReadFile(p)
		if err != nil {
			o.Fatal(err)
		}
		switch at := o.IntN(len(old) + 1); o.IntN(4) {
		case 0:
			err = os.Remove(p)
		case 1:
			err = os.WriteFile(p, []byte(string(old[:at])+o.pick(lines, o.IntN(4))+string(old[at:])), 0o644)
		case 2:
			err = os.Chmod(p, 0o755)
		}
		if err != nil {
			o.Fatal(err)
		}
	}
}

func (o odd) tree() string {
	o.git("add", "-A")
	return strings.TrimSpace(string(o.git("write-tree")))
}

// What is judged is what git applies: no name and no content changes that.
func TestPatch_likeGit(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		o := odd{t, rand.New(rand.NewPCG(seed, 0)), t.TempDir()}
		o.git("init", "-q")
		o.add()
		before := o.tree()
		o.change()
		o.add()
		after := o.tree()
		p, err := diff.Patch(o.git("diff-tree", "-r", "-p", "--binary", "--full-index", "--no-renames", before, after))
		if err != nil {
			t.Fatal(err)
		}
		files, err := diff.Read(p)
		if err != nil {
			t.Fatal(err)
		}
		changed := map[string]bool{}
		for name := range strings.SplitSeq(strings.TrimSuffix(string(o.git("diff-tree", "-r", "-z", "--name-only", "--no-renames", before, after)), "\x00"), "\x00") {
			changed[name] = true
		}
		if len(files) != len(changed) || len(files) == 0 {
			t.Errorf("%d files, git changes %d", len(files), len(changed))
		}
		for _, f := range files {
			if !changed[f.Path] {
				t.Errorf("git changes no %q", f.Path)
				continue
			}
			o.compare(f, before, after)
		}
	}
}

// compare holds a file after its change against git's.
func (o odd) compare(f *diff.File, before, after string) {
	show := func(tree string) []byte {
		if !bytes.Contains(o.git("ls-tree", tree, "--", f.Path), []byte(" blob ")) {
			return nil // A directory took its place, or nothing did.
		}
		return o.git("cat-file", "blob", tree+":"+f.Path)
	}
	want := show(after)
	if got, err := f.After(show(before)); err != nil || !bytes.Equal(got, want) {
		o.Errorf("%q: %v\n got %q\nwant %q", f.Path, err, got, want)
	}
	var added strings.Builder
	for _, l := range f.Lines('+') {
		added.WriteString(l.Text)
	}
	if f.Kind == "added" && !f.Binary && strings.ReplaceAll(string(want), "\n", "") != added.String() {
		o.Errorf("%q: lines %q of %q", f.Path, added.String(), want)
	}
}
