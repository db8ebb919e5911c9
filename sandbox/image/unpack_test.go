package image_test

import (
	"archive/tar"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"honk/internal/task"
	"honk/sandbox/image"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// made are the directories that every unpacked image has.
var made = []string{"dev/ 755", "proc/ 755", "run/ 755", "tmp/ 755", "workspace/ 755"}

// tree lists what is below a directory: files with mode and content, links
// with where they lead.
func tree(t testing.TB, root string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(file string, e fs.DirEntry, err error) error {
		if err != nil || file == root {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(file, root+"/")
		switch {
		case e.IsDir():
			list = append(list, fmt.Sprintf("%s/ %o", name, info.Mode().Perm()))
		case info.Mode()&fs.ModeSymlink != 0:
			to, err := os.Readlink(file)
			list = append(list, name+" -> "+to)
			return err
		default:
			text, err := os.ReadFile(file)
			list = append(list, fmt.Sprintf("%s %o %s", name, uint32(info.Mode()&^fs.ModeType), text))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestOpen_unpacks(t *testing.T) {
	t.Parallel()
	file := func(name, text string) entry { return entry{name: name, text: text} }
	dir := func(name string) entry { return entry{name: name, kind: tar.TypeDir, mode: 0o755} }
	link := func(name, to string) entry { return entry{name: name, kind: tar.TypeSymlink, link: to} }
	hard := func(name, to string) entry { return entry{name: name, kind: tar.TypeLink, link: to} }
	tests := map[string]struct {
		layers [][]entry
		want   []string
	}{
		"plain":          {[][]entry{{dir("a/"), file("a/b", "x"), link("c", "a/b"), hard("d", "a/b")}}, []string{"a/ 755", "a/b 644 x", "c -> a/b", "d 644 x"}},
		"missing parent": {[][]entry{{file("a/b/c", "x")}}, []string{"a/ 755", "a/b/ 755", "a/b/c 644 x"}},
		"dotted names":   {[][]entry{{dir("./"), file("./a", "x"), file("b//./c", "y")}}, []string{"a 644 x", "b/ 755", "b/c 644 y"}},
		"later layer":    {[][]entry{{file("a", "old"), file("b/c", "x")}, {file("a", "new"), file("b", "y")}}, []string{"a 644 new", "b 644 y"}},
		"directory over a link": {[][]entry{
			{dir("a"), file("a/x", "1"), link("l", "a")}, {dir("l"), file("l/y", "2")},
		}, []string{"a/ 755", "a/x 644 1", "l/ 755", "l/y 644 2"}},
		"through a link": {[][]entry{
			{dir("usr/lib"), link("lib", "usr/lib"), link("abs", "/usr/lib")}, {file("lib/x", "1"), file("abs/y", "2")},
		}, []string{"abs -> /usr/lib", "lib -> usr/lib", "usr/ 755", "usr/lib/ 755", "usr/lib/x 644 1", "usr/lib/y 644 2"}},
		"whiteout":             {[][]entry{{file("a/b", "x"), file("a/c", "y"), file("d/e", "z")}, {file("a/.wh.b", ""), file(".wh.d", "")}}, []string{"a/ 755", "a/c 644 y"}},
		"whiteout of nothing":  {[][]entry{{file(".wh.x", ""), file("y/.wh.z", "")}}, nil},
		"whiteout, then a new": {[][]entry{{file("a", "old")}, {file("a", "new"), file(".wh.a", "")}}, []string{"a 644 new"}},
		"opaque": {
			[][]entry{{file("a/b", "x"), file("a/c/d", "y"), file("a/c/e", "z")}, {file("a/c/e", "new"), file("a/.wh..wh..opq", "")}},
			[]string{"a/ 755", "a/c/ 755", "a/c/e 644 new"},
		},
		"notes of a builder": {[][]entry{{file(".wh..wh.plnk/1", "x"), file(".wh..wh.aufs", "y")}}, []string{".wh..wh.plnk/ 755", ".wh..wh.plnk/1 644 x"}},
		"modes": {[][]entry{{
			{name: "suid", mode: 0o4755},
			{name: "sgid", mode: 0o2755},
			{name: "sticky", mode: 0o1777, kind: tar.TypeDir},
			{name: "none", mode: 0o1000},
			{name: "closed", mode: 0o4001, kind: tar.TypeDir},
			file("closed/x", "1"),
		}}, []string{"closed/ 701", "closed/x 644 1", "none 400 ", "sgid 755 ", "sticky/ 777", "suid 755 "}},
		"nodes": {[][]entry{{
			{name: "dev/null", kind: tar.TypeChar}, {name: "disk", kind: tar.TypeBlock}, {name: "pipe", kind: tar.TypeFifo}, file("a", "x"),
		}}, []string{"a 644 x"}},
		"absolute":            {[][]entry{{file("/etc/x", "1"), file("///y", "2")}}, []string{"etc/ 755", "etc/x 644 1", "y 644 2"}},
		"links that leave":    {[][]entry{{link("up", "../../../.."), link("abs", "/etc/passwd"), link("root", "/")}, {file("up/a", "1"), file("root/b", "2")}}, []string{"a 644 1", "abs -> /etc/passwd", "b 644 2", "root -> /", "up -> ../../../.."}},
		"file over a link":    {[][]entry{{link("a", "/etc/passwd")}, {file("a", "x")}}, []string{"a 644 x"}},
		"whiteout by a link":  {[][]entry{{link("up", "/.."), file("a", "x")}, {file("up/.wh.a", "")}}, []string{"up -> /.."}},
		"hard link to a link": {[][]entry{{link("a", "/etc/passwd"), hard("b", "a")}}, []string{"a -> /etc/passwd", "b -> /etc/passwd"}},
		"in the way": {
			[][]entry{{link("proc", "/etc"), file("tmp", "x"), link("run", "../.."), file("workspace/x", "1"), file("var/tmp/x", "1"), file("var/x", "2")}},
			[]string{"var/ 755", "var/tmp -> /tmp", "var/x 644 2", "workspace/x 644 1"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var layers []v1.Layer
			for _, l := range tt.layers {
				layers = append(layers, layer(t, l...))
			}
			got := map[string]bool{}
			for _, line := range tree(t, b.open(b.store(), b.push(built(t, v1.Config{}, layers...))).Root) {
				got[line] = true
			}
			want := map[string]bool{}
			for _, line := range append(tt.want, made...) {
				want[line] = true
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What is refused leaves nothing here, and nothing elsewhere.
func TestOpen_refusesLayers(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 5000)
	tests := map[string]struct {
		entries []entry
		want    string
	}{
		"up":           {[]entry{{name: "../x"}}, "which leads out of it"},
		"up within":    {[]entry{{name: "a/../../x"}}, "which leads out of it"},
		"up whiteout":  {[]entry{{name: "../.wh.x"}}, "which leads out of it"},
		"hard up":      {[]entry{{name: "a", kind: tar.TypeLink, link: "../../etc/passwd"}}, "which leads out of it"},
		"hard outside": {[]entry{{name: "a", kind: tar.TypeLink, link: "/etc/passwd"}}, "which is no file"},
		"hard by link": {[]entry{{name: "l", kind: tar.TypeSymlink, link: "/etc"}, {name: "a", kind: tar.TypeLink, link: "l/passwd"}}, "which is no file"},
		"hard to dir":  {[]entry{{name: "d", kind: tar.TypeDir}, {name: "a", kind: tar.TypeLink, link: "d"}}, "which is no file"},
		"circle":       {[]entry{{name: "a", kind: tar.TypeSymlink, link: "b"}, {name: "b", kind: tar.TypeSymlink, link: "a"}, {name: "a/x"}}, "lead in circles"},
		"below a file": {[]entry{{name: "a"}, {name: "a/b"}}, "below the file"},
		"long name":    {[]entry{{name: long}}, "too long"},
		"long link":    {[]entry{{name: "a", kind: tar.TypeSymlink, link: long}}, "too long"},
		"large file":   {[]entry{{name: "a", text: strings.Repeat("x", 70_000)}}, "larger than it may be"},
		"many files":   {[]entry{{name: "a"}, {name: "b"}, {name: "c"}, {name: "d"}, {name: "e"}}, "more files than it may"},
		"same file":    {[]entry{{name: "a", text: long}, {name: "a", text: long}, {name: "a", text: long}, {name: "a", text: strings.Repeat("x", 50_000)}}, "larger than it may be"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			ref := b.push(built(t, v1.Config{}, layer(t, tt.entries...)))
			s := b.store(func(o *image.Options) { o.MaxBytes, o.MaxFiles = 64<<10, 4 })
			_, err := s.Open(t.Context(), ref)
			if task.CodeOf(err) != task.CodeInvalid || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if left := b.kept(); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
