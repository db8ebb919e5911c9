package git_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"honk/internal/task"
)

// odd holds what a repository may well hold.
func odd() map[string]string {
	return map[string]string{
		"README.md": "# hi\n", "empty": "", "run.sh*": "#!/bin/sh\n", "crlf.txt": "a\r\nb\r\n",
		"binary": "\x00\x01\xff", "with space/ü ñ 日本": "x\n", "link": "->README.md", "dir/keep": "k\n",
		"ident.txt": "$Id$\n", "utf16.txt": "\xff\xfea\x00", "export.txt": "$Format:%H$\n", "ignored/tracked": "t\n",
		".gitattributes": "*.txt text eol=crlf\nident.txt ident\nutf16.txt working-tree-encoding=UTF-16\n" +
			"export.txt export-subst\nREADME.md filter=evil diff=evil -diff\nempty export-ignore\n",
		".gitignore": "ignored/\n*.log\n!keep.log\n",
	}
}

// newOdd commits odd without letting attributes change a byte.
func newOdd(t testing.TB) string {
	t.Helper()
	dir := newRepo(t, nil)
	write(t, dir, odd())
	write(t, dir, map[string]string{".git/info/attributes": "* -text -ident !working-tree-encoding !filter\n"})
	userGit(t, dir, "add", "-A", "-f")
	userGit(t, dir, "commit", "-q", "-m", "odd")
	return dir
}

