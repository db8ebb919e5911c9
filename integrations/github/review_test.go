package github_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"honk/integrations/github/githubtest"
	"honk/internal/postgres"
	"honk/internal/task"
)

func (b *bundle) review(login string, number int, r githubtest.NewReview) string {
	b.Helper()
	b.tick()
	_, err := b.forge.Review(b.Context(), b.at(login, number), r)
	b.must(err)
	return b.handle()
}

func TestReview(t *testing.T) {
	t.Parallel()
	line := func(text string) []githubtest.Line {
		return []githubtest.Line{{Path: "README.md", Line: 3, Body: text}}
	}
	for name, tt := range map[string]struct {
		login  string
		event  string
		body   string
		lines  []githubtest.Line
		muted  bool
		closed bool
		// cause and prompt are the follow-up's, prompt "" for none.
		cause  task.Cause
		prompt string
		fresh  bool // on a new branch
	}{
		"asks for changes":      {login: "eve", event: "request_changes", body: "No.", lines: line("Slower."), cause: task.CauseReview, prompt: "Slower."},
		"command":               {login: "eve", event: "comment", body: "/honk mend it", lines: line("Slower."), prompt: "mend it"},
		"says something":        {login: "eve", event: "comment", body: "Hm.", lines: line("Slower.")},
		"approves":              {login: "eve", event: "approve", body: "Fine."},
		"reader":                {login: "bob", event: "request_changes", body: "No.", lines: line("Slower.")},
		"muted":                 {login: "eve", event: "request_changes", body: "No.", muted: true},
		"muted, but a command":  {login: "eve", event: "request_changes", body: "No.", lines: line("/honk slower"), muted: true, prompt: "slower"},
		"closed":                {login: "eve", event: "request_changes", body: "No.", closed: true},
		"closed, but a command": {login: "eve", event: "comment", body: "/honk mend it", closed: true, prompt: "mend it", fresh: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			pr, first := b.ours()
			if tt.muted {
				_, err := b.db.Mute(t.Context(), first.Request.Repo, pr.Number)
				b.must(err)
			}
			if tt.closed {
				b.must(b.forge.CloseIssue(t.Context(), b.at("ada", pr.Number)))
				b.handle()
			}
			got := b.review(tt.login, pr.Number, githubtest.NewReview{Event: tt.event, Body: tt.body, Lines: tt.lines})
			all := b.tasks()
			if tt.prompt == "" {
				if len(all) != 1 {
					t.Errorf("it became a task (%s): %+v", got, all[1].Request)
				}
				return
			}
			if len(all) != 2 {
				t.Fatalf("there are %d tasks, want 2: %s", len(all), got)
			}
			req := all[1].Request
			if !strings.Contains(req.Prompt, tt.prompt) || strings.Contains(req.Prompt, "/honk") || req.Origin.Cause != tt.cause {
				t.Errorf("cause %q, prompt %q", req.Origin.Cause, req.Prompt)
			}
			if want := map[bool]string{true: "", false: pr.Branch}[tt.fresh]; req.Branch != want {
				t.Errorf("it goes to %q, want %q", req.Branch, want)
			}
			if len(req.Origin.Answers) != len(tt.lines) {
				t.Errorf("it answers %v", req.Origin.Answers)
			}
		})
	}
}

// After a person's push Honk keeps its hands off, but not after its own: while
// a task is about to store its push, the review waits.
func TestReview_whosePush(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pr, _ := b.ours()
	b.says("ada", pr.Number, "/honk and small")
	rec := b.runs()
	pr.HeadSHA = b.push("honk-pusher", pr.Branch, "# api\n\nsmall\n")
	b.tick()
	_, err := b.forge.Review(t.Context(), b.at("eve", pr.Number), githubtest.NewReview{Event: "request_changes", Body: "Slower."})
	b.must(err)
	list := b.deliveries()
	review := list[len(list)-1]
	if _, err := b.door.Handle(t.Context(), review); task.CodeOf(err) != task.CodeUnavailable {
		t.Fatalf("before the push is stored: %v, want it put off", err)
	}
	b.ends(rec, task.StatusDelivered, &pr)
	b.handle()
	if got := len(b.tasks()); got != 3 {
		t.Errorf("there are %d tasks, want the review's, too", got)
	}
	b.ends(b.runs(), task.StatusNoChange, nil)
	b.push("eve", pr.Branch, "# api\n\nmine\n")
	b.handle()
	if got := b.review("eve", pr.Number, githubtest.NewReview{Event: "request_changes", Body: "Slower."}); !strings.HasPrefix(got, "hands off") {
		t.Errorf("after a person's push: %q", got)
	}
}

