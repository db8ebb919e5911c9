package page

import (
	"errors"
	"strings"

	"honk/internal/grammar"
	"honk/internal/runner"
	"honk/internal/runner/fact"
	"honk/internal/task"
)

// replyPage is what the templates of replies are filled with.
type replyPage struct {
	Trigger string
	// Commands is the list of the help, Problem what is wrong.
	Commands, Problem md
	Tasks             []statusLine
	More              int
	Names             md
	Rounds            int
	Facts             md
	Commit            string
}

// statusLine is a task in the answer to a question for the status.
type statusLine struct {
	ID            task.ID
	Doing, Detail string
	Elapsed, Cost md
	Step, Ahead   int
	Waiting       md
}

// unsaid stands for a reply whose template is at fault: never silence.
const unsaid = "Honk has an answer and cannot put it into words. That is a fault of Honk; please report it.\n"

// reply fills the template of a reply. The marker of key is its first line.
func (p *Pages) reply(key, name string, build func(*words, *replyPage)) string {
	text, _, err := p.fit(func(w *words) (string, error) {
		page := replyPage{Trigger: p.opts.Trigger}
		if build != nil {
			build(w, &page)
		}
		body, err := p.fill(name, page)
		return ReplyMarker(key) + "\n" + p.opts.Secrets.Redact(tidy(body)), err
	})
	if err != nil {
		return ReplyMarker(key) + "\n" + unsaid
	}
	return text
}

// Help lists the commands and says who may give them.
func (p *Pages) Help(key string) string {
	return p.reply(key, "help", func(w *words, page *replyPage) {
		page.Commands = w.fence(grammar.Help(p.opts.Trigger, grammar.Rules{}), 40)
	})
}

// NearMiss says what was wrong with a command, of which nothing runs. Only a
// *task.Error is quoted; other errors are not for people.
func (p *Pages) NearMiss(key string, err error) string {
	return p.reply(key, "near_miss", func(w *words, page *replyPage) {
		page.Problem = "It could not be understood."
		if known, ok := errors.AsType[*task.Error](err); ok && known.Code != task.CodeInternal {
			page.Problem = w.sentence(known.Message, 600)
		}
	})
}

// Status says what runs and waits here.
func (p *Pages) Status(key string, views []runner.View) string {
	return p.reply(key, "status", func(w *words, page *replyPage) {
		for _, v := range views[:min(len(views), maxItems)] {
			line := statusLine{
				ID: v.Task.ID, Elapsed: amount(fact.Clock(v.Elapsed)), Cost: amount(fact.Money(v.CostUSD)), Step: v.Step,
				Ahead: v.Ahead, Detail: p.details(v.Task.ID), Waiting: w.line(v.Waiting, 200),
			}
			switch status := fact.StatusOf(v); status {
			case task.StatusRunning:
				line.Doing, _ = fact.Phases(v.Phases)
			default:
				line.Doing = strings.ReplaceAll(string(status), "_", " ")
			}
			page.Tasks = append(page.Tasks, line)
		}
		page.More = len(views) - len(page.Tasks)
	})
}

// HandOver says that people have to go on: after so many rounds of repair
// these checks still fail.
func (p *Pages) HandOver(key string, checks []string, rounds int) string {
	return p.reply(key, "hand_over", func(w *words, page *replyPage) {
		page.Rounds = rounds
		page.Names = w.codes(checks, maxItems, 120)
	})
}

// Fork says that Honk works on no fork.
func (p *Pages) Fork(key string) string { return p.reply(key, "fork", nil) }

// NothingToCancel says that no task runs or waits here.
func (p *Pages) NothingToCancel(key string) string {
	return p.reply(key, "nothing_to_cancel", nil)
}

// Muted says that Honk starts nothing by itself on this pull request any more.
func (p *Pages) Muted(key string) string { return p.reply(key, "muted", nil) }

// NothingToRetry says that there was no task here yet.
func (p *Pages) NothingToRetry(key string) string { return p.reply(key, "nothing_to_retry", nil) }

// StillAtWork says that the last task has to end before it can be retried.
func (p *Pages) StillAtWork(key string) string { return p.reply(key, "still_at_work", nil) }

// Answer answers a thread of a review with the commit that was made for it, or
// with the reason why there is none.
func (p *Pages) Answer(key string, v runner.View) string {
	return p.reply(key, "answer", func(w *words, page *replyPage) {
		status := fact.StatusOf(v)
		page.Problem = md(fact.Reason(status))
		if v.Result == nil {
			return
		}
		switch pr := v.Result.PullRequest; {
		case status == task.StatusDelivered && pr != nil:
			page.Commit = short(pr.HeadSHA)
			page.Facts = md(fact.Delivery(*v.Result))
		case status == task.StatusNoChange, status == task.StatusBlocked:
			page.Facts = w.sentence(v.Result.Summary, 600)
		}
	})
}
