package shift_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"honk/integrations/github/client"
	"honk/integrations/github/githubtest"
	"honk/integrations/github/shift"
	"honk/internal/task"
)

const repo = "acme/api"

// bundle is a Forge on a forge with the repository acme/api, where ada and
// carl can write and bob can read.
type bundle struct {
	*testing.T
	hub   *githubtest.Forge
	app   *client.App
	forge *shift.Forge

	mu   sync.Mutex
	kept map[string]bool
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{T: t, kept: map[string]bool{}}
	log := slog.New(slog.DiscardHandler)
	var err error
	b.hub, err = githubtest.New(githubtest.Options{Dir: t.TempDir()})
	b.must(err)
	b.must(b.hub.Start(t.Context()))
	t.Cleanup(func() { _ = b.hub.Close() })
	b.create(githubtest.NewRepo{Name: repo, Language: "Go", Topics: []string{"go", "service"}, Files: map[string]string{
		"README.md": "# api\n", "main.go": "package main\n", "pkg/a/a.go": "package a\n",
		".github/CODEOWNERS": "*.md @bob\n*.go @carl @ada @acme/core\n",
	}})
	for login, role := range map[string]string{"ada": "write", "carl": "write", "bob": "read"} {
		b.must(b.hub.SetPermission(repo, login, role))
	}
	_, err = b.hub.Install("acme")
	b.must(err)
	b.app, err = client.New(client.Options{
		AppID: b.hub.AppID(), PrivateKey: b.hub.PrivateKey(), APIURL: b.hub.APIURL(), Log: log,
		KeepFunc:   func(_ context.Context, tok client.Token) error { return b.keep(tok, true) },
		ForgetFunc: func(_ context.Context, tok client.Token) error { return b.keep(tok, false) },
	})
	b.must(err)
	b.forge = shift.New(shift.Options{App: b.app, GitURL: b.hub.GitURL(), Log: log})
	return b
}

func (b *bundle) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bundle) keep(tok client.Token, in bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept[tok.Reveal()] = in
	return nil
}

// wantNoTokens insists that, but for the shared ones, no token is left.
func (b *bundle) wantNoTokens() {
	b.Helper()
	b.must(b.app.Close(b.Context()))
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, in := range b.kept {
		if in {
			b.Error("a token is left")
		}
	}
}

func (b *bundle) create(n githubtest.NewRepo) {
	b.Helper()
	_, err := b.hub.CreateRepo(b.Context(), n)
	b.must(err)
}

// push commits files to a branch, as the App's bot where login is empty.
func (b *bundle) push(login, branch string, files map[string]string) string {
	b.Helper()
	if login == "" {
		login = b.hub.BotLogin()
	}
	sha, err := b.hub.Commit(b.Context(), githubtest.Change{
		Repo: repo, Branch: branch, Login: login, Files: files, Message: "Change " + branch,
	})
	b.must(err)
	return sha
}

// open pushes a branch and opens its pull request.
func (b *bundle) open(branch string, files map[string]string, change func(*shift.NewPull)) task.PullRequest {
	b.Helper()
	b.push("", branch, files)
	n := shift.NewPull{Branch: branch, Base: "main", Title: "Upgrade", Body: "To 2."}
	if change != nil {
		change(&n)
	}
	pr, err := b.forge.Open(b.Context(), repo, n)
	b.must(err)
	return pr
}

func (b *bundle) at(number int) githubtest.At {
	return githubtest.At{Login: "ada", Repo: repo, Number: number}
}

func (b *bundle) pulls() []githubtest.Pull {
	b.Helper()
	list, err := b.hub.Pulls(repo)
	b.must(err)
	return list
}

// want insists on the code of an error.
func (b *bundle) want(err error, code task.Code) {
	b.Helper()
	if task.CodeOf(err) != code {
		b.Fatalf("got %q %v, want %q", task.CodeOf(err), err, code)
	}
}

// refused insists on the reason of a refusal.
func (b *bundle) refused(err error, why shift.Why) {
	b.Helper()
	b.want(err, task.CodeConflict)
	var e *shift.RefusedError
	if !asRefused(err, &e) || e.Why != why {
		b.Fatalf("got %#v %v, want %s", e, err, why)
	}
}

// writes counts the requests since the last call that change something, but
// for tokens.
func (b *bundle) writes() int {
	n := 0
	for _, r := range b.hub.Requests() {
		if r.Method != http.MethodGet && !strings.HasSuffix(r.Path, "/access_tokens") && !strings.HasSuffix(r.Path, "/token") {
			n++
		}
	}
	b.hub.ForgetRequests()
	return n
}

// once makes the next requests of a method to a path meet a fault.
func once(method, path string, f *githubtest.Fault, times int) func(*http.Request) *githubtest.Fault {
	var mu sync.Mutex
	return func(r *http.Request) *githubtest.Fault {
		mu.Lock()
		defer mu.Unlock()
		if r.Method == method && strings.HasSuffix(r.URL.Path, path) && times > 0 {
			times--
			return f
		}
		return nil
	}
}
