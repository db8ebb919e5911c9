package git_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"honk/internal/task"
)

// booby rigs a repository so that any git which trusts it runs the canary.
func booby(t testing.TB, dir string, bird canary) {
	t.Helper()
	hooks := map[string]string{}
	for _, name := range []string{
		"reference-transaction", "post-update", "pre-receive", "update", "post-receive", "post-checkout", "pre-push",
		"pre-commit", "commit-msg", "post-commit", "fsmonitor-watchman", "post-index-change", "push-to-checkout", "proc-receive",
	} {
		hooks[".git/hooks/"+name+"*"] = read(t, bird.script)
	}
	remove(t, dir, ".git/hooks")
	write(t, dir, hooks)
	extra := filepath.Join(t.TempDir(), "extra")
	run := bird.script
	write(t, filepath.Dir(extra), map[string]string{"extra": "[core]\n\tfsmonitor = " + run + "\n\tpager = " + run + "\n"})
	write(t, dir, map[string]string{
		".git/config": "[core]\n\trepositoryformatversion = 1\n\tbare = false\n\tfsmonitor = " + run + "\n\tsshCommand = " + run +
			"\n\tgitProxy = " + run + "\n\taskPass = " + run + "\n\teditor = " + run + "\n\tpager = " + run + "\n\thooksPath = " + filepath.Join(dir, ".git/hooks") +
			"\n\talternateRefsCommand = " + run + "\n[extensions]\n\tworktreeConfig = true\n[include]\n\tpath = " + extra +
			"\n[uploadpack]\n\tpackObjectsHook = " + run + "\n[filter \"evil\"]\n\tclean = " + run + "\n\tsmudge = " + run + "\n\tprocess = " + run + "\n\trequired = true" +
			"\n[diff]\n\texternal = " + run + "\n[diff \"evil\"]\n\ttextconv = " + run + "\n\tcommand = " + run + "\n[merge \"evil\"]\n\tdriver = " + run +
			"\n[gpg]\n\tprogram = " + run + "\n[commit]\n\tgpgSign = true\n[credential]\n\thelper = " + run + "\n[gc]\n\tauto = 1\n\trecentObjectsHook = " + run +
			"\n[url \"ext::" + run + " \"]\n\tinsteadOf = https://\n\tinsteadOf = /\n\tpushInsteadOf = /\n[remote \"origin\"]\n\turl = ext::" + run +
			"\n\tuploadpack = " + run + "\n\treceivepack = " + run + "\n\tpromisor = true\n[receive]\n\tprocReceiveRefs = refs\n[alias]\n\tstatus = !" + run + "\n",
		".git/config.worktree": "[core]\n\tfsmonitor = " + run + "\n",
		".git/info/attributes": "* filter=evil diff=evil merge=evil\n",
	})
}

// Attack 21: fetching from, looking at and publishing to a repository of this
// machine runs nothing that its configuration names.
func TestHostileSource(t *testing.T) {
	t.Parallel()
	bird := newCanary(t)
	dir := newOdd(t)
	booby(t, dir, bird)
	write(t, dir, map[string]string{"README.md": "dirty\n"})
	if out, err := tryGit(t.Context(), dir, "status"); err == nil {
		t.Logf("status: %s", out)
	}
	if _, err := os.Stat(bird.trace); err != nil {
		t.Fatal("the trap does not work: plain git status ran nothing")
	}
	remove(t, filepath.Dir(bird.trace), "dead")
	before := state(t, dir)

	g := newGit(t)
	info, err := g.Resolve(t.Context(), dir)
	if err != nil || !info.Dirty {
		t.Fatalf("got %+v, %v, want dirty", info, err)
	}
	bird.alive(t)
	c := checkout(t, g, at(dir), "main")
	bird.alive(t)
	write(t, c.Dir, map[string]string{"README.md": "# new\n", "new.go": "package x\n"})
	p := patch(t, c)
	bird.alive(t)
	m, err := g.Materialise(t.Context(), c, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	bird.alive(t)
	pub := publication(at(dir), c, p)
	if _, err := g.Publish(t.Context(), pub); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Publish(t.Context(), pub); err != nil {
		t.Fatal(err)
	}
	bird.alive(t)
	for _, path := range onlyAdds(t, before, state(t, dir)) {
		if !strings.HasPrefix(path, ".git/objects/") && !strings.HasPrefix(path, ".git/refs/heads/honk") {
			t.Errorf("%s is new", path)
		}
	}
}

// Attack 22: a git file, a ref or an objects directory that leads elsewhere
// gets nobody to write there.
func TestHostileSource_links(t *testing.T) {
	t.Parallel()
	g := newGit(t)
	victim := newRepo(t, map[string]string{"secret": "x"})
	before := state(t, victim)
	planted := t.TempDir()
	write(t, planted, map[string]string{".git": "gitdir: " + victim + "/.git", "f": "x"})
	_, err := g.Checkout(t.Context(), at(planted), "")
	wantCode(t, err, task.CodeInvalid, "point back")

	for _, link := range []string{"refs/heads/honk", "objects/xx"} {
		dir := newRepo(t, map[string]string{"f": "1\n"})
		c := checkout(t, g, at(dir), "")
		write(t, c.Dir, map[string]string{"f": "2\n"})
		if link == "objects/xx" {
			for i := range 256 {
				_ = os.Symlink(victim, filepath.Join(dir, ".git/objects", hex(i)))
			}
		} else {
			write(t, dir, map[string]string{".git/" + link: "->" + victim})
		}
		if _, err := g.Publish(t.Context(), publication(at(dir), c, patch(t, c))); err == nil {
			t.Errorf("%s: published through a link", link)
		}
	}
	if added := onlyAdds(t, before, state(t, victim)); len(added) > 0 {
		t.Errorf("the victim got %v", added)
	}
}

func hex(i int) string { return string("0123456789abcdef"[i>>4]) + string("0123456789abcdef"[i&15]) }

// A tree whose .git the agent replaced or rigged makes the host run nothing.
func TestHostileAgentGit(t *testing.T) {
	t.Parallel()
	bird := newCanary(t)
	g := newGit(t)
	c := checkout(t, g, at(newRepo(t, map[string]string{"f": "1\n"})), "")
	booby(t, c.Dir, bird)
	write(t, c.Dir, map[string]string{"f": "2\n", ".git/objects/info/alternates": "/\n"})
	if p := patch(t, c); len(p.Files) != 1 {
		t.Errorf("got %+v", p.Files)
	}
	remove(t, c.Dir, ".git")
	write(t, c.Dir, map[string]string{".git": "gitdir: /etc"})
	if p := patch(t, c); len(p.Files) != 1 {
		t.Errorf("got %+v", p.Files)
	}
	bird.alive(t)
}

// Attack 24: what an agent does to its objects reaches no other task.
func TestSharedObjects(t *testing.T) {
	t.Parallel()
	g, dir := newGit(t), newRepo(t, map[string]string{"f": "1\n"})
	first := checkout(t, g, at(dir), "")
	packs, err := filepath.Glob(filepath.Join(first.Dir, ".git/objects/pack/pack-*"))
	if err != nil || len(packs) == 0 {
		t.Fatalf("no packs: %v", err)
	}
	for _, pack := range packs {
		if err := os.Chmod(pack, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(pack, []byte("spoiled"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	second := checkout(t, g, at(dir), "")
	userGit(t, second.Dir, "fsck", "--full")
	userGit(t, dir, "fsck", "--full")
	write(t, first.Dir, map[string]string{"f": "2\n"})
	if p := patch(t, first); len(p.Files) != 1 {
		t.Errorf("got %+v", p.Files)
	}
}
