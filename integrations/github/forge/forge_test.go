package forge_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"honk/integrations/github/githubtest"
	"honk/internal/task"
)

func TestPublish(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		mode, asked string
		files       map[string]string
		draft       bool
		reviewers   []string
		none        bool
	}{
		"ready":            {mode: "ready", files: map[string]string{"main.go": "package main // x\n"}, reviewers: []string{"carl"}},
		"draft":            {mode: "draft", files: map[string]string{"main.go": "package main // x\n"}, draft: true, reviewers: []string{"carl"}},
		"asked for ready":  {mode: "draft", asked: "ready", files: map[string]string{"go.mod": "module a\n"}},
		"branch only":      {mode: "draft", asked: "none", files: map[string]string{"go.mod": "module a\n"}, none: true},
		"sensitive":        {mode: "ready", asked: "ready", files: map[string]string{".honk.yaml": "verify: []\n"}, draft: true},
		"owned by another": {mode: "ready", files: map[string]string{".github/CODEOWNERS": "* @mallory\n", "main.go": "package main // x\n"}, draft: true, reviewers: []string{"carl"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, tt.mode)
			tk := request("fix the thing")
			tk.Request.Options.PullRequest = tt.asked
			p := b.changes(tk, "", tt.files)
			pr := b.publish(p)
			again := b.publish(p)
			if again.Number != pr.Number || again.HeadSHA != pr.HeadSHA {
				t.Errorf("published again it is %+v, not %+v", again, pr)
			}
			if got := b.branches(); len(got) != 1 || got[0] != p.Branch {
				t.Errorf("branches %q", got)
			}
			list := b.pulls()
			if tt.none {
				if len(list) != 0 || pr.Number != 0 {
					t.Errorf("there is a pull request: %+v", pr)
				}
				return
			}
			if len(list) != 1 {
				t.Fatalf("there are %d pull requests", len(list))
			}
			got := list[0]
			if got.Draft != tt.draft || !slices.Equal(got.Reviewers, tt.reviewers) || !slices.Equal(got.Assignees, []string{"ada"}) ||
				got.HeadSHA != pr.HeadSHA || got.Login != b.hub.BotLogin() {
				t.Errorf("got %+v", got)
			}
			b.wantNoTokens()
		})
	}
}

func TestPublish_refused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		prepare func(*bundle)
		files   map[string]string
		code    task.Code
	}{
		"permission withdrawn": {
			prepare: func(b *bundle) { b.must(b.hub.SetPermission(repoName, "ada", "read")) },
			files:   map[string]string{"main.go": "package x\n"}, code: task.CodeForbidden,
		},
		"workflow":    {files: map[string]string{".github/workflows/x.yml": "on: push\n"}, code: task.CodeForbidden},
		"archived":    {prepare: func(b *bundle) { b.must(b.hub.Archive(repoName, true)) }, files: map[string]string{"main.go": "package x\n"}, code: task.CodeForbidden},
		"uninstalled": {prepare: func(b *bundle) { b.hub.Uninstall("acme") }, files: map[string]string{"main.go": "package x\n"}, code: task.CodeNotFound},
		"suspended":   {prepare: func(b *bundle) { b.hub.Suspend("acme", true) }, files: map[string]string{"main.go": "package x\n"}, code: task.CodeForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, "draft")
			p := b.changes(request("fix it"), "", tt.files)
			if tt.prepare != nil {
				tt.prepare(b)
			}
			_, err := b.forge.Publish(t.Context(), p)
			if task.CodeOf(err) != tt.code {
				t.Errorf("got %s %v, want %s", task.CodeOf(err), err, tt.code)
			}
			if got := len(b.branches()); got > 0 {
				t.Errorf("%d branches were pushed", got)
			}
			if got := len(b.pulls()); got != 0 {
				t.Errorf("there are %d pull requests", got)
			}
		})
	}
}

// What GitHub answers, or does not, leads to one pull request.
func TestPublish_faults(t *testing.T) {
	t.Parallel()
	fault := func(method, path string, f *githubtest.Fault, times int) func(*http.Request) *githubtest.Fault {
		return func(r *http.Request) *githubtest.Fault {
			if r.Method == method && strings.HasSuffix(r.URL.Path, path) && times > 0 {
				times--
				return f
			}
			return nil
		}
	}
	for name, tt := range map[string]struct {
		fault func(*http.Request) *githubtest.Fault
		draft bool
	}{
		"answer lost":    {fault(http.MethodPost, "/pulls", githubtest.BadGateway(true), 1), true},
		"no drafts here": {fault(http.MethodPost, "/pulls", &githubtest.Fault{Status: 422, Message: "Draft pull requests are not supported in this repository."}, 1), false},
		"no assignees":   {fault(http.MethodPost, "/assignees", githubtest.BadGateway(false), 9), true},
		"no reviewers":   {fault(http.MethodPost, "/requested_reviewers", githubtest.SecondaryLimit(0), 9), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, "draft")
			p := b.changes(request("fix it"), "", map[string]string{"main.go": "package x\n"})
			b.hub.Fault(tt.fault)
			pr := b.publish(p)
			list := b.pulls()
			if len(list) != 1 || list[0].Number != pr.Number || list[0].Draft != tt.draft {
				t.Errorf("got %+v of %+v", pr, list)
			}
		})
	}
}

