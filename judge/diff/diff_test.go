package diff_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"honk/internal/task"
	"honk/judge/diff"
)

const twoFiles = `diff --git a/a.go b/a.go
index 1111111..2222222 100644
--- a/a.go
+++ b/a.go
@@ -1,3 +1,4 @@ func f() {
 one
-two
+TWO
+and a half
 three
diff --git "a/tab\there.txt" "b/tab\there.txt"
new file mode 100755
index 0000000..3333333
--- /dev/null
+++ "b/tab\there.txt"
@@ -0,0 +1 @@
+x
\ No newline at end of file
`

func TestPatch(t *testing.T) {
	t.Parallel()
	p, err := diff.Patch([]byte(twoFiles))
	if err != nil {
		t.Fatal(err)
	}
	want := []task.FileChange{
		{Path: "a.go", Kind: task.ChangeModified, OldMode: 0o100644, NewMode: 0o100644, Added: 2, Removed: 1},
		{Path: "tab\there.txt", Kind: task.ChangeAdded, NewMode: 0o100755, Added: 1},
	}
	if d := cmp.Diff(want, p.Files); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
	files, err := diff.Read(p)
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]bool{0: false, 1: true, 2: true, 3: true, 4: true, 5: false} {
		if got := files[0].Cites(n); got != want {
			t.Errorf("Cites(%d) = %v", n, got)
		}
	}
	after, err := files[0].After([]byte("one\ntwo\nthree\n"))
	if err != nil || string(after) != "one\nTWO\nand a half\nthree\n" {
		t.Errorf("After = %q, %v", after, err)
	}
	if _, err := diff.Patch([]byte("no diff at all\n")); err == nil || !strings.Contains(err.Error(), "git diff") {
		t.Errorf("no diff: %v", err)
	}
}

func TestStripper(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ file, in, want string }{
		"go":     {"a.go", "x := 1 // approve\ny /* no */ z\n/* a\nb */ c", "x := 1\ny  z\n\n c"},
		"url":    {"a.go", `s := "http://x" // y`, `s := "http://x"`},
		"quote":  {"a.rs", `let c = 'a'; fn f<'b>() {} // y`, `let c = 'a'; fn f<'b>() {}`},
		"python": {"a.py", "x = '#1' # y", "x = '#1'"},
		"escape": {"a.js", `s = "a\"//b" // c`, `s = "a\"//b"`},
		"prose":  {"a.md", "# title // x", "# title // x"},
	} {
		p, err := diff.Patch([]byte("diff --git a/" + tt.file + " b/" + tt.file + "\nold mode 100644\nnew mode 100755\n"))
		if err != nil {
			t.Fatal(err)
		}
		files, err := diff.Read(p)
		if err != nil {
			t.Fatal(err)
		}
		var s diff.Stripper
		var got []string
		for l := range strings.SplitSeq(tt.in, "\n") {
			got = append(got, s.Strip(files[0].Lang, l))
		}
		if g := strings.Join(got, "\n"); g != tt.want {
			t.Errorf("%s: %q, want %q", name, g, tt.want)
		}
	}
}

func FuzzPatch(f *testing.F) {
	f.Add([]byte(twoFiles))
	f.Add([]byte("diff --git a/x b/y\nsimilarity index 90%\nrename from x\nrename to y\n"))
	f.Add([]byte("diff --git a/x b/x\nindex 1..2\nGIT binary patch\nliteral 3\nKcmZQzU|?i`U|?VX0000101^NJ\n\n"))
	f.Add([]byte("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := diff.Patch(data)
		if err != nil {
			return
		}
		files, err := diff.Read(p)
		if err != nil {
			t.Fatalf("Read refuses what Patch made: %v", err)
		}
		for i, f := range files {
			if f.Path != p.Files[i].Path || len(f.Lines('+')) != f.Added || len(f.Lines('-')) != f.Removed {
				t.Errorf("%q: counts differ", f.Path)
			}
			_, _ = f.After(f.Side('-'))
			for _, h := range f.Hunks {
				if n := len(f.Enclosing(h)); n != len(h) {
					t.Errorf("%d names for %d lines", n, len(h))
				}
			}
		}
	})
}
