package slack

import (
	"context"
	"fmt"
	"strings"
	"time"

	"honk/integrations/slack/mrkdwn"
	"honk/internal/grammar"
	"honk/internal/postgres"
	"honk/internal/runner"
	"honk/internal/task"
)

// maxTasks is how many tasks of a thread are looked at.
const maxTasks = 20

// mention does what somebody says to Honk in a channel.
func (a *asking) mention(ctx context.Context) (string, error) {
	before, after, ok := mrkdwn.Command(a.e.Text, a.self.UserID)
	if !ok {
		return "ignored: the mention is quoted", nil
	}
	names := a.reader().Names(ctx, a.e.Channel)
	first, hidden := mrkdwn.Decode(before, names)
	rest, more := mrkdwn.Decode(after, names)
	if strings.TrimSpace(rest) == "" {
		first, rest = "", first
	}
	cmd, err := a.parse(first, rest)
	if err != nil {
		return "not understood", a.whisper(ctx, a.d.Pages.NearMiss(err))
	}
	return a.do(ctx, cmd, append(hidden, more...))
}

func (a *asking) parse(first, rest string) (grammar.Command, error) {
	rules := grammar.Rules{Repo: true, Models: a.d.Models, Judges: a.d.Floor.AtLeast()}
	cmd, err := grammar.Parse(rest, rules)
	if err == nil {
		err = rules.Allow(cmd)
	}
	if first = strings.TrimSpace(first); cmd.Verb == grammar.VerbTask && first != "" {
		cmd.Prompt = first + " " + cmd.Prompt
	}
	return cmd, err
}

func (a *asking) do(ctx context.Context, cmd grammar.Command, hidden []string) (string, error) {
	if cmd.Verb == grammar.VerbHelp {
		return "help", a.whisper(ctx, a.d.Pages.Help("<@"+a.self.UserID+">"))
	}
	if known, err := a.known(ctx); known != "" || err != nil {
		return known, err
	}
	tasks, err := a.d.DB.Conversation(ctx, task.SourceSlack, a.thread.String(), maxTasks)
	if err != nil {
		return "", err
	}
	switch cmd.Verb {
	case grammar.VerbStatus:
		return "status", a.status(ctx, tasks)
	case grammar.VerbCancel:
		return a.cancel(ctx, tasks)
	case grammar.VerbRetry:
		return a.retry(ctx, cmd, tasks)
	case grammar.VerbTask, grammar.VerbHelp:
	}
	for _, t := range tasks {
		if !t.Status.Final() && (cmd.Repo == "" || strings.EqualFold(cmd.Repo, t.Request.Repo.String())) {
			return a.steer(ctx, cmd, t.Task)
		}
	}
	return a.ask(ctx, cmd, tasks, hidden)
}

// known says what a message has led to: one that is handled once more must not
// take its own task for somebody else's.
func (a *asking) known(ctx context.Context) (string, error) {
	rec, err := a.d.DB.TaskOf(ctx, task.SourceSlack, a.key)
	if err == nil {
		a.d.react(ctx, rec.Task, rec.Request.Origin.Message)
		return fmt.Sprintf("known as task %s", rec.ID), nil
	}
	if !isMissing(err) {
		return "", err
	}
	if given, err := a.d.DB.HasNote(ctx, a.key); given || err != nil {
		return "given to a task before", err
	}
	return "", nil
}

// react shows at a message, if it is one, that what it asks of a task is
// accepted; the end of the task takes that back. It is a courtesy: without it
// nothing is lost.
func (d *Door) react(ctx context.Context, t task.Task, message string) {
	at, err := parseSpot(message)
	if err != nil || t.Status.Final() {
		return
	}
	if err := d.Slack.React(ctx, at.channel, at.ts, accepted); err != nil {
		d.Log.WarnContext(ctx, "reaction not added", "channel", at.channel, "error", err)
	}
}

// accepted is the reaction that stands as long as a promise is open.
const accepted = "eyes"

// steer gives a request to the task that is at work in the thread.
func (a *asking) steer(ctx context.Context, cmd grammar.Command, t task.Task) (string, error) {
	if ok, err := a.mayWrite(ctx, t.Request.Repo); !ok || err != nil {
		return a.noAccess(ctx, t.Request.Repo, err)
	}
	taken, err := a.d.DB.AddNote(ctx, t.ID, a.key, task.Note{Author: a.login, At: a.e.At(), Text: cmd.Prompt})
	if err != nil {
		return "", err
	}
	if !taken { // it has just ended
		tasks, err := a.d.DB.Conversation(ctx, task.SourceSlack, a.thread.String(), maxTasks)
		if err != nil {
			return "", err
		}
		return a.ask(ctx, cmd, tasks, nil)
	}
	a.d.react(ctx, t, a.key)
	return fmt.Sprintf("given to task %s", t.ID), nil
}

