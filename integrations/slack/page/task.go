package page

import (
	"cmp"
	"strings"

	"github.com/slack-go/slack"

	"honk/integrations/slack/client"
	"honk/internal/runner"
	"honk/internal/runner/fact"
	"honk/internal/task"
)

// Task is the one message of a task: where it stands, or how it ended. Its
// first block is the task's TaskBlock.
func (p *Pages) Task(v runner.View) client.Message {
	w := p.words()
	b := w.board(TaskBlock(v.Task.ID))
	if fact.StatusOf(v).Final() {
		e := p.end(w, v)
		b.section(append([]mrk{e.head}, e.body...)...)
		b.section(e.output)
		b.section(e.next)
		b.actions("", e.buttons...)
		b.small(p.bill(w, v)...)
		return b.message(e.head)
	}
	req := v.Task.Request
	head := w.doing(v)
	b.section(head, w.quote(req.Prompt), w.why(req))
	b.section(w.progress(v)...)
	id := string(v.Task.ID)
	var wrong slack.BlockElement
	if req.Origin.Reason != "" {
		wrong = button(ActionRepository, "Wrong repository", id)
	}
	b.actions("", button(ActionStop, "Stop", id), wrong, button(ActionDetails, "Details", id))
	return b.message(head)
}

// doing is the headline of a task that has not ended.
func (w *words) doing(v runner.View) mrk {
	req := v.Task.Request
	head := mrk("Working")
	if repo := w.repo(req.Repo); repo != "" {
		head += " on " + repo
	}
	if ref := w.code(req.Ref, 120); ref != "" {
		head += " (" + ref + ")"
	}
	return join(" · ", head, w.stage(v), amount(fact.Clock(v.Elapsed)))
}

// stage is what is done about a task now, or how it ended.
func (w *words) stage(v runner.View) mrk {
	switch status := fact.StatusOf(v); {
	case status == task.StatusQueued && v.Ahead > 0:
		return mrk("queued, " + fact.Thousands(v.Ahead) + " ahead")
	case status == task.StatusQueued:
		return "queued, next in line"
	case status == task.StatusRunning:
		doing, _ := fact.Phases(v.Phases)
		return mrk(doing)
	default:
		return w.line(strings.ReplaceAll(string(status), "_", " "), 40)
	}
}

// why says why it is this repository, naming it.
func (w *words) why(req task.Request) mrk {
	reason := w.line(req.Origin.Reason, 300)
	if reason == "" {
		return ""
	}
	if name := w.line(req.Repo.String(), 150); !strings.Contains(string(reason), string(name)) {
		reason = name + ": " + reason
	}
	return "_" + mrk(strings.TrimRight(string(reason), ".")) + "._"
}

// progress is how far a task has come and what it waits for.
func (w *words) progress(v runner.View) []mrk {
	var lines []mrk
	if fact.StatusOf(v) == task.StatusRunning {
		_, phases := fact.Phases(v.Phases)
		var way []mrk
		var detail mrk
		for _, ph := range phases {
			name := mrk(ph.Name)
			if ph.Current {
				name, detail = bold(name), w.line(ph.Detail, 300)
			}
			way = append(way, name)
		}
		var step, cost mrk
		if v.Step > 0 {
			step = mrk("step " + fact.Thousands(v.Step))
		}
		if cost = amount(fact.Spent(v)); cost != "" {
			cost += " so far"
		}
		lines = append(lines, join(" › ", way...), join(" · ", detail, step, cost))
	}
	return append(lines, w.sentence(v.Waiting, 300))
}

// bill is the line below a task's end: model, steps, time, cost and task.
func (p *Pages) bill(w *words, v runner.View) []mrk {
	var model, steps mrk
	if v.Result != nil && v.Result.Usage.Steps > 0 {
		name, _ := fact.Bill(v.Task, v.Result.Usage, p.opts.Model)
		model, steps = w.line(name, 80), mrk(fact.Count(v.Result.Usage.Steps, "step"))
	}
	cost := amount(cmp.Or(fact.Spent(v), "no cost"))
	return []mrk{model, steps, amount(fact.Clock(v.Elapsed)), cost, "task " + w.line(string(v.Task.ID), 40)}
}
