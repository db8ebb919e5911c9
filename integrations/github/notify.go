package github

import (
	"context"
	"strconv"
	"strings"
	"time"

	"honk/integrations/github/client"
	"honk/integrations/github/page"
	"honk/internal/runner"
	"honk/internal/task"
)

const (
	// anew is the age of a task whose end without a pull request is posted as
	// a new comment: an edit notifies nobody.
	anew = 2 * time.Minute
	// skew is how far the forge's clock may be from the database's.
	skew = 2 * time.Minute
)

// Notify implements runner.Notifier.
func (d *Door) Notify(ctx context.Context, n task.Notice, v runner.View) (string, error) {
	number, comment, err := parseThread(n.Thread)
	if err != nil {
		return "", err
	}
	talk, err := d.App.Talk(ctx, n.Repo.Owner, n.Repo.Name)
	if err != nil {
		return "", err
	}
	m := message{d: d, talk: talk, notice: n, number: number}
	if n.Kind == task.NoticeReply {
		m.body, m.mark = n.Text, firstLine(n.Text)
		if comment != 0 {
			return m.answer(ctx, comment)
		}
		return m.create(ctx)
	}
	if m.body, err = d.Pages.Task(v); err != nil {
		return "", err
	}
	m.mark = page.Marker(n.TaskID)
	if !v.Task.Status.Final() {
		return m.edit(ctx)
	}
	if err := d.answers(ctx, v); err != nil {
		return "", err
	}
	delivered := v.Result != nil && v.Result.PullRequest != nil
	if n.MessageID == "" || delivered || v.Elapsed < anew {
		return m.edit(ctx)
	}
	return m.again(ctx)
}

// answers owes every review comment that a task took up its one reply.
func (d *Door) answers(ctx context.Context, v runner.View) error {
	for _, at := range v.Task.Request.Origin.Answers {
		key := "answer/" + string(v.Task.ID) + "/" + at
		if err := d.reply(ctx, v.Task.Request.Repo, at, key, d.Pages.Answer(key, v)); err != nil {
			return err
		}
	}
	return nil
}

// message is one comment on its way.
type message struct {
	d      *Door
	talk   *client.Repo
	notice task.Notice
	number int
	body   string
	// mark is the first line, by which it is found again.
	mark string
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// create posts the comment, unless an earlier try has done so.
func (m message) create(ctx context.Context) (string, error) {
	if m.notice.Tried {
		found, err := m.find(ctx, "")
		if err != nil || found != "" {
			return found, err
		}
	}
	c, err := m.talk.CreateComment(ctx, m.number, m.body)
	return strconv.FormatInt(c.ID, 10), err
}

// find looks for the comment among our own, but for one.
func (m message) find(ctx context.Context, not string) (string, error) {
	self, err := m.d.App.Self(ctx)
	if err != nil {
		return "", err
	}
	comments, err := m.talk.Comments(ctx, m.number, m.notice.CreatedAt.Add(-skew))
	for _, c := range comments {
		id := strconv.FormatInt(c.ID, 10)
		if c.Author.Login == self.Login() && firstLine(c.Body) == m.mark && id != not {
			return id, err
		}
	}
	return "", err
}

// edit brings the comment up to date. Before there is one, and where somebody
// has deleted it, it is posted.
func (m message) edit(ctx context.Context) (string, error) {
	id := m.notice.MessageID
	if id == "" && m.notice.Tried {
		found, err := m.find(ctx, "")
		if err != nil {
			return "", err
		}
		id = found
	}
	if id == "" {
		m.notice.Tried = false
		return m.create(ctx)
	}
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return "", task.Errorf(task.CodeInternal, "%q is no comment of GitHub's", id)
	}
	_, err = m.talk.EditComment(ctx, number, m.body)
	if task.CodeOf(err) == task.CodeNotFound {
		m.notice.Tried = false
		return m.create(ctx)
	}
	return id, err
}

// again posts the comment anew, so that people are notified, and deletes the
// one it replaces.
func (m message) again(ctx context.Context) (string, error) {
	old := m.notice.MessageID
	fresh := ""
	if m.notice.Tried {
		found, err := m.find(ctx, old)
		if err != nil {
			return "", err
		}
		fresh = found
	}
	if fresh == "" {
		c, err := m.talk.CreateComment(ctx, m.number, m.body)
		if err != nil {
			return "", err
		}
		fresh = strconv.FormatInt(c.ID, 10)
	}
	number, err := strconv.ParseInt(old, 10, 64)
	if err != nil {
		return "", task.Errorf(task.CodeInternal, "%q is no comment of GitHub's", old)
	}
	return fresh, m.talk.DeleteComment(ctx, number)
}

// answer replies in the thread of a review comment, unless an earlier try has.
func (m message) answer(ctx context.Context, comment int64) (string, error) {
	if m.notice.Tried {
		all, err := m.talk.ReviewComments(ctx, m.number, m.notice.CreatedAt.Add(-skew))
		if err != nil {
			return "", err
		}
		for _, c := range all {
			if c.InReplyTo == comment && firstLine(c.Body) == m.mark {
				return strconv.FormatInt(c.ID, 10), nil
			}
		}
	}
	c, err := m.talk.ReplyToReviewComment(ctx, m.number, comment, m.body)
	return strconv.FormatInt(c.ID, 10), err
}
