package githubtest

import (
	"context"

	"honk/integrations/github/githubtest/record"
	"honk/integrations/github/githubtest/world"
	"honk/internal/task"
)

// OpenIssue opens an issue and returns its number.
func (f *Forge) OpenIssue(login, repo, title, body string) (number int, err error) {
	err = f.repo(login, repo, func(by world.By, r *record.Repo) error {
		number = f.world.OpenIssue(by, r, title, body).Number
		return nil
	})
	return number, err
}

// Comment comments on an issue or pull request and returns the comment's
// number.
func (f *Forge) Comment(at At, body string) (id int64, err error) {
	err = f.issue(at, func(by world.By, r *record.Repo, i *record.Issue) error {
		id = f.world.Comment(by, r, i, body).ID
		return nil
	})
	return id, err
}

// EditComment changes a comment as a person.
func (f *Forge) EditComment(login, repo string, id int64, body string) error {
	return f.comment(login, repo, id, func(by world.By, r *record.Repo, i *record.Issue, c *record.Comment) {
		f.world.EditComment(by, r, i, c, body)
	})
}

// DeleteComment removes a comment as a person.
func (f *Forge) DeleteComment(login, repo string, id int64) error {
	return f.comment(login, repo, id, f.world.DeleteComment)
}

func (f *Forge) comment(login, repo string, id int64, do func(world.By, *record.Repo, *record.Issue, *record.Comment)) error {
	return f.repo(login, repo, func(by world.By, r *record.Repo) error {
		i, c := world.FindComment(r, id)
		if c == nil {
			return task.Errorf(task.CodeNotFound, "%s has no comment %d", repo, id)
		}
		do(by, r, i, c)
		return nil
	})
}

// Edit is what a person changes about a thread; nil leaves as it is.
type Edit = world.Edit

// EditIssue changes an issue or pull request.
func (f *Forge) EditIssue(ctx context.Context, at At, e Edit) error {
	return f.issue(at, func(by world.By, r *record.Repo, i *record.Issue) error {
		return f.world.EditIssue(ctx, by, r, i, e)
	})
}

// Label puts labels on an issue or pull request.
func (f *Forge) Label(at At, names ...string) error {
	return f.issue(at, func(by world.By, r *record.Repo, i *record.Issue) error {
		f.world.Label(by, r, i, names)
		return nil
	})
}

// Assign assigns people to an issue or pull request.
func (f *Forge) Assign(at At, logins ...string) error {
	return f.issue(at, func(by world.By, r *record.Repo, i *record.Issue) error {
		f.world.Assign(by, r, i, logins)
		return nil
	})
}

// CloseIssue closes an issue or pull request.
func (f *Forge) CloseIssue(ctx context.Context, at At) error {
	state := "closed"
	return f.EditIssue(ctx, at, Edit{State: &state})
}

// OpenPull opens a pull request as a person, and returns its number. From
// names the fork that Head is in.
func (f *Forge) OpenPull(ctx context.Context, login, repo string, p NewPull) (number int, err error) {
	err = f.repo(login, repo, func(by world.By, r *record.Repo) error {
		n := world.NewPull{Title: p.Title, Body: p.Body, Head: p.Head, Base: p.Base, Draft: p.Draft}
		if n.Base == "" {
			n.Base = r.DefaultBranch
		}
		if p.Fork != "" {
			if n.From, err = f.world.Repo(p.Fork); err != nil {
				return err
			}
		}
		i, err := f.world.OpenPull(ctx, by, r, n)
		if err != nil {
			return err
		}
		number = i.Number
		return nil
	})
	return number, err
}

// NewPull is a pull request a person opens.
type NewPull struct {
	Title, Body string
	// Head is its branch, Base where it goes: the default branch where empty.
	Head, Base string
	// Fork is the repository of Head, where that is another one.
	Fork  string
	Draft bool
}

// pull does something to a pull request as a person.
func (f *Forge) pull(at At, do func(world.By, *record.Repo, *record.Issue) error) error {
	return f.issue(at, func(by world.By, r *record.Repo, i *record.Issue) error {
		if i.Pull == nil {
			return task.Errorf(task.CodeInvalid, "%s#%d is no pull request", at.Repo, at.Number)
		}
		return do(by, r, i)
	})
}

// MergePull merges a pull request by merge, squash or rebase.
func (f *Forge) MergePull(ctx context.Context, at At, method string) error {
	return f.pull(at, func(by world.By, r *record.Repo, i *record.Issue) error {
		return f.world.Merge(ctx, by, r, i, method)
	})
}

// SetDraft makes a pull request a draft or ready for review.
func (f *Forge) SetDraft(at At, draft bool) error {
	return f.pull(at, func(by world.By, r *record.Repo, i *record.Issue) error {
		f.world.SetDraft(by, r, i, draft)
		return nil
	})
}

// Line is a remark on a line of a pull request.
type Line = world.Line

// NewReview is a review: approve, request_changes or comment.
type NewReview = world.NewReview

// Review submits a review and returns its number.
func (f *Forge) Review(ctx context.Context, at At, n NewReview) (id int64, err error) {
	err = f.pull(at, func(by world.By, r *record.Repo, i *record.Issue) error {
		v, err := f.world.Review(ctx, by, r, i, n)
		if err != nil {
			return err
		}
		id = v.ID
		return nil
	})
	return id, err
}

// CommentLine comments on a line of a pull request and returns the comment's
// number.
func (f *Forge) CommentLine(ctx context.Context, at At, l Line) (id int64, err error) {
	err = f.pull(at, func(by world.By, r *record.Repo, i *record.Issue) error {
		c, err := f.world.CommentLine(ctx, by, r, i, l)
		if err != nil {
			return err
		}
		id = c.ID
		return nil
	})
	return id, err
}

// Reply answers a comment on a line and returns the answer's number.
func (f *Forge) Reply(at At, to int64, body string) (id int64, err error) {
	err = f.pull(at, func(by world.By, r *record.Repo, i *record.Issue) error {
		where, c := world.FindThread(r, to)
		if where != i {
			return task.Errorf(task.CodeNotFound, "%s has no comment %d", at.Repo, to)
		}
		id = f.world.Reply(by, r, i, c, body).ID
		return nil
	})
	return id, err
}

// Check is what CI reports of one check on a commit or branch.
type Check = world.NewCheck

// Output is what a check has to say.
type Output = record.Output

// Annotation is a remark of a check on lines of a file.
type Annotation = record.Annotation

// SetCheck reports a check as CI, and returns the run's number.
func (f *Forge) SetCheck(ctx context.Context, repo string, c Check) (id int64, err error) {
	err = f.repo("", repo, func(_ world.By, r *record.Repo) error {
		run, err := f.world.SetCheck(ctx, r, c)
		if err != nil {
			return err
		}
		id = run.ID
		return nil
	})
	return id, err
}

// CompleteSuite says as CI that all checks on a commit are done.
func (f *Forge) CompleteSuite(ctx context.Context, repo, sha string) error {
	return f.repo("", repo, func(_ world.By, r *record.Repo) error {
		_, err := f.world.CompleteSuite(ctx, r, sha)
		return err
	})
}

// Status is a check of the older kind.
type Status = record.Status

// SetStatus reports a check of the older kind.
func (f *Forge) SetStatus(ctx context.Context, login, repo string, s Status) error {
	return f.repo(login, repo, func(by world.By, r *record.Repo) error {
		return f.world.SetStatus(ctx, by, r, s)
	})
}
