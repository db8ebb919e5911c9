package git_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"honk/internal/git"
	"honk/internal/task"
)

// state is every file of a directory, by content, mode and time.
func state(t testing.TB, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		sum := ""
		if info.Mode().IsRegular() {
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			sum = fmt.Sprintf("%x %s", sha256.Sum256(raw), info.ModTime())
		}
		rel, _ := filepath.Rel(dir, path)
		got[rel] = fmt.Sprint(info.Mode(), sum)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// onlyAdds checks that nothing of before changed and returns what is new.
func onlyAdds(t testing.TB, before, after map[string]string) (added []string) {
	t.Helper()
	for path, was := range before {
		if after[path] != was {
			t.Errorf("%s changed", path)
		}
	}
	for path := range after {
		if before[path] == "" {
			added = append(added, path)
		}
	}
	return added
}

// Attack 25: exactly one new ref, and a user's repository is otherwise byte
// for byte what it was.
func TestPublish_local(t *testing.T) {
	t.Parallel()
	g, dir := newGit(t), newOdd(t)
	userGit(t, dir, "pack-refs", "--all")
	userGit(t, dir, "gc", "-q")
	write(t, dir, map[string]string{"README.md": "dirty\n", "untracked": "u\n", "staged": "s\n"})
	userGit(t, dir, "add", "staged")
	before, refs := state(t, dir), userGit(t, dir, "for-each-ref")

	c := checkout(t, g, at(dir), "")
	write(t, c.Dir, map[string]string{"README.md": "# new\n", "add/ed*": "x\n", "binary": "\x00\x02"})
	remove(t, c.Dir, "dir")
	pub := publication(at(dir), c, patch(t, c))
	pr, err := g.Publish(t.Context(), pub)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range onlyAdds(t, before, state(t, dir)) {
		object := strings.HasPrefix(path, ".git/objects/")
		if !object && path != ".git/refs/heads/honk" && path != ".git/refs/heads/"+pub.Branch {
			t.Errorf("%s is new", path)
		}
	}
	want := refs + "\n" + pr.HeadSHA + " commit\trefs/heads/" + pub.Branch
	sorted := func(s string) map[string]bool {
		m := map[string]bool{}
		for l := range strings.Lines(s + "\n") {
			m[strings.TrimSpace(l)] = true
		}
		return m
	}
	if got := userGit(t, dir, "for-each-ref"); fmt.Sprint(sorted(got)) != fmt.Sprint(sorted(want)) {
		t.Errorf("refs: got\n%s\nwant\n%s", got, want)
	}
	userGit(t, dir, "fsck", "--full", "--strict")
	if got := userGit(t, dir, "log", "--format=%an <%ae> %ct %P%n%B", "-1", pub.Branch); got !=
		"honk[bot] <honk@example.com> 1700000000 "+c.BaseSHA+"\nDo it" {
		t.Errorf("commit: %s", got)
	}
	if got := userGit(t, dir, "show", pub.Branch+":README.md"); got != "# new" {
		t.Errorf("content: %q", got)
	}
	// A second time, and later, it is the same branch.
	pub.When = pub.When.Add(time.Hour)
	if again, err := g.Publish(t.Context(), pub); err != nil || again != pr {
		t.Errorf("again: got %+v, %v, want %+v", again, err, pr)
	}
}

func TestPublish_conflict(t *testing.T) {
	t.Parallel()
	g, dir := newGit(t), newRepo(t, map[string]string{"f": "1\n"})
	c := checkout(t, g, at(dir), "")
	write(t, c.Dir, map[string]string{"f": "2\n"})
	pub := publication(at(dir), c, patch(t, c))

	userGit(t, dir, "branch", pub.Branch)
	userGit(t, dir, "pack-refs", "--all")
	before := state(t, dir)
	_, err := g.Publish(t.Context(), pub)
	wantCode(t, err, task.CodeConflict, pub.Branch)
	if added := onlyAdds(t, before, state(t, dir)); len(added) > 0 {
		t.Errorf("left behind: %v", added)
	}
	userGit(t, dir, "branch", "-D", pub.Branch)
	userGit(t, dir, "branch", "honk")
	_, err = g.Publish(t.Context(), pub)
	wantCode(t, err, task.CodeConflict, "in the way")
	userGit(t, dir, "branch", "-D", "honk")

	// Of two at once with different content, one wins.
	other := pub
	write(t, c.Dir, map[string]string{"f": "3\n"})
	other.Patch = patch(t, c)
	var errs [2]error
	var race sync.WaitGroup
	for i, p := range []git.Publish{pub, other} {
		race.Go(func() { _, errs[i] = g.Publish(t.Context(), p) })
	}
	race.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("got %v and %v, want one conflict", errs[0], errs[1])
	}
}

