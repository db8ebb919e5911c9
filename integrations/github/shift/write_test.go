package shift_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"honk/integrations/github/githubtest"
	"honk/integrations/github/shift"
	"honk/internal/task"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	pr := b.open("honk/x", map[string]string{"a": "a"}, func(n *shift.NewPull) {
		n.Labels, n.Reviewers = []string{"honk", "go"}, []string{"carl", "stranger"}
	})
	again, err := b.forge.Open(ctx, repo, shift.NewPull{
		Branch: "honk/x", Base: "main", Title: "Another", Labels: []string{"GO", "more"}, Reviewers: []string{"ada"},
	})
	b.must(err)
	if again != pr || pr.Base != "main" || pr.State != task.PullRequestOpen {
		t.Errorf("opened %+v, then %+v", pr, again)
	}
	list := b.pulls()
	if len(list) != 1 || list[0].Title != "Upgrade" || !slices.Equal(list[0].Labels, []string{"honk", "go", "more"}) ||
		!slices.Equal(list[0].Reviewers, []string{"carl"}) || list[0].Login != b.hub.BotLogin() {
		t.Errorf("got %+v", list)
	}
	// Closed by a person it stays closed, until there is another change.
	b.must(b.hub.CloseIssue(ctx, b.at(pr.Number)))
	n := shift.NewPull{Branch: "honk/x", Base: "main", Title: "Upgrade"}
	if again, err = b.forge.Open(ctx, repo, n); err != nil || again.Number != pr.Number || again.State != task.PullRequestClosed {
		t.Errorf("closed: %+v, %v", again, err)
	}
	b.push("", "honk/x", map[string]string{"a": "b"})
	if again, err = b.forge.Open(ctx, repo, n); err != nil || again.Number == pr.Number {
		t.Errorf("changed: %+v, %v", again, err)
	}
	b.must(b.hub.MergePull(ctx, b.at(again.Number), "merge"))
	if again, err = b.forge.Open(ctx, repo, n); err != nil || again.State != task.PullRequestMerged {
		t.Errorf("merged: %+v, %v", again, err)
	}
	n.Branch = "none"
	_, err = b.forge.Open(ctx, repo, n)
	b.want(err, task.CodeInvalid)
	b.wantNoTokens()
	for i, tok := range b.hub.Tokens() {
		if tok.Permissions["contents"] == "write" {
			t.Errorf("token %d may %v", i+1, tok.Permissions)
		}
	}
}

// Several at once open one, and what goes wrong loses nothing.
func TestOpen_races(t *testing.T) {
	t.Parallel()
	limit := githubtest.SecondaryLimit(90 * time.Second)
	for name, tt := range map[string]struct {
		fault func(*http.Request) *githubtest.Fault
		code  task.Code
		draft bool
		pulls int
	}{
		"several at once": {pulls: 1, draft: true},
		"answer lost":     {fault: once(http.MethodPost, "/pulls", githubtest.BadGateway(true), 1), pulls: 1, draft: true},
		"limited":         {fault: once(http.MethodPost, "/pulls", limit, 1), code: task.CodeRateLimited},
		"labels limited":  {fault: once(http.MethodPost, "/labels", limit, 1), code: task.CodeRateLimited, pulls: 1, draft: true},
		"labels refused":  {fault: once(http.MethodPost, "/labels", &githubtest.Fault{Status: 403, Message: "no"}, 9), pulls: 1, draft: true},
		"no drafts here":  {fault: once(http.MethodPost, "/pulls", &githubtest.Fault{Status: 422, Message: "Draft pull requests are not supported in this repository."}, 1), pulls: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.push("", "honk/x", map[string]string{"a": "a"})
			b.hub.Fault(tt.fault)
			times := 1
			if tt.fault == nil {
				times = 4
			}
			var all sync.WaitGroup
			errs := make([]error, times)
			for i := range times {
				all.Go(func() {
					_, errs[i] = b.forge.Open(t.Context(), repo, shift.NewPull{
						Branch: "honk/x", Base: "main", Title: "Upgrade", Draft: true, Labels: []string{"honk"},
					})
				})
			}
			all.Wait()
			for _, err := range errs {
				b.want(err, tt.code)
				if e := new(task.Error); tt.code == task.CodeRateLimited && (!asTask(err, &e) || e.After < time.Minute) {
					t.Errorf("the wait is %v", e.After)
				}
			}
			list := b.pulls()
			if len(list) != tt.pulls || tt.pulls > 0 && list[0].Draft != tt.draft {
				t.Errorf("got %+v", list)
			}
		})
	}
}

