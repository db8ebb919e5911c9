package git_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"honk/internal/git"
	"honk/internal/task"
)

const token = "ghs_123_canary.token"

// forge serves bare repositories by smart HTTP to whoever has the token.
type forge struct {
	*httptest.Server
	root string
	mu   sync.Mutex
	seen []string // the paths that came with the token
}

func newForge(t testing.TB) *forge {
	t.Helper()
	f := &forge{root: t.TempDir()}
	exe, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{
		Path: exe, Args: []string{"http-backend"},
		Env: []string{"GIT_PROJECT_ROOT=" + f.root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null"},
	}
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("x-access-token:"+token))
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != want {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		f.mu.Lock()
		f.seen = append(f.seen, r.URL.Path+"?"+r.URL.RawQuery)
		f.mu.Unlock()
		r.Header.Set("Remote-User", "honk")
		backend.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

// serve puts a bare clone of dir on the forge.
func (f *forge) serve(t testing.TB, dir string) (bare string, src git.Source) {
	t.Helper()
	bare = filepath.Join(f.root, "acme", "api.git")
	userGit(t, dir, "clone", "-q", "--bare", dir, bare)
	userGit(t, bare, "config", "http.receivepack", "true")
	return bare, git.Source{
		Repo: task.Repo{Host: "forge.test", Owner: "acme", Name: "api", URL: f.URL + "/acme/api.git"},
		Auth: git.BasicAuth("x-access-token", token),
	}
}

func TestRemote(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	g, f, dir := newGitAt(t, data), newForge(t), newRepo(t, map[string]string{"f": "1\n"})
	userGit(t, dir, "tag", "-a", "v1", "-m", "v1")
	bare, src := f.serve(t, dir)
	c := checkout(t, g, src, "")
	if c.BaseRef != "main" || read(t, filepath.Join(c.Dir, "f")) != "1\n" {
		t.Errorf("got %q", c.BaseRef)
	}
	first := c.BaseSHA
	// The remote moves on; the task publishes on the base it was given.
	write(t, c.Dir, map[string]string{"f": "2\n"})
	pub := publication(src, c, patch(t, c))
	write(t, dir, map[string]string{"g": "1\n"})
	userGit(t, dir, "add", "-A")
	userGit(t, dir, "commit", "-q", "-m", "second")
	userGit(t, dir, "push", "-q", bare, "main")
	pr, err := g.Publish(t.Context(), pub)
	if err != nil {
		t.Fatal(err)
	}
	if got := userGit(t, bare, "for-each-ref", "--format=%(refname)"); got !=
		"refs/heads/"+pub.Branch+"\nrefs/heads/main\nrefs/tags/v1" {
		t.Errorf("refs: %s", got)
	}
	if got := userGit(t, bare, "log", "-1", "--format=%H %P", pub.Branch); got != pr.HeadSHA+" "+first {
		t.Errorf("got %q", got)
	}
	if again, err := g.Publish(t.Context(), pub); err != nil || again != pr {
		t.Errorf("again: %+v, %v", again, err)
	}
	write(t, c.Dir, map[string]string{"f": "3\n"})
	_, err = g.Publish(t.Context(), publication(src, c, patch(t, c)))
	wantCode(t, err, task.CodeConflict, pub.Branch)

	for ref, want := range map[string]string{"": "1\n", "main": "1\n", "v1": "", first: ""} {
		c := checkout(t, g, src, ref)
		got, _ := os.ReadFile(filepath.Join(c.Dir, "g"))
		if string(got) != want {
			t.Errorf("ref %q: got %q, want %q", ref, got, want)
		}
	}
	_, err = g.Checkout(t.Context(), src, "nope")
	wantCode(t, err, task.CodeNotFound, "nope", "acme/api")
	_, err = g.Checkout(t.Context(), src, strings.Repeat("1", 40))
	wantCode(t, err, task.CodeNotFound)
	noToken(t, data)
}

// noToken makes sure that a token was written nowhere.
func noToken(t testing.TB, dir string) {
	t.Helper()
	encoded := base64.StdEncoding.EncodeToString([]byte("x-access-token:" + token))
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if s := read(t, path); strings.Contains(s, token) || strings.Contains(s, encoded) {
				t.Errorf("%s holds the token", path)
			}
		}
		return nil
	})
}

// A broken mirror is replaced without anybody noticing.
func TestRemote_brokenMirror(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	g, f, dir := newGitAt(t, data), newForge(t), newRepo(t, map[string]string{"f": "1\n"})
	_, src := f.serve(t, dir)
	checkout(t, g, src, "")
	mirror := filepath.Join(data, "mirrors/forge.test/acme/api.git")
	for _, spoil := range []func(){
		func() { remove(t, mirror, "objects/pack"); remove(t, data, "bases"); mkdir(t, data, "bases") },
		func() { remove(t, mirror, "HEAD") },
		func() { write(t, mirror, map[string]string{"config": "[core"}) },
		func() {
			remove(t, filepath.Dir(mirror), "api.git")
			write(t, filepath.Dir(mirror), map[string]string{"api.git": "a file"})
		},
	} {
		spoil()
		if got := read(t, filepath.Join(checkout(t, g, src, "main").Dir, "f")); got != "1\n" {
			t.Errorf("got %q", got)
		}
	}
}

