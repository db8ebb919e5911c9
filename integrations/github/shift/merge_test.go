package shift_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"honk/integrations/github/githubtest"
	"honk/integrations/github/shift"
	"honk/internal/task"
)

func asTask(err error, e **task.Error) bool { return errors.As(err, e) }

func TestMerge(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"merge", "squash", "rebase"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			ctx := t.Context()
			b.push("", "honk/x", map[string]string{"main.go": "package main // 1\n"})
			pr := b.open("honk/x", map[string]string{"main.go": "package main // 2\n", "b": "b"}, nil)
			b.push("ada", "main", map[string]string{"README.md": "# other\n"})
			sha, err := b.forge.Merge(ctx, repo, pr.Number, pr.HeadSHA, method)
			b.must(err)
			again, err := b.forge.Merge(ctx, repo, pr.Number, pr.HeadSHA, method)
			b.must(err)
			branches, err := b.hub.Branches(ctx, repo)
			b.must(err)
			if branches["main"] != sha || again != sha {
				t.Errorf("merged %s, then %s; main is at %s", sha, again, branches["main"])
			}
			for name, want := range map[string]string{"main.go": "package main // 2\n", "b": "b", "README.md": "# other\n"} {
				if got, err := b.hub.File(ctx, repo, "main", name); err != nil || got != want {
					t.Errorf("%s is %q, %v", name, got, err)
				}
			}
			b.must(b.forge.DeleteBranch(ctx, repo, "honk/x", pr.HeadSHA))
			b.must(b.forge.DeleteBranch(ctx, repo, "honk/x", pr.HeadSHA))
			b.wantNoTokens()
		})
	}
}

// What happens between the decision and the merge is told apart.
func TestMerge_races(t *testing.T) {
	t.Parallel()
	put := func(f *githubtest.Fault) func(*bundle, task.PullRequest) {
		return func(b *bundle, _ task.PullRequest) { b.hub.Fault(once(http.MethodPut, "/merge", f, 1)) }
	}
	for name, tt := range map[string]struct {
		meanwhile func(*bundle, task.PullRequest)
		draft     bool
		why       shift.Why
		code      task.Code
	}{
		"merged by a person": {meanwhile: func(b *bundle, pr task.PullRequest) {
			b.must(b.hub.MergePull(b.Context(), b.at(pr.Number), "rebase"))
		}},
		"closed": {meanwhile: func(b *bundle, pr task.PullRequest) {
			b.must(b.hub.CloseIssue(b.Context(), b.at(pr.Number)))
		}, why: shift.WhyClosed},
		"pushed": {meanwhile: func(b *bundle, _ task.PullRequest) {
			b.push("ada", "honk/x", map[string]string{"c": "c"})
		}, why: shift.WhyMoved},
		"force-pushed": {meanwhile: func(b *bundle, _ task.PullRequest) { b.force("honk/x") }, why: shift.WhyMoved},
		"conflict": {meanwhile: func(b *bundle, _ task.PullRequest) {
			b.push("ada", "main", map[string]string{"a": "other"})
		}, why: shift.WhyConflicted},
		"undecided": {meanwhile: func(b *bundle, pr task.PullRequest) {
			b.must(b.hub.Lookup().SetUndecided(repo, pr.Number, true))
			put(&githubtest.Fault{Status: 405, Message: "Pull Request is not mergeable"})(b, pr)
		}, code: task.CodeUnavailable},
		"draft": {draft: true, why: shift.WhyBlocked},
		"required check": {meanwhile: func(b *bundle, _ task.PullRequest) {
			b.must(b.hub.Lookup().Require(repo, "main", "test"))
		}, why: shift.WhyBlocked},
		"branch deleted": {meanwhile: func(b *bundle, _ task.PullRequest) {
			b.must(b.hub.DeleteBranch(b.Context(), "ada", repo, "honk/x"))
		}, why: shift.WhyClosed},
		"base moved":  {meanwhile: put(&githubtest.Fault{Status: 405, Message: "Base branch was modified. Review and try the merge again."}), code: task.CodeUnavailable},
		"method":      {meanwhile: put(&githubtest.Fault{Status: 405, Message: "Squash merges are not allowed on this repository."}), why: shift.WhyBlocked},
		"answer lost": {meanwhile: put(githubtest.BadGateway(true))},
		"bad gateway": {meanwhile: put(githubtest.BadGateway(false)), code: task.CodeUnavailable},
		"secondary":   {meanwhile: put(githubtest.SecondaryLimit(time.Minute)), code: task.CodeRateLimited},
		"archived":    {meanwhile: func(b *bundle, _ task.PullRequest) { b.must(b.hub.Archive(repo, true)) }, code: task.CodeForbidden},
		"uninstalled": {meanwhile: func(b *bundle, _ task.PullRequest) { b.hub.Uninstall("acme") }, code: task.CodeNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			pr := b.open("honk/x", map[string]string{"a": "a"}, func(n *shift.NewPull) { n.Draft = tt.draft })
			if tt.meanwhile != nil {
				tt.meanwhile(b, pr)
			}
			sha, err := b.forge.Merge(t.Context(), repo, pr.Number, pr.HeadSHA, "squash")
			if tt.why != "" {
				b.refused(err, tt.why)
				return
			}
			b.want(err, tt.code)
			if err == nil && (sha == "" || !b.pulls()[0].Merged) {
				t.Errorf("merged %q: %+v", sha, b.pulls()[0])
			}
		})
	}
}

