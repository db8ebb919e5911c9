package page

import (
	"fmt"

	"github.com/slack-go/slack"

	"honk/internal/runner"
	"honk/internal/runner/fact"
	"honk/internal/task"
	"honk/judge"
	"honk/verify"
)

// maxRows is how many rows of one kind the details have.
const maxRows = 30

// Details is all that is known of a task, in a form that asks for nothing.
func (p *Pages) Details(v runner.View) slack.ModalViewRequest {
	w := p.words()
	b := w.board("")
	req := v.Task.Request
	b.section(join(" · ", w.repo(req.Repo), w.code(req.Ref, 120), w.stage(v)), w.quote(req.Prompt), w.why(req))
	b.section(w.phaseRows(v)...)
	if res := v.Result; res != nil {
		b.section(w.verifierRows(res.Gate)...)
		b.section(w.checkRows(res.Checks)...)
		b.section(p.verdictRows(w, v.Task, res)...)
		what, address := w.delivery(v)
		if address != "" {
			b.section("Pull request: " + link(address, what))
		}
	}
	if address := p.details(v.Task.ID); address != "" {
		b.section(link(address, "All steps of this task"))
	}
	b.small(p.bill(w, v)...)
	view := modal(CallbackDetails, "Task", b)
	view.PrivateMetadata = cut(string(v.Task.ID), maxText)
	return view
}

func modal(callback, title string, b *board) slack.ModalViewRequest {
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: callback, Title: plainText(title, maxTitle), Close: plainText("Close", maxTitle),
		Blocks: b.set(),
	}
}

func (w *words) phaseRows(v runner.View) []mrk {
	if len(v.Phases) == 0 {
		return nil
	}
	rows := []mrk{"*Phases*"}
	_, phases := fact.Phases(v.Phases)
	for _, ph := range phases {
		row := mrk("• " + ph.Name)
		switch {
		case ph.Done, ph.Current && v.Result != nil:
			row += ": done"
		case ph.Current:
			row = "• *" + mrk(ph.Name) + "*: now"
		case v.Result != nil:
			row += ": not reached"
		default:
			row += ": to come"
		}
		rows = append(rows, join(", ", row, w.line(ph.Detail, 200)))
	}
	return rows
}

func (w *words) verifierRows(g verify.Gate) []mrk {
	rows := []mrk{"*Verification*"}
	if len(g.Report.Results) == 0 {
		return append(rows, mrk(fact.Unverified)+".")
	}
	for _, res := range g.Report.Results[:min(len(g.Report.Results), maxRows)] {
		s := fact.StandingOf(g, res)
		row := mrk("• ") + w.code(res.Name, 80) + ": "
		if s.Bad {
			row += "*" + mrk(s.Word) + "*" + mrk(s.More)
		} else {
			row += mrk(s.Word + s.More)
		}
		tests := fact.Tests(fact.ResultOf(g.Base, res.Name), res)
		row = join(", ", row, mrk(tests), amount(fact.Clock(res.Duration)), w.line(s.Reason, 200))
		rows = append(rows, row)
	}
	rows = more(rows, len(g.Report.Results)-maxRows)
	return append(rows, w.list(g.Notes, maxItems, 300)...)
}

func (w *words) checkRows(found []judge.Finding) []mrk {
	rows := []mrk{"*Checks of the change*"}
	if len(found) == 0 {
		return append(rows, "none of them found anything.")
	}
	for _, f := range found[:min(len(found), maxItems)] {
		at := w.code(fact.Place(f.File, f.Line), 160)
		rows = append(rows, join(" ", "• *"+w.line(string(f.Severity), 20)+"*", at, w.line(f.Message, 300)))
	}
	return more(rows, len(found)-maxItems)
}

// maxRubric is more than the rubric has items.
const maxRubric = 12

func (p *Pages) verdictRows(w *words, t task.Task, res *runner.Result) []mrk {
	v := res.Verdict
	who := mrk("Judge")
	// Of what was not published nobody knows it for sure.
	if mode := fact.JudgeMode(t, v, p.opts.Judge); mode != "" && res.Status == task.StatusDelivered {
		who += mrk(" (" + mode + ")")
	}
	rows := []mrk{bold(who) + ": " + mrk(fact.Decision(v)), w.sentence(v.Summary, 400)}
	for _, it := range v.Items[:min(len(v.Items), maxRubric)] {
		rows = append(rows, join(": ", mrk(fmt.Sprintf("%d. ", it.ID))+w.line(string(it.Answer), 8), w.line(it.Reason, 150)))
	}
	for _, revision := range v.Revisions[:min(len(v.Revisions), maxItems)] {
		rows = append(rows, "• to mend: "+w.line(revision, 300))
	}
	for _, flag := range v.Flags[:min(len(v.Flags), 3)] {
		rows = append(rows, "• suspicious: "+w.line(flag, 200))
	}
	return rows
}

// stateOf is a task in a line, for lists.
func (w *words) stateOf(v runner.View) mrk {
	what, address := w.delivery(v)
	var step mrk
	if v.Step > 0 && fact.StatusOf(v) == task.StatusRunning {
		step = mrk("step " + fact.Thousands(v.Step))
	}
	return join(" · ", bold(link(address, what)), w.stage(v), amount(fact.Clock(v.Elapsed)), step, amount(fact.Spent(v)))
}
