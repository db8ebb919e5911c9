package githubtest

import (
	"context"
	"strings"
	"time"

	"honk/integrations/github/githubtest/record"
	"honk/integrations/github/githubtest/world"
)

// Issue is an issue or pull request as it stands.
type Issue struct {
	Number             int
	Title, Body, State string
	Login              string
	Labels, Assignees  []string
}

// Pull is a pull request as it stands.
type Pull struct {
	Issue

	Draft, Merged  bool
	Head, HeadSHA  string
	Base, BaseSHA  string
	Reviewers      []string
	MergeSHA       string
	Files, Commits int
}

// Comment is one on a thread or, with Path, on a line.
type Comment struct {
	ID          int64
	Login, Body string
	Path        string
	// ReplyTo is the first comment of the thread on a line, Review the review
	// it belongs to.
	ReplyTo, Review      int64
	CreatedAt, UpdatedAt time.Time
	Reactions            []Reaction
}

// Reaction is an emoji and who put it there.
type Reaction struct {
	Login, Content string
}

func issueOf(i *record.Issue) Issue {
	out := Issue{Number: i.Number, Title: i.Title, Body: i.Body, State: i.State, Login: i.User.Login}
	for _, l := range i.Labels {
		out.Labels = append(out.Labels, l.Name)
	}
	out.Assignees = logins(i.Assignees)
	return out
}

func logins(users []*record.User) []string {
	var out []string
	for _, u := range users {
		out = append(out, u.Login)
	}
	return out
}

func reactionsOf(list []*record.Reaction) []Reaction {
	var out []Reaction
	for _, r := range list {
		out = append(out, Reaction{Login: r.User.Login, Content: r.Content})
	}
	return out
}

// Issue returns an issue or pull request.
func (f *Forge) Issue(repo string, number int) (out Issue, err error) {
	err = f.issue(At{Repo: repo, Number: number}, func(_ world.By, _ *record.Repo, i *record.Issue) error {
		out = issueOf(i)
		return nil
	})
	return out, err
}

// Pulls returns the pull requests of a repository, the newest first.
func (f *Forge) Pulls(repo string) (out []Pull, err error) {
	err = f.repo("", repo, func(_ world.By, r *record.Repo) error {
		for _, i := range r.Pulls() {
			p := i.Pull
			out = append(out, Pull{
				Issue: issueOf(i), Draft: p.Draft, Merged: p.Merged, Head: p.Head, HeadSHA: p.HeadSHA, Base: p.Base,
				BaseSHA: p.BaseSHA, Reviewers: logins(p.Reviewers), MergeSHA: p.MergeSHA, Files: p.ChangedFiles,
				Commits: p.Commits,
			})
		}
		return nil
	})
	return out, err
}

// Comments returns the comments on an issue or pull request.
func (f *Forge) Comments(repo string, number int) (out []Comment, err error) {
	err = f.issue(At{Repo: repo, Number: number}, func(_ world.By, _ *record.Repo, i *record.Issue) error {
		for _, c := range i.Comments {
			out = append(out, Comment{
				ID: c.ID, Login: c.User.Login, Body: c.Body, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
				Reactions: reactionsOf(c.Reactions),
			})
		}
		return nil
	})
	return out, err
}

// Lines returns the comments on the lines of a pull request.
func (f *Forge) Lines(repo string, number int) (out []Comment, err error) {
	err = f.pull(At{Repo: repo, Number: number}, func(_ world.By, _ *record.Repo, i *record.Issue) error {
		for _, c := range i.Pull.Threads {
			out = append(out, Comment{
				ID: c.ID, Login: c.User.Login, Body: c.Body, Path: c.Path, ReplyTo: c.ReplyTo, Review: c.ReviewID,
				CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, Reactions: reactionsOf(c.Reactions),
			})
		}
		return nil
	})
	return out, err
}

// Reactions returns the reactions on an issue or pull request itself. Those
// on comments stand in the comments.
func (f *Forge) Reactions(repo string, number int) (out []Reaction, err error) {
	err = f.issue(At{Repo: repo, Number: number}, func(_ world.By, _ *record.Repo, i *record.Issue) error {
		out = reactionsOf(i.Reactions)
		return nil
	})
	return out, err
}

// Branches returns the branches of a repository with the commit of each.
func (f *Forge) Branches(ctx context.Context, repo string) (map[string]string, error) {
	out := map[string]string{}
	err := f.repo("", repo, func(_ world.By, r *record.Repo) error {
		refs, err := r.Git.Refs(ctx)
		for ref, sha := range refs {
			if branch, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
				out[branch] = sha
			}
		}
		return err
	})
	return out, err
}

// File returns a file of a repository at a branch or commit.
func (f *Forge) File(ctx context.Context, repo, ref, path string) (content string, err error) {
	err = f.repo("", repo, func(_ world.By, r *record.Repo) error {
		sha := r.Git.Resolve(ctx, ref)
		raw, _, err := r.Git.Read(ctx, sha, path)
		content = string(raw)
		return err
	})
	return content, err
}

// Messages returns the commit messages of a branch that the default branch
// does not hold, the oldest first.
func (f *Forge) Messages(ctx context.Context, repo, branch string) (out []string, err error) {
	err = f.repo("", repo, func(_ world.By, r *record.Repo) error {
		log, err := r.Git.Log(ctx, "refs/heads/"+r.DefaultBranch, "refs/heads/"+branch)
		for _, e := range log {
			out = append(out, e.Message)
		}
		return err
	})
	return out, err
}

// Token is a token the forge gave out, without its value.
type Token struct {
	Permissions Permissions
	// Repos are the repositories it reaches; nil means all of the
	// installation.
	Repos                []string
	CreatedAt, ExpiresAt time.Time
	Revoked              bool
}

// Tokens returns all tokens so far, in the order they were given out.
func (f *Forge) Tokens() []Token {
	f.world.Lock()
	defer f.world.Unlock()
	out := make([]Token, 0, len(f.tokens.All))
	for _, t := range f.tokens.All {
		one := Token{Permissions: t.Permissions, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt, Revoked: t.Revoked}
		for _, r := range t.Repos {
			one.Repos = append(one.Repos, r.FullName())
		}
		out = append(out, one)
	}
	return out
}
