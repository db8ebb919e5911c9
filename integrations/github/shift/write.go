package shift

import (
	"context"
	"strings"
	"time"

	"honk/integrations/github/client"
	"honk/integrations/github/page"
	"honk/internal/task"
)

// Edit gives a pull request another title and body; empty leaves as is.
// Where the body has Honk's markers, only what stands between them is written
// anew. Nothing is posted when nothing changes.
func (f *Forge) Edit(ctx context.Context, repo string, number int, title, body string) error {
	pr, err := f.read(ctx, repo, number)
	if err != nil {
		return err
	}
	var newTitle, newBody *string
	if title != "" && title != pr.Title {
		newTitle = &title
	}
	if body != "" {
		if page.Rewrite("", body) != "" {
			body = page.Rewrite(pr.Body, body)
		}
		// GitHub's own editor ends lines its own way.
		if plain(body) != plain(pr.Body) {
			newBody = &body
		}
	}
	if newTitle == nil && newBody == nil {
		return nil
	}
	return f.with(ctx, repo, client.ForReview(), func(at *client.Repo) error {
		_, err := at.EditPullRequest(ctx, number, newTitle, newBody)
		return err
	})
}

func plain(body string) string {
	return strings.TrimSpace(strings.ReplaceAll(body, "\r\n", "\n"))
}

// Ready makes a draft ready for review. What is no draft stays as it is.
func (f *Forge) Ready(ctx context.Context, repo string, number int) error {
	pr, err := f.read(ctx, repo, number)
	switch {
	case err != nil:
		return err
	case pr.State != task.PullRequestOpen:
		return refuse(WhyClosed, "%s#%d is %s, so it cannot become ready for review", repo, number, pr.State)
	case !pr.Draft:
		return nil
	}
	return f.with(ctx, repo, client.ForPublish(), func(at *client.Repo) error { return at.MarkReady(ctx, pr) })
}

// Close closes a pull request without merging it, after a comment unless that
// is empty. One that is closed already stays as it is, without a comment; one
// that is merged is refused.
func (f *Forge) Close(ctx context.Context, repo string, number int, comment string) error {
	return f.with(ctx, repo, client.ForReview(), func(at *client.Repo) error {
		pr, err := at.PullRequest(ctx, number)
		if err != nil {
			return err
		}
		if pr.State == task.PullRequestOpen {
			if comment != "" {
				if err := f.say(ctx, at, number, said{"shift:close:" + comment, comment, pr.CreatedAt}); err != nil {
					return err
				}
			}
			if pr, err = at.ClosePullRequest(ctx, number); err != nil {
				return err
			}
		}
		if pr.State == task.PullRequestMerged {
			return refuse(WhyClosed, "%s#%d was merged, so it cannot be closed", repo, number)
		}
		return nil
	})
}

// Comment comments on a pull request, once for each key.
func (f *Forge) Comment(ctx context.Context, repo string, number int, key, body string) error {
	return f.with(ctx, repo, client.ForReview(), func(at *client.Repo) error {
		return f.say(ctx, at, number, said{"shift:" + key, body, time.Time{}})
	})
}

// said is a comment; by its key it is found again.
type said struct {
	key, body string
	since     time.Time
}

// say comments, unless an earlier try has.
func (f *Forge) say(ctx context.Context, at *client.Repo, number int, s said) error {
	self, err := f.app.Self(ctx)
	if err != nil {
		return err
	}
	all, err := at.Comments(ctx, number, s.since)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.Author.Login == self.Login() && page.HasReplyMarker(c.Body, s.key) {
			return nil
		}
	}
	_, err = at.CreateComment(ctx, number, page.ReplyMarker(s.key)+"\n"+s.body)
	return err
}