// noAccess refuses what somebody may not do. Of a repository that they cannot
// see it says no more than of one that there is not.
func (a *asking) noAccess(ctx context.Context, repo task.Repo, err error) (string, error) {
	if err != nil {
		return "", err
	}
	if r, err := a.rights(ctx, repo); err != nil || !r.Read {
		return a.unknown(ctx, repo.String(), err)
	}
	return "refused: no write access", a.whisper(ctx, a.d.Pages.NoAccess(repo.String(), a.login))
}

func (a *asking) unknown(ctx context.Context, repo string, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return "refused: not installed", a.whisper(ctx, a.d.Pages.NotInstalled(repo, a.login))
}

// status tells how the tasks of a thread stand.
func (a *asking) status(ctx context.Context, tasks []postgres.Record) error {
	views, err := a.d.views(ctx, tasks, 5)
	if err != nil {
		return err
	}
	return a.whisper(ctx, a.d.Pages.Status(views))
}

func (d *Door) views(ctx context.Context, records []postgres.Record, most int) ([]runner.View, error) {
	var views []runner.View
	for _, rec := range records[:min(len(records), most)] {
		v, err := d.ViewFunc(ctx, rec)
		if err != nil {
			return nil, err
		}
		views = append(views, v)
	}
	return views, nil
}

// cancel ends what runs in the thread.
func (a *asking) cancel(ctx context.Context, tasks []postgres.Record) (string, error) {
	ended := 0
	for _, t := range tasks {
		// What was asked after this message is not what it means.
		if t.Status.Final() || t.CreatedAt.After(a.e.At().Add(time.Minute)) {
			continue
		}
		if ok, err := a.mayChange(ctx, t.Task); !ok || err != nil {
			return a.noAccess(ctx, t.Request.Repo, err)
		}
		if _, err := a.d.DB.Cancel(ctx, t.ID, "@"+a.login); err != nil {
			return "", err
		}
		ended++
	}
	q, waits, err := a.d.People.Waiting(ctx, task.SourceSlack, a.thread.String())
	if err != nil {
		return "", err
	}
	if waits && q.Request.Origin.Asker == a.e.User {
		ended++
		if err := a.d.withdraw(ctx, q, "@"+a.login); err != nil {
			return "", err
		}
	}
	if ended == 0 {
		return "nothing to cancel", a.whisper(ctx, a.d.Pages.NothingToCancel())
	}
	return "cancelled", nil // the task's own message says so
}

// retry submits the thread's last task once more.
func (a *asking) retry(ctx context.Context, cmd grammar.Command, tasks []postgres.Record) (string, error) {
	if len(tasks) == 0 {
		return "nothing to retry", a.whisper(ctx, a.d.Pages.NothingToRetry())
	}
	last, err := a.d.DB.Task(ctx, tasks[0].ID) // with its images, which lists lack
	if err != nil {
		return "", err
	}
	if !last.Status.Final() {
		return "still at work", a.whisper(ctx, a.d.Pages.StillAtWork())
	}
	req := a.again(last.Task)
	if cmd.Base != "" && req.Branch == "" {
		req.Ref = cmd.Base
	}
	req.Options = cmd.Options.Over(req.Options)
	return a.submit(ctx, req)
}

// again is the request of a task once more.
func (a *asking) again(t task.Task) task.Request {
	req := t.Again(a.actor(), a.key)
	req.Origin.Asker, req.Origin.Message = a.e.User, a.message()
	return req
}

func (a *asking) actor() task.Actor {
	actor := task.Actor{Login: a.login, Name: a.login}
	if a.account != 0 {
		actor.Email = fmt.Sprintf("%d+%s@users.noreply.github.com", a.account, a.login)
	}
	return actor
}

// message is the message that asks, "" for a click.
func (a *asking) message() string {
	if a.e.TS == "" {
		return ""
	}
	return a.key
}

// submit accepts a request of somebody who may write to its repository.
func (a *asking) submit(ctx context.Context, req task.Request, when ...func(context.Context, *postgres.Tx) (bool, error)) (string, error) {
	if ok, err := a.mayWrite(ctx, req.Repo); !ok || err != nil {
		return a.noAccess(ctx, req.Repo, err)
	}
	t, _, err := a.d.Queue.Submit(ctx, req, when...)
	if err != nil {
		return "", err
	}
	if t.ID == "" {
		return "too late", a.whisper(ctx, a.d.Pages.Expired())
	}
	// The promise is stored; now it is shown.
	a.d.react(ctx, t, t.Request.Origin.Message)
	return fmt.Sprintf("task %s", t.ID), nil
}
