package git_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/internal/task"
)

func TestPatch(t *testing.T) {
	t.Parallel()
	g := newGit(t)
	c := checkout(t, g, at(newRepo(t, map[string]string{
		"mod": "a\nb\n", "del": "x\n", "mode": "m\n", "file2dir": "f\n", "dir2file/x": "d\n", "same": "s\n",
		"link": "->same", "oldlink": "->same", "bin": "\x00\x01", ".gitignore": "out/\n*.log\n!keep.log\n", "sub/.gitignore": "/local\n",
	})), "")
	remove(t, c.Dir, "del", "file2dir", "dir2file", "oldlink")
	write(t, c.Dir, map[string]string{
		"mod": "a\nc\nd\n", "new dir/ü": "n\n", "mode*": "m\n", "file2dir/y": "y\n", "dir2file": "now\n",
		"bin": "\x00\x02", "empty": "", "out/ignored": "x", "x.log": "x", "keep.log": "k\n", "sub/local": "x", "sub/deep/local": "l\n",
		"same": "s\n", "oldlink": "a file\n",
	})
	want := []task.FileChange{
		{Path: "bin", Kind: task.ChangeModified, OldMode: 0o100644, NewMode: 0o100644, Binary: true, Size: 2},
		{Path: "del", Kind: task.ChangeDeleted, OldMode: 0o100644, Removed: 1},
		{Path: "dir2file", Kind: task.ChangeAdded, NewMode: 0o100644, Added: 1, Size: 4},
		{Path: "dir2file/x", Kind: task.ChangeDeleted, OldMode: 0o100644, Removed: 1},
		{Path: "empty", Kind: task.ChangeAdded, NewMode: 0o100644},
		{Path: "file2dir", Kind: task.ChangeDeleted, OldMode: 0o100644, Removed: 1},
		{Path: "file2dir/y", Kind: task.ChangeAdded, NewMode: 0o100644, Added: 1, Size: 2},
		{Path: "keep.log", Kind: task.ChangeAdded, NewMode: 0o100644, Added: 1, Size: 2},
		{Path: "mod", Kind: task.ChangeModified, OldMode: 0o100644, NewMode: 0o100644, Added: 2, Removed: 1, Size: 6},
		{Path: "mode", Kind: task.ChangeModified, OldMode: 0o100644, NewMode: 0o100755, Size: 2},
		{Path: "new dir/ü", Kind: task.ChangeAdded, NewMode: 0o100644, Added: 1, Size: 2},
		{Path: "oldlink", Kind: task.ChangeModified, OldMode: 0o120000, NewMode: 0o100644, Added: 1, Removed: 1, Size: 7},
		{Path: "sub/deep/local", Kind: task.ChangeAdded, NewMode: 0o100644, Added: 1, Size: 2},
	}
	p := patch(t, c)
	if diff := cmp.Diff(want, p.Files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	// What git apply makes of the patch is the work tree.
	m, err := g.Materialise(t.Context(), c, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, f := range p.Files {
		if f.Kind != task.ChangeDeleted && read(t, filepath.Join(m.Dir, f.Path)) != read(t, filepath.Join(c.Dir, f.Path)) {
			t.Errorf("%s differs after applying", f.Path)
		}
	}
	// Undone, it is no change.
	remove(t, c.Dir, "dir2file", "file2dir", "keep.log", "new dir", "oldlink", "sub/deep", "empty")
	write(t, c.Dir, map[string]string{
		"mod": "a\nb\n", "del": "x\n", "mode": "m\n", "file2dir": "f\n", "dir2file/x": "d\n", "oldlink": "->same", "bin": "\x00\x01",
	})
	if p := patch(t, c); !p.Empty() {
		t.Errorf("undone, yet changed: %+v", p.Files)
	}
}

// Time stamps that the agent sets back hide nothing.
func TestPatch_hiddenByTime(t *testing.T) {
	t.Parallel()
	c := checkout(t, newGit(t), at(newRepo(t, map[string]string{"f": "old\n"})), "")
	path := filepath.Join(c.Dir, "f")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, c.Dir, map[string]string{"f": "new\n"})
	if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if p := patch(t, c); len(p.Files) != 1 {
		t.Errorf("the change is not seen: %+v", p)
	}
}

// Attacks 15 and 22: what a hostile tree may hold is refused, by name.
func TestPatch_refused(t *testing.T) {
	t.Parallel()
	must := func(t testing.TB, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	outside := filepath.Join(t.TempDir(), "outside")
	must(t, os.WriteFile(outside, []byte("canary"), 0o600))
	mk := func(files map[string]string) func(testing.TB, string) {
		return func(t testing.TB, dir string) { write(t, dir, files) }
	}
	tests := []struct {
		name   string
		plant  func(t testing.TB, dir string)
		path   string
		remedy string
	}{
		{"nested repository", func(t testing.TB, dir string) { userGit(t, dir, "init", "-q", "sub") }, "sub/.git", "remove"},
		{"nested git file", mk(map[string]string{"sub/.git": "gitdir: /x"}), "sub/.git", "remove"},
		{"case of .git", mk(map[string]string{"sub/.GIT/config": "x"}), "sub/.GIT", "remove"},
		{"trick for .git", mk(map[string]string{"sub/.git. /config": "x"}), "sub/.git. ", "remove"},
		{"bare repository", func(t testing.TB, dir string) { userGit(t, dir, "init", "-q", "--bare", "b") }, "b", "bare"},
		{"link out", mk(map[string]string{"l": "->" + outside}), "l", "regular file"},
		{"link in", mk(map[string]string{"l": "->f"}), "l", "regular file"},
		{"link up", mk(map[string]string{"l": "->../../git/config"}), "l", "regular file"},
		{"changed link", func(t testing.TB, dir string) {
			remove(t, dir, "link")
			write(t, dir, map[string]string{"link": "->/etc/shadow"})
		}, "link", "regular file"},
		{"file to link", func(t testing.TB, dir string) {
			remove(t, dir, "f")
			write(t, dir, map[string]string{"f": "->/etc/shadow"})
		}, "f", "regular file"},
		{"directory to link", func(t testing.TB, dir string) { remove(t, dir, "d"); write(t, dir, map[string]string{"d": "->/etc"}) }, "d", "regular file"},
		{"pipe", func(t testing.TB, dir string) { must(t, syscall.Mkfifo(dir+"/p", 0o600)) }, "p", "remove"},
		{"pipe for a file", func(t testing.TB, dir string) { remove(t, dir, "f"); must(t, syscall.Mkfifo(dir+"/f", 0o600)) }, "f", "remove"},
		{"pipe as rules", func(t testing.TB, dir string) { must(t, syscall.Mkfifo(dir+"/d/.gitignore", 0o600)) }, "d/.gitignore", "remove"},
		{"socket", func(t testing.TB, dir string) {
			l, err := new(net.ListenConfig).Listen(t.Context(), "unix", dir+"/s")
			must(t, err)
			t.Cleanup(func() { _ = l.Close() })
		}, "s", "remove"},
		{"hard link", func(t testing.TB, dir string) { must(t, os.Link(outside, dir+"/h")) }, "h", "copy"},
		{"setuid", func(t testing.TB, dir string) {
			write(t, dir, map[string]string{"u*": "x"})
			must(t, os.Chmod(dir+"/u", 0o755|os.ModeSetuid))
		}, "u", "chmod"},
		{"sparse 10 GB", func(t testing.TB, dir string) {
			write(t, dir, map[string]string{"big": ""})
			must(t, os.Truncate(dir+"/big", 10<<30))
		}, "big", "MiB"},
		{"grown file", func(t testing.TB, dir string) { must(t, os.Truncate(dir+"/f", 11<<20)) }, "f", "MiB"},
		{"200 deep", mk(map[string]string{strings.Repeat("d/", 200) + "f": "x"}), "d/d/d", "flatten"},
		{"control", mk(map[string]string{"a\nb": "x"}), `a\nb`, "rename"},
		{"escape", mk(map[string]string{"a\x1b[31m": "x"}), `a\x1b`, "rename"},
		{"bidi", mk(map[string]string{"a\u202egnp.go": "x"}), "a", "rename"},
		{"zero width", mk(map[string]string{"a\u200b": "x"}), "a", "rename"},
		{"not UTF-8", mk(map[string]string{"a\xff": "x"}), "a", "rename"},
		{"backslash", mk(map[string]string{`a\b`: "x"}), "a", "rename"},
		{"case", mk(map[string]string{"F": "x"}), "F", "case"},
		{"case of directory", mk(map[string]string{"D/y": "x"}), "D", "case"},
		{"submodule file", mk(map[string]string{".gitmodules": "[submodule]"}), ".gitmodules", "submodule"},
		{"many files", func(t testing.TB, dir string) {
			files := map[string]string{}
			for i := range 2001 {
				files[fmt.Sprint("n/", i)] = "x"
			}
			write(t, dir, files)
		}, "n/", "2000"},
	}
	g, dir := newGit(t), newRepo(t, map[string]string{"f": "x\n", "d/x": "x\n", "link": "->f"})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := checkout(t, g, at(dir), "")
			tt.plant(t, c.Dir)
			start := time.Now()
			_, err := c.Patch(t.Context())
			wantCode(t, err, task.CodeInvalid, tt.path, tt.remedy)
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Error("read what lies outside")
			}
		})
	}
	t.Cleanup(func() {
		if got := read(t, outside); got != "canary" {
			t.Errorf("the file outside was changed to %q", got)
		}
	})
}

