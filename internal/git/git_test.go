package git_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"honk/internal/git"
	"honk/internal/task"
)

// newGit returns a Git over a fresh data directory.
func newGit(t testing.TB) *git.Git {
	t.Helper()
	return newGitAt(t, t.TempDir())
}

func newGitAt(t testing.TB, dir string) *git.Git {
	t.Helper()
	g, err := git.New(git.Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// userGit runs git as a user would, with the configuration of the repository.
func userGit(t testing.TB, dir string, args ...string) string {
	t.Helper()
	out, err := tryGit(t.Context(), dir, args...)
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(out)
}

func tryGit(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=core.fsync", "GIT_CONFIG_VALUE_0=none",
		"GIT_AUTHOR_NAME=ann", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_AUTHOR_DATE=2024-01-01T00:00:00Z",
		"GIT_COMMITTER_NAME=ann", "GIT_COMMITTER_EMAIL=ann@example.com", "GIT_COMMITTER_DATE=2024-01-01T00:00:00Z",
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// newRepo makes a repository with one commit. A name that ends in * is
// executable, content that starts with -> a symbolic link.
func newRepo(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	userGit(t, dir, "init", "-q", "-b", "main")
	write(t, dir, files)
	userGit(t, dir, "add", "-A", "-f")
	userGit(t, dir, "commit", "-q", "--allow-empty", "-m", "first")
	return dir
}

func write(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		mode := os.FileMode(0o644)
		if n, ok := strings.CutSuffix(name, "*"); ok {
			name, mode = n, 0o755
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if target, ok := strings.CutPrefix(content, "->"); ok {
			if err := os.Symlink(target, path); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
}

func at(path string) git.Source {
	return git.Source{Repo: task.Repo{Host: "local", Name: filepath.Base(path), URL: path}}
}

func checkout(t testing.TB, g *git.Git, src git.Source, ref string) *git.Checkout {
	t.Helper()
	c, err := g.Checkout(t.Context(), src, ref)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func patch(t testing.TB, c *git.Checkout) task.Patch {
	t.Helper()
	p, err := c.Patch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// publication is a publishable change with everything filled in.
func publication(src git.Source, c *git.Checkout, p task.Patch) git.Publish {
	who := git.Signature{Name: "honk[bot]", Email: "honk@example.com"}
	return git.Publish{
		Source: src, Base: c.BaseSHA, Branch: "honk/01ABC-do-it", Patch: p,
		Message: "Do it", Author: who, Committer: who, When: time.Unix(1_700_000_000, 0).UTC(),
	}
}

func wantCode(t testing.TB, err error, code task.Code, texts ...string) {
	t.Helper()
	if task.CodeOf(err) != code {
		t.Fatalf("got code %q of error %v, want %q", task.CodeOf(err), err, code)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q does not say %q", err, text)
		}
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// canary is a script that leaves a trace when somebody runs it.
type canary struct{ script, trace string }

func newCanary(t testing.TB) canary {
	t.Helper()
	dir := t.TempDir()
	c := canary{filepath.Join(dir, "bird"), filepath.Join(dir, "dead")}
	text := "#!/bin/sh\ntouch '" + c.trace + "'\ncat\n"
	if err := os.WriteFile(c.script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c canary) alive(t testing.TB) {
	t.Helper()
	if _, err := os.Stat(c.trace); err == nil {
		t.Fatal("code of the repository was executed on the host")
	}
}

func TestBranch(t *testing.T) {
	t.Parallel()
	tests := []struct{ prompt, want string }{
		{"Fix the flaky test!", "honk/01A-fix-the-flaky-test"},
		{"", "honk/01A"},
		{"\n\x1b[31m@everyone [skip ci]\nCo-authored-by: x", "honk/01A-31m-everyone-skip-ci-co-authored-by-x"},
		{"Ä ö ü", "honk/01A"},
		{strings.Repeat("word ", 30), "honk/01A-word-word-word-word-word-word-word-word"},
		{strings.Repeat("x", 90), "honk/01A-" + strings.Repeat("x", 40)},
		{"../../etc/passwd.lock", "honk/01A-etc-passwd-lock"},
	}
	for _, tt := range tests {
		got := git.Branch("01A", tt.prompt)
		if got != tt.want {
			t.Errorf("Branch(%q) = %q, want %q", tt.prompt, got, tt.want)
		}
		if err := git.ValidRef(got); err != nil {
			t.Errorf("Branch(%q) is not a valid ref: %v", tt.prompt, err)
		}
	}
}

func TestValidRef(t *testing.T) {
	t.Parallel()
	for _, ref := range []string{"main", "v1.2.3", "feature/a_b+c,d#1", "@x", "release-1.x/fix@2"} {
		if err := git.ValidRef(ref); err != nil {
			t.Errorf("ValidRef(%q) = %v", ref, err)
		}
	}
	for _, ref := range []string{
		"", "-x", "--upload-pack=x", "a..b", "a//b", "a@{1}", "a.lock", "a.lock/b", "a.", "a/", "/a", ".a", "a/.b",
		"a b", "a\nb", "a~1", "a^", "a:b", "ü", "HEAD^{tree}",
	} {
		if err := git.ValidRef(ref); err == nil {
			t.Errorf("ValidRef(%q) passed", ref)
		}
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	g, dir := newGit(t), newRepo(t, map[string]string{"a/b/c": "x"})
	head := userGit(t, dir, "rev-parse", "HEAD")
	worktree := filepath.Join(t.TempDir(), "linked")
	userGit(t, dir, "worktree", "add", "-q", "-b", "side", worktree)
	bare := filepath.Join(t.TempDir(), "bare.git")
	userGit(t, dir, "clone", "-q", "--bare", dir, bare)

	tests := []struct {
		name, path string
		want       git.LocalInfo
	}{
		{"top", dir, git.LocalInfo{Top: dir, GitDir: dir + "/.git", Branch: "main", HeadSHA: head}},
		{"below", dir + "/a/b", git.LocalInfo{Top: dir, GitDir: dir + "/.git", Branch: "main", HeadSHA: head}},
		{"linked", worktree, git.LocalInfo{Top: worktree, GitDir: dir + "/.git/worktrees/linked", Branch: "side", HeadSHA: head}},
		{"bare", bare, git.LocalInfo{Top: bare, GitDir: bare, Bare: true, Branch: "main", HeadSHA: head}},
	}
	for _, tt := range tests {
		got, err := g.Resolve(t.Context(), tt.path)
		if err != nil || got != tt.want {
			t.Errorf("%s: got %+v, %v, want %+v", tt.name, got, err, tt.want)
		}
	}

	write(t, dir, map[string]string{"new": "1"})
	if got, err := g.Resolve(t.Context(), dir); err != nil || !got.Dirty {
		t.Errorf("untracked file: got %+v, %v, want dirty", got, err)
	}
	userGit(t, dir, "checkout", "-q", "--detach")
	if got, err := g.Resolve(t.Context(), dir); err != nil || got.Branch != "" {
		t.Errorf("detached: got %+v, %v, want no branch", got, err)
	}
}

func TestResolve_refused(t *testing.T) {
	t.Parallel()
	g := newGit(t)
	empty := t.TempDir()
	userGit(t, empty, "init", "-q")
	sha256 := t.TempDir()
	userGit(t, sha256, "init", "-q", "--object-format=sha256")
	other := newRepo(t, map[string]string{"secret": "x"})
	planted := t.TempDir()
	write(t, planted, map[string]string{".git": "gitdir: " + other + "/.git\n", "file": "x"})
	reftable := newRepo(t, nil)
	write(t, reftable, map[string]string{".git/reftable/tables.list": ""})

	for path, text := range map[string]string{
		t.TempDir(): "not in a git repository", empty: "no commit yet",
		sha256: "sha256", planted: "does not point back", reftable: "reftable",
	} {
		_, err := g.Resolve(t.Context(), path)
		wantCode(t, err, task.CodeInvalid, text)
	}
	_, err := g.Resolve(t.Context(), "/nonexistent")
	wantCode(t, err, task.CodeNotFound, "no directory")
	_, err = g.Checkout(t.Context(), at("/nonexistent"), "")
	wantCode(t, err, task.CodeInvalid, "not a directory")
}

func TestNew_missing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := git.New(git.Options{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	wantCode(t, err, task.CodeInvalid, "install git")
}

func TestHeader_redacted(t *testing.T) {
	t.Parallel()
	h := git.BasicAuth("x", "canary-token")
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "auth", h, "source", git.Source{Auth: h})
	text, _ := h.MarshalText()
	out.Write(text)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q"} {
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "auth", fmt.Sprintf(verb, h))
	}
	if s := out.String(); strings.Contains(s, "Basic") || strings.Contains(s, "canary") {
		t.Errorf("the header shows: %s", s)
	}
}
