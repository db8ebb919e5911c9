package page

import (
	"fmt"

	"github.com/slack-go/slack"

	"honk/internal/runner"
	"honk/internal/runner/fact"
)

// maxRecent is how many tasks the home shows.
const maxRecent = 20

// Home is what somebody sees of Honk when they open it: how to ask, who they
// are at GitHub ("" is not known) and their tasks.
func (p *Pages) Home(tasks []runner.View, login string) slack.HomeTabViewRequest {
	w := p.words()
	b := w.board("")
	b.section(
		"*How to ask*",
		"Mention me in a channel and say what should change: `@honk raise the retry limit to 5`. I answer in the thread, with a pull request or the reason why there is none.",
		"The shortcut “Ask Honk about this message” does the same; `/honk help` lists what else there is.",
	)
	if login != "" {
		b.small("At GitHub you are " + w.code(login, 80) + ": what you may write to, you may ask for.")
	} else {
		b.small("I do not know yet who you are at GitHub. Mention me in a channel, and I send you a link to prove it.")
	}
	b.blocks = append(b.blocks, slack.NewDividerBlock())
	if len(tasks) == 0 {
		b.section("*Your tasks*", "There are none yet.")
	} else {
		b.section("*Your tasks*")
	}
	for _, v := range tasks[:min(len(tasks), maxRecent)] {
		b.section(w.stateOf(v), w.line(v.Task.Request.Prompt, 150))
		b.small(age(v), "task "+w.line(string(v.Task.ID), 40))
	}
	if left := len(tasks) - maxRecent; left > 0 {
		b.small(mrk("and " + fact.Thousands(left) + " more"))
	}
	return slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: b.set()}
}

// age is when a task was asked for, which Slack says in the reader's words and
// time.
func age(v runner.View) mrk {
	at := v.Task.CreatedAt
	if at.IsZero() {
		return ""
	}
	return mrk(fmt.Sprintf("<!date^%d^{date_short_pretty} {time}|%s>", at.Unix(), at.UTC().Format("2006-01-02 15:04 UTC")))
}
