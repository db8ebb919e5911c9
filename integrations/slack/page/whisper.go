package page

import (
	"errors"

	"honk/integrations/slack/client"
	"honk/integrations/slack/mrkdwn"
	"honk/internal/grammar"
	"honk/internal/runner"
	"honk/internal/runner/fact"
	"honk/internal/task"
)

// say is a text of a few lines.
func (w *words) say(lines ...mrk) client.Message {
	b := w.board("")
	b.section(lines...)
	return b.message(join("\n", lines...))
}

// naming is a line in which Honk is named between two parts of it.
func (w *words) naming(called string, before, behind mrk) client.Message {
	b := w.board("")
	b.section(before + self(called) + behind)
	return b.message(before + "@honk" + behind)
}

// Help lists the commands and says who may give them. called is how Honk is
// mentioned.
func (p *Pages) Help(called string) client.Message {
	w := p.words()
	commands := mrk(mrkdwn.Fence(grammar.Help("@honk", grammar.Rules{Repo: true}), 0, maxText-500))
	b := w.board("")
	b.section("Mention me ("+self(called)+") in a channel and say what should change:", commands)
	b.section(
		"`/honk status` shows your tasks, `/honk stop` ends those of a channel, `/honk settings` sets its repository, `/honk link` says anew who you are at GitHub.",
		"Whoever may write to a repository at GitHub may ask for changes in it. Edited messages are not read again.",
	)
	return b.message("Mention me in a channel and say what should change.")
}

// NearMiss says what was wrong with a command, of which nothing runs. Only a
// *task.Error is quoted; other errors are not for people.
func (p *Pages) NearMiss(err error) client.Message {
	w := p.words()
	return w.say("Nothing was started. "+w.problem(err, "It could not be understood."), "Say it again in a new message; `@honk help` lists what there is.")
}

// problem is what an error says to people, if it does.
func (w *words) problem(err error, otherwise mrk) mrk {
	if known, ok := errors.AsType[*task.Error](err); ok && known.Code != task.CodeInternal && known.Message != "" {
		return w.sentence(known.Message, 600)
	}
	return otherwise
}

// Status says how tasks stand.
func (p *Pages) Status(views []runner.View) client.Message {
	w := p.words()
	if len(views) == 0 {
		return w.say("Nothing runs here and nothing waits. Mention me and say what should change.")
	}
	lines := []mrk{"*Honk at work*"}
	for _, v := range views[:min(len(views), maxItems)] {
		lines = append(lines, join(" · ", "• "+w.stateOf(v), "task "+w.line(string(v.Task.ID), 40), w.line(v.Waiting, 200)))
	}
	return w.say(more(lines, len(views)-maxItems)...)
}

// Unlinked asks somebody to prove who they are at GitHub, at an address that
// is theirs alone; "" where that is not set up.
func (p *Pages) Unlinked(address string) client.Message {
	w := p.words()
	first := mrk("Tell me who you are at GitHub: what you may ask for depends on it.")
	button := follow(ActionLink, "Link your GitHub account", "", address)
	if button == nil {
		return w.say(first, "Whoever runs Honk can say it: in its `honk.yaml`, your Slack user ID with your GitHub login under `slack: users:`.")
	}
	b := w.board("")
	next := mrk("Link your account once, then ask again. The link is for you alone.")
	b.section(first, next)
	b.actions("", button)
	return b.message(join(" ", first, next))
}

// Guest says that guests may not ask.
func (p *Pages) Guest() client.Message {
	return p.words().say("Guests of this workspace cannot ask me for changes. Somebody who is a full member can.")
}

// External says that people of other organisations may not ask.
func (p *Pages) External() client.Message {
	return p.words().say("Nothing is done in channels that are shared with another organisation, nor for its people. Ask in a channel of your own.")
}

// DirectMessage says where to ask instead.
func (p *Pages) DirectMessage() client.Message {
	return p.words().say("I work in channels only, where others see what is asked. Mention me there.")
}

