package forge_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"honk/integrations/github/client"
	"honk/integrations/github/forge"
	"honk/integrations/github/githubtest"
	"honk/integrations/github/page"
	"honk/internal/git"
	"honk/internal/runner"
	"honk/internal/secret"
	"honk/internal/task"
)

const (
	repoName = "acme/api"
	known    = "hunter2-hunter2-hunter2"
)

// bundle is a Forge on a forge with the repository acme/api, where ada can
// write, carl and team acme/core own the code, and bob can read.
type bundle struct {
	*testing.T
	hub   *githubtest.Forge
	app   *client.App
	forge *forge.Forge
	mode  string

	mu sync.Mutex
	// kept are the tokens in use.
	kept map[string]bool
}

func setup(t *testing.T, mode string) *bundle {
	t.Helper()
	b := &bundle{T: t, mode: mode, kept: map[string]bool{}}
	log := slog.New(slog.DiscardHandler)
	var err error
	b.hub, err = githubtest.New(githubtest.Options{Dir: t.TempDir()})
	b.must(err)
	b.must(b.hub.Start(t.Context()))
	t.Cleanup(func() { _ = b.hub.Close() })
	_, err = b.hub.CreateRepo(t.Context(), githubtest.NewRepo{Name: repoName, Files: map[string]string{
		"README.md": "# api\n", "main.go": "package main\n", "go.mod": "module api\n",
		".github/CODEOWNERS": "*.md @bob\n*.go @carl @ada\n",
	}})
	b.must(err)
	for login, role := range map[string]string{"ada": "write", "carl": "write", "bob": "read"} {
		b.must(b.hub.SetPermission(repoName, login, role))
	}
	_, err = b.hub.Install("acme")
	b.must(err)
	b.app, err = client.New(client.Options{
		AppID: b.hub.AppID(), PrivateKey: b.hub.PrivateKey(), APIURL: b.hub.APIURL(), Log: log,
		KeepFunc:   func(_ context.Context, tok client.Token) error { return b.keep(tok, true) },
		ForgetFunc: func(_ context.Context, tok client.Token) error { return b.keep(tok, false) },
	})
	b.must(err)
	secrets, err := secret.New([]string{known}, nil)
	b.must(err)
	pages, err := page.New(page.Options{Secrets: secrets})
	b.must(err)
	g, err := git.New(git.Options{Dir: t.TempDir(), Log: log})
	b.must(err)
	b.forge = forge.New(forge.Options{
		App: b.app, Git: g, Pages: pages, GitURL: b.hub.GitURL(), PullRequest: mode, Log: log,
	})
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

// request is a task of ada's.
func request(prompt string) task.Task {
	return task.Task{ID: task.NewID(time.Now()), Request: task.Request{
		Source: task.SourceGitHub, Repo: task.Repo{Host: "forge", Owner: "acme", Name: "api", URL: "https://elsewhere.example/x.git"},
		Prompt: prompt, Actor: task.Actor{Login: "ada"}, Origin: task.Origin{Thread: "1"},
	}}
}

// changes checks the repository out and changes files.
func (b *bundle) changes(t task.Task, ref string, files map[string]string) runner.Publication {
	b.Helper()
	c, err := b.forge.Checkout(b.Context(), t, ref)
	b.must(err)
	b.Cleanup(func() { _ = c.Close() })
	for name, text := range files {
		path := filepath.Join(c.Dir, name)
		b.must(os.MkdirAll(filepath.Dir(path), 0o700))
		b.must(os.WriteFile(path, []byte(text), 0o600))
	}
	patch, err := c.Patch(b.Context())
	b.must(err)
	p := runner.Publication{
		Task: t, Checkout: c, Patch: patch, Branch: "honk/" + string(t.ID) + "-x", BaseRef: c.BaseRef,
		Title: "fix: the thing", Message: "Fix the thing",
		Result: runner.Result{Outcome: task.Outcome{Status: task.StatusRunning, Summary: "It is fixed."}},
	}
	if t.Request.Branch != "" {
		p.Branch, p.Onto = t.Request.Branch, true
	}
	return p
}

func (b *bundle) publish(p runner.Publication) task.PullRequest {
	b.Helper()
	pr, err := b.forge.Publish(b.Context(), p)
	b.must(err)
	return pr
}

// pulls returns the pull requests, the newest first.
func (b *bundle) pulls() []githubtest.Pull {
	b.Helper()
	list, err := b.hub.Pulls(repoName)
	b.must(err)
	return list
}

// branches returns the branches but main.
func (b *bundle) branches() (names []string) {
	b.Helper()
	all, err := b.hub.Branches(b.Context(), repoName)
	b.must(err)
	for name := range all {
		if name != "main" {
			names = append(names, name)
		}
	}
	return names
}

// wantNoTokens checks that what tasks used is revoked: only conversation
// tokens are left.
func (b *bundle) wantNoTokens() {
	b.Helper()
	b.must(b.app.Close(b.Context()))
	for i, tok := range b.hub.Tokens() {
		if !tok.Revoked {
			b.Errorf("token %d is not revoked: %v", i+1, tok.Permissions)
		}
		if strings.Join(tok.Repos, " ") != repoName {
			b.Errorf("token %d is good for %q", i+1, tok.Repos)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for tok, in := range b.kept {
		if in {
			b.Errorf("a token is still kept (%d bytes)", len(tok))
		}
	}
}
