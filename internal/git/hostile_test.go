package git_test

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"honk/internal/task"
)

// within fails the test when f takes longer than a host may wait for a tree.
func within(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the host still waits for the work tree")
	}
}

// Ignore rules cost time and memory for every file below them.
func TestPatch_ignoreBomb(t *testing.T) {
	t.Parallel()
	c := checkout(t, newGit(t), at(newRepo(t, map[string]string{"f": "1\n"})), "")
	write(t, c.Dir, map[string]string{"d/.gitignore": strings.Repeat("*x*y\n", 100_000)})
	within(t, func() {
		_, err := c.Patch(t.Context())
		wantCode(t, err, task.CodeInvalid, "d/.gitignore")
	})

	files := map[string]string{".gitignore": strings.Repeat("*x*y\n", 5_000)}
	for i := range 5_000 {
		files["many/"+strings.Repeat("x", 100)+strconv.Itoa(i)] = ""
	}
	remove(t, c.Dir, "d")
	write(t, c.Dir, files)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	within(t, func() {
		if _, err := c.Patch(ctx); err == nil {
			t.Error("5,000 files were held against 5,000 rules in no time; the test proves nothing")
		}
	})
}

// A source's commit graph and replace refs say what commits hold. What is
// checked out, shown and published is what their objects hold.
func TestHostileSource_lyingCommits(t *testing.T) {
	t.Parallel()
	dir := newRepo(t, map[string]string{"f": "1\n"})
	first := userGit(t, dir, "rev-parse", "HEAD")
	honest := userGit(t, dir, "rev-parse", "HEAD^{tree}")
	write(t, dir, map[string]string{"f": "2\n", "smuggled": "x\n"})
	userGit(t, dir, "add", "-A")
	userGit(t, dir, "commit", "-q", "-m", "second")
	lie := userGit(t, dir, "rev-parse", "HEAD^{tree}")
	second := userGit(t, dir, "rev-parse", "HEAD")
	userGit(t, dir, "commit-graph", "write", "--reachable")
	graph := filepath.Join(dir, ".git/objects/info/commit-graph")
	from, to := plumbing.NewHash(honest), plumbing.NewHash(lie)
	forged := strings.ReplaceAll(read(t, graph), string(from[:]), string(to[:]))
	if forged == read(t, graph) {
		t.Fatal("the commit graph does not name the tree; the test proves nothing")
	}
	remove(t, dir, ".git/objects/info/commit-graph")
	write(t, dir, map[string]string{".git/objects/info/commit-graph": forged})
	userGit(t, dir, "replace", first, second)

	g := newGit(t)
	c := checkout(t, g, at(dir), first)
	if got := read(t, filepath.Join(c.Dir, "f")); got != "1\n" {
		t.Errorf("checked out %q", got)
	}
	write(t, c.Dir, map[string]string{"new": "x\n"})
	p := patch(t, c)
	if len(p.Files) != 1 {
		t.Errorf("the patch holds %+v", p.Files)
	}
	pr, err := g.Publish(t.Context(), publication(at(dir), c, p))
	if err != nil {
		t.Fatal(err)
	}
	names := userGit(t, dir, "--no-replace-objects", "-c", "core.commitGraph=false", "ls-tree", "--name-only", pr.HeadSHA)
	if names != "f\nnew" {
		t.Errorf("published %q", names)
	}
}

// A branch of the same name that only looks like what would be published.
func TestPublish_replacedBranch(t *testing.T) {
	t.Parallel()
	dir := newRepo(t, map[string]string{"f": "1\n"})
	g := newGit(t)
	c := checkout(t, g, at(dir), "")
	write(t, c.Dir, map[string]string{"f": "2\n"})
	pub := publication(at(dir), c, patch(t, c))
	honest, err := g.Publish(t.Context(), pub)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"f": "evil\n"})
	userGit(t, dir, "commit", "-q", "-a", "-m", "evil")
	evil := userGit(t, dir, "rev-parse", "HEAD")
	userGit(t, dir, "update-ref", "refs/heads/"+pub.Branch, evil)
	userGit(t, dir, "replace", evil, honest.HeadSHA)
	_, err = g.Publish(t.Context(), pub)
	wantCode(t, err, task.CodeConflict)
}

// A tree that names itself ten times on each of eight levels is small and
// lists a thousand million files. Nobody holds the list in memory.
func TestCheckout_treeBomb(t *testing.T) {
	t.Parallel()
	dir := newRepo(t, map[string]string{"f": "1\n"})
	tree := userGit(t, dir, "rev-parse", "HEAD^{tree}")
	for range 8 {
		entries := ""
		for i := range 10 {
			entries += "040000 tree " + tree + "\td" + strconv.Itoa(i) + "\n"
		}
		list := filepath.Join(t.TempDir(), "list")
		write(t, filepath.Dir(list), map[string]string{"list": entries})
		tree = userGit(t, dir, "-c", "alias.t=!git mktree < "+list, "t")
	}
	userGit(t, dir, "update-ref", "refs/heads/main", userGit(t, dir, "commit-tree", "-m", "bomb", tree))
	within(t, func() {
		_, err := newGit(t).Checkout(t.Context(), at(dir), "main")
		wantCode(t, err, task.CodeInvalid, "files")
	})
}
