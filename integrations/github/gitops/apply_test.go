package gitops_test

import (
	"strings"
	"testing"

	"honk/integrations/github/githubtest"
	"honk/internal/task"
)

func TestApply(t *testing.T) {
	t.Parallel()
	b := setup(t, "", map[string]string{"README.md": "#\n"})
	at := b.pull("ada", "new", map[string]string{"a.yaml": greet("a", "T"), "run.sh": "true\n", "not.yml": "kind: Other\n"})
	b.handle()
	b.did("")
	b.must(b.forge.MergePull(t.Context(), githubtest.At{Login: "eve", Repo: home, Number: at.Number}, "merge"))
	b.handle()
	b.did("apply a by eve at github")
	b.says(at, "2 CREATE") // nothing is said of what went well

	// The same bytes again mean nothing.
	b.push("ada", "main", map[string]string{"README.md": "# more\n"})
	b.handle()
	b.must(b.door.Look(t.Context()))
	b.did("")

	b.push("ada", "main", map[string]string{"a.yaml": greet("a", "Other")})
	b.handle()
	b.did("apply a by ada at github")
	b.push("ada", "main", map[string]string{"run.sh": "false\n"})
	b.handle()
	b.did("apply a by ada at github")
	b.push("ada", "side", map[string]string{"a.yaml": greet("a", "Side")})
	b.handle()
	b.did("")

	// What somebody applied by hand is undone by the next push.
	other := b.shifts.applied["a"]
	other.Digest, other.By = "another", "operator"
	b.shifts.applied["a"] = other
	b.push("ada", "main", map[string]string{"README.md": "# yet more\n"})
	b.handle()
	b.did("apply a by ada at github")

	// A further process knows nothing, and does nothing anew.
	b.must(b.newDoor("").Look(t.Context()))
	b.did("")
	before := len(b.forge.Requests())
	b.must(b.door.Look(t.Context()))
	b.must(b.door.Look(t.Context()))
	if n := len(b.forge.Requests()) - before; n > 10 {
		t.Errorf("looking at what is known took %d requests", n)
	}
}

// What is wrong holds nothing else up, and is said where it came from.
func TestApply_wrong(t *testing.T) {
	t.Parallel()
	b := setup(t, "", map[string]string{"run.sh": "true\n", "old.yaml": "kind: Shift\nx: [\n"})
	b.must(b.door.Look(t.Context()))
	b.handle()
	at := b.pull("ada", "new", map[string]string{"a.yaml": greet("a", "T") + "  ownr: x\n", "b.yaml": greet("b", "T"), "c.yaml": greet("b", "T")})
	b.handle()
	b.must(b.forge.MergePull(t.Context(), at, "squash"))
	b.handle()
	b.did("apply b by ada at github")
	list := b.comments(at)
	if len(list) != 2 {
		t.Fatalf("%d comments: %s", len(list), list)
	}
	for _, want := range []string{"Not everything of this was applied", "`a.yaml:8`", "`c.yaml:1`", "so does b.yaml"} {
		if !strings.Contains(list[1], want) {
			t.Errorf("it does not say %q:\n%s", want, list[1])
		}
	}
	if strings.Contains(list[1], "old.yaml") {
		t.Errorf("it tells of another's mistake:\n%s", list[1])
	}
	// While nobody knows whose old.yaml is, nothing is taken for removed.
	b.push("ada", "main", nil, "b.yaml", "c.yaml")
	b.handle()
	b.did("")
	b.push("ada", "main", nil, "old.yaml", "a.yaml")
	b.handle()
	b.did("paused b paused by the removal of its manifest from acme/shifts, by ada at github")
}

func TestApply_removal(t *testing.T) {
	t.Parallel()
	b := setup(t, "fleet", map[string]string{"fleet/run.sh": "true\n", "fleet/a.yaml": greet("a", "T"), "b.yaml": greet("b", "T")})
	b.must(b.door.Look(t.Context()))
	b.did("apply a by somebody at github")
	s := b.shifts.applied["a"]
	s.Name, s.By = "own", "operator" // applied by hand
	b.shifts.applied["own"] = s
	b.handle()

	b.push("ada", "main", map[string]string{"fleet/new.yaml": greet("a", "T")}, "fleet/a.yaml")
	b.handle()
	b.did("")
	b.push("ada", "main", nil, "fleet/new.yaml")
	b.handle()
	b.did("paused a paused by the removal of its manifest from acme/shifts, by ada at github")
	b.push("ada", "main", map[string]string{"fleet/a.yaml": greet("a", "T")})
	b.handle()
	b.did("running a ")
	// Nobody may undo what a person has paused.
	b.must(b.shifts.Pause(t.Context(), "a", "ada"))
	b.push("ada", "main", map[string]string{"fleet/a.yaml": greet("a", "Other")})
	b.handle()
	b.did("paused a paused by ada; apply a by ada at github")
	b.push("ada", "main", map[string]string{"fleet/a.yaml": "kind: Other\n"})
	b.handle()
	b.did("")
}

// A webhook that is lost is made good for.
func TestLook(t *testing.T) {
	t.Parallel()
	b := setup(t, "", map[string]string{"run.sh": "true\n"})
	b.must(b.door.Look(t.Context()))
	b.forge.DropDeliveries(2)
	b.push("ada", "main", map[string]string{"a.yaml": greet("a", "T")})
	b.handle()
	b.did("")
	// What fails for a while is tried again.
	b.shifts.planFunc = func() error { return task.Errorf(task.CodeUnavailable, "the forge is away") }
	if err := b.door.Look(t.Context()); task.CodeOf(err) != task.CodeUnavailable {
		t.Errorf("Look() = %v", err)
	}
	b.shifts.planFunc = nil
	b.must(b.door.Look(t.Context()))
	b.did("apply a by somebody at github")
}

// An older look never comes after a newer one.
func TestApply_moved(t *testing.T) {
	t.Parallel()
	b := setup(t, "", map[string]string{"run.sh": "true\n"})
	b.push("ada", "main", map[string]string{"a.yaml": greet("a", "T")})
	b.shifts.planFunc = func() error {
		b.shifts.planFunc = nil
		b.push("eve", "main", map[string]string{"a.yaml": greet("a", "Newer")})
		return nil
	}
	first := b.events()
	if _, err := b.door.Handle(t.Context(), first[len(first)-1]); err != nil {
		t.Error(err)
	}
	b.did("")
	b.handle()
	b.did("apply a by eve at github")
}
