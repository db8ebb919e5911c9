// Package lookup is how repositories are found on a forge: the part of the
// REST API that searches them, follows them where they moved, and lists what
// is in them and what their branches require.
package lookup

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"honk/integrations/github/githubtest/record"
	"honk/integrations/github/githubtest/rest"
	"honk/integrations/github/githubtest/world"
	"honk/internal/git/command"
	"honk/internal/task"
)

// maxHits is how many hits of a search GitHub shows.
const maxHits = 1000

// Server serves lookups and hands other requests on. It is safe for concurrent
// use.
type Server struct {
	world  *world.World
	tokens *rest.Tokens
	dir    string
	binary string
	next   http.Handler
	mux    *http.ServeMux

	mu         sync.Mutex
	cap        int
	incomplete int
	maxTree    int
}

// New returns the Server of a world whose git repositories are below a
// directory.
func New(w *world.World, tokens *rest.Tokens, dir string, next http.Handler) (*Server, error) {
	binary, err := exec.LookPath("git")
	if err != nil {
		return nil, fmt.Errorf("finding git: %w", err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("resolving %q: %w", dir, err)
	}
	s := &Server{
		world: w, tokens: tokens, dir: dir, binary: binary, next: next, mux: http.NewServeMux(), cap: maxHits, maxTree: 100_000,
	}
	s.mux.HandleFunc("GET /api/v3/search/repositories", s.search)
	s.mux.HandleFunc("GET /api/v3/repos/{owner}/{repo}/git/trees/{sha}", s.inRepo("contents:read", s.tree))
	s.mux.HandleFunc("GET /api/v3/repos/{owner}/{repo}/rules/branches/{branch...}", s.inRepo("metadata:read", s.rules))
	s.mux.Handle("/", next)
	return s, nil
}

// SetCap says how many hits of a search are shown, in place of a thousand.
func (s *Server) SetCap(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cap = n
}

// SetIncomplete makes the next n searches end before they have looked
// everywhere.
func (s *Server) SetIncomplete(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.incomplete = n
}

// SetMaxTree says how many entries of a tree are listed.
func (s *Server) SetMaxTree(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.maxTree = n
}

// Move renames a repository, or gives it to another owner, as its owner. Git
// finds it under both names.
func (s *Server) Move(from, to string) error {
	s.world.Lock()
	defer s.world.Unlock()
	r, err := s.world.Repo(from)
	if err != nil {
		return err
	}
	old := s.path(r)
	if err := s.world.Move(world.By{User: r.Owner}, r, to); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.path(r)), 0o700); err != nil {
		return fmt.Errorf("moving a repository: %w", err)
	}
	if err := os.Symlink(old, s.path(r)); err != nil {
		return fmt.Errorf("moving a repository: %w", err)
	}
	return nil
}

func (s *Server) path(r *record.Repo) string {
	return filepath.Join(s.dir, filepath.FromSlash(r.FullName())+".git")
}

// Require lets nothing into a branch without these checks.
func (s *Server) Require(repo, branch string, checks ...string) error {
	s.world.Lock()
	defer s.world.Unlock()
	r, err := s.world.Repo(repo)
	if err != nil {
		return err
	}
	if r.Required == nil {
		r.Required = map[string][]string{}
	}
	r.Required[branch] = checks
	return nil
}

// SetUndecided makes it unknown whether a pull request is mergeable or, with
// false, known again.
func (s *Server) SetUndecided(repo string, number int, undecided bool) error {
	s.world.Lock()
	defer s.world.Unlock()
	_, i, err := s.world.Issue(repo, number)
	if err != nil {
		return err
	}
	if i.Pull == nil {
		return task.Errorf(task.CodeInvalid, "%s#%d is no pull request", repo, number)
	}
	i.Pull.Undecided = undecided
	return nil
}

// ServeHTTP serves a request, after a look whether its repository has moved.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	if rest, ok := strings.CutPrefix(path, "/api/v3/repos/"); ok {
		if to := s.moved(rest, r.URL.RawQuery); to != "" {
			w.Header().Set("Location", to)
			answer(w, http.StatusMovedPermanently, record.Object{
				"message": "Moved Permanently", "url": to, "documentation_url": "https://docs.github.com/rest",
			})
			return
		}
	}
	if rest, ok := strings.CutPrefix(path, "/api/v3/repositories/"); ok {
		id, path, deeper := strings.Cut(rest, "/")
		name := s.named(id)
		if deeper {
			path = "/" + path
		}
		plain, err := url.PathUnescape(path)
		if name == "" || err != nil {
			refuse(w, http.StatusNotFound, "Not Found")
			return
		}
		r = r.Clone(r.Context())
		r.URL.Path, r.URL.RawPath = "/api/v3/repos/"+name+plain, "/api/v3/repos/"+name+path
	}
	s.mux.ServeHTTP(w, r)
}

