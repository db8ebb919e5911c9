package github

import (
	"context"
	"time"

	"honk/integrations/github/post"
	"honk/internal/runner"
	"honk/internal/task"
)

// anew is the age of a task whose end without a pull request is posted as a new
// comment: an edit notifies nobody.
const anew = 2 * time.Minute

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
	m := post.Post{App: d.App, Talk: talk, Notice: n, Number: number}
	if n.Kind == task.NoticeReply {
		m.Body = n.Text
		if comment != 0 {
			return m.Answer(ctx, comment)
		}
		return m.Create(ctx)
	}
	if m.Body, err = d.Pages.Task(v); err != nil {
		return "", err
	}
	if !v.Task.Status.Final() {
		return m.Edit(ctx)
	}
	if err := d.answers(ctx, v); err != nil {
		return "", err
	}
	delivered := v.Result != nil && v.Result.PullRequest != nil
	if n.MessageID == "" || delivered || v.Elapsed < anew {
		return m.Edit(ctx)
	}
	return m.Again(ctx)
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