// NoAccess says that somebody may not write to a repository; repo is "" where
// there is none to which they may.
func (p *Pages) NoAccess(repo, login string) client.Message {
	w := p.words()
	who := join(" ", "you", w.named(login))
	if repo == "" {
		return w.say("There is no repository that I work in and "+who+" may write to.",
			"Ask somebody who administers it for write access, then ask again.")
	}
	return w.say("For changes in "+bold(w.line(repo, 150))+" "+who+" need write access there.",
		"Ask somebody who administers it, then ask again. If that is not you, say who you are with `/honk link`.")
}

// named is in brackets who somebody is at GitHub.
func (w *words) named(login string) mrk {
	if login == "" {
		return ""
	}
	return "(" + w.code(login, 80) + " at GitHub)"
}

// NotInstalled says that Honk does not work in a repository, or that somebody
// cannot see it, but not which: the one is no secret, the other may be.
func (p *Pages) NotInstalled(repo, login string) client.Message {
	w := p.words()
	who := join(" ", "you", w.named(login))
	return w.say("I do not work in "+bold(w.line(repo, 150))+", or "+who+" cannot see such a repository.",
		"Somebody who administers it can install Honk's GitHub App there, or let you in. If that is not you, say who you are with `/honk link`.")
}

// NotInChannel says that Honk has to be invited. called is how it is
// mentioned.
func (p *Pages) NotInChannel(called string) client.Message {
	return p.words().naming(called, "I am not in that channel and could not answer there. Add me with `/invite` and ", ", then ask again.")
}

// NothingToCancel says that no task runs or waits here.
func (p *Pages) NothingToCancel() client.Message {
	return p.words().say("There is nothing to cancel: nothing runs here, and nothing waits.")
}

// Stopping says how many tasks are being ended.
func (p *Pages) Stopping(tasks int) client.Message {
	return p.words().say(mrk("I stop " + fact.Count(tasks, "task") + "."))
}

// NothingToRetry says that there was no task here yet.
func (p *Pages) NothingToRetry() client.Message {
	return p.words().say("There is nothing to retry: I had no task here yet. Mention me and say what should change.")
}

// StillAtWork says that the last task has to end before it can be retried.
func (p *Pages) StillAtWork() client.Message {
	return p.words().say("The last task here has not ended yet. Stop it first; then it can be retried.")
}

// Settings says which repository is a channel's, "" for none; fixed says that
// the operator's file has set it.
func (p *Pages) Settings(repo string, fixed bool) client.Message {
	w := p.words()
	name := bold(w.line(repo, 150))
	switch {
	case name == "":
		return w.say("This channel has no repository. `/honk settings owner/name` sets one.")
	case fixed:
		return w.say("This channel's repository is " + name + ". Whoever runs Honk has set it in `honk.yaml`, and can change it there.")
	}
	return w.say("This channel's repository is "+name+".", "`/honk settings owner/name` sets another, `/honk settings none` leaves none.")
}

// SettingsDone says what a channel's repository is now, "" for none.
func (p *Pages) SettingsDone(repo string) client.Message {
	w := p.words()
	if repo == "" {
		return w.say("This channel has no repository any more.")
	}
	return w.say("From now on this channel's repository is " + bold(w.line(repo, 150)) + ".")
}

// Rated thanks for an opinion about a change.
func (p *Pages) Rated(good bool) client.Message {
	if good {
		return p.words().say("Noted, thank you.")
	}
	return p.words().say("Noted. Mention me here and say what should be different, and I try again.")
}

// NotYours says that only who asked may click this.
func (p *Pages) NotYours() client.Message {
	return p.words().say("Only who asked can do that.")
}

// Expired says that something was clicked too late.
func (p *Pages) Expired() client.Message {
	return p.words().say("That came too late: it is decided or over already. Look at the message as it is now, or mention me again.")
}

// MissingScope says what Slack does not let Honk see, and the remedy.
func (p *Pages) MissingScope(err error) client.Message {
	w := p.words()
	return w.say("I could not read all that belongs to your request, and go on without it. "+
		w.problem(err, "Slack did not let me."), "Whoever runs Honk finds out more with `honk doctor`.")
}

// UnknownCommand says what the slash command knows. called is how Honk is
// mentioned.
func (p *Pages) UnknownCommand(called string) client.Message {
	return p.words().naming(called, "`/honk` knows `status`, `stop`, `settings`, `link` and `help`. For a change mention me in a channel: ",
		" and what should change.")
}
