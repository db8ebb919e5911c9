package page

import (
	"strings"

	"github.com/slack-go/slack"

	"honk/internal/runner"
	"honk/internal/runner/fact"
	"honk/internal/task"
)

const (
	// maxLines is how many lines of output a failure shows.
	maxLines = 20
	// maxItems is how many reasons or items are listed.
	maxItems = 8
)

// ending is what is told of a task that has ended.
type ending struct {
	head mrk
	body []mrk
	// output is what failed has said, next what to do about it.
	output, next mrk
	buttons      []slack.BlockElement
}

// end is how a task ended.
func (p *Pages) end(w *words, v runner.View) ending {
	id := string(v.Task.ID)
	details := button(ActionDetails, "Details", id)
	retry := button(ActionRetry, "Retry", id)
	rate := []slack.BlockElement{button(ActionGood, "👍 Good", id), button(ActionBad, "👎 Not what I asked", id)}
	res := *v.Result
	e := ending{body: w.lines(res.Summary, 600), buttons: []slack.BlockElement{retry, details}}
	headline := mrk("Ended")
	switch res.Status {
	case task.StatusDelivered:
		return p.delivered(w, v, append([]slack.BlockElement{details}, rate...))
	case task.StatusNoChange:
		headline = "Nothing to change"
		e.next = "If that is not what you meant, mention me here and say what should be different."
		e.buttons = append([]slack.BlockElement{details}, rate...)
	case task.StatusBlocked:
		headline = "Needs an answer"
		e.next = "Mention me here with your answer; then I go on."
		e.buttons = []slack.BlockElement{details}
	case task.StatusVerifyFailed:
		headline = w.failed(&e, fact.FailureOf(res))
	case task.StatusVetoed:
		hold := fact.HoldOf(res)
		headline = w.held(&e, hold)
		if hold.Person {
			e.buttons = []slack.BlockElement{details}
		}
	case task.StatusBudgetExhausted:
		headline = p.stopped(&e, v)
		e.buttons = []slack.BlockElement{button(ActionRetry, p.goOn(), id), details}
	case task.StatusFailed:
		headline = "Honk broke"
		cause, remedy := fact.Breakdown(res.Err)
		e.body = []mrk{w.sentence(cause, 600), mrk(remedy)}
		e.next = mrk("Retry tries again. This is task ") + w.line(id, 40) + "."
	case task.StatusCancelled:
		headline = w.cancelled(&e, res)
	case task.StatusQueued, task.StatusRunning: // are no ends
	}
	if !res.Patch.Empty() && res.Status != task.StatusNoChange && res.Status != task.StatusBlocked {
		e.next = join(" ", "The patch is kept.", e.next)
	}
	e.head = join(" · ", bold(headline), w.line(v.Task.Request.Repo.String(), 150))
	return e
}

// delivered is the end that everybody hopes for.
func (p *Pages) delivered(w *words, v runner.View, buttons []slack.BlockElement) ending {
	res, req := *v.Result, v.Task.Request
	e := ending{body: []mrk{w.evidence(res)}}
	where, address := w.delivery(v)
	label := "Pull request"
	switch pr := res.PullRequest; {
	case pr == nil:
		e.head = join(" · ", "*Done*", where)
	case pr.Number == 0:
		e.head = join(" · ", "*Branch pushed*", where, w.code(pr.Branch, 200))
		label = "Open pull request"
		address = fact.OpenURL(req.Repo, *pr)
	default:
		e.head = bold(join(" ", link(address, where), w.title(req)))
		switch {
		case req.Branch != "":
			e.head += " · one more commit"
		case req.Options.PullRequest == "" || req.Options.PullRequest == "draft":
			e.head += " · draft"
		}
	}
	if res.PullRequest == nil || res.PullRequest.Number == 0 {
		e.body = append(e.body, w.lines(res.Summary, 600)...)
	}
	e.buttons = append([]slack.BlockElement{follow(ActionPullRequest, label, string(v.Task.ID), address)}, buttons...)
	return e
}

// failed tells why verification failed, and returns the headline.
func (w *words) failed(e *ending, f fact.Failure) mrk {
	e.body = append(w.lines(f.Lead, 600), w.list(f.Reasons, maxItems, 400)...)
	if red := w.codes(f.Red, 5, 80); red != "" {
		note := "Red on the base commit already, before this change: " + red + "."
		if f.Old > 0 {
			note += mrk(" Not counted: " + fact.Count(f.Old, "finding") + " from before.")
		}
		e.body = append(e.body, note)
	}
	e.output = w.fence(f.Output, maxLines)
	e.next = "Mention me here and say what should be done about it, or retry."
	if len(f.Names) == 0 {
		return "No pull request: verification fails"
	}
	var names []mrk
	for _, name := range f.Names[:min(len(f.Names), 3)] {
		names = append(names, w.line(name, 80))
	}
	if len(f.Names) > len(names) {
		names = append(names, "…")
	}
	return "No pull request: " + join(", ", names...) + mrk(" "+f.What)
}

// held tells why a change is held back, and returns the headline.
func (w *words) held(e *ending, h fact.Hold) mrk {
	e.body = append([]mrk{w.sentence(h.Lead, 600)}, w.list(h.Items, maxItems, 500)...)
	e.next = "Mention me here and say what should be different, or retry."
	if h.Person {
		e.next = "A person has to decide this; trying again does not change it. Mention me here and say what should be different."
	}
	if h.By == "" {
		return "Held back"
	}
	return mrk("Held back by " + h.By)
}

// stopped tells that a budget is used up, and returns the headline.
func (p *Pages) stopped(e *ending, v runner.View) mrk {
	spent, most := amount(fact.Spent(v)), amount(fact.Money(p.opts.CapUSD))
	line := mrk("The budget of this task is used up")
	if spent != "" {
		line += ": " + spent + " spent"
	}
	if spent != "" && most != "" {
		line += " of at most " + most
	}
	e.body = append([]mrk{line + "."}, e.body...)
	e.next = "Continue goes on with a fresh budget; or mention me here with a smaller request."
	if spent == "" {
		return "Stopped"
	}
	return "Stopped at " + spent
}

// goOn is what the button says that gives a task a fresh budget.
func (p *Pages) goOn() string {
	if most := fact.Money(p.opts.CapUSD); most != "" {
		return "Continue with " + most
	}
	return "Continue"
}

// cancelled tells by whom a task was cancelled, in the headline if it is as
// the queue says it.
func (w *words) cancelled(e *ending, res runner.Result) mrk {
	e.next = "Retry takes it up again."
	said := strings.TrimSpace(res.Summary)
	if res.Err != nil && res.Err.Code == task.CodeCancelled {
		said = res.Err.Message
	}
	by, ok := strings.CutPrefix(strings.TrimRight(said, "."), "Cancelled by ")
	if !ok || strings.ContainsAny(by, "\n") {
		return "Cancelled"
	}
	if strings.TrimSpace(res.Summary) == said {
		e.body = nil
	}
	return "Cancelled by " + w.line(by, 120)
}
