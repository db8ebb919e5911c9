// Package forge is GitHub as the runner sees it: where repositories come from
// and pull requests go to. Each task reads and writes with a token of its own
// that is good for one repository and is revoked at once.
package forge

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"honk/integrations/github/client"
	"honk/integrations/github/page"
	"honk/internal/git"
	"honk/internal/runner"
	"honk/internal/task"
)

// endTime bounds the revocation of a token whose task has ended.
const endTime = 30 * time.Second

// Options says what a Forge works with. All are required.
type Options struct {
	App   *client.App
	Git   *git.Git
	Pages *page.Pages
	// GitURL is the base URL that repositories are cloned from.
	GitURL string
	// PullRequest is draft or ready, for requests that do not say.
	PullRequest string
	Log         *slog.Logger
}

// Forge implements runner.Forge. It is safe for concurrent use.
type Forge struct {
	Options
}

// New returns a Forge.
func New(opts Options) *Forge { return &Forge{opts} }

// CloneURL is where a repository is cloned from. A webhook says nothing about
// that.
func CloneURL(base string, r task.Repo) string {
	return strings.TrimSuffix(base, "/") + "/" + r.Owner + "/" + r.Name + ".git"
}

// with opens a repository with a token of its own and revokes it after use.
func (f *Forge) with(ctx context.Context, r task.Repo, perms client.Permissions, use func(repo *client.Repo, src git.Source) error) error {
	repo, err := f.App.Open(ctx, r.Owner, r.Name, perms)
	if err != nil {
		return err
	}
	r.URL = CloneURL(f.GitURL, r)
	err = use(repo, git.Source{Repo: r, Auth: git.BasicAuth("x-access-token", repo.Token().Reveal())})
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	if closeErr := repo.Close(end); closeErr != nil {
		// It is in the table of tokens: somebody revokes it later.
		f.Log.WarnContext(ctx, "token not revoked", "repo", r.String(), "error", closeErr)
	}
	return err
}

// Checkout implements runner.Forge with a token that can read this one
// repository and nothing else.
func (f *Forge) Checkout(ctx context.Context, t task.Task, ref string) (c *git.Checkout, err error) {
	err = f.with(ctx, t.Request.Repo, client.ForCheckout(), func(_ *client.Repo, src git.Source) error {
		c, err = f.Git.Checkout(ctx, src, ref)
		return err
	})
	return c, err
}

// Publish implements runner.Forge: one branch, one pull request. Done again
// for the same branch it finds what is there.
func (f *Forge) Publish(ctx context.Context, p runner.Publication) (pr task.PullRequest, err error) {
	repo := p.Task.Request.Repo
	if err := f.mayStill(ctx, p.Task); err != nil {
		return pr, err
	}
	for _, file := range p.Patch.Files {
		if strings.HasPrefix(file.Path, ".github/workflows/") {
			return pr, task.Errorf(task.CodeForbidden,
				"the change touches %s, and Honk's GitHub App has, on purpose, no right to change workflows; the patch is kept, apply it by hand", file.Path)
		}
	}
	// A text that may not be posted must not leave a branch behind.
	text, err := f.write(p)
	if err != nil {
		return pr, err
	}
	err = f.with(ctx, repo, client.ForPublish(), func(at *client.Repo, src git.Source) error {
		self, err := at.Self(ctx)
		if err != nil {
			return err
		}
		author := git.Signature{Name: self.Login(), Email: self.Email()}
		pr, err = f.Git.Publish(ctx, git.Publish{
			Source: src, Base: p.Patch.Base, Patch: p.Patch, Branch: p.Branch, Onto: p.Onto, Over: p.Over, Message: p.Message,
			Author: author, Committer: author, When: time.Now(),
		})
		if err != nil || p.Task.Request.Options.PullRequest == "none" {
			return err
		}
		pr, err = f.open(ctx, at, text, pr)
		return err
	})
	return pr, err
}

// mayStill checks once more, right before the push, that whoever asked may
// write.
func (f *Forge) mayStill(ctx context.Context, t task.Task) error {
	if t.Request.Source == task.SourceCLI {
		return nil // who runs the command holds the App's key
	}
	r := t.Request.Repo
	talk, err := f.App.Talk(ctx, r.Owner, r.Name)
	if err != nil {
		return err
	}
	permission, err := talk.Permission(ctx, t.Request.Actor.Login)
	if err != nil {
		return err
	}
	if !client.CanWrite(permission) {
		return task.Errorf(task.CodeForbidden, "%s can no longer write to %s, so nothing was pushed; the patch is kept",
			t.Request.Actor.Login, r)
	}
	return nil
}
