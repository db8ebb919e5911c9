package git_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"honk/internal/git"
	"honk/internal/task"
)

// onto is a publication of one more commit on branch, with f as its content.
func onto(t testing.TB, g *git.Git, src git.Source, branch, f string) git.Publish {
	t.Helper()
	c := checkout(t, g, src, branch)
	if c.BaseRef != branch {
		t.Errorf("the base is %q, want %q", c.BaseRef, branch)
	}
	write(t, c.Dir, map[string]string{"f": f})
	pub := publication(src, c, patch(t, c))
	pub.Branch, pub.Onto = branch, true
	return pub
}

// places are where a branch is moved on: at a forge, and on this machine with
// the branch as a file and packed.
func places(t *testing.T, run func(t *testing.T, g *git.Git, repo string, src git.Source)) {
	t.Helper()
	for _, place := range []string{"remote", "local", "packed"} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			g, dir := newGit(t), newRepo(t, map[string]string{"f": "1\n"})
			userGit(t, dir, "branch", "honk/x")
			src := at(dir)
			switch place {
			case "remote":
				dir, src = newForge(t).serve(t, dir)
			case "packed":
				userGit(t, dir, "pack-refs", "--all")
			}
			run(t, g, dir, src)
		})
	}
}

func TestPublish_onto(t *testing.T) {
	t.Parallel()
	places(t, func(t *testing.T, g *git.Git, repo string, src git.Source) {
		pub := onto(t, g, src, "honk/x", "2\n")
		pr, err := g.Publish(t.Context(), pub)
		if err != nil {
			t.Fatal(err)
		}
		if got := userGit(t, repo, "log", "-1", "--format=%H %P", "honk/x"); got != pr.HeadSHA+" "+pub.Base {
			t.Errorf("the branch is at %q, want %q on %q", got, pr.HeadSHA, pub.Base)
		}
		if got := userGit(t, repo, "show", "honk/x:f"); got != "2" {
			t.Errorf("content: %q", got)
		}
		if got := userGit(t, repo, "rev-parse", "main"); got != pub.Base {
			t.Errorf("main is at %q", got)
		}
		userGit(t, repo, "fsck", "--full", "--strict")
		// Whoever crashed behind the push publishes again.
		again, err := g.Publish(t.Context(), pub)
		if err != nil || again != pr {
			t.Errorf("again: %+v, %v", again, err)
		}
		next := onto(t, g, src, "honk/x", "3\n")
		if next.Base != pr.HeadSHA {
			t.Errorf("the next change starts from %q, want %q", next.Base, pr.HeadSHA)
		}
		if _, err := g.Publish(t.Context(), next); err != nil {
			t.Error(err)
		}
	})
}

// commitTo puts a person's commit on a branch.
func commitTo(t testing.TB, repo, branch string) string {
	t.Helper()
	sha := userGit(t, repo, "commit-tree", "-p", branch, "-m", "by hand", branch+"^{tree}")
	userGit(t, repo, "update-ref", "refs/heads/"+branch, sha)
	return sha
}

func TestPublish_ontoMoved(t *testing.T) {
	t.Parallel()
	places(t, func(t *testing.T, g *git.Git, repo string, src git.Source) {
		pub := onto(t, g, src, "honk/x", "2\n")
		theirs := commitTo(t, repo, "honk/x")
		_, err := g.Publish(t.Context(), pub)
		wantCode(t, err, task.CodeConflict, "somebody pushed", "honk/x")
		if got := userGit(t, repo, "rev-parse", "honk/x"); got != theirs {
			t.Errorf("the branch is at %q, want %q", got, theirs)
		}
		userGit(t, repo, "branch", "-D", "honk/x")
		_, err = g.Publish(t.Context(), pub)
		wantCode(t, err, task.CodeConflict, "deleted")
	})
}

