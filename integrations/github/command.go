package github

import (
	"cmp"
	"context"
	"fmt"

	"honk/integrations/github/client"
	"honk/integrations/github/event"
	"honk/integrations/github/forge"
	"honk/integrations/github/markdown"
	"honk/internal/grammar"
	"honk/internal/postgres"
	"honk/internal/runner/fact"
	"honk/internal/task"
)

// asking is somebody's command on its way to be done.
type asking struct {
	d    *Door
	talk *client.Repo
	e    event.Event
	repo task.Repo
	// by is who asks; text is what they wrote, without what nobody sees,
	// and hidden names what that was.
	by     event.User
	text   string
	hidden []string
	// at is the message that asks, key its name in our tables: the same
	// message is one task, however often and under whichever number it is
	// delivered.
	at  client.Target
	key string
	// pull is set where the thread is a pull request, ours if it is ours.
	pull *client.PullRequest
	ours *postgres.PullRequest
}

// ask prepares a command: it finds out whether its author may ask, and where
// they ask.
func (d *Door) ask(ctx context.Context, e event.Event, by event.User, body string, at client.Target) (a *asking, refusal string, err error) {
	talk, err := d.App.Talk(ctx, e.Repository.Owner, e.Repository.Name)
	if err != nil {
		return nil, "", err
	}
	a = &asking{
		d: d, talk: talk, e: e, repo: d.repo(e), by: by, at: at,
		key: fmt.Sprintf("%s/%d/%d", at.Kind, e.Repository.ID, at.ID),
	}
	a.text, a.hidden = markdown.Strip(body)
	permission, err := talk.Permission(ctx, by.Login)
	if err != nil {
		return nil, "", err
	}
	if !client.CanWrite(permission) {
		// Strangers get a reaction, never a comment.
		a.react(ctx, "confused")
		return nil, "refused: no write access", nil
	}
	if e.Subject.IsPull {
		err = a.findPull(ctx)
	}
	return a, "", err
}

// repo names the event's repository with the URL that the operator
// configured: a payload says nothing about where code comes from.
func (d *Door) repo(e event.Event) task.Repo {
	r := e.Repository.Repo
	r.URL = forge.CloneURL(d.GitURL, r)
	return r
}

func (a *asking) findPull(ctx context.Context) error {
	pull, err := a.talk.PullRequest(ctx, a.e.Subject.Number)
	if err != nil {
		return err
	}
	a.pull = &pull
	ours, err := a.d.DB.PullRequest(ctx, a.repo, pull.Number)
	switch {
	case err == nil:
		a.ours = &ours
	case !isMissing(err):
		return err
	}
	return nil
}

// react is a courtesy: without it nothing is lost.
func (a *asking) react(ctx context.Context, content string) {
	if _, err := a.talk.React(ctx, a.at, content); err != nil {
		a.d.Log.WarnContext(ctx, "reaction not added", "repo", a.repo.String(), "error", err)
	}
}

func (a *asking) say(ctx context.Context, text string, err error) error {
	if err != nil {
		return err
	}
	return a.d.reply(ctx, a.repo, thread(a.e.Subject.Number), a.key, text)
}

// handleComment does what a comment on an issue or pull request says.
func (d *Door) handleComment(ctx context.Context, e event.Event) (string, error) {
	if !hasCommand(e.Comment.Body) {
		return "no command", nil
	}
	a, refusal, err := d.ask(ctx, e, e.Comment.Author, e.Comment.Body, client.Target{Kind: client.TargetComment, ID: e.Comment.ID})
	if a == nil || err != nil {
		return refusal, err
	}
	cmd, ok, err := a.understand(ctx)
	if !ok || err != nil {
		return "not understood", err
	}
	return a.do(ctx, cmd)
}

// understand parses what is asked; what makes no sense is said to whoever
// asked.
func (a *asking) understand(ctx context.Context) (cmd grammar.Command, ok bool, err error) {
	cmd, wrong := a.command()
	if wrong == nil {
		return cmd, true, nil
	}
	a.react(ctx, "confused")
	return cmd, false, a.say(ctx, a.d.Pages.NearMiss(a.key, wrong), nil)
}

// command parses what is asked and holds its options against what the
// organisation allows.
func (a *asking) command() (grammar.Command, error) {
	rest, _ := grammar.Find(a.text, trigger)
	rules := grammar.Rules{Models: a.d.Models, Judges: a.d.Floor.AtLeast()}
	cmd, err := grammar.Parse(rest, rules)
	if err == nil {
		err = rules.Allow(cmd)
	}
	return cmd, err
}