// What .gitignore names is nobody's business, however hostile.
func TestPatch_ignoredHostile(t *testing.T) {
	t.Parallel()
	c := checkout(t, newGit(t), at(newRepo(t, map[string]string{".gitignore": "node_modules/\n", "node_modules/tracked": "x\n"})), "")
	userGit(t, c.Dir, "init", "-q", "node_modules/pkg")
	write(t, c.Dir, map[string]string{"node_modules/l": "->/etc/shadow", "node_modules/tracked": "y\n", "node_modules/.bin/x": "->../y"})
	if p := patch(t, c); len(p.Files) != 1 || p.Files[0].Path != "node_modules/tracked" {
		t.Errorf("got %+v", p.Files)
	}
}

func TestPatch_unreadable(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	c := checkout(t, newGit(t), at(newRepo(t, map[string]string{"f": "x"})), "")
	write(t, c.Dir, map[string]string{"new": "x"})
	if err := os.Chmod(filepath.Join(c.Dir, "new"), 0); err != nil {
		t.Fatal(err)
	}
	_, err := c.Patch(t.Context())
	wantCode(t, err, task.CodeInvalid, "new", "readable")
}

// Submodules stay as the base has them, whatever happens to their directory.
func TestPatch_submodule(t *testing.T) {
	t.Parallel()
	g, dir := newGit(t), newRepo(t, map[string]string{"f": "x\n"})
	userGit(t, dir, "update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("1", 40)+",lib/sub")
	userGit(t, dir, "commit", "-q", "-m", "submodule")
	c := checkout(t, g, at(dir), "")
	write(t, c.Dir, map[string]string{"lib/sub/x": "1", "f": "y\n"})
	p := patch(t, c)
	if len(p.Files) != 1 || p.Files[0].Path != "f" {
		t.Errorf("got %+v", p.Files)
	}
	remove(t, c.Dir, "lib")
	if p := patch(t, c); len(p.Files) != 1 {
		t.Errorf("got %+v", p.Files)
	}
	if _, err := g.Publish(t.Context(), publication(at(dir), c, p)); err != nil {
		t.Fatal(err)
	}
	if got := userGit(t, dir, "ls-tree", "honk/01ABC-do-it", "lib/sub"); !strings.HasPrefix(got, "160000 commit 1111") {
		t.Errorf("the published tree has %q", got)
	}
	write(t, c.Dir, map[string]string{"lib": "a file"})
	_, err := c.Patch(t.Context())
	wantCode(t, err, task.CodeInvalid, "submodule")
}

// Attack 23: attributes of the tree call nothing and hide nothing.
func TestPatch_attributes(t *testing.T) {
	t.Parallel()
	bird := newCanary(t)
	c := checkout(t, newGit(t), at(newOdd(t)), "")
	write(t, c.Dir, map[string]string{
		".gitattributes": "* filter=evil diff=evil merge=evil -diff\n*.md text eol=crlf\n", "README.md": "# changed\n",
		".git/config": "[core]\n\tfsmonitor = " + bird.script + "\n\tsshCommand = " + bird.script + "\n[filter \"evil\"]\n\tclean = " + bird.script +
			"\n\tsmudge = " + bird.script + "\n[diff \"evil\"]\n\ttextconv = " + bird.script + "\n\tcommand = " + bird.script + "\n[diff]\n\texternal = " + bird.script + "\n",
	})
	p := patch(t, c)
	bird.alive(t)
	if !strings.Contains(string(p.Diff), "+# changed\n") {
		t.Errorf("the diff hides the change:\n%s", p.Diff)
	}
}
