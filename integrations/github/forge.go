package github

import (
	"context"
	"errors"
	"strings"
	"time"

	"honk/integrations/github/client"
	"honk/internal/git"
	"honk/internal/runner"
	"honk/internal/task"
)

// endTime bounds the revocation of a token whose task has ended.
const endTime = 30 * time.Second

// cloneURL is where a repository is cloned from.
func (d *Door) cloneURL(r task.Repo) string {
	return strings.TrimSuffix(d.GitURL, "/") + "/" + r.Owner + "/" + r.Name + ".git"
}

// with opens a repository with a token of its own and revokes it when f is
// done.
func (d *Door) with(ctx context.Context, r task.Repo, perms client.Permissions, f func(repo *client.Repo, src git.Source) error) error {
	repo, err := d.App.Open(ctx, r.Owner, r.Name, perms)
	if err != nil {
		return err
	}
	r.URL = d.cloneURL(r)
	err = f(repo, git.Source{Repo: r, Auth: git.BasicAuth("x-access-token", repo.Token().Reveal())})
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	if closeErr := repo.Close(end); closeErr != nil {
		// It is in the table of tokens: somebody revokes it later.
		d.Log.WarnContext(ctx, "token not revoked", "repo", r.String(), "error", closeErr)
	}
	return err
}

// Checkout implements runner.Forge with a token that can read this one
// repository and nothing else.
func (d *Door) Checkout(ctx context.Context, t task.Task, ref string) (c *git.Checkout, err error) {
	err = d.with(ctx, t.Request.Repo, client.ForCheckout(), func(_ *client.Repo, src git.Source) error {
		c, err = d.Git.Checkout(ctx, src, ref)
		return err
	})
	return c, err
}

// Publish implements runner.Forge: one branch, one pull request. Done again
// for the same branch it finds what is there.
func (d *Door) Publish(ctx context.Context, p runner.Publication) (pr task.PullRequest, err error) {
	repo := p.Task.Request.Repo
	if err := d.mayStill(ctx, p.Task); err != nil {
		return pr, err
	}
	for _, f := range p.Patch.Files {
		if strings.HasPrefix(f.Path, ".github/workflows/") {
			return pr, task.Errorf(task.CodeForbidden,
				"the change touches %s, and Honk's GitHub App has, on purpose, no right to change workflows; the patch is kept, apply it by hand", f.Path)
		}
	}
	self, err := d.App.Self(ctx)
	if err != nil {
		return pr, err
	}
	err = d.with(ctx, repo, client.ForPublish(), func(at *client.Repo, src git.Source) error {
		author := git.Signature{Name: self.Login(), Email: self.Email()}
		pr, err = d.Git.Publish(ctx, git.Publish{
			Source: src, Base: p.Patch.Base, Patch: p.Patch, Branch: p.Branch, Onto: p.Onto, Message: p.Message,
			Author: author, Committer: author, When: time.Now(),
		})
		if err != nil || p.Task.Request.Options.PullRequest == "none" {
			return err
		}
		pr, err = d.open(ctx, at, p, pr)
		return err
	})
	return pr, err
}

// mayStill checks once more, right before the push, that whoever asked may
// write.
func (d *Door) mayStill(ctx context.Context, t task.Task) error {
	r := t.Request.Repo
	talk, err := d.App.Talk(ctx, r.Owner, r.Name)
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

// Tidy revokes the tokens that killed processes left behind.
func (d *Door) Tidy(ctx context.Context, tokens *Tokens) error {
	lost, err := tokens.Lost(ctx)
	if err != nil {
		return err
	}
	for id, raw := range lost {
		if revokeErr := d.App.Revoke(ctx, raw); revokeErr != nil {
			err = errors.Join(err, revokeErr)
			continue
		}
		err = errors.Join(err, tokens.DB.ForgetToken(ctx, id))
	}
	return err
}
