package page

import (
	"strings"

	"honk/internal/runner"
	"honk/internal/runner/fact"
	"honk/internal/task"
)

// taskPage is what the templates of a task's comment are filled with.
type taskPage struct {
	Marker  string
	ID      task.ID
	Trigger string
	Asker   md
	// Elapsed, Step and Cost are so far, or in all.
	Elapsed, Cost md
	Step          int
	Details       string

	Ahead   int
	Waiting md
	Phase   string
	Phases  []phaseLine

	// What follows is of an ended task. Kept says that there is a patch.
	Summary []md
	Kept    bool
	Bill    md
	Branch  md
	Number  int
	// Open is where a pull request for the branch can be opened.
	Open   string
	Facts  string
	Failed failedPart
	Held   heldPart
	Broken brokenPart
	// Spent and Cap are the budget's.
	Spent, Cap md
}

// Task is the comment of a task: where it stands, or how it ended. Its first
// line is the task's Marker.
func (p *Pages) Task(v runner.View) (string, error) {
	text, _, err := p.fit(func(w *words) (string, error) {
		name := fact.StatusOf(v)
		page := p.taskPage(w, v)
		switch name {
		case task.StatusVerifyFailed:
			page.Failed = w.failed(fact.FailureOf(*v.Result))
		case task.StatusVetoed:
			page.Held = w.held(fact.HoldOf(*v.Result))
		case task.StatusFailed:
			page.Broken = w.broken(v.Result.Err)
		default:
		}
		body, err := p.fill(string(name), page)
		if err != nil {
			return "", err
		}
		// A last look at the whole: a secret may have come in parts.
		return page.Marker + "\n" + p.opts.Secrets.Redact(tidy(body)), nil
	})
	return text, err
}

func (p *Pages) taskPage(w *words, v runner.View) taskPage {
	req := v.Task.Request
	page := taskPage{
		Marker: Marker(v.Task.ID), ID: v.Task.ID, Trigger: p.opts.Trigger,
		Asker:   w.person(req.Source, req.Actor.Login),
		Elapsed: amount(fact.Clock(v.Elapsed)), Cost: amount(fact.Money(v.CostUSD)), Step: v.Step,
		Details: p.details(v.Task.ID),
		Ahead:   v.Ahead, Waiting: w.sentence(v.Waiting, 300),
	}
	if v.Result == nil {
		page.Phase, page.Phases = w.phases(v.Phases)
		return page
	}
	res := v.Result
	page.Summary = w.lines(res.Summary, maxSummary, 600)
	page.Kept = !res.Patch.Empty()
	page.Bill = p.bill(w, v.Task, res.Usage)
	page.Facts = fact.Delivery(*res)
	page.Spent = amount(fact.Spent(v))
	page.Cap = amount(fact.Money(p.opts.CapUSD))
	if pr := res.PullRequest; pr != nil {
		page.Number = pr.Number
		page.Branch = w.code(pr.Branch, 200)
		page.Open = fact.OpenURL(req.Repo, *pr)
	}
	return page
}

// phaseLine is a line of the checklist.
type phaseLine struct {
	Name          string
	Done, Current bool
	Detail        md
}

func (w *words) phases(seen []task.PhaseData) (doing string, lines []phaseLine) {
	doing, phases := fact.Phases(seen)
	for _, ph := range phases {
		lines = append(lines, phaseLine{Name: ph.Name, Done: ph.Done, Current: ph.Current, Detail: w.line(ph.Detail, 200)})
	}
	return doing, lines
}

// tidy makes one of several empty lines, which left-out parts leave behind.
// Blocks of code are not touched.
func tidy(body string) string {
	var b strings.Builder
	empty, fence := true, ""
	for l := range strings.Lines(body) {
		if mark := strings.TrimLeft(l, "`~"); fence == "" && len(l)-len(mark) >= 3 {
			fence = l[:len(l)-len(mark)]
		} else if fence != "" && strings.TrimSpace(l) == fence {
			fence = ""
		}
		blank := fence == "" && strings.TrimSpace(l) == ""
		if !blank || !empty {
			b.WriteString(l)
		}
		empty = blank
	}
	return b.String()
}

// maxSummary is how many lines of a summary are shown.
const maxSummary = 6
