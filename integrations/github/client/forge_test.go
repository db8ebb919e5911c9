package client_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/integrations/github/client"
	"honk/integrations/github/githubtest"
	"honk/internal/task"
)

// TestForge goes once around with a forge that keeps real repositories.
func TestForge(t *testing.T) {
	t.Parallel()
	forge, app := newForge(t)
	ctx := t.Context()
	number, err := forge.OpenIssue("ada", "acme/api", "Raise the limit", "to 5")
	must(t, err)

	r, err := app.Talk(ctx, "acme", "api")
	must(t, err)
	self, err := r.Self(ctx)
	must(t, err)
	if self.Login() != forge.BotLogin() || self.BotID == 0 || len(self.Permissions.Missing(client.Required())) != 0 {
		t.Errorf("Self() = %+v", self)
	}
	info, err := r.Info(ctx)
	must(t, err)
	if info.DefaultBranch != "main" || info.String() != "acme/api" || !strings.HasSuffix(info.URL, "acme/api.git") {
		t.Errorf("Info() = %+v", info)
	}
	for login, want := range map[string]string{"ada": "write", "bob": "read", "nobody": "none"} {
		if got, err := r.Permission(ctx, login); got != want || err != nil {
			t.Errorf("Permission(%s) = %q, %v; want %q", login, got, err, want)
		}
	}

	issue, err := r.Issue(ctx, number)
	must(t, err)
	if issue.Title != "Raise the limit" || issue.Author.Login != "ada" || issue.IsPull {
		t.Errorf("Issue() = %+v", issue)
	}
	comment, err := r.CreateComment(ctx, number, "on it")
	must(t, err)
	_, err = r.EditComment(ctx, comment.ID, "done")
	must(t, err)
	_, err = r.React(ctx, client.Target{Kind: client.TargetIssue, ID: int64(number)}, "eyes")
	must(t, err)
	comments, err := r.Comments(ctx, number, time.Time{})
	must(t, err)
	if len(comments) != 1 || comments[0].Body != "done" || comments[0].Author.Type != "Bot" {
		t.Errorf("Comments() = %+v", comments)
	}
	must(t, r.DeleteComment(ctx, comment.ID))

	must(t, app.Close(ctx))
	if _, err := r.Issue(ctx, number); task.CodeOf(err) != task.CodeForbidden {
		t.Errorf("Issue() with a revoked token = %v", err)
	}
}

func TestForge_pullRequest(t *testing.T) {
	t.Parallel()
	forge, app := newForge(t)
	ctx := t.Context()
	head, err := forge.Commit(ctx, githubtest.Change{
		Repo: "acme/api", Branch: "honk/x", Login: "ada", Message: "x", Files: map[string]string{"a.txt": "a\n"},
	})
	must(t, err)
	r, err := app.Open(ctx, "acme", "api", client.ForPublish())
	must(t, err)
	if got, err := r.Branch(ctx, "honk/x"); got != head || err != nil {
		t.Errorf("Branch() = %q, %v; want %q", got, err, head)
	}
	if got, found, err := r.File(ctx, "a.txt", "honk/x"); string(got) != "a\n" || !found || err != nil {
		t.Errorf("File() = %q, %v, %v", got, found, err)
	}
	pr := client.NewPullRequest{Title: "T", Body: "B", Branch: "honk/x", Base: "main", Draft: true}
	made, err := r.CreatePullRequest(ctx, pr)
	must(t, err)
	if _, err := r.CreatePullRequest(ctx, pr); task.CodeOf(err) != task.CodeConflict {
		t.Errorf("CreatePullRequest() again = %v, want conflict", err)
	}
	title := "T2"
	_, err = r.EditPullRequest(ctx, made.Number, &title, nil)
	must(t, err)
	got, found, err := r.PullRequestFor(ctx, "honk/x")
	if err != nil || !found || got.Title != "T2" || got.Body != "B" || got.SHA != head || !got.Draft {
		t.Errorf("PullRequestFor() = %+v, %v, %v", got, found, err)
	}
	must(t, r.RequestReviewers(ctx, made.Number, []string{"ada", "stranger"}, nil))
	must(t, r.Close(ctx))

	_, err = forge.SetCheck(ctx, "acme/api", githubtest.Check{SHA: head, Name: "test", Conclusion: "failure"})
	must(t, err)
	talk, err := app.Talk(ctx, "acme", "api")
	must(t, err)
	checks, err := talk.Checks(ctx, head)
	must(t, err)
	if len(checks) != 1 || checks[0].Name != "test" || !checks[0].Failed() {
		t.Errorf("Checks() = %+v", checks)
	}
	must(t, app.Close(ctx))
	var revoked []bool
	for _, token := range forge.Tokens() {
		revoked = append(revoked, token.Revoked)
		if diff := cmp.Diff([]string{"acme/api"}, token.Repos); diff != "" {
			t.Errorf("token's repositories (-want +got):\n%s", diff)
		}
	}
	if !cmp.Equal([]bool{true, true}, revoked) {
		t.Errorf("revoked: %v", revoked)
	}
}

func newForge(t *testing.T) (*githubtest.Forge, *client.App) {
	t.Helper()
	forge, err := githubtest.New(githubtest.Options{Dir: t.TempDir()})
	must(t, err)
	must(t, forge.Start(t.Context()))
	t.Cleanup(func() { _ = forge.Close() })
	_, err = forge.CreateRepo(t.Context(), githubtest.NewRepo{
		Name: "acme/api", Files: map[string]string{"README.md": "# api\n"},
	})
	must(t, err)
	must(t, forge.SetPermission("acme/api", "ada", "write"))
	must(t, forge.SetPermission("acme/api", "bob", "read"))
	_, err = forge.Install("acme")
	must(t, err)
	app, err := client.New(client.Options{
		AppID: forge.AppID(), PrivateKey: forge.PrivateKey(), APIURL: forge.APIURL(),
		Log: slog.New(slog.DiscardHandler),
	})
	must(t, err)
	return forge, app
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
