package event_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"honk/integrations/github/event"
	"honk/integrations/github/githubtest"
)

// TestForge parses what the forge of the other tests sends, so that those
// speak of the same events as these.
func TestForge(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(sink.Close)
	forge, err := githubtest.New(githubtest.Options{Dir: t.TempDir(), WebhookURL: sink.URL, WebhookSecret: "s"})
	must(t, err)
	must(t, forge.Start(ctx))
	t.Cleanup(func() { _ = forge.Close() })
	_, err = forge.CreateRepo(ctx, githubtest.NewRepo{Name: "acme/api", Files: map[string]string{"a": "a\n"}})
	must(t, err)
	must(t, forge.SetPermission("acme/api", "ada", "write"))
	_, err = forge.Install("acme")
	must(t, err)
	number, err := forge.OpenIssue("ada", "acme/api", "T", "B")
	must(t, err)
	at := githubtest.At{Login: "ada", Repo: "acme/api", Number: number}
	_, err = forge.Comment(at, "/honk do it")
	must(t, err)
	must(t, forge.Label(at, "honk"))
	sha, err := forge.Commit(ctx, githubtest.Change{
		Repo: "acme/api", Branch: "x", Login: "ada", Message: "m", Files: map[string]string{"a": "b\n"},
	})
	must(t, err)
	at.Number, err = forge.OpenPull(ctx, "ada", "acme/api", githubtest.NewPull{Title: "P", Head: "x"})
	must(t, err)
	_, err = forge.Review(ctx, at, githubtest.NewReview{Event: "comment", Body: "r"})
	must(t, err)
	_, err = forge.SetCheck(ctx, "acme/api", githubtest.Check{SHA: sha, Name: "test", Conclusion: "failure"})
	must(t, err)
	must(t, forge.CompleteSuite(ctx, "acme/api", sha))
	must(t, forge.MergePull(ctx, at, "merge"))
	must(t, forge.WaitDeliveries(ctx))

	seen := map[string]int{}
	for _, d := range forge.Deliveries() {
		if !event.Wanted(d.Event, event.Action(d.Payload)) {
			continue
		}
		e, err := event.Parse(d.Event, d.Payload)
		if err != nil {
			t.Errorf("%s: %v", d.Event, err)
			continue
		}
		seen[e.Name]++
		if e.Name == "issue_comment" && (e.Comment.Body != "/honk do it" || e.Subject.Number != number || e.Sender.Login != "ada") {
			t.Errorf("issue_comment: %+v", e)
		}
		if e.Name == "check_run" && (e.Checks.HeadSHA != sha || e.Checks.Conclusion != "failure") {
			t.Errorf("check_run: %+v", e)
		}
	}
	for _, name := range []string{
		"installation", "issue_comment", "issues", "pull_request_review", "check_run", "check_suite", "pull_request", "push",
	} {
		if seen[name] == 0 {
			t.Errorf("no %s was sent", name)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