// Comments with a command become one follow-up once it is quiet; every thread
// is answered once, where it began.
func TestFeedback(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pr, _ := b.ours()
	at := b.at("ada", pr.Number)
	comment := func(line int, text string) int64 {
		b.tick()
		id, err := b.forge.CommentLine(t.Context(), at, githubtest.Line{Path: "README.md", Line: line, Body: text})
		b.must(err)
		return id
	}
	one := comment(3, "Why?")
	two := comment(5, "/honk bigger")
	for _, text := range []string{"/honk slower", "/honk louder"} {
		b.tick()
		_, err := b.forge.Reply(at, one, text)
		b.must(err)
	}
	// The comments are handled, the reminders for them come too early.
	for _, d := range b.deliveries() {
		got, err := b.door.Handle(t.Context(), d)
		if want := map[bool]string{true: "no command", false: "collected"}[d.Event == "pull_request_review"]; err != nil || got != want {
			t.Fatalf("%s: %q, %v", d.Event, got, err)
		}
		b.must(b.db.Handled(t.Context(), d.Source, d.ID, got))
	}
	reminders := b.deliveries()
	if len(reminders) != 3 {
		t.Fatalf("there are %d reminders, want 3", len(reminders))
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		_, err := b.door.Handle(t.Context(), reminders[0])
		if err == nil {
			break
		}
		if task.CodeOf(err) != task.CodeRateLimited || time.Now().After(deadline) {
			t.Fatalf("a reminder: %v", err)
		}
		<-time.After(10 * time.Millisecond)
	}
	b.handle()
	all := b.tasks()
	if len(all) != 2 {
		t.Fatalf("there are %d tasks, want one follow-up", len(all))
	}
	req := all[1].Request
	for _, want := range []string{"bigger", "slower", "louder"} {
		if !strings.Contains(req.Prompt, want) {
			t.Errorf("the request lacks %q: %s", want, req.Prompt)
		}
	}
	answers := slices.Sorted(slices.Values(req.Origin.Answers))
	want := []string{fmt.Sprintf("%d/review/%d", pr.Number, one), fmt.Sprintf("%d/review/%d", pr.Number, two)}
	if !slices.Equal(answers, slices.Sorted(slices.Values(want))) {
		t.Errorf("it answers %q, want %q", answers, want)
	}
}

// check reports a check, and has what follows handled.
func (b *bundle) check(sha, name, conclusion string) {
	b.Helper()
	b.tick()
	_, err := b.forge.SetCheck(b.Context(), repoName, githubtest.Check{
		SHA: sha, Name: name, Conclusion: conclusion, Output: githubtest.Output{Title: "it says " + name},
	})
	b.must(err)
}

func (b *bundle) suite(sha string) {
	b.Helper()
	b.must(b.forge.CompleteSuite(b.Context(), repoName, sha))
	b.handle()
}

// A red pull request is mended at most twice, for what its base does not have,
// and then handed over, once.
func TestChecks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.check(b.branch("main"), "old", "failure")
	pr, _ := b.ours()
	b.check(pr.HeadSHA, "old", "failure")
	b.suite(pr.HeadSHA)
	if got := len(b.tasks()); got != 1 {
		t.Fatalf("there are %d tasks: what is as red as the base is mended", got)
	}
	b.check(pr.HeadSHA, "slow", "")
	b.check(pr.HeadSHA, "new", "failure")
	b.handle()
	if got := len(b.tasks()); got != 1 {
		t.Fatalf("there are %d tasks: it does not wait for the other checks", got)
	}
	b.check(pr.HeadSHA, "slow", "success")
	b.suite(pr.HeadSHA)
	for round := 2; round <= 3; round++ {
		all := b.tasks()
		if len(all) != round {
			t.Fatalf("there are %d tasks, want %d", len(all), round)
		}
		rec := b.runs()
		if req := rec.Request; req.Branch != pr.Branch || req.Origin.Cause != task.CauseChecks ||
			!strings.HasSuffix(req.Prompt, ": new") || req.Actor.Login != "ada" {
			t.Errorf("got %+v", req)
		}
		pr.HeadSHA = b.push("honk-pusher", pr.Branch, fmt.Sprintf("# api\n\nround %d\n", round))
		b.ends(rec, task.StatusDelivered, &pr)
		b.check(pr.HeadSHA, "new", "failure")
		b.suite(pr.HeadSHA)
	}
	b.suite(pr.HeadSHA)
	if got := len(b.tasks()); got != 3 {
		t.Errorf("there are %d tasks, want two rounds only", got)
	}
	b.wantReplies(1, "new")
	sha := b.push("eve", pr.Branch, "# api\n\nmine\n")
	b.check(sha, "new", "failure")
	b.suite(sha)
	b.wantReplies(1, "")
}

// A check may be faster than the task that pushed.
func TestChecks_early(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pr, _ := b.ours()
	b.says("ada", pr.Number, "/honk and small")
	rec := b.runs()
	pr.HeadSHA = b.push("honk-pusher", pr.Branch, "# api\n\nsmall\n")
	b.check(pr.HeadSHA, "new", "failure")
	b.must(b.forge.CompleteSuite(t.Context(), repoName, pr.HeadSHA))
	list := b.deliveries()
	if _, err := b.door.Handle(t.Context(), list[len(list)-1]); task.CodeOf(err) != task.CodeUnavailable {
		t.Errorf("before the push is stored: %v, want it put off", err)
	}
	b.ends(rec, task.StatusDelivered, &pr)
	b.handle()
	if got := len(b.tasks()); got != 3 {
		t.Errorf("there are %d tasks, want the repair, too", got)
	}
}

// Nobody is told that rounds are used up which are not.
func TestChecks_handoverIsTrue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pr, rec := b.ours()
	_, err := b.db.Mute(t.Context(), rec.Request.Repo, pr.Number)
	b.must(err)
	b.check(pr.HeadSHA, "new", "failure")
	b.suite(pr.HeadSHA)
	b.wantReplies(0, "")
	if got := len(b.tasks()); got != 1 {
		t.Errorf("there are %d tasks", got)
	}
	var row postgres.PullRequest
	if row, err = b.db.PullRequest(t.Context(), rec.Request.Repo, pr.Number); err != nil || row.Repairs != 0 {
		t.Errorf("%d repairs are counted, %v", row.Repairs, err)
	}
}
