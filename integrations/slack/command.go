package slack

import (
	"context"
	"strings"

	"honk/integrations/slack/event"
	"honk/internal/postgres/people"
	"honk/internal/task"
)

// maxRecent is how many tasks of a person are shown.
const maxRecent = 20

// needsLogin reports whether a slash command is about what only those may do
// who are known at the forge.
func needsLogin(text string) bool {
	verb, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	return verb != "" && verb != "help"
}

// command does what the slash command says. Its answer is seen by the one who
// gave it alone.
func (a *asking) command(ctx context.Context) (string, error) {
	verb, rest, _ := strings.Cut(strings.TrimSpace(a.e.Text), " ")
	rest = strings.TrimSpace(rest)
	switch verb {
	case "", "help":
		return "help", a.whisper(ctx, a.d.Pages.Help("<@"+a.self.UserID+">"))
	case "status":
		records, err := a.d.DB.TasksBy(ctx, task.SourceSlack, a.e.User, maxRecent)
		if err != nil {
			return "", err
		}
		return "status", a.status(ctx, records)
	case "stop", "cancel":
		return a.stopAll(ctx, task.ID(strings.ToUpper(rest)))
	case "settings":
		return a.settings(ctx, rest)
	case "link":
		return "invited", a.invite(ctx)
	}
	return "not understood", a.whisper(ctx, a.d.Pages.UnknownCommand("<@"+a.self.UserID+">"))
}

// stopAll ends a task, or all that the person has asked for in this channel.
func (a *asking) stopAll(ctx context.Context, id task.ID) (string, error) {
	if id != "" {
		rec, err := a.d.DB.Task(ctx, id)
		if isMissing(err) || err == nil && rec.Request.Source != task.SourceSlack {
			return "nothing to cancel", a.whisper(ctx, a.d.Pages.NothingToCancel())
		}
		if err != nil {
			return "", err
		}
		return a.stop(ctx, rec)
	}
	records, err := a.d.DB.TasksBy(ctx, task.SourceSlack, a.e.User, maxRecent)
	if err != nil {
		return "", err
	}
	ended := 0
	here := spot{a.self.TeamID, a.e.Channel, ""}.String()
	for _, rec := range records {
		if rec.Status.Final() || !strings.HasPrefix(rec.Request.Origin.Thread, here) {
			continue
		}
		if _, err := a.d.DB.Cancel(ctx, rec.ID, "@"+a.login); err != nil {
			return "", err
		}
		ended++
	}
	if ended == 0 {
		return "nothing to cancel", a.whisper(ctx, a.d.Pages.NothingToCancel())
	}
	return "cancelled", a.whisper(ctx, a.d.Pages.Stopping(ended))
}

// settings shows the repository of a channel, or sets it: whoever may write to
// the repository may.
func (a *asking) settings(ctx context.Context, name string) (string, error) {
	now, err := a.channelRepo(ctx)
	if err != nil {
		return "", err
	}
	_, ruled := a.d.Rules.Channels[a.e.Channel]
	remove := name == "none"
	if name == "" || ruled || remove && now == "" {
		return "settings", a.whisper(ctx, a.d.Pages.Settings(now, ruled))
	}
	if remove {
		name = now
	}
	at, err := a.named(ctx, strings.TrimPrefix(name, "repo:"), "set")
	if err != nil {
		return "", err
	}
	if at.Unknown != "" && !remove {
		return a.unknown(ctx, name, nil)
	}
	if at.Unknown == "" {
		if ok, err := a.mayWrite(ctx, at.Repo); !ok || err != nil {
			return a.noAccess(ctx, at.Repo, err)
		}
	}
	set := people.ChannelSetting{Source: task.SourceSlack, Team: a.self.TeamID, Channel: a.e.Channel, By: a.login}
	if !remove {
		set.Repo = at.Repo
	}
	if err := a.d.People.SetChannel(ctx, set); err != nil {
		return "", err
	}
	return "settings", a.whisper(ctx, a.d.Pages.SettingsDone(strings.TrimPrefix(set.Repo.String(), "/")))
}

// handleHome shows somebody the app's home with their tasks.
func (d *Door) handleHome(ctx context.Context, e event.Event) (string, error) {
	self, err := d.Slack.Self(ctx)
	if err != nil {
		return "", err
	}
	a := &asking{d: d, e: e, self: self}
	if a.user, err = d.Slack.User(ctx, e.User); err != nil {
		return "", err
	}
	if a.user.Guest || a.user.Stranger {
		return "home of a guest", d.Slack.PublishHome(ctx, e.User, d.Pages.Home(nil, ""))
	}
	if err := a.identify(ctx); err != nil {
		return "", err
	}
	records, err := d.DB.TasksBy(ctx, task.SourceSlack, e.User, maxRecent)
	if err != nil {
		return "", err
	}
	views, err := d.views(ctx, records, maxRecent)
	if err != nil {
		return "", err
	}
	return "home", d.Slack.PublishHome(ctx, e.User, d.Pages.Home(views, a.login))
}
