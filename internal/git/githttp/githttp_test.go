package githttp_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"honk/internal/git/githttp"
)

// forge is a served repository acme/api and what its functions were told.
type forge struct {
	*githttp.Handler
	url     string
	changes []githttp.Change
}

func newForge(t *testing.T) *forge {
	t.Helper()
	f := &forge{}
	var err error
	f.Handler, err = githttp.New(githttp.Options{
		Root: t.TempDir(),
		AuthFunc: func(r *http.Request, repo string, push bool) int {
			if repo != "acme/api" {
				return http.StatusNotFound
			}
			_, token, ok := r.BasicAuth()
			switch {
			case !ok || token != "read" && token != "write":
				return http.StatusUnauthorized
			case push && token != "write":
				return http.StatusForbidden
			}
			return 0
		},
		CheckFunc: func(_ context.Context, _ *http.Request, _ string, c githttp.Change) string {
			if strings.Contains(c.Ref, "bad") {
				return "refusing that name"
			}
			return ""
		},
		PushedFunc: func(_ context.Context, _ *http.Request, _ string, changes []githttp.Change) {
			f.changes = append(f.changes, changes...)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.url = server.URL
	if err := f.Repo("acme/api").Create("main"); err != nil {
		t.Fatal(err)
	}
	f.commit(t, "main", map[string]string{"README.md": "# api\n", "cmd/x.go": "package x\n"})
	return f
}

func (f *forge) commit(t *testing.T, branch string, files map[string]string) string {
	t.Helper()
	raw := map[string][]byte{}
	for name, content := range files {
		raw[name] = []byte(content)
	}
	sha, err := f.Repo("acme/api").Commit(t.Context(), githttp.Commit{
		Branch: branch, From: map[bool]string{true: "", false: "main"}[branch == "main"], Message: "change " + branch, Files: raw,
		Author: githttp.Signature{Name: "Ann", Email: "ann@example.com", When: time.Unix(1_700_000_000, 0)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return sha
}

func (f *forge) remote(token string) string {
	return strings.Replace(f.url, "http://", "http://x-access-token:"+token+"@", 1) + "/acme/api.git"
}

func git(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_TERMINAL_PROMPT=0", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b",
	}
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func mustGit(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := git(t, dir, args...)
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return out
}

func TestHandler_fetch(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	for name, args := range map[string][]string{
		"full":     nil,
		"shallow":  {"--depth", "1"},
		"blobless": {"--filter=blob:none"},
		"v0":       {"-c", "protocol.version=0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			mustGit(t, dir, append(append([]string{"clone", "-q"}, args...), f.remote("read"), "c")...)
			raw, err := os.ReadFile(filepath.Join(dir, "c", "README.md"))
			if err != nil || string(raw) != "# api\n" {
				t.Errorf("got %q, %v", raw, err)
			}
		})
	}
}

func TestHandler_refused(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	dir := t.TempDir()
	if out, err := git(t, dir, "clone", f.remote("wrong"), "c"); err == nil || !strings.Contains(out, "Authentication failed") {
		t.Errorf("a wrong token: %v: %s", err, out)
	}
	mustGit(t, dir, "clone", "-q", f.remote("read"), "c")
	clone := filepath.Join(dir, "c")
	mustGit(t, clone, "commit", "-q", "--allow-empty", "-m", "x")
	if out, err := git(t, clone, "push", "origin", "HEAD:refs/heads/x"); err == nil || !strings.Contains(out, "403") {
		t.Errorf("a token that only reads: %v: %s", err, out)
	}
	for _, path := range []string{
		"/acme/api.git/config", "/acme/api.git/HEAD", "/acme/../etc/info/refs", "/acme/other.git/info/refs",
		"/acme/api.git/objects/info/packs", "/acme/%2e%2e/info/refs",
	} {
		w := httptest.NewRecorder()
		f.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Code != http.StatusNotFound {
			t.Errorf("%s: got %d", path, w.Code)
		}
	}
}

func TestHandler_push(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	dir := t.TempDir()
	mustGit(t, dir, "clone", "-q", f.remote("write"), "c")
	clone := filepath.Join(dir, "c")
	// More than http.postBuffer, so that the request comes in chunks.
	noise := make([]byte, 3<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	if err := os.WriteFile(filepath.Join(clone, "noise"), noise, 0o644); err != nil {
		t.Fatal(err)
	}
	mustGit(t, clone, "add", "noise")
	mustGit(t, clone, "commit", "-q", "-m", "noise")
	out, err := git(t, clone, "push", "origin", "HEAD:refs/heads/good", "HEAD:refs/heads/bad")
	if err == nil || !strings.Contains(out, "refusing that name") || !strings.Contains(out, "HEAD -> good") {
		t.Errorf("got %v: %s", err, out)
	}
	head := mustGit(t, clone, "rev-parse", "HEAD")
	refs, err := f.Repo("acme/api").Refs(t.Context())
	if err != nil || refs["refs/heads/good"] != head || refs["refs/heads/bad"] != "" {
		t.Errorf("got %v, %v", refs, err)
	}
	if len(f.changes) != 1 || f.changes[0] != (githttp.Change{Ref: "refs/heads/good", New: head}) {
		t.Errorf("told of %v", f.changes)
	}
	content, _, err := f.Repo("acme/api").Read(t.Context(), "refs/heads/good", "noise")
	if err != nil || !bytes.Equal(content, noise) {
		t.Errorf("got %d bytes, %v", len(content), err)
	}
	mustGit(t, clone, "push", "-q", "origin", ":good")
	if last := f.changes[len(f.changes)-1]; last.New != "" || last.Old != head {
		t.Errorf("told of %v", last)
	}
}

func TestRepo_history(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	r, ctx := f.Repo("acme/api"), t.Context()
	main := r.Resolve(ctx, "main")
	head := f.commit(t, "side", map[string]string{"README.md": "# api\nmore\n", "new": "1\n"})
	files, err := r.Files(ctx, main, head)
	if err != nil || len(files) != 2 {
		t.Fatalf("got %v, %v", files, err)
	}
	want := githttp.File{
		Path: "README.md", Status: "modified", SHA: files[0].SHA, Additions: 1, Patch: "@@ -1 +1,2 @@\n # api\n+more",
	}
	if files[0] != want {
		t.Errorf("got %+v, want %+v", files[0], want)
	}
	log, err := r.Log(ctx, main, head)
	if err != nil || len(log) != 1 || log[0].Message != "change side" || log[0].Author.Name != "Ann" || log[0].Parents[0] != main {
		t.Errorf("got %+v, %v", log, err)
	}
	by := githttp.Signature{Name: "Bea", Email: "bea@example.com", When: time.Unix(1_700_000_100, 0)}
	merged, err := r.Merge(ctx, main, head, by, "Merge side")
	if err != nil || !r.Contains(ctx, merged, head) || r.Contains(ctx, main, head) {
		t.Errorf("got %q, %v", merged, err)
	}
	f.commit(t, "main", map[string]string{"README.md": "# other\n"})
	if _, err := r.Merge(ctx, "main", head, by, "x"); err == nil {
		t.Error("merged what conflicts")
	}
	names, err := r.Names(ctx, head, "")
	if err != nil || strings.Join(names, " ") != "README.md cmd/ new" {
		t.Errorf("got %v, %v", names, err)
	}
	if got := r.Resolve(ctx, "--all"); got != "" {
		t.Errorf("got %q", got)
	}
}