func mkdir(t testing.TB, dir, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
		t.Fatal(err)
	}
}

// Many tasks of one repository share the mirror.
func TestRemote_concurrent(t *testing.T) {
	t.Parallel()
	g, f, dir := newGit(t), newForge(t), newRepo(t, map[string]string{"f": "1\n"})
	_, src := f.serve(t, dir)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			c, err := g.Checkout(t.Context(), src, "main")
			if err != nil {
				t.Error(err)
				return
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// Attack 21: the token goes to the URL it is for and nowhere else.
func TestRemote_tokenStays(t *testing.T) {
	t.Parallel()
	g := newGit(t)
	var mu sync.Mutex
	var leaked []string
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		for name, values := range r.Header {
			if strings.Contains(fmt.Sprint(values), "Basic") {
				leaked = append(leaked, name)
			}
		}
		http.Error(w, "thanks "+strings.Repeat("\x1b[31m", 3), http.StatusTeapot)
	}))
	defer thief.Close()
	taken := func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(leaked)
	}
	moved := httptest.NewServer(http.RedirectHandler(thief.URL+"/acme/api.git/info/refs?service=git-upload-pack", http.StatusMovedPermanently))
	defer moved.Close()
	for _, url := range []string{moved.URL, thief.URL} {
		src := git.Source{
			Repo: task.Repo{Host: "forge.test", Owner: "acme", Name: "api", URL: url + "/acme/api.git"},
			Auth: git.BasicAuth("x", token),
		}
		_, err := g.Checkout(t.Context(), src, "")
		if err == nil {
			t.Fatal("fetched from nothing")
		}
		if strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "Basic ") || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("the error shows too much: %q", err)
		}
		if got := taken(); url == moved.URL && len(got) > 0 {
			t.Errorf("a redirect carried the token in %v", got)
		}
	}
	if len(taken()) == 0 {
		t.Error("the token was not sent where it belongs: the test shows nothing")
	}
}

func TestRemote_refused(t *testing.T) {
	t.Parallel()
	g, f, dir := newGit(t), newForge(t), newRepo(t, map[string]string{"f": "1\n"})
	bird := newCanary(t)
	_, src := f.serve(t, dir)

	without := src
	without.Auth = git.Header{}
	_, err := g.Checkout(t.Context(), without, "")
	wantCode(t, err, task.CodeForbidden, "token")
	missing := src
	missing.Repo.URL = f.URL + "/acme/none.git"
	_, err = g.Checkout(t.Context(), missing, "")
	wantCode(t, err, task.CodeNotFound, "no repository")

	for url, code := range map[string]task.Code{
		"file://" + dir: task.CodeForbidden, "http://forge.example/x.git": task.CodeForbidden,
		"ssh://x/y": task.CodeForbidden, "ext::" + bird.script: task.CodeForbidden, "git://x/y": task.CodeForbidden,
		"https://user:pw@x/y": task.CodeInvalid, "relative/path": task.CodeInvalid, "-x": task.CodeInvalid, "": task.CodeInvalid,
		"https://x/y\n": task.CodeInvalid,
	} {
		bad := src
		bad.Repo.URL = url
		_, err := g.Checkout(t.Context(), bad, "")
		wantCode(t, err, code)
		if strings.Contains(err.Error(), "pw") {
			t.Errorf("%q shows the password: %v", url, err)
		}
	}
	for _, name := range []string{"../../x", "..", "", "a b", ".x", "-x"} {
		bad := src
		bad.Repo.Name = name
		_, err := g.Checkout(t.Context(), bad, "")
		wantCode(t, err, task.CodeInvalid)
	}
	bird.alive(t)

	leave := src
	leave.Repo.URL, leave.Protocols = "file://"+dir, []string{"file"}
	checkout(t, g, leave, "main")
}

