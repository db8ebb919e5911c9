package github

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"honk/integrations/github/client"
	"honk/integrations/github/event"
	"honk/integrations/github/markdown"
	"honk/internal/grammar"
	"honk/internal/postgres"
	"honk/internal/runner"
	"honk/internal/runner/fact"
	"honk/internal/task"
)

const (
	// maxComments and maxComment bound what of a conversation is passed on.
	maxComments = 20
	maxComment  = 2048
	// maxAuthors bounds whose permission is asked for: anybody can comment.
	maxAuthors = 30
	// maxDescription bounds the text of an issue or pull request.
	maxDescription = 16 << 10
)

func isMissing(err error) bool { return errors.Is(err, postgres.ErrNotFound) }

// ignoreMissing is err, unless it says that a row is not there.
func ignoreMissing(err error) error {
	if isMissing(err) {
		return nil
	}
	return err
}

func (a *asking) actor() task.Actor { return actorOf(a.by) }

func actorOf(u event.User) task.Actor {
	return task.Actor{
		Login: u.Login, Name: u.Login,
		Email: fmt.Sprintf("%d+%s@users.noreply.github.com", u.ID, u.Login),
	}
}

func (a *asking) message() string { return fmt.Sprintf("%s/%d", a.at.Kind, a.at.ID) }

// task makes a command's request and submits it.
func (a *asking) task(ctx context.Context, cmd grammar.Command) (string, error) {
	req := task.Request{
		Source: task.SourceGitHub, DeliveryID: a.key, Repo: a.repo,
		Ref: cmd.Base, Prompt: cmd.Prompt, Actor: a.actor(), Options: cmd.Options,
		Origin: task.Origin{URL: a.e.Comment.URL, Thread: thread(a.e.Subject.Number), Message: a.message()},
	}
	if explanation := a.aim(&req); explanation != "" {
		return "refused: from a fork", a.say(ctx, explanation, nil)
	}
	var err error
	if req.Context, err = a.context(ctx); err != nil {
		return "", err
	}
	return a.submit(ctx, req)
}

// aim says where a request starts and goes to: where there is an open pull
// request of ours the same branch, on somebody else's a pull request into
// theirs. What comes from a fork is out of reach.
func (a *asking) aim(req *task.Request) (explanation string) {
	switch {
	case req.Ref != "", a.pull != nil && a.pull.State != task.PullRequestOpen:
	case a.ours != nil:
		req.Ref, req.Branch = a.ours.Branch, a.ours.Branch
	case a.pull == nil:
	case a.pull.HeadRepo != a.repo.String():
		return a.d.Pages.Fork(a.key)
	default:
		req.Ref = a.pull.Branch
	}
	return ""
}

func (a *asking) submit(ctx context.Context, req task.Request) (string, error) {
	t, _, err := a.d.Queue.Submit(ctx, req)
	if err != nil {
		return "", err
	}
	// The promise is stored; now it is shown.
	a.react(ctx, "eyes")
	return fmt.Sprintf("task %s", t.ID), nil
}

// context is the record of the conversation up to the command: the subject,
// what Honk did here before, and the comments of those who may write.
func (a *asking) context(ctx context.Context) ([]task.Note, error) {
	s := a.e.Subject
	kind := "issue"
	if s.IsPull {
		kind = "pull request"
	}
	body, hidden := markdown.Strip(s.Body)
	title, more := markdown.Strip(s.Title)
	hidden = append(hidden, more...)
	notes := []task.Note{{
		Author: s.Author.Login, At: s.CreatedAt,
		Text: fmt.Sprintf("(%s #%d) %s\n\n%s", kind, s.Number, title, fact.Clip(body, maxDescription)),
	}}
	for _, h := range slices.Compact(slices.Sorted(slices.Values(append(hidden, a.hidden...)))) {
		notes = append(notes, task.Note{Author: "honk", At: a.asked(), Text: "Hidden text was removed here: " + h + "."})
	}
	before, err := a.d.before(ctx, a.repo, thread(s.Number), a.ours)
	if err != nil {
		return nil, err
	}
	comments, err := a.comments(ctx)
	return append(append(notes, before...), comments...), err
}