func TestCheckout_bytes(t *testing.T) {
	t.Parallel()
	dir := newOdd(t)
	c := checkout(t, newGit(t), at(dir), "")
	if c.BaseRef != "main" || c.BaseSHA != userGit(t, dir, "rev-parse", "HEAD") {
		t.Errorf("got base %q %q", c.BaseRef, c.BaseSHA)
	}
	for name, want := range odd() {
		name, executable := strings.CutSuffix(name, "*")
		info, err := os.Lstat(filepath.Join(c.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if target, ok := strings.CutPrefix(want, "->"); ok {
			if got, _ := os.Readlink(filepath.Join(c.Dir, name)); got != target {
				t.Errorf("%s: got link to %q, want %q", name, got, target)
			}
			continue
		}
		if got := read(t, filepath.Join(c.Dir, name)); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
		if got := info.Mode()&0o100 != 0; got != executable {
			t.Errorf("%s: executable = %v", name, got)
		}
	}
	if p := patch(t, c); !p.Empty() || len(p.Diff) > 0 {
		t.Errorf("an untouched tree shows as changed:\n%s", p.Diff)
	}
}

func TestCheckout_agentGit(t *testing.T) {
	t.Parallel()
	dir := newOdd(t)
	c := checkout(t, newGit(t), at(dir), "main")
	if got := userGit(t, c.Dir, "status", "--porcelain"); got != "" {
		t.Errorf("status of a fresh tree: %s", got)
	}
	if got := userGit(t, c.Dir, "log", "--format=%H %s"); got != c.BaseSHA+" odd" {
		t.Errorf("log: got %q", got)
	}
	write(t, c.Dir, map[string]string{"README.md": "# changed\n"})
	if got := userGit(t, c.Dir, "diff", "--stat"); !strings.Contains(got, "README.md") {
		t.Errorf("diff: got %q", got)
	}
	userGit(t, c.Dir, "stash")
	userGit(t, c.Dir, "stash", "pop")
	userGit(t, c.Dir, "commit", "-q", "-a", "-m", "mine")
	userGit(t, c.Dir, "fsck", "--full")
	// A commit of the agent's hides nothing.
	if p := patch(t, c); len(p.Files) != 1 || p.Files[0].Path != "README.md" {
		t.Errorf("got %+v, want README.md changed", p.Files)
	}
	// It has objects of its own: nothing outside is named.
	if _, err := os.Stat(filepath.Join(c.Dir, ".git/objects/info/alternates")); err == nil {
		t.Error("the agent's git directory names another one")
	}
}

func TestCheckout_refs(t *testing.T) {
	t.Parallel()
	g, dir := newGit(t), newRepo(t, map[string]string{"f": "1"})
	first := userGit(t, dir, "rev-parse", "HEAD")
	userGit(t, dir, "tag", "-a", "v1", "-m", "v1")
	userGit(t, dir, "checkout", "-q", "-b", "feature/x")
	write(t, dir, map[string]string{"f": "2"})
	userGit(t, dir, "commit", "-q", "-a", "-m", "second")
	second := userGit(t, dir, "rev-parse", "HEAD")
	userGit(t, dir, "pack-refs", "--all")
	write(t, dir, map[string]string{"f": "dirty", "untracked": "x"})

	linked := filepath.Join(t.TempDir(), "linked")
	userGit(t, dir, "worktree", "add", "-q", "--detach", linked, first)
	tests := []struct{ path, ref, sha, base, content string }{
		{dir, "", second, "feature/x", "2"},
		{dir, "main", first, "main", "1"},
		{dir, "v1", first, "v1", "1"},
		{dir, first, first, first, "1"},
		{dir, first[:9], first, first[:9], "1"},
		{linked, "", first, "", "1"},
		{linked, "feature/x", second, "feature/x", "2"},
	}
	for _, tt := range tests {
		c := checkout(t, g, at(tt.path), tt.ref)
		if c.BaseSHA != tt.sha || c.BaseRef != tt.base {
			t.Errorf("ref %q: got %s %q, want %s %q", tt.ref, c.BaseSHA, c.BaseRef, tt.sha, tt.base)
		}
		if got := read(t, filepath.Join(c.Dir, "f")); got != tt.content {
			t.Errorf("ref %q: got %q, want %q", tt.ref, got, tt.content)
		}
		if _, err := os.Stat(filepath.Join(c.Dir, "untracked")); err == nil {
			t.Error("an untracked file of the user came along")
		}
	}
	_, err := g.Checkout(t.Context(), at(dir), "no-such")
	wantCode(t, err, task.CodeNotFound, "no-such")
	_, err = g.Checkout(t.Context(), at(dir), strings.Repeat("0", 40))
	wantCode(t, err, task.CodeNotFound)
	_, err = g.Checkout(t.Context(), at(dir), "--output=/tmp/x")
	wantCode(t, err, task.CodeInvalid)
}

func TestCheckout_incomplete(t *testing.T) {
	t.Parallel()
	g, dir := newGit(t), newRepo(t, map[string]string{"f": "1"})
	write(t, dir, map[string]string{"f": "2"})
	userGit(t, dir, "commit", "-q", "-a", "-m", "second")
	userGit(t, dir, "config", "uploadpack.allowFilter", "true")

	shallow := filepath.Join(t.TempDir(), "shallow")
	userGit(t, dir, "clone", "-q", "--depth", "1", "file://"+dir, shallow)
	c := checkout(t, g, at(shallow), "")
	write(t, c.Dir, map[string]string{"f": "3"})
	if _, err := g.Publish(t.Context(), publication(at(shallow), c, patch(t, c))); err != nil {
		t.Errorf("publishing to a shallow repository: %v", err)
	}
	partial := filepath.Join(t.TempDir(), "partial")
	userGit(t, dir, "clone", "-q", "--filter=blob:none", "--no-checkout", "file://"+dir, partial)
	_, err := g.Checkout(t.Context(), at(partial), "")
	wantCode(t, err, task.CodeInvalid, "partial clone")
}

// A submodule's git file points to a directory that points back.
func TestCheckout_submodule(t *testing.T) {
	t.Parallel()
	g, sub, dir := newGit(t), newRepo(t, map[string]string{"f": "1\n"}), newRepo(t, nil)
	userGit(t, dir, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", sub, "lib")
	lib := filepath.Join(dir, "lib")
	c := checkout(t, g, at(lib), "")
	write(t, c.Dir, map[string]string{"f": "2\n"})
	pub := publication(at(lib), c, patch(t, c))
	if _, err := g.Publish(t.Context(), pub); err != nil {
		t.Fatal(err)
	}
	if got := userGit(t, lib, "show", pub.Branch+":f"); got != "2" {
		t.Errorf("got %q", got)
	}
}

// A person's own work tree can be held against a base.
func TestPatchOf(t *testing.T) {
	t.Parallel()
	g, dir := newGit(t), newOdd(t)
	c := checkout(t, g, at(dir), "")
	p, err := c.PatchOf(t.Context(), dir)
	if err != nil || !p.Empty() {
		t.Fatalf("got %+v, %v, want nothing", p, err)
	}
	write(t, dir, map[string]string{"README.md": "# mine\n"})
	p, err = c.PatchOf(t.Context(), dir)
	if err != nil || len(p.Files) != 1 || p.Files[0].Path != "README.md" {
		t.Errorf("got %+v, %v", p, err)
	}
}

// The user's garbage collection does not take a task's objects away.
func TestCheckout_survivesPrune(t *testing.T) {
	t.Parallel()
	g, dir := newGit(t), newRepo(t, map[string]string{"f": "1\n"})
	c := checkout(t, g, at(dir), "")
	userGit(t, dir, "checkout", "-q", "--orphan", "other")
	userGit(t, dir, "commit", "-q", "--allow-empty", "-m", "other")
	userGit(t, dir, "branch", "-D", "main")
	userGit(t, dir, "reflog", "expire", "--expire=now", "--all")
	userGit(t, dir, "rm", "-rq", "--cached", ".")
	userGit(t, dir, "gc", "-q", "--prune=now")
	if _, err := tryGit(t.Context(), dir, "cat-file", "-e", c.BaseSHA+":f"); err == nil {
		t.Fatal("the object is still there: the test shows nothing")
	}
	write(t, c.Dir, map[string]string{"f": "2\n"})
	m, err := g.Materialise(t.Context(), c, patch(t, c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if got := read(t, filepath.Join(m.Dir, "f")); got != "2\n" {
		t.Errorf("got %q", got)
	}
}

func TestBaseFS(t *testing.T) {
	t.Parallel()
	c := checkout(t, newGit(t), at(newOdd(t)), "")
	write(t, c.Dir, map[string]string{"README.md": "hostile", ".honk.yaml": "verify: []"})
	base := c.BaseFS()
	if got, err := fs.ReadFile(base, "README.md"); err != nil || string(got) != "# hi\n" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := fs.ReadFile(base, ".honk.yaml"); !os.IsNotExist(err) {
		t.Errorf("a file of the work tree shows: %v", err)
	}
	if got, err := fs.ReadFile(base, "link"); err != nil || string(got) != "README.md" {
		t.Errorf("link: got %q, %v", got, err)
	}
	files, err := c.BaseFiles(t.Context())
	if err != nil || len(files) != len(odd()) {
		t.Errorf("got %d files, %v, want %d", len(files), err, len(odd()))
	}
	if err := fstest.TestFS(baseWithout(t, map[string]string{"a/b": "1", "a/c/d": "2", "e": ""}), "a/b", "a/c/d", "e"); err != nil {
		t.Error(err)
	}
}

func baseWithout(t *testing.T, files map[string]string) fs.FS {
	t.Helper()
	return checkout(t, newGit(t), at(newRepo(t, files)), "").BaseFS()
}

func TestMaterialise(t *testing.T) {
	t.Parallel()
	g := newGit(t)
	c := checkout(t, g, at(newRepo(t, map[string]string{
		"a.go": "old\n", "a_test.go": "test\n", "conf/lint.yml": "strict\n", "gone": "x\n",
	})), "")
	write(t, c.Dir, map[string]string{"a.go": "new\n", "a_test.go": "weak\n", "b_test.go": "mine\n"})
	remove(t, c.Dir, "conf", "gone")
	write(t, c.Dir, map[string]string{"conf": "now a file\n"})
	p := patch(t, c)

	tests := []struct {
		name     string
		patch    task.Patch
		fromBase func(string) bool
		want     map[string]string
	}{
		{"base", task.Patch{}, nil, map[string]string{"a.go": "old\n", "a_test.go": "test\n", "conf/lint.yml": "strict\n", "gone": "x\n"}},
		{"all", p, nil, map[string]string{"a.go": "new\n", "a_test.go": "weak\n", "b_test.go": "mine\n", "conf": "now a file\n"}},
		{
			"own rules", p,
			func(path string) bool {
				return path == "a_test.go" || strings.HasPrefix(path, "conf/") || path == "b_test.go"
			},
			map[string]string{"a.go": "new\n", "a_test.go": "test\n", "conf/lint.yml": "strict\n"},
		},
	}
	for _, tt := range tests {
		m, err := g.Materialise(t.Context(), c, tt.patch, tt.fromBase)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, contents(t, m.Dir)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	// The task's own tree is as it was.
	if again := patch(t, c); string(again.Diff) != string(p.Diff) {
		t.Errorf("the patch changed:\n%s", again.Diff)
	}
}

func TestMaterialise_hostilePatch(t *testing.T) {
	t.Parallel()
	g := newGit(t)
	c := checkout(t, g, at(newRepo(t, map[string]string{"f": "1\n"})), "")
	for name, diff := range map[string]string{
		"link":    "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc/shadow\n\\ No newline at end of file\n",
		"gitlink": "diff --git a/s b/s\nnew file mode 160000\n--- /dev/null\n+++ b/s\n@@ -0,0 +1 @@\n+Subproject commit " + strings.Repeat("1", 40) + "\n",
		"dotgit":  "diff --git a/.git/config b/.git/config\nnew file mode 100644\n--- /dev/null\n+++ b/.git/config\n@@ -0,0 +1 @@\n+x\n",
		"outside": "diff --git a/../x b/../x\nnew file mode 100644\n--- /dev/null\n+++ b/../x\n@@ -0,0 +1 @@\n+x\n",
		"noise":   "this is no patch",
	} {
		p := task.Patch{Base: c.BaseSHA, Diff: []byte(diff), Files: []task.FileChange{{Path: "x"}}}
		if m, err := g.Materialise(t.Context(), c, p, nil); err == nil {
			t.Errorf("%s: was applied to %s", name, m.Dir)
		}
		if _, err := g.Publish(t.Context(), publication(at(c.Dir), c, p)); err == nil {
			t.Errorf("%s: was published", name)
		}
	}
	_, err := g.Materialise(t.Context(), c, task.Patch{Base: strings.Repeat("1", 40)}, nil)
	wantCode(t, err, task.CodeConflict)
}

func TestClose(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	g := newGitAt(t, data)
	c, err := g.Checkout(t.Context(), at(newRepo(t, map[string]string{"d/f": "1"})), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(c.Dir, "d"), 0); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	left, _ := filepath.Glob(filepath.Join(data, "tasks", "*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestCheckout_manyFiles(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for i := range 5000 {
		files[fmt.Sprintf("d%02d/e%d/f%d", i%50, i%7, i)] = fmt.Sprint(i)
	}
	g := newGit(t)
	c := checkout(t, g, at(newRepo(t, files)), "")
	if p := patch(t, c); !p.Empty() {
		t.Fatalf("changed: %v", p.Files)
	}
	write(t, c.Dir, map[string]string{"d01/e1/f1": "changed"})
	if p := patch(t, c); len(p.Files) != 1 {
		t.Errorf("got %d files, want 1", len(p.Files))
	}
	if got := userGit(t, c.Dir, "status", "--porcelain"); got != "M d01/e1/f1" {
		t.Errorf("got status %q", got)
	}
}

// contents returns all files but .git.
func contents(t testing.TB, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() == ".git" {
			return filepath.SkipDir
		}
		if !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			got[rel] = read(t, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func remove(t testing.TB, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}