// moved returns where a request for a repository goes that has moved, or "".
func (s *Server) moved(path, query string) string {
	parts := strings.SplitN(path, "/", 3)
	if len(parts) < 2 {
		return ""
	}
	s.world.Lock()
	defer s.world.Unlock()
	r, err := s.world.Repo(parts[0] + "/" + parts[1])
	if err != nil || strings.EqualFold(r.FullName(), parts[0]+"/"+parts[1]) {
		return ""
	}
	to := s.world.Site.API("/repositories/%d", r.ID)
	if len(parts) == 3 {
		to += "/" + parts[2]
	}
	if query != "" {
		to += "?" + query
	}
	return to
}

// named returns the name of the repository with a number.
func (s *Server) named(id string) string {
	s.world.Lock()
	defer s.world.Unlock()
	for _, r := range s.world.Repos {
		if strconv.FormatInt(r.ID, 10) == id {
			return r.FullName()
		}
	}
	return ""
}

// token finds who asks, or says no. The world's lock is held.
func (s *Server) token(w http.ResponseWriter, r *http.Request) *rest.Token {
	_, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	t := s.tokens.Find(strings.TrimSpace(secret), s.world.Now())
	switch {
	case t == nil:
		refuse(w, http.StatusUnauthorized, "Bad credentials")
		return nil
	case t.Suspended():
		refuse(w, http.StatusForbidden, "This installation has been suspended")
		return nil
	}
	return t
}

// inRepo finds the repository of a request, if its token reaches it and holds
// the permission. The world's lock is held during the operation.
func (s *Server) inRepo(need string, do func(http.ResponseWriter, *http.Request, *record.Repo)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.world.Lock()
		defer s.world.Unlock()
		t := s.token(w, r)
		if t == nil {
			return
		}
		repo, err := s.world.Repo(r.PathValue("owner") + "/" + r.PathValue("repo"))
		switch {
		case err != nil, !t.Reaches(repo) && repo.Private:
			refuse(w, http.StatusNotFound, "Not Found")
		case !t.Reaches(repo), !t.Permissions.Allows(need):
			refuse(w, http.StatusForbidden, "Resource not accessible by integration")
		default:
			do(w, r, repo)
		}
	}
}

// tree lists what is in a commit or tree.
func (s *Server) tree(w http.ResponseWriter, r *http.Request, repo *record.Repo) {
	args := []string{"ls-tree", "-z", "-l", "--full-tree"}
	if r.URL.Query().Get("recursive") != "" {
		args = append(args, "-r", "-t")
	}
	sha := repo.Git.Resolve(r.Context(), r.PathValue("sha"))
	if sha == "" {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	git := command.Repo{Binary: s.binary, Dir: s.path(repo)}
	out, err := git.Run(r.Context(), command.Command{Args: append(args, sha)})
	if err != nil {
		refuse(w, http.StatusInternalServerError, task.Errorf(task.CodeInternal, "listing a tree: %w", err).Message)
		return
	}
	s.mu.Lock()
	most := s.maxTree
	s.mu.Unlock()
	entries, truncated := []record.Object{}, false
	for line := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		meta, path, ok := strings.Cut(line, "\t")
		part := strings.Fields(meta)
		if !ok || len(part) != 4 {
			continue
		}
		if truncated = len(entries) == most; truncated {
			break
		}
		e := record.Object{"path": path, "mode": part[0], "type": part[1], "sha": part[2]}
		if kind := map[string]string{"blob": "blobs", "tree": "trees"}[part[1]]; kind != "" {
			e["url"] = s.world.Site.API("/repos/%s/git/%s/%s", repo.FullName(), kind, part[2])
		}
		if size, err := strconv.Atoi(part[3]); err == nil {
			e["size"] = size
		}
		entries = append(entries, e)
	}
	answer(w, http.StatusOK, record.Object{
		"sha": sha, "url": s.world.Site.API("/repos/%s/git/trees/%s", repo.FullName(), sha), "tree": entries,
		"truncated": truncated,
	})
}

// rules says that no rule is about a branch: what it requires is told with the
// branch itself.
func (s *Server) rules(w http.ResponseWriter, _ *http.Request, _ *record.Repo) {
	answer(w, http.StatusOK, []record.Object{})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client has gone
}

func refuse(w http.ResponseWriter, status int, message string) {
	answer(w, status, record.Object{
		"message": message, "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status),
	})
}
