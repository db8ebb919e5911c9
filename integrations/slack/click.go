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
	form := page.AskForm{Channel: a.e.Channel, TS: a.e.Message.TS, Text: text, Repos: repos.Names()}
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
	a.at(rec.Request.Origin.Thread)
	to, err := a.named(ctx, name, "you chose it")
	if err != nil {
		return "", err
	}
	switch {
	case rec.Request.Origin.Asker != a.e.User:
		return "refused: another's task", a.whisper(ctx, a.d.Pages.NotYours())
	case to.Unknown != "":
		return "refused: not installed", a.whisper(ctx, a.d.Pages.NotInstalled(name))
	case to.Repo.String() == rec.Request.Repo.String():
		return "unchanged", nil
	}
	if ok, err := a.mayWrite(ctx, to.Repo); !ok || err != nil {
		return a.noAccess(ctx, to.Repo, err)
	}
	a.key = rec.Request.DeliveryID + "/in/" + to.Repo.String()
	if known, err := a.known(ctx); known != "" || err != nil {
		return known, err
	}
	by := "@" + a.login + ", who chose another repository"
	ok, err := a.d.DB.Cancel(ctx, id, by)
	if err != nil {
		return "", err
	}
	// It may have ended since an earlier try stopped it.
	if !ok && rec.CancelledBy != by {
		return "too late", a.whisper(ctx, a.d.Pages.Expired())
	}
	req := rec.Request
	req.DeliveryID, req.Repo, req.Origin.Reason = a.key, to.Repo, to.Reason
	req.Ref, req.Branch, req.Resume = "", "", ""
	return a.submit(ctx, req)
}

// at moves the person to the thread that they act on.
func (a *asking) at(thread string) {
	if s, err := parseSpot(thread); err == nil {
		a.thread, a.e.Channel = s, s.channel
	}
}

// askAbout makes a request of the form about a message.
func (a *asking) askAbout(ctx context.Context) (string, error) {
	channel, ts, _ := strings.Cut(a.e.Metadata, " ")
	a.thread = spot{a.self.TeamID, channel, ts}
	a.key = "form/" + a.e.ViewID
	a.e.Channel, a.e.ThreadTS = channel, ts
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
	// Where Honk cannot speak it must not work.
	if c, err := a.d.Slack.Channel(ctx, channel); err != nil || !c.Member {
		if ignoreGone(err) != nil {
			return "", err
		}
		return "refused: not in the channel", a.direct(ctx, a.d.Pages.NotInChannel("<@"+a.self.UserID+">"))
	}
	return a.do(ctx, cmd, nil)
}

// direct says something to the person in the app's own conversation with them.
func (a *asking) direct(ctx context.Context, m client.Message) error {
	_, err := a.d.Slack.Post(ctx, client.Place{Channel: a.e.User}, m)
	return err
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