// A command whose caller gives up ends at once, with all its children.
func TestRemote_cancelled(t *testing.T) {
	t.Parallel()
	g := newGit(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stuck := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	defer stuck.Close()
	src := git.Source{Repo: task.Repo{Host: "h", Owner: "o", Name: "n", URL: stuck.URL + "/x.git"}}
	if _, err := g.Checkout(ctx, src, ""); err == nil || ctx.Err() == nil {
		t.Errorf("got %v, want an end by cancellation", err)
	}
}

// TestRemote_outage has the forge fail: that is no reason to fetch everything
// anew, and it passes.
func TestRemote_outage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		path   string
		want   task.Code
	}{
		{http.StatusBadGateway, "/info/refs", task.CodeUnavailable},
		{http.StatusBadGateway, "/git-upload-pack", task.CodeUnavailable},
		{http.StatusServiceUnavailable, "/git-upload-pack", task.CodeUnavailable},
		{http.StatusTooManyRequests, "/info/refs", task.CodeRateLimited},
		{http.StatusTooManyRequests, "/git-upload-pack", task.CodeRateLimited},
		{0, "/info/refs", task.CodeUnavailable},
		{0, "/git-upload-pack", task.CodeUnavailable},
	} {
		t.Run(fmt.Sprintf("%d at %s", tt.status, tt.path), func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			g, f, dir := newGitAt(t, data), newForge(t), newRepo(t, map[string]string{"f": "1\n"})
			_, src := f.serve(t, dir)
			checkout(t, g, src, "")
			mirrors, err := filepath.Glob(filepath.Join(data, "mirrors", "*", "*", "*.git"))
			if err != nil || len(mirrors) != 1 {
				t.Fatalf("mirrors %q, %v", mirrors, err)
			}
			kept := filepath.Join(mirrors[0], "kept")
			write(t, mirrors[0], map[string]string{"kept": ""})
			front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case !strings.HasSuffix(r.URL.Path, tt.path):
					f.Config.Handler.ServeHTTP(w, r)
				case tt.status == 0:
					panic(http.ErrAbortHandler)
				default:
					w.WriteHeader(tt.status)
				}
			}))
			t.Cleanup(front.Close)
			src.Repo.URL = strings.Replace(src.Repo.URL, f.URL, front.URL, 1)
			if _, err := g.Checkout(t.Context(), src, ""); task.CodeOf(err) != tt.want {
				t.Errorf("Checkout() = %v, want code %q", err, tt.want)
			}
			if _, err := os.Stat(kept); err != nil {
				t.Errorf("the mirror was made anew: %v", err)
			}
		})
	}
}

// TestRemote_answerLost has the forge take a push and lose the answer. Git
// sends such a push again by itself, and is told that the branch exists.
func TestRemote_answerLost(t *testing.T) {
	t.Parallel()
	for _, status := range []int{0, http.StatusBadGateway} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			g, f, dir := newGitAt(t, t.TempDir()), newForge(t), newRepo(t, map[string]string{"f": "1\n"})
			bare, src := f.serve(t, dir)
			c := checkout(t, g, src, "")
			write(t, c.Dir, map[string]string{"f": "2\n"})
			var lost atomic.Bool
			front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/git-receive-pack") || lost.Swap(true) {
					f.Config.Handler.ServeHTTP(w, r)
					return
				}
				f.Config.Handler.ServeHTTP(httptest.NewRecorder(), r)
				if status == 0 {
					panic(http.ErrAbortHandler)
				}
				w.WriteHeader(status)
			}))
			t.Cleanup(front.Close)
			src.Repo.URL = strings.Replace(src.Repo.URL, f.URL, front.URL, 1)
			pub := publication(src, c, patch(t, c))
			pr, err := g.Publish(t.Context(), pub)
			if err != nil || !lost.Load() {
				t.Fatalf("Publish() = %v, an answer was lost: %t", err, lost.Load())
			}
			if got := userGit(t, bare, "rev-parse", pub.Branch); strings.TrimSpace(got) != pr.HeadSHA {
				t.Errorf("the branch is at %s, want %s", got, pr.HeadSHA)
			}
		})
	}
}

// TestRemote_answerAndLookLost loses the answer to a push, and then the one to
// the look at what became of it. Nobody knows, so it is no conflict: the next
// try finds the branch and is content.
func TestRemote_answerAndLookLost(t *testing.T) {
	t.Parallel()
	g, f, dir := newGitAt(t, t.TempDir()), newForge(t), newRepo(t, map[string]string{"f": "1\n"})
	bare, src := f.serve(t, dir)
	c := checkout(t, g, src, "")
	write(t, c.Dir, map[string]string{"f": "2\n"})
	var pushed, away atomic.Bool
	away.Store(true)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		push := strings.HasSuffix(r.URL.Path, "/git-receive-pack") || r.URL.Query().Get("service") == "git-receive-pack"
		switch {
		case push && r.Method == http.MethodPost && !pushed.Swap(true):
			f.Config.Handler.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		case !push && pushed.Load() && away.Load():
			w.WriteHeader(http.StatusBadGateway)
		default:
			f.Config.Handler.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(front.Close)
	src.Repo.URL = strings.Replace(src.Repo.URL, f.URL, front.URL, 1)
	pub := publication(src, c, patch(t, c))
	if _, err := g.Publish(t.Context(), pub); task.CodeOf(err) != task.CodeUnavailable || !pushed.Load() {
		t.Fatalf("Publish() = %v, want code %q after a push: %t", err, task.CodeUnavailable, pushed.Load())
	}
	away.Store(false)
	pub.When = pub.When.Add(time.Hour) // another commit of the same tree
	pr, err := g.Publish(t.Context(), pub)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(userGit(t, bare, "rev-parse", pub.Branch)); got != pr.HeadSHA {
		t.Errorf("the branch is at %s, the result says %s", got, pr.HeadSHA)
	}
}
