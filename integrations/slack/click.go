package slack

import (
	"context"
	"strings"

	"honk/integrations/slack/client"
	"honk/integrations/slack/event"
	"honk/integrations/slack/mrkdwn"
	"honk/integrations/slack/page"
	"honk/internal/grammar"
	"honk/internal/postgres"
	"honk/internal/task"
)

// click does what a button or a menu is for.
func (a *asking) click(ctx context.Context) (string, error) {
	// A click has no message of its own that could be reacted to.
	a.e.TS, a.key = "", ""
	act := a.e.Action
	switch act.ID {
	case page.ActionUse:
		key, repo, _ := strings.Cut(act.Value, " ")
		return a.choose(ctx, key, repo)
	case page.ActionChoose:
		return a.choose(ctx, strings.TrimPrefix(act.BlockID, page.QuestionBlock("")), act.Value)
	}
	rec, err := a.d.DB.Task(ctx, task.ID(act.Value))
	if isMissing(err) || err == nil && rec.Request.Source != task.SourceSlack {
		return "no such task", nil
	}
	if err != nil {
		return "", err
	}
	switch act.ID {
	case page.ActionStop:
		return a.stop(ctx, rec)
	case page.ActionDetails:
		// They tell more than the message, to whoever sees the message.
		if r, err := a.rights(ctx, rec.Request.Repo); err != nil || !r.Read && rec.Request.Origin.Asker != a.e.User {
			return a.unknown(ctx, rec.Request.Repo.String(), err)
		}
		v, err := a.d.ViewFunc(ctx, rec)
		if err != nil {
			return "", err
		}
		return "details", a.shown(ctx, a.d.Slack.OpenView(ctx, a.e.TriggerID, a.d.Pages.Details(v)))
	case page.ActionRepository:
		return a.offer(ctx, rec)
	case page.ActionRetry:
		return a.clickRetry(ctx, rec)
	case page.ActionGood, page.ActionBad:
		good := act.ID == page.ActionGood
		if err := a.d.People.Rate(ctx, rec.ID, a.e.User, good); err != nil {
			return "", err
		}
		return "rated", a.whisper(ctx, a.d.Pages.Rated(good))
	}
	return "nothing to do", nil
}

// shown says so when a form was asked for too long ago to be shown.
func (a *asking) shown(ctx context.Context, err error) error {
	if task.CodeOf(err) == task.CodeTimeout {
		return a.whisper(ctx, a.d.Pages.Expired())
	}
	return err
}

func (a *asking) stop(ctx context.Context, rec postgres.Record) (string, error) {
	if ok, err := a.mayChange(ctx, rec.Task); !ok || err != nil {
		return a.noAccess(ctx, rec.Request.Repo, err)
	}
	ok, err := a.d.DB.Cancel(ctx, rec.ID, "@"+a.login)
	if err == nil && ok && a.e.Kind == event.Command {
		return "cancelled", a.whisper(ctx, a.d.Pages.Stopping(1))
	}
	if err != nil || ok {
		return "cancelled", err // the task's own message says so
	}
	return "too late", a.whisper(ctx, a.d.Pages.NothingToCancel())
}

// clickRetry submits a task once more, on the first click.
func (a *asking) clickRetry(ctx context.Context, rec postgres.Record) (string, error) {
	if !rec.Status.Final() {
		return "still at work", a.whisper(ctx, a.d.Pages.StillAtWork())
	}
	if ok, err := a.mayChange(ctx, rec.Task); !ok || err != nil {
		return a.noAccess(ctx, rec.Request.Repo, err)
	}
	a.key = "retry/" + string(rec.ID)
	return a.submit(ctx, a.again(rec.Task))
}

// offer shows the repositories that a task could be about instead.
func (a *asking) offer(ctx context.Context, rec postgres.Record) (string, error) {
	if rec.Status.Final() {
		return "too late", a.whisper(ctx, a.d.Pages.Expired())
	}
	if rec.Request.Origin.Asker != a.e.User {
		return "refused: another's task", a.whisper(ctx, a.d.Pages.NotYours())
	}
	choices, err := a.choices(ctx, rec.Request.Prompt)
	if err != nil {
		return "", err
	}
	return "offered", a.shown(ctx, a.d.Slack.OpenView(ctx, a.e.TriggerID, a.d.Pages.ChangeRepository(rec.ID, choices.Names())))
}

// shortcut asks what is to be done about a message.
func (a *asking) shortcut(ctx context.Context) (string, error) {
	if a.e.Callback != page.CallbackAsk {
		return "nothing to do", nil
	}
	text, _ := mrkdwn.Decode(a.e.Message.Text, a.reader().Names(ctx, a.e.Channel))
	repos, err := a.choices(ctx, text)
	if err != nil {
		return "", err
	}
	form := page.AskForm{Channel: a.e.Channel, TS: a.e.Message.TS, At: a.e.ActionTS, Text: text, Repos: repos.Names()}
	if ts := a.e.Message.ThreadTS; ts != "" {
		form.TS = ts
	}
	return "offered", a.shown(ctx, a.d.Slack.OpenView(ctx, a.e.TriggerID, a.d.Pages.Ask(form)))
}