// A follow-up goes on top of its branch, keeps what people wrote into the pull
// request, and never over a person's commit.
func TestPublish_onto(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		close, push bool
		code        task.Code
		pulls       int
	}{
		"open":              {pulls: 1},
		"closed during it":  {close: true, pulls: 2},
		"a person's commit": {push: true, code: task.CodeConflict, pulls: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, "draft")
			first := b.publish(b.changes(request("fix it"), "", map[string]string{"main.go": "package x\n"}))
			at := githubtest.At{Login: "ada", Repo: repoName, Number: first.Number}
			body := "Mine.\n\n" + b.pulls()[0].Body
			b.must(b.hub.EditIssue(t.Context(), at, githubtest.Edit{Body: &body}))
			tk := request("and small")
			tk.Request.Ref, tk.Request.Branch, tk.Request.Origin.Thread = first.Branch, first.Branch, fmt.Sprint(first.Number)
			p := b.changes(tk, first.Branch, map[string]string{"main.go": "package y\n"})
			if tt.close {
				b.must(b.hub.CloseIssue(t.Context(), at))
			}
			if tt.push {
				_, err := b.hub.Commit(t.Context(), githubtest.Change{
					Repo: repoName, Branch: first.Branch, From: first.Branch, Login: "ada", Files: map[string]string{"x": "y"},
				})
				b.must(err)
			}
			pr, err := b.forge.Publish(t.Context(), p)
			if task.CodeOf(err) != tt.code {
				t.Fatalf("got %s %v, want %s", task.CodeOf(err), err, tt.code)
			}
			list := b.pulls()
			if len(list) != tt.pulls {
				t.Fatalf("there are %d pull requests, want %d", len(list), tt.pulls)
			}
			if tt.code != "" {
				return
			}
			if list[0].Number != pr.Number || list[0].Base != "main" || list[0].Head != first.Branch || list[0].HeadSHA != pr.HeadSHA {
				t.Errorf("got %+v, want %+v", pr, list[0])
			}
			if !tt.close && !strings.HasPrefix(list[0].Body, "Mine.") {
				t.Errorf("what a person wrote is gone: %s", list[0].Body)
			}
		})
	}
}

func TestPublish_closes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		prompt string
		thread string
		want   bool
	}{
		"its number":       {"Resolve issue #1: it is slow", "1", true},
		"this issue":       {"please fix this issue", "1", true},
		"another's number": {"fixes #12", "1", false},
		"only spoken of":   {"see #1 for the reason", "1", false},
		"only asked there": {"fix the docs", "1", false},
		"nowhere":          {"fix #1", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, "ready")
			tk := request(tt.prompt)
			tk.Request.Origin.Thread = tt.thread
			b.publish(b.changes(tk, "", map[string]string{"main.go": "package x\n"}))
			if got := strings.Contains(b.pulls()[0].Body, "Closes #1"); got != tt.want {
				t.Errorf("closes the issue: %t, want %t:\n%s", got, tt.want, b.pulls()[0].Body)
			}
		})
	}
}

// A webhook says nothing about where code comes from, and a task's token goes
// to no other place.
func TestCheckout(t *testing.T) {
	t.Parallel()
	b := setup(t, "draft")
	c, err := b.forge.Checkout(t.Context(), request("x"), "")
	b.must(err)
	defer c.Close()
	f, err := c.BaseFS().Open("README.md")
	b.must(err)
	defer f.Close()
	if raw, err := io.ReadAll(f); err != nil || string(raw) != "# api\n" {
		t.Errorf("got %q, %v", raw, err)
	}
	if _, err := b.forge.Checkout(t.Context(), request("x"), "no-such-branch"); task.CodeOf(err) != task.CodeNotFound {
		t.Errorf("a branch that is not there: %v", err)
	}
	tk := request("x")
	tk.Request.Repo.Name = "secret"
	if _, err := b.forge.Checkout(t.Context(), tk, ""); err == nil {
		t.Error("a repository that is not there: no error")
	}
	for i, tok := range b.hub.Tokens() {
		if tok.Permissions["contents"] != "read" || len(tok.Permissions) != 2 {
			t.Errorf("token %d may %v", i+1, tok.Permissions)
		}
	}
	b.wantNoTokens()
}

// A secret is masked in whatever is published.
func TestPublish_secret(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"known": known, "of a known kind": "ghp_16C7e42F292c6912E7710c838347Ae178B4a"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, "ready")
			b.publish(b.changes(request("use "+text+" there"), "", map[string]string{"main.go": "package x\n"}))
			if got := b.pulls()[0]; strings.Contains(got.Title+got.Body, text) {
				t.Errorf("the pull request holds it: %s", got.Body)
			}
		})
	}
}
