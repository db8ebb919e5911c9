package slack

import (
	"context"
	"strings"

	"honk/integrations/slack/client"
	"honk/integrations/slack/event"
	"honk/internal/task"
)

// asking is a person on the way to what they want done.
type asking struct {
	d    *Door
	e    event.Event
	self client.Self
	user client.User
	// login is who they are at the forge, account that account's number where
	// they have proved it.
	login   string
	account int64
	// thread is where they are, key the message or click that asks: the same
	// one is one task, however often it is delivered.
	thread spot
	key    string
}

// who finds out who acts, and refuses those who may not: guests, people of
// other organisations, and whoever has not proved who they are at the forge.
func (d *Door) who(ctx context.Context, e event.Event, self client.Self) (a *asking, refusal string, err error) {
	a = &asking{d: d, e: e, self: self, thread: threadOf(e)}
	a.key = spot{e.TeamID, e.Channel, e.TS}.String()
	if a.user, err = d.Slack.User(ctx, e.User); err != nil {
		return nil, "", err
	}
	if e.Kind != event.Command && e.Channel != "" {
		// Of a click, or of a mention that was missed, Slack does not say it.
		c, err := d.Slack.Channel(ctx, e.Channel)
		if ignoreGone(err) != nil {
			return nil, "", err
		}
		e.External = e.External || c.External
	}
	p := d.Pages
	switch {
	case a.user.Bot || a.user.Deleted:
		return nil, "ignored: not a person", nil
	case a.user.Stranger || a.user.TeamID != self.TeamID && self.EnterpriseID == "" || e.External:
		return nil, "refused: another organisation", a.whisper(ctx, p.External())
	case a.user.Guest:
		return nil, "refused: a guest", a.whisper(ctx, p.Guest())
	case e.DirectMessage && e.Kind == event.Mention:
		return nil, "refused: a direct message", a.whisper(ctx, p.DirectMessage())
	}
	if e.Kind == event.Command && !needsLogin(e.Text) {
		return a, "", nil
	}
	if err := a.identify(ctx); err != nil {
		return nil, "", err
	}
	if a.login != "" {
		return a, "", nil
	}
	return nil, "refused: not linked", a.invite(ctx)
}

// identify finds out who somebody is at the forge: as the operator's file says
// for the user, as they have proved, or as the file says for their confirmed
// e-mail address.
func (a *asking) identify(ctx context.Context) error {
	users := a.d.Rules.Users
	if a.login = users[a.e.User]; a.login != "" {
		return nil
	}
	id, err := a.d.People.Identity(ctx, task.SourceSlack, a.self.TeamID, a.e.User)
	if err == nil {
		a.login, a.account = id.Login, id.ForgeID
		return nil
	}
	if a.user.EmailConfirmed {
		for address, login := range users {
			if strings.EqualFold(address, a.user.Email) {
				a.login = login
			}
		}
	}
	return ignoreMissing(err)
}

// invite tells somebody how to prove who they are at the forge.
func (a *asking) invite(ctx context.Context) error {
	address := ""
	if a.d.InviteFunc != nil {
		var err error
		if address, err = a.d.InviteFunc(ctx, a.self.TeamID, a.e.User, a.user.Name+" in "+a.self.Team); err != nil {
			return err
		}
	}
	return a.whisper(ctx, a.d.Pages.Unlinked(address))
}

// mayWrite reports whether the person may write to a repository. A login that
// has gone to another account since it was proved is nobody's.
func (a *asking) mayWrite(ctx context.Context, repo task.Repo) (bool, error) {
	r, err := a.rights(ctx, repo)
	return r.Write, err
}

func (a *asking) rights(ctx context.Context, repo task.Repo) (task.Rights, error) {
	if a.login == "" {
		return task.Rights{}, nil
	}
	r, err := a.d.Forge.Rights(ctx, repo, a.login)
	if task.CodeOf(err) == task.CodeNotFound {
		return task.Rights{}, nil // nobody may do anything in what is not there
	}
	if a.account != 0 && a.account != r.AccountID {
		r = task.Rights{}
	}
	return r, err
}

// mayChange reports whether the person may stop a task or have it tried again:
// who asked for it, and whoever may write to its repository.
func (a *asking) mayChange(ctx context.Context, t task.Task) (bool, error) {
	if t.Request.Origin.Asker == a.e.User {
		return true, nil
	}
	return a.mayWrite(ctx, t.Request.Repo)
}

// whisper says something to the person alone: where they are, else in the app's
// own conversation with them. Somebody whom none of it reaches keeps nothing
// from being done.
func (a *asking) whisper(ctx context.Context, m client.Message) error {
	at := a.thread.place()
	if a.e.Kind == event.Mention && a.e.ThreadTS == "" {
		at.Thread = "" // there is no thread yet in which it would be seen
	}
	var err error = task.Errorf(task.CodeNotFound, "no place is known")
	if a.e.ResponseURL != "" {
		err = a.d.Slack.Respond(ctx, a.e.ResponseURL, m, false)
	}
	if err != nil && ignoreGone(err) == nil && at.Channel != "" {
		err = a.d.Slack.Whisper(ctx, at, a.e.User, m)
	}
	if err != nil && ignoreGone(err) == nil {
		_, err = a.d.Slack.Post(ctx, client.Place{Channel: a.e.User}, m)
	}
	if task.CodeOf(err) == task.CodeNotFound {
		a.d.Log.WarnContext(ctx, "person not reached", "account", a.e.User, "error", err)
		return nil
	}
	return err
}