// submitted does what a form says.
func (a *asking) submitted(ctx context.Context) (string, error) {
	switch a.e.Callback {
	case page.CallbackRepository:
		return a.change(ctx, task.ID(a.e.Metadata), a.e.Values[page.InputRepository])
	case page.CallbackAsk:
		return a.askAbout(ctx)
	}
	return "nothing to do", nil
}

// change stops a task and begins it anew in another repository.
func (a *asking) change(ctx context.Context, id task.ID, name string) (string, error) {
	rec, err := a.d.DB.Task(ctx, id)
	if err != nil {
		return "", err
	}
	if s, err := parseSpot(rec.Request.Origin.Thread); err == nil {
		a.thread, a.e.Channel = s, s.channel
	}
	to, err := a.named(ctx, name, "you chose it")
	if err != nil {
		return "", err
	}
	switch {
	case rec.Request.Origin.Asker != a.e.User:
		return "refused: another's task", a.whisper(ctx, a.d.Pages.NotYours())
	case to.Unknown != "":
		return a.unknown(ctx, name, nil)
	case to.Repo.String() == rec.Request.Repo.String():
		return "unchanged", nil
	}
	req := rec.Request
	req.DeliveryID += "/in/" + to.Repo.String()
	req.Repo, req.Origin.Reason, req.Actor = to.Repo, to.Reason, a.actor()
	req.Ref, req.Branch, req.Resume = "", "", ""
	// Both or neither: a crash in between would leave no task at all.
	return a.submit(ctx, req, func(ctx context.Context, tx *postgres.Tx) (bool, error) {
		return tx.Cancel(ctx, id, "@"+a.login+", who chose another repository")
	})
}

// askAbout makes a request of the form about a message.
func (a *asking) askAbout(ctx context.Context) (string, error) {
	channel, rest, _ := strings.Cut(a.e.Metadata, " ")
	ts, at, _ := strings.Cut(rest, " ")
	a.thread = spot{a.self.TeamID, channel, ts}
	a.key = "form/" + a.e.ViewID
	a.e.Channel, a.e.ThreadTS, a.e.ActionTS = channel, ts, at
	cmd, err := a.parse("", a.e.Values[page.InputPrompt])
	if err != nil {
		return "not understood", a.whisper(ctx, a.d.Pages.NearMiss(err))
	}
	if cmd.Verb != grammar.VerbTask {
		cmd = grammar.Command{Verb: grammar.VerbTask, Prompt: a.e.Values[page.InputPrompt]}
	}
	if repo := a.e.Values[page.InputRepository]; repo != "" && cmd.Repo == "" {
		cmd.Repo = repo
	}
	c, err := a.d.Slack.Channel(ctx, channel)
	in := !c.Private
	if err == nil && c.Private && c.Member {
		// They may have left it since they opened the form.
		in, err = a.d.Slack.IsMember(ctx, channel, a.e.User)
	}
	switch {
	case ignoreGone(err) != nil:
		return "", err
	case c.External:
		return "refused: another organisation", a.whisper(ctx, a.d.Pages.External())
	case c.DirectMessage:
		return "refused: a direct message", a.whisper(ctx, a.d.Pages.DirectMessage())
	case err != nil || !c.Member || !in:
		// Where Honk cannot speak it must not work.
		a.thread = spot{}
		return "refused: not in the channel", a.whisper(ctx, a.d.Pages.NotInChannel("<@"+a.self.UserID+">"))
	}
	return a.do(ctx, cmd, nil)
}

// handleReaction takes a thumb on a task's message for what somebody thinks of
// it.
func (d *Door) handleReaction(ctx context.Context, e event.Event, self client.Self) (string, error) {
	name, _, _ := strings.Cut(e.Reaction, "::")
	good := name == "+1" || name == "thumbsup"
	if !good && name != "-1" && name != "thumbsdown" || e.ItemUser != self.UserID {
		return "not for us", nil
	}
	id, err := d.DB.TaskAt(ctx, task.SourceSlack, spot{e.TeamID, e.Channel, ""}.String(), e.ItemTS)
	if isMissing(err) {
		return "not a task's message", nil
	}
	if err != nil {
		return "", err
	}
	if u, err := d.Slack.User(ctx, e.User); err != nil || u.Guest || u.Stranger {
		return "ignored: not of this workspace", err
	}
	if e.Added {
		return "rated", d.People.Rate(ctx, id, e.User, good)
	}
	return "rating taken back", d.People.Unrate(ctx, id, e.User, good)
}