// force puts another commit in place of a branch's.
func (b *bundle) force(branch string) {
	b.Helper()
	b.must(b.hub.Force(b.Context(), githubtest.Change{
		Repo: repo, Branch: branch, Login: "ada", Files: map[string]string{"forced": "x"},
	}))
}

func TestMerge_required(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	b.must(b.hub.Lookup().Require(repo, "main", "test"))
	pr := b.open("honk/x", map[string]string{"a": "a"}, nil)
	_, err := b.hub.SetCheck(ctx, repo, githubtest.Check{SHA: pr.HeadSHA, Name: "test", Conclusion: "failure"})
	b.must(err)
	_, err = b.forge.Merge(ctx, repo, pr.Number, pr.HeadSHA, "squash")
	b.refused(err, shift.WhyBlocked)
	if !strings.Contains(err.Error(), "Required status check") {
		t.Errorf("it does not say why: %v", err)
	}
	_, err = b.hub.SetCheck(ctx, repo, githubtest.Check{SHA: pr.HeadSHA, Name: "test", Conclusion: "success"})
	b.must(err)
	_, err = b.forge.Merge(ctx, repo, pr.Number, pr.HeadSHA, "squash")
	b.must(err)
	_, err = b.forge.Merge(ctx, repo, pr.Number, pr.HeadSHA, "fold")
	b.want(err, task.CodeInvalid)
	_, err = b.forge.Merge(ctx, repo, pr.Number, "abc", "squash")
	b.want(err, task.CodeInvalid)
}

// Several at once merge once.
func TestMerge_atOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pr := b.open("honk/x", map[string]string{"a": "a"}, nil)
	var all sync.WaitGroup
	shas, errs := make([]string, 5), make([]error, 5)
	for i := range shas {
		all.Go(func() { shas[i], errs[i] = b.forge.Merge(t.Context(), repo, pr.Number, pr.HeadSHA, "squash") })
	}
	all.Wait()
	for i := range shas {
		if errs[i] != nil || shas[i] == "" || shas[i] != shas[0] {
			t.Errorf("%d: %q, %v", i, shas[i], errs[i])
		}
	}
}

func TestDeleteBranch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	sha := b.push("", "honk/x", map[string]string{"a": "a"})
	fresh := b.push("ada", "honk/x", map[string]string{"b": "b"})
	b.refused(b.forge.DeleteBranch(ctx, repo, "honk/x", sha), shift.WhyMoved)
	b.must(b.forge.DeleteBranch(ctx, repo, "honk/x", fresh))
	branches, err := b.hub.Branches(ctx, repo)
	b.must(err)
	if len(branches) != 1 {
		t.Errorf("branches %v", branches)
	}
	b.want(b.forge.DeleteBranch(ctx, repo, "../main", fresh), task.CodeInvalid)
}
