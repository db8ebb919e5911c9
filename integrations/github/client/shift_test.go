package client_test

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"honk/integrations/github/client"
	"honk/integrations/github/githubtest"
	"honk/internal/task"
)

// TestForge_merge is the way of a pull request from a draft into its base.
func TestForge_merge(t *testing.T) {
	t.Parallel()
	forge, app := newForge(t)
	ctx := t.Context()
	head, err := forge.Commit(ctx, githubtest.Change{
		Repo: "acme/api", Branch: "honk/x", Login: "ada", Files: map[string]string{"a.txt": "a\n"},
	})
	must(t, err)
	r, err := app.Open(ctx, "acme", "api", client.ForPublish())
	must(t, err)
	made, err := r.CreatePullRequest(ctx, client.NewPullRequest{Title: "T", Branch: "honk/x", Base: "main", Draft: true})
	must(t, err)
	if _, err := r.Merge(ctx, made.Number, head, "squash"); task.CodeOf(err) != task.CodeConflict {
		t.Errorf("Merge() of a draft = %v", err)
	}
	weak, err := app.Open(ctx, "acme", "api", client.ForReview())
	must(t, err)
	if err := weak.MarkReady(ctx, made); task.CodeOf(err) != task.CodeForbidden {
		t.Errorf("MarkReady() without contents: write = %v", err)
	}
	if _, err := weak.Merge(ctx, made.Number, head, "squash"); task.CodeOf(err) != task.CodeForbidden {
		t.Errorf("Merge() without contents: write = %v", err)
	}
	must(t, weak.Close(ctx))
	must(t, r.MarkReady(ctx, made))
	must(t, r.AddLabels(ctx, made.Number, "honk"))
	must(t, r.AddLabels(ctx, made.Number))
	sha, err := r.Merge(ctx, made.Number, head, "squash")
	must(t, err)
	got, err := r.PullRequest(ctx, made.Number)
	if err != nil || got.MergeSHA != sha || got.MergedBy.Login != forge.BotLogin() || got.Draft || len(got.Labels) != 1 || got.Commits != 1 {
		t.Errorf("PullRequest() = %+v, %v", got, err)
	}
	commits, err := r.Commits(ctx, made.Number)
	if err != nil || len(commits) != 1 || commits[0].Author.Login != "ada" || commits[0].SHA != head {
		t.Errorf("Commits() = %+v, %v", commits, err)
	}
	must(t, r.DeleteBranch(ctx, "honk/x"))
	must(t, r.DeleteBranch(ctx, "honk/x"))
	if err := r.DeleteBranch(ctx, "main"); err == nil {
		t.Error("the default branch was deleted")
	}
	if _, err := r.Merge(ctx, 99, head, "squash"); task.CodeOf(err) != task.CodeNotFound {
		t.Errorf("Merge() of none = %v", err)
	}
	must(t, r.Close(ctx))
}

// The other API of a server is not below the first.
func TestMarkReady(t *testing.T) {
	t.Parallel()
	forge, _ := newForge(t)
	app, err := client.New(client.Options{
		AppID: forge.AppID(), PrivateKey: forge.PrivateKey(), APIURL: forge.URL() + "/api/v3", Log: slog.New(slog.DiscardHandler),
	})
	must(t, err)
	r, err := app.Open(t.Context(), "acme", "api", client.ForPublish())
	must(t, err)
	if err := r.MarkReady(t.Context(), client.PullRequest{Number: 3}); task.CodeOf(err) != task.CodeNotFound {
		t.Errorf("MarkReady() of none = %v", err)
	}
	asked := forge.Requests()
	if got := asked[len(asked)-1].Path; got != "/api/graphql" {
		t.Errorf("it asked %s", got)
	}
	forge.Fault(githubtest.Random(1, 1, githubtest.SecondaryLimit(2*time.Minute)))
	err = r.MarkReady(t.Context(), client.PullRequest{Number: 3})
	if e, ok := errors.AsType[*task.Error](err); !ok || e.Code != task.CodeRateLimited || e.After < time.Minute {
		t.Errorf("MarkReady() when limited = %v", err)
	}
}
