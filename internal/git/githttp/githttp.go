// Package githttp serves bare repositories over git's smart HTTP protocol, and
// changes and reads them the way a forge does. It is for demonstrations and
// tests: the repositories are our own.
package githttp

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cgi"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// name is what an owner or a repository may be called.
var name = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

// protocol is the only form of a Git-Protocol header that reaches git.
var protocol = regexp.MustCompile(`^version=[0-9]$`)

// Options configures a Handler.
type Options struct {
	// Root is the directory that holds owner/name.git. Required.
	Root string
	// AuthFunc decides about a request for the repository owner/name; push
	// says whether it wants to write. It returns an HTTP status: 0 or 200
	// lets the request through. Nil lets everything through.
	AuthFunc func(r *http.Request, repo string, push bool) int
	// CheckFunc is asked about each pushed ref after its objects have
	// arrived. What it returns is the reason to refuse it, and the ref goes
	// back to where it was; empty accepts. Optional.
	CheckFunc func(ctx context.Context, r *http.Request, repo string, change Change) string
	// PushedFunc is told about the refs that a push changed, before the
	// client hears of it. Optional.
	PushedFunc func(ctx context.Context, r *http.Request, repo string, changes []Change)
	// Lock is held while a push runs, CheckFunc and PushedFunc included, so
	// that nobody else moves refs meanwhile. Nil lets one push run at a time.
	Lock sync.Locker
}

// Change is a ref that moved. An empty Old is a new ref, an empty New a
// deleted one.
type Change struct {
	Ref, Old, New string
}

// Handler serves the repositories below a directory. It is safe for
// concurrent use.
type Handler struct {
	opts   Options
	binary string
}

// New returns a Handler.
func New(opts Options) (*Handler, error) {
	binary, err := exec.LookPath("git")
	if err != nil {
		return nil, fmt.Errorf("finding git: %w", err)
	}
	if opts.Root, err = filepath.Abs(opts.Root); err != nil {
		return nil, fmt.Errorf("resolving %q: %w", opts.Root, err)
	}
	if opts.Lock == nil {
		opts.Lock = &sync.Mutex{}
	}
	return &Handler{opts: opts, binary: binary}, nil
}

// Repo returns the repository owner/name below the root, which need not exist.
func (h *Handler) Repo(repo string) *Repo {
	return open(h.binary, filepath.Join(h.opts.Root, filepath.FromSlash(repo)+".git"))
}

// ServeHTTP serves /owner/name.git/ with fetch and push.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	repo, action, ok := split(r.URL.Path)
	if !ok || !h.Repo(repo).exists() {
		http.Error(w, "repository not found", http.StatusNotFound)
		return
	}
	push := action == "git-receive-pack" ||
		action == "info/refs" && r.URL.Query().Get("service") == "git-receive-pack"
	if h.opts.AuthFunc != nil {
		if status := h.opts.AuthFunc(r, repo, push); status != 0 && status != http.StatusOK {
			if status == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			}
			http.Error(w, http.StatusText(status), status)
			return
		}
	}
	if action == "git-receive-pack" {
		h.push(w, r, repo)
		return
	}
	h.backend(r).ServeHTTP(w, r)
}

// split takes a path apart. Nothing but the three smart paths is served.
func split(path string) (repo, action string, ok bool) {
	parts := strings.SplitN(strings.TrimPrefix(path, "/"), "/", 3)
	if len(parts) != 3 {
		return "", "", false
	}
	short, found := strings.CutSuffix(parts[1], ".git")
	if !found {
		short = parts[1]
	}
	if !name.MatchString(parts[0]) || !name.MatchString(short) {
		return "", "", false
	}
	switch parts[2] {
	case "info/refs", "git-upload-pack", "git-receive-pack":
		return parts[0] + "/" + short, parts[2], true
	}
	return "", "", false
}

// settings are what git is told about every repository.
var settings = []string{
	"core.hooksPath=/dev/null", "core.fsmonitor=false", "core.attributesFile=/dev/null", "gc.auto=0",
	"maintenance.auto=false", "http.receivepack=true", "http.uploadpack=true", "http.getanyfile=false",
	"uploadpack.allowFilter=true", "uploadpack.allowAnySHA1InWant=true", "receive.autogc=false",
	"receive.denyDeleteCurrent=true", "safe.directory=*", "core.fsync=none",
}

// backend is git's own server for one request.
func (h *Handler) backend(r *http.Request) http.Handler {
	env := []string{
		"GIT_PROJECT_ROOT=" + h.opts.Root, "GIT_HTTP_EXPORT_ALL=1", "HOME=/nonexistent", "LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1",
		"GIT_NO_REPLACE_OBJECTS=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_CONFIG_COUNT=" + strconv.Itoa(len(settings)),
	}
	for i, s := range settings {
		key, value, _ := strings.Cut(s, "=")
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, key), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, value))
	}
	if version := r.Header.Get("Git-Protocol"); protocol.MatchString(version) {
		env = append(env, "GIT_PROTOCOL="+version)
	}
	return withLength(&pathHandler{inner: &cgi.Handler{
		Path: h.binary, Args: []string{"http-backend"}, Dir: h.opts.Root, Env: env, Stderr: &discard{},
	}})
}
