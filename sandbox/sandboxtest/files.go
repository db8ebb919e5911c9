package sandboxtest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"honk/internal/task"
	"honk/sandbox"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func fileCases() []testCase {
	return []testCase{
		{name: "write_read", run: writeRead},
		{name: "write_only_if_unchanged", run: writeUnchanged},
		{name: "mode_is_kept", run: modeKept},
		{name: "paths_out_are_refused", run: pathsOut},
		{name: "read_is_capped", run: readCapped},
		{name: "special_files", run: specialFiles},
		{name: "endless_trees", run: endlessTrees},
		{name: "search", run: search},
		{name: "search_is_capped", run: searchCapped},
		{name: "list", run: list},
	}
}

func writeRead(t *testing.T, x *bundle) {
	ctx := t.Context()
	wrote, err := x.sb.Write(ctx, sandbox.Write{Path: "a/b/c.txt", Data: []byte("one\n")})
	if err != nil {
		t.Fatal(err)
	}
	got, err := x.sb.Read(ctx, "a/b/c.txt", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wrote, got); diff != "" {
		t.Errorf("Write and Read differ (-wrote +read):\n%s", diff)
	}
	if text, _ := os.ReadFile(filepath.Join(x.dir, "a/b/c.txt")); string(text) != "one\n" {
		t.Errorf("on the host: %q", text)
	}
	if out := x.bash(t, "cat a/b/c.txt").Stdout.Bytes(); string(out) != "one\n" {
		t.Errorf("for a command: %q", out)
	}
	if _, err := x.sb.Read(ctx, "missing", 10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Read(missing) = %v, want fs.ErrNotExist", err)
	}
}

func writeUnchanged(t *testing.T, x *bundle) {
	ctx := t.Context()
	first, err := x.sb.Write(ctx, sandbox.Write{Path: "f", Data: []byte("1")})
	if err != nil {
		t.Fatal(err)
	}
	for _, hash := range []string{"", strings.Repeat("0", 64)} {
		_, err := x.sb.Write(ctx, sandbox.Write{Path: "f", Data: []byte("2"), IfHash: hash})
		if !errors.Is(err, sandbox.ErrChanged) {
			t.Errorf("Write(IfHash %q) = %v, want ErrChanged", hash, err)
		}
	}
	if _, err := x.sb.Write(ctx, sandbox.Write{Path: "new", IfHash: first.Hash}); !errors.Is(err, sandbox.ErrChanged) {
		t.Errorf("Write(missing file with a hash) = %v, want ErrChanged", err)
	}
	for _, hash := range []string{first.Hash, sandbox.AnyHash} {
		if _, err := x.sb.Write(ctx, sandbox.Write{Path: "f", Data: []byte("3"), IfHash: hash}); err != nil {
			t.Errorf("Write(IfHash %q) = %v", hash, err)
		}
	}
	entries, err := os.ReadDir(x.dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("work tree holds %v (%v), want f alone", entries, err)
	}
}

