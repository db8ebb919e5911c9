package github_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"honk/integrations/github"
	"honk/integrations/github/event"
	"honk/integrations/github/githubtest"
)

// What happens in the repository that shifts come from is stored and handed
// on; elsewhere pushes and new pull requests mean nothing.
func TestManifests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	door := b.newDoor(slog.New(slog.DiscardHandler))
	var seen []string
	door.Manifests = github.Manifests{Repo: "Acme/Shifts", HandleFunc: func(_ context.Context, e event.Event) (string, error) {
		seen = append(seen, e.Repository.String()+" "+e.Name+" "+e.Action)
		return "", nil
	}}
	b.door = door
	hooks := httptest.NewServer(door)
	t.Cleanup(hooks.Close)
	b.forge.SetWebhookURL(hooks.URL)
	_, err := b.forge.CreateRepo(t.Context(), githubtest.NewRepo{Name: "acme/shifts", Files: map[string]string{"README.md": "#\n"}})
	b.must(err)
	_, err = b.forge.Install("acme")
	b.must(err)
	for _, repo := range []string{"acme/shifts", repoName} {
		b.must(b.forge.SetPermission(repo, "ada", "write"))
		for _, branch := range []string{"main", "side"} {
			b.tick()
			_, err := b.forge.Commit(t.Context(), githubtest.Change{Repo: repo, Branch: branch, Login: "ada", Files: map[string]string{branch: "x\n"}})
			b.must(err)
		}
		n, err := b.forge.OpenPull(t.Context(), "ada", repo, githubtest.NewPull{Title: "T", Head: "side"})
		b.must(err)
		b.must(b.forge.MergePull(t.Context(), githubtest.At{Login: "ada", Repo: repo, Number: n}, "merge"))
	}
	var stored []string
	for _, d := range b.deliveries() {
		got, err := door.Handle(t.Context(), d)
		if err != nil || got == "" {
			t.Errorf("Handle(%s) = %q, %v", d.Event, got, err)
		}
		stored = append(stored, d.Event)
	}
	slices.Sort(seen)
	want := []string{"acme/shifts pull_request closed", "acme/shifts pull_request opened", "acme/shifts push ", "acme/shifts push "}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("handed on (-want +got):\n%s", diff)
	}
	slices.Sort(stored)
	want = []string{"pull_request", "pull_request", "pull_request", "push", "push"}
	stored = slices.DeleteFunc(stored, func(name string) bool { return name == "installation" })
	if diff := cmp.Diff(want, stored); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	// A process that knows of no such repository leaves what is stored alone.
	door.Manifests = github.Manifests{}
	for _, d := range b.deliveries() {
		if _, err := door.Handle(t.Context(), d); err != nil {
			t.Errorf("Handle(%s): %v", d.Event, err)
		}
	}
}