func (a *asking) do(ctx context.Context, cmd grammar.Command) (string, error) {
	tasks, err := a.d.DB.ThreadTasks(ctx, a.repo, thread(a.e.Subject.Number), 20)
	if err != nil {
		return "", err
	}
	if known, err := a.d.known(ctx, a.key); known != "" || err != nil {
		a.react(ctx, "eyes")
		return known, err
	}
	switch cmd.Verb {
	case grammar.VerbHelp:
		return "help", a.say(ctx, a.d.Pages.Help(a.key), nil)
	case grammar.VerbStatus:
		text, err := a.status(ctx, tasks)
		return "status", a.say(ctx, text, err)
	case grammar.VerbCancel:
		return a.cancel(ctx)
	case grammar.VerbRetry:
		return a.retry(ctx, cmd, tasks)
	case grammar.VerbTask:
	}
	if given, err := a.d.DB.HasNote(ctx, a.key); given || err != nil {
		return "given to a task before", err
	}
	if a.pull == nil {
		if a.ours, err = a.led(ctx, tasks); err != nil {
			return "", err
		}
	}
	for _, t := range tasks {
		if !t.Status.Final() {
			return a.note(ctx, cmd, t.Task)
		}
	}
	return a.task(ctx, cmd)
}

// led returns the open pull request that the tasks of an issue have led to:
// what is asked there next goes on top of it.
func (a *asking) led(ctx context.Context, tasks []postgres.Record) (*postgres.PullRequest, error) {
	for _, t := range tasks {
		made := fact.Stored(t).PullRequest
		if made == nil || made.Number == 0 {
			continue
		}
		ours, err := a.d.DB.PullRequest(ctx, a.repo, made.Number)
		if err != nil || ours.State != task.PullRequestOpen {
			return nil, ignoreMissing(err)
		}
		return &ours, nil
	}
	return nil, nil
}

// known says which task a key has made: a message that is handled once more
// must not take its own task for somebody else's.
func (d *Door) known(ctx context.Context, key string) (string, error) {
	rec, err := d.DB.TaskOf(ctx, task.SourceGitHub, key)
	if err != nil {
		return "", ignoreMissing(err)
	}
	return fmt.Sprintf("known as task %s", rec.ID), nil
}

// note gives a request to the task that is at work in the thread.
func (a *asking) note(ctx context.Context, cmd grammar.Command, t task.Task) (string, error) {
	taken, err := a.d.DB.AddNote(ctx, t.ID, a.key, task.Note{Author: a.by.Login, At: a.e.Comment.CreatedAt, Text: cmd.Prompt})
	if err != nil {
		return "", err
	}
	if !taken {
		return a.task(ctx, cmd) // it has just ended
	}
	a.react(ctx, "eyes")
	return fmt.Sprintf("given to task %s", t.ID), nil
}

// cancel ends what runs in the thread; on an idle pull request of ours it
// ends what Honk would start by itself. Which of the two it was is stored: the
// same command again must not find the pull request idle by then.
func (a *asking) cancel(ctx context.Context) (string, error) {
	ended, err := a.d.DB.CancelThread(ctx, a.repo, thread(a.e.Subject.Number), "@"+a.by.Login, a.key)
	if err != nil {
		return "", err
	}
	if ended > 0 {
		a.react(ctx, "eyes")
		return "cancelled", nil // the task's own message says so
	}
	if a.ours != nil && a.ours.State == task.PullRequestOpen {
		if _, err := a.d.DB.Mute(ctx, a.repo, a.ours.Number); err != nil {
			return "", err
		}
		return "muted", a.say(ctx, a.d.Pages.Muted(a.key), nil)
	}
	return "nothing to cancel", a.say(ctx, a.d.Pages.NothingToCancel(a.key), nil)
}

// retry submits the thread's last task once more.
func (a *asking) retry(ctx context.Context, cmd grammar.Command, tasks []postgres.Record) (string, error) {
	if len(tasks) == 0 {
		return "nothing to retry", a.say(ctx, a.d.Pages.NothingToRetry(a.key), nil)
	}
	last := tasks[0]
	if !last.Status.Final() {
		return "still at work", a.say(ctx, a.d.Pages.StillAtWork(a.key), nil)
	}
	req := last.Again(a.actor(), a.key)
	req.Origin.Message, req.Origin.URL, req.Origin.Cause = a.message(), cmp.Or(a.e.Comment.URL, a.e.Review.URL), ""
	if req.Branch != "" && a.pull != nil && a.pull.State != task.PullRequestOpen {
		req.Ref, req.Branch = "", "" // a closed pull request takes nothing more
	}
	req.Options = cmd.Options.Over(req.Options)
	if cmd.Base != "" && req.Branch == "" {
		req.Ref = cmd.Base
	}
	return a.submit(ctx, req)
}