// Somebody pushes at the last moment: before git looks, and after.
func TestPublish_ontoRace(t *testing.T) {
	t.Parallel()
	for name, when := range map[string]func(*http.Request) bool{
		"before": func(r *http.Request) bool { return strings.Contains(r.URL.RawQuery, "git-receive-pack") },
		"after":  func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/git-receive-pack") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, f, dir := newGit(t), newForge(t), newRepo(t, map[string]string{"f": "1\n"})
			userGit(t, dir, "branch", "honk/x")
			bare, src := f.serve(t, dir)
			pub := onto(t, g, src, "honk/x", "2\n")
			var theirs string
			move := sync.OnceFunc(func() { theirs = commitTo(t, bare, "honk/x") })
			inner := f.Config.Handler
			f.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if when(r) {
					move()
				}
				inner.ServeHTTP(w, r)
			})
			_, err := g.Publish(t.Context(), pub)
			wantCode(t, err, task.CodeConflict, "somebody pushed", "honk/x")
			if got := userGit(t, bare, "rev-parse", "honk/x"); got != theirs || theirs == "" {
				t.Errorf("the branch is at %q, want %q", got, theirs)
			}
		})
	}
}

// A branch that somebody works on is not moved under their feet, nor is one
// that is a name for another.
func TestPublish_ontoBusy(t *testing.T) {
	t.Parallel()
	g, dir := newGit(t), newRepo(t, map[string]string{"f": "1\n"})
	_, err := g.Publish(t.Context(), onto(t, g, at(dir), "main", "2\n"))
	wantCode(t, err, task.CodeConflict, "checked out")
	userGit(t, dir, "worktree", "add", "-q", "-b", "side", filepath.Join(t.TempDir(), "side"))
	_, err = g.Publish(t.Context(), onto(t, g, at(dir), "side", "2\n"))
	wantCode(t, err, task.CodeConflict, "checked out")

	userGit(t, dir, "branch", "x")
	pub := onto(t, g, at(dir), "x", "2\n")
	userGit(t, dir, "symbolic-ref", "refs/heads/x", "refs/heads/main")
	_, err = g.Publish(t.Context(), pub)
	wantCode(t, err, task.CodeConflict, "a name for another")
	if left, _ := filepath.Glob(filepath.Join(dir, ".git/refs/heads/*.lock")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A few bytes of objects can stand for a disk full of files.
func TestCheckout_tooLarge(t *testing.T) {
	t.Parallel()
	const size = 3 << 20
	dir := newRepo(t, map[string]string{"huge": strings.Repeat("x", size), "small": strings.Repeat("y", size/2)})
	for name, tt := range map[string]struct {
		file, total int64
		want        string
	}{
		"fits":  {size, 2 * size, ""},
		"file":  {size - 1, 2 * size, "huge"},
		"total": {size, size, "Git LFS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			g := newGitAt(t, data)
			g.SetLimits(tt.file, tt.total)
			if tt.want == "" {
				checkout(t, g, at(dir), "")
				return
			}
			_, err := g.Checkout(t.Context(), at(dir), "")
			wantCode(t, err, task.CodeInvalid, tt.want, "MiB")
			if left, _ := os.ReadDir(filepath.Join(data, "tasks")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// A change that is made anew takes the place of the one before, and of nothing
// that somebody else has pushed.
func TestPublish_over(t *testing.T) {
	t.Parallel()
	places(t, func(t *testing.T, g *git.Git, repo string, src git.Source) {
		first, err := g.Publish(t.Context(), onto(t, g, src, "honk/x", "2\n"))
		if err != nil {
			t.Fatal(err)
		}
		moved := commitTo(t, repo, "main")
		pub := onto(t, g, src, "main", "3\n")
		pub.Branch, pub.Onto, pub.Over = "honk/x", false, first.HeadSHA
		for range 2 { // Whoever crashed behind the push publishes again.
			pr, err := g.Publish(t.Context(), pub)
			if err != nil {
				t.Fatal(err)
			}
			if got := userGit(t, repo, "log", "-1", "--format=%H %P", "honk/x"); got != pr.HeadSHA+" "+moved {
				t.Errorf("the branch is at %q, want %q on %q", got, pr.HeadSHA, moved)
			}
			if pr.HeadSHA == first.HeadSHA {
				t.Error("the branch is where it was")
			}
		}
		theirs := commitTo(t, repo, "honk/x")
		pub = onto(t, g, src, "main", "4\n")
		pub.Branch, pub.Onto, pub.Over = "honk/x", false, first.HeadSHA
		_, err = g.Publish(t.Context(), pub)
		wantCode(t, err, task.CodeConflict, "somebody pushed", "honk/x")
		if got := userGit(t, repo, "rev-parse", "honk/x"); got != theirs {
			t.Errorf("the branch is at %q, want %q", got, theirs)
		}
	})
}
