// Package post brings a message onto GitHub: once, however often a try dies
// before or after GitHub has done what it was asked.
package post

import (
	"context"
	"strconv"
	"strings"
	"time"

	"honk/integrations/github/client"
	"honk/internal/task"
)

// skew is how far the forge's clock may be from the database's.
const skew = 2 * time.Minute

// Post is one comment on its way. Its first line is the mark by which it is
// found again.
type Post struct {
	App    *client.App
	Talk   *client.Repo
	Notice task.Notice
	// Number is the or pull request's.
	Number int
	Body   string
}

// Create posts the comment, unless an earlier try has done so.
func (p Post) Create(ctx context.Context) (string, error) {
	if p.Notice.Tried {
		found, err := p.find(ctx, "")
		if err != nil || found != "" {
			return found, err
		}
	}
	c, err := p.Talk.CreateComment(ctx, p.Number, p.Body)
	return strconv.FormatInt(c.ID, 10), err
}

// find looks for the comment among our own, but for one.
func (p Post) find(ctx context.Context, not string) (string, error) {
	self, err := p.App.Self(ctx)
	if err != nil {
		return "", err
	}
	comments, err := p.Talk.Comments(ctx, p.Number, p.Notice.CreatedAt.Add(-skew))
	for _, c := range comments {
		id := strconv.FormatInt(c.ID, 10)
		if c.Author.Login == self.Login() && firstLine(c.Body) == firstLine(p.Body) && id != not {
			return id, err
		}
	}
	return "", err
}

// Edit brings the comment up to date. Before there is one, and where somebody
// has deleted it, it is posted.
func (p Post) Edit(ctx context.Context) (string, error) {
	id := p.Notice.MessageID
	if id == "" && p.Notice.Tried {
		found, err := p.find(ctx, "")
		if err != nil {
			return "", err
		}
		id = found
	}
	if id == "" {
		p.Notice.Tried = false
		return p.Create(ctx)
	}
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return "", task.Errorf(task.CodeInternal, "%q is no comment of GitHub's", id)
	}
	_, err = p.Talk.EditComment(ctx, number, p.Body)
	if task.CodeOf(err) == task.CodeNotFound {
		return p.Create(ctx)
	}
	return id, err
}

// Again posts the comment anew, so that people are notified, and deletes the
// one it replaces.
func (p Post) Again(ctx context.Context) (string, error) {
	old := p.Notice.MessageID
	fresh := ""
	if p.Notice.Tried {
		found, err := p.find(ctx, old)
		if err != nil {
			return "", err
		}
		fresh = found
	}
	if fresh == "" {
		c, err := p.Talk.CreateComment(ctx, p.Number, p.Body)
		if err != nil {
			return "", err
		}
		fresh = strconv.FormatInt(c.ID, 10)
	}
	number, err := strconv.ParseInt(old, 10, 64)
	if err != nil {
		return "", task.Errorf(task.CodeInternal, "%q is no comment of GitHub's", old)
	}
	return fresh, p.Talk.DeleteComment(ctx, number)
}

// Answer replies in the thread of a review comment, unless an earlier try has.
func (p Post) Answer(ctx context.Context, comment int64) (string, error) {
	if p.Notice.Tried {
		self, err := p.App.Self(ctx)
		if err != nil {
			return "", err
		}
		all, err := p.Talk.ReviewComments(ctx, p.Number, p.Notice.CreatedAt.Add(-skew))
		if err != nil {
			return "", err
		}
		for _, c := range all {
			if c.InReplyTo == comment && c.Author.Login == self.Login() && firstLine(c.Body) == firstLine(p.Body) {
				return strconv.FormatInt(c.ID, 10), nil
			}
		}
	}
	c, err := p.Talk.ReplyToReviewComment(ctx, p.Number, comment, p.Body)
	return strconv.FormatInt(c.ID, 10), err
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