func TestEdit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	const evidence = "<!-- honk:evidence abc -->\n%\n<!-- /honk:evidence -->"
	with := func(text string) string { return strings.ReplaceAll(evidence, "%", text) }
	pr := b.open("honk/x", map[string]string{"a": "a"}, func(n *shift.NewPull) { n.Body = "To 2.\n\n" + with("one") })
	b.writes()
	b.must(b.forge.Edit(ctx, repo, pr.Number, "Upgrade", "To 2.\n\n"+with("one")+"\n"))
	b.must(b.forge.Edit(ctx, repo, pr.Number, "", ""))
	if n := b.writes(); n != 0 {
		t.Errorf("nothing changes, and there were %d writes", n)
	}
	body := "Mine.\r\n\r\n" + with("one")
	b.must(b.hub.EditIssue(ctx, b.at(pr.Number), githubtest.Edit{Body: &body}))
	b.must(b.forge.Edit(ctx, repo, pr.Number, "Upgrade to 2", "To 2.\n\n"+with("two")))
	if got := b.pulls()[0]; got.Title != "Upgrade to 2" || got.Body != "Mine.\r\n\r\n"+with("two") {
		t.Errorf("got %q %q", got.Title, got.Body)
	}
	b.must(b.forge.Edit(ctx, repo, pr.Number, "", "All new."))
	if got := b.pulls()[0]; got.Title != "Upgrade to 2" || got.Body != "All new." {
		t.Errorf("got %q %q", got.Title, got.Body)
	}
	b.wantNoTokens()
}

func TestReady(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	pr := b.open("honk/x", map[string]string{"a": "a"}, func(n *shift.NewPull) { n.Draft = true })
	b.must(b.forge.Ready(ctx, repo, pr.Number))
	if b.pulls()[0].Draft {
		t.Error("it is a draft still")
	}
	b.writes()
	b.must(b.forge.Ready(ctx, repo, pr.Number))
	if n := b.writes(); n != 0 {
		t.Errorf("it is ready already, and there were %d writes", n)
	}
	b.must(b.hub.SetDraft(b.at(pr.Number), true))
	b.must(b.hub.Archive(repo, true))
	b.want(b.forge.Ready(ctx, repo, pr.Number), task.CodeForbidden)
	b.must(b.hub.Archive(repo, false))
	b.must(b.hub.CloseIssue(ctx, b.at(pr.Number)))
	b.refused(b.forge.Ready(ctx, repo, pr.Number), shift.WhyClosed)
	b.wantNoTokens()
}

func TestClose(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	pr := b.open("honk/x", map[string]string{"a": "a"}, nil)
	// The close is lost after the comment: the next try says nothing twice.
	b.hub.Fault(once(http.MethodPatch, "/pulls/1", githubtest.BadGateway(false), 1))
	b.want(b.forge.Close(ctx, repo, pr.Number, "No longer needed."), task.CodeUnavailable)
	for range 2 {
		b.must(b.forge.Close(ctx, repo, pr.Number, "No longer needed."))
	}
	comments, err := b.hub.Comments(repo, pr.Number)
	b.must(err)
	if len(comments) != 1 || !strings.HasSuffix(comments[0].Body, "\nNo longer needed.") || b.pulls()[0].State != "closed" {
		t.Errorf("got %+v, %+v", b.pulls(), comments)
	}
	other := b.open("honk/y", map[string]string{"y": "y"}, nil)
	b.must(b.hub.MergePull(ctx, b.at(other.Number), "merge"))
	b.refused(b.forge.Close(ctx, repo, other.Number, "x"), shift.WhyClosed)
	for range 2 {
		b.must(b.forge.Comment(ctx, repo, other.Number, "remind:1", "Please look."))
		b.must(b.forge.Comment(ctx, repo, other.Number, "remind:2", "Please look."))
	}
	if comments, err = b.hub.Comments(repo, other.Number); err != nil || len(comments) != 2 {
		t.Errorf("got %+v, %v", comments, err)
	}
	b.wantNoTokens()
}

func TestLabel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	pr := b.open("honk/x", map[string]string{"a": "a"}, nil)
	for range 2 {
		b.must(b.forge.Label(ctx, repo, pr.Number, "honk", "stale"))
		b.must(b.forge.RequestReview(ctx, repo, pr.Number, []string{"carl", "nobody"}, []string{"core"}))
	}
	b.must(b.forge.RequestReview(ctx, repo, pr.Number, nil, nil))
	if got := b.pulls()[0]; !slices.Equal(got.Labels, []string{"honk", "stale"}) || !slices.Equal(got.Reviewers, []string{"carl"}) {
		t.Errorf("got %+v", got)
	}
	b.must(b.hub.Archive(repo, true))
	b.want(b.forge.Label(ctx, repo, pr.Number, "late"), task.CodeForbidden)
	b.want(b.forge.Comment(ctx, repo, pr.Number, "k", "late"), task.CodeForbidden)
	b.want(b.forge.Edit(ctx, repo, pr.Number, "late", ""), task.CodeForbidden)
	b.want(b.forge.Close(ctx, repo, pr.Number, ""), task.CodeForbidden)
	_, err := b.forge.Merge(ctx, repo, pr.Number, pr.HeadSHA, "squash")
	b.want(err, task.CodeForbidden)
	b.want(b.forge.DeleteBranch(ctx, repo, "honk/x", pr.HeadSHA), task.CodeForbidden)
	b.wantNoTokens()
}
