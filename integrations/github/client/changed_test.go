package client_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"honk/integrations/github/client"
	"honk/integrations/github/githubtest"
	"honk/internal/task"
)

// TestForge_changed reads what a pull request changes, and what there is at
// its head.
func TestForge_changed(t *testing.T) {
	t.Parallel()
	forge, app := newForge(t)
	ctx := t.Context()
	head, err := forge.Commit(ctx, githubtest.Change{
		Repo: "acme/api", Branch: "x", Login: "ada", Files: map[string]string{"a/b.txt": "four", "c.txt": "c\n"},
	})
	must(t, err)
	number, err := forge.OpenPull(ctx, "ada", "acme/api", githubtest.NewPull{Title: "T", Head: "x"})
	must(t, err)
	talk, err := app.Talk(ctx, "acme", "api")
	must(t, err)
	got, err := talk.Changed(ctx, number)
	if diff := cmp.Diff([]string{"a/b.txt", "c.txt"}, got); err != nil || diff != "" {
		t.Errorf("Changed(): %v (-want +got):\n%s", err, diff)
	}
	if _, err := talk.Changed(ctx, 99); task.CodeOf(err) != task.CodeNotFound {
		t.Errorf("Changed() of none = %v", err)
	}
	files, truncated, err := talk.Tree(ctx, head)
	i := slices.IndexFunc(files, func(e client.Entry) bool { return e.Path == "a/b.txt" })
	if err != nil || truncated || i < 0 || files[i].Size != 4 || len(files[i].SHA) != 40 {
		t.Errorf("Tree() = %+v, %t, %v", files, truncated, err)
	}
	if _, _, err := talk.Tree(ctx, "main"); task.CodeOf(err) != task.CodeInvalid {
		t.Errorf("Tree() of a branch = %v", err)
	}
}
