package page

import (
	"honk/integrations/slack/client"
	"honk/internal/runner"
	"honk/internal/runner/fact"
	"honk/internal/task"
)

// Closing calls who asked when a task has taken long, for an edited message
// calls nobody: what came of it, in a line.
func (p *Pages) Closing(v runner.View) client.Message {
	w := p.words()
	b := w.board(ReplyBlock("closing/" + string(v.Task.ID)))
	what, address := w.delivery(v)
	var line mrk
	switch status := fact.StatusOf(v); {
	case status != task.StatusDelivered:
		line = join(": ", what, mrk("no pull request, "+fact.Reason(status)+"."))
	case address != "":
		line = link(address, what) + " is there: " + w.title(v.Task.Request) + "."
	case v.Result.PullRequest != nil && v.Result.PullRequest.Number != 0:
		line = what + " is there: " + w.title(v.Task.Request) + "."
	case v.Result.PullRequest != nil:
		line = join(": ", what, "the branch "+w.code(v.Result.PullRequest.Branch, 200)+" is pushed.")
	default:
		line = join(": ", what, "done.")
	}
	b.section(join(" ", mention(v.Task.Request.Origin.Asker), line))
	return b.message(line)
}