// The diff that was judged is the one that is published.
func TestPublish_judged(t *testing.T) {
	t.Parallel()
	g, dir := newGit(t), newRepo(t, map[string]string{"f": "1\n2\n3\n4\n5\n6\n7\n8\n9\n"})
	c := checkout(t, g, at(dir), "")
	write(t, c.Dir, map[string]string{"f": "1\n2\n3\n4\nfive\n6\n7\n8\n9\n"})
	p := patch(t, c)
	for name, diff := range map[string]string{
		"noise before": "please approve\n" + string(p.Diff),
		"other hash":   strings.Replace(string(p.Diff), "index ", "index 0", 1),
		"less context": strings.Replace(string(p.Diff), "@@ -2,7 +2,7 @@", "@@ -2,7 +2,7 @@ func main()", 1),
	} {
		bad := p
		bad.Diff = []byte(diff)
		_, err := g.Publish(t.Context(), publication(at(dir), c, bad))
		if err == nil {
			t.Errorf("%s: was published", name)
		}
	}
	if got := userGit(t, dir, "branch", "--list", "honk/*"); got != "" {
		t.Errorf("branches: %s", got)
	}
}

// Attack 26: nothing that could forge a line of a commit passes.
func TestPublish_invalid(t *testing.T) {
	t.Parallel()
	g, dir := newGit(t), newRepo(t, map[string]string{"f": "1\n"})
	c := checkout(t, g, at(dir), "")
	write(t, c.Dir, map[string]string{"f": "2\n"})
	p := patch(t, c)
	for name, spoil := range map[string]func(*git.Publish){
		"branch newline": func(p *git.Publish) { p.Branch = "honk/x\nrefs/heads/main" },
		"branch option":  func(p *git.Publish) { p.Branch = "--force" },
		"branch up":      func(p *git.Publish) { p.Branch = "../../config" },
		"author newline": func(p *git.Publish) { p.Author.Name = "x\nparent 123" },
		"author angle":   func(p *git.Publish) { p.Author.Email = "a> <b" },
		"no committer":   func(p *git.Publish) { p.Committer.Name = "" },
		"nul":            func(p *git.Publish) { p.Message = "a\x00b" },
		"no message":     func(p *git.Publish) { p.Message = " \n" },
		"short base":     func(p *git.Publish) { p.Base = p.Base[:8] },
		"empty":          func(p *git.Publish) { p.Patch = task.Patch{Base: p.Base} },
	} {
		pub := publication(at(dir), c, p)
		spoil(&pub)
		if _, err := g.Publish(t.Context(), pub); err == nil {
			t.Errorf("%s: was published", name)
		}
	}
}

// A linked work tree publishes into the repository it belongs to.
func TestPublish_worktree(t *testing.T) {
	t.Parallel()
	g, dir := newGit(t), newRepo(t, map[string]string{"f": "1\n"})
	linked := filepath.Join(t.TempDir(), "linked")
	userGit(t, dir, "worktree", "add", "-q", linked)
	c := checkout(t, g, at(linked), "")
	write(t, c.Dir, map[string]string{"f": "2\n"})
	pub := publication(at(linked), c, patch(t, c))
	if _, err := g.Publish(t.Context(), pub); err != nil {
		t.Fatal(err)
	}
	if got := userGit(t, dir, "show", pub.Branch+":f"); got != "2" {
		t.Errorf("got %q", got)
	}
}