// asked is when the command was given.
func (a *asking) asked() time.Time {
	if a.e.Comment.ID != 0 {
		return a.e.Comment.CreatedAt
	}
	return a.e.Subject.UpdatedAt
}

// before tells what was asked and done in a thread earlier, the task that
// opened its pull request included.
func (d *Door) before(ctx context.Context, repo task.Repo, thread string, ours *postgres.PullRequest) ([]task.Note, error) {
	records, err := d.DB.ThreadTasks(ctx, repo, thread, 10)
	if err != nil {
		return nil, err
	}
	if ours != nil && !slices.ContainsFunc(records, func(r postgres.Record) bool { return r.ID == ours.TaskID }) {
		first, err := d.DB.Task(ctx, ours.TaskID)
		if err != nil {
			return nil, err
		}
		records = append(records, first)
	}
	return fact.Earlier(records), nil
}

// comments are those that people with write access wrote before the command
// and have not touched since.
func (a *asking) comments(ctx context.Context) ([]task.Note, error) {
	all, err := a.talk.Comments(ctx, a.e.Subject.Number, time.Time{})
	if err != nil {
		return nil, err
	}
	asked, trusted := a.asked(), map[string]bool{}
	var notes []task.Note
	for _, c := range slices.Backward(all) {
		if len(notes) == maxComments {
			break
		}
		if c.ID == a.e.Comment.ID || c.Author.Type != "User" || !c.CreatedAt.Before(asked) || c.UpdatedAt.After(asked) {
			continue
		}
		ok, known := trusted[c.Author.Login]
		if !known && len(trusted) == maxAuthors {
			continue
		}
		if !known {
			permission, err := a.talk.Permission(ctx, c.Author.Login)
			if err != nil {
				return nil, err
			}
			ok = client.CanWrite(permission)
			trusted[c.Author.Login] = ok
		}
		if text, _ := markdown.Strip(c.Body); ok && text != "" && !hasCommand(c.Body) {
			notes = append(notes, task.Note{Author: c.Author.Login, At: c.CreatedAt, Text: fact.Clip(text, maxComment)})
		}
	}
	slices.Reverse(notes)
	return notes, nil
}

// handleIssue makes a request of an issue that is labelled or given to Honk.
// The one who did that asks; the issue's text stays a record.
func (d *Door) handleIssue(ctx context.Context, e event.Event) (string, error) {
	self, err := d.App.Self(ctx)
	if err != nil {
		return "", err
	}
	if e.Action == "labeled" && e.Label != d.Service.Label || e.Action == "assigned" && e.Assignee.Login != self.Login() {
		return "not for us", nil
	}
	a, refusal, err := d.ask(ctx, e, e.Sender, "", client.Target{Kind: client.TargetIssue, ID: int64(e.Subject.Number)})
	if a == nil || err != nil {
		return refusal, err
	}
	// The same issue may be labelled again later: its time tells which it was.
	a.key = fmt.Sprintf("issue/%d/%d/%s/%d", e.Repository.ID, e.Subject.Number, e.Action, e.Subject.UpdatedAt.Unix())
	title, _ := markdown.Strip(e.Subject.Title)
	cmd := grammar.Command{
		Verb:   grammar.VerbTask,
		Prompt: fmt.Sprintf("Resolve issue #%d: %s", e.Subject.Number, fact.Clip(title, 300)),
	}
	return a.do(ctx, cmd)
}

// status tells how the tasks of a thread stand.
func (a *asking) status(ctx context.Context, tasks []postgres.Record) (string, error) {
	var views []runner.View
	for _, t := range tasks[:min(len(tasks), 5)] {
		v, err := a.d.ViewFunc(ctx, t)
		if err != nil {
			return "", err
		}
		views = append(views, v)
	}
	return a.d.Pages.Status(a.key, views), nil
}