func modeKept(t *testing.T, x *bundle) {
	x.put(t, "run.sh", "#!/bin/sh\n")
	if err := os.Chmod(filepath.Join(x.dir, "run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	got, err := x.sb.Write(t.Context(), sandbox.Write{Path: "run.sh", IfHash: sandbox.AnyHash})
	if err != nil || got.Mode != 0o755 {
		t.Errorf("mode %o (%v), want 755", got.Mode, err)
	}
}

// refused fails the test unless err is a PathError, or says that the path
// does not exist.
func refused(t *testing.T, what string, err error) {
	t.Helper()
	if _, ok := errors.AsType[*sandbox.PathError](err); !ok {
		t.Errorf("%s = %v, want a PathError", what, err)
	}
}

func pathsOut(t *testing.T, x *bundle) {
	ctx := t.Context()
	x.link(t, filepath.Join(x.outside, "secret"), "link")
	x.link(t, x.outside, "dir")
	x.link(t, "../outside", "up")
	x.link(t, "/proc/self", "self")
	for _, p := range []string{
		"../outside/secret", "a/../../outside/secret", "/etc/passwd", "..", "link", "dir/secret", "up/secret",
		"self/environ", "nul\x00byte", strings.Repeat("x/", 3000) + "x", filepath.Join(x.outside, "secret"),
	} {
		short := p[:min(len(p), 40)]
		_, err := x.sb.Read(ctx, p, 100)
		refused(t, fmt.Sprintf("Read(%q)", short), err)
		_, err = x.sb.Write(ctx, sandbox.Write{Path: p, Data: []byte("x"), IfHash: sandbox.AnyHash})
		refused(t, fmt.Sprintf("Write(%q)", short), err)
		_, err = x.sb.Search(ctx, sandbox.Query{Pattern: "outside", Path: p})
		refused(t, fmt.Sprintf("Search(%q)", short), err)
		if p != "link" {
			_, err = x.sb.List(ctx, p, 10)
			refused(t, fmt.Sprintf("List(%q)", short), err)
		}
	}
	if _, err := x.sb.Write(ctx, sandbox.Write{Path: "dir/new", Data: []byte("x")}); err == nil {
		t.Error("wrote through a linked directory")
	}
	result, err := x.sb.Search(ctx, sandbox.Query{Pattern: "outside"})
	if err != nil || result.TotalHits != 0 {
		t.Errorf("Search followed a symlink: %+v, %v", result, err)
	}
	if text, _ := os.ReadFile(filepath.Join(x.outside, "secret")); string(text) != "outside" {
		t.Errorf("the file outside now holds %q", text)
	}
}

func readCapped(t *testing.T, x *bundle) {
	x.put(t, "f", "0123456789")
	got, err := x.sb.Read(t.Context(), "f", 4)
	if err != nil || string(got.Data) != "0123" || got.Size != 10 {
		t.Errorf("Read = %q, size %d, %v", got.Data, got.Size, err)
	}
}

func specialFiles(t *testing.T, x *bundle) {
	began := time.Now()
	if err := unix.Mkfifo(filepath.Join(x.dir, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	x.put(t, "sparse", "needle")
	if err := os.Truncate(filepath.Join(x.dir, "sparse"), 10<<30); err != nil {
		t.Fatal(err)
	}
	x.link(t, "/dev/zero", "zero")
	for _, p := range []string{"fifo", "sparse", "zero", "."} {
		_, err := x.sb.Read(t.Context(), p, 100)
		refused(t, "Read("+p+")", err)
	}
	for _, p := range []string{"fifo", "zero", "."} {
		_, err := x.sb.Write(t.Context(), sandbox.Write{Path: p, IfHash: sandbox.AnyHash})
		refused(t, "Write("+p+")", err)
	}
	result, err := x.sb.Search(t.Context(), sandbox.Query{Pattern: "needle"})
	if err != nil || result.TotalHits != 0 {
		t.Errorf("Search = %+v, %v", result, err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

func endlessTrees(t *testing.T, x *bundle) {
	result := x.bash(t, "for i in $(seq 400); do mkdir d && cd d || exit 1; done; echo needle > f; "+
		"cd "+x.sb.Root()+" && mkdir many && cd many && seq -f 'f%g' 3000 | xargs touch && mkfifo p && ln -s . loop")
	if result.ExitCode != 0 {
		t.Fatalf("exit %d: %s", result.ExitCode, result.Stderr.Bytes())
	}
	began := time.Now()
	listing, err := x.sb.List(t.Context(), "", 100)
	if err != nil || len(listing.Paths) != 100 || listing.Total < 3000 || listing.Incomplete == "" {
		t.Errorf("List: %d paths of %d, incomplete %q, %v", len(listing.Paths), listing.Total, listing.Incomplete, err)
	}
	if _, err := x.sb.Search(t.Context(), sandbox.Query{Pattern: "needle"}); err != nil {
		t.Errorf("Search: %v", err)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("took %v", took)
	}
}

func search(t *testing.T, x *bundle) {
	x.put(t, ".gitignore", "*.log\n/build/\n!keep.log\n")
	x.put(t, "a.go", "package a\n\nfunc Needle() {}\n")
	x.put(t, "b/b.go", "// needle\n")
	x.put(t, "b/b.txt", "needle "+strings.Repeat("ä", 400)+"\r\n")
	x.put(t, "x.log", "needle\n")
	x.put(t, "keep.log", "needle\n")
	x.put(t, "build/out.txt", "needle\n")
	x.put(t, ".git/config", "needle\n")
	x.put(t, "binary", "needle\x00\n")
	long := "needle " + strings.Repeat("ä", 146)
	got, err := x.sb.Search(t.Context(), sandbox.Query{Pattern: "(?i)needle"})
	if err != nil {
		t.Fatal(err)
	}
	want := sandbox.SearchResult{
		Files: []sandbox.FileHits{
			{Path: "a.go", Count: 1, Lines: []sandbox.Line{{Number: 3, Text: "func Needle() {}"}}},
			{Path: "b/b.go", Count: 1, Lines: []sandbox.Line{{Number: 1, Text: "// needle"}}},
			{Path: "b/b.txt", Count: 1, Lines: []sandbox.Line{{Number: 1, Text: long}}},
			{Path: "keep.log", Count: 1, Lines: []sandbox.Line{{Number: 1, Text: "needle"}}},
		},
		TotalFiles: 4, TotalHits: 4,
		Directories: map[string]int{".": 2, "b": 2},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, c := range []struct {
		query sandbox.Query
		want  int
	}{
		{sandbox.Query{Pattern: "needle", Glob: "*.go"}, 1},
		{sandbox.Query{Pattern: "needle", Glob: "b/**"}, 2},
		{sandbox.Query{Pattern: "needle", Path: "b"}, 2},
		{sandbox.Query{Pattern: "needle", Path: "b/b.go", FilesOnly: true}, 1},
		{sandbox.Query{Pattern: "^needle$"}, 1},
	} {
		if got, err := x.sb.Search(t.Context(), c.query); err != nil || got.TotalHits != c.want {
			t.Errorf("Search(%+v): %d hits, %v; want %d", c.query, got.TotalHits, err, c.want)
		}
	}
	_, err = x.sb.Search(t.Context(), sandbox.Query{Pattern: "("})
	refused(t, "Search of a bad pattern", err)
}

func searchCapped(t *testing.T, x *bundle) {
	for i := range 30 {
		x.put(t, fmt.Sprintf("f%02d", i), strings.Repeat("hit\n", 10))
	}
	got, err := x.sb.Search(t.Context(), sandbox.Query{Pattern: "hit", MaxHits: 25})
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for _, f := range got.Files {
		lines += len(f.Lines)
	}
	if lines != 25 || got.TotalHits != 300 || got.TotalFiles != 30 {
		t.Errorf("%d lines, %d hits in %d files; want 25, 300, 30", lines, got.TotalHits, got.TotalFiles)
	}
}

func list(t *testing.T, x *bundle) {
	x.put(t, "b.txt", "")
	x.put(t, "a/z", "")
	x.put(t, "a.txt", "")
	x.put(t, ".git/HEAD", "")
	x.link(t, "/etc", "link")
	got, err := x.sb.List(t.Context(), "", 3)
	want := sandbox.Listing{Paths: []string{"a.txt", "a/z", "b.txt"}, Total: 4}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := x.sb.List(t.Context(), "missing", 3); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("List(missing) = %v", err)
	}
}

// infrastructure fails the test unless err is a sandbox error.
func infrastructure(t *testing.T, what string, err error) {
	t.Helper()
	if task.CodeOf(err) != task.CodeSandbox {
		t.Errorf("%s = %v, want an error of code sandbox", what, err)
	}
}
