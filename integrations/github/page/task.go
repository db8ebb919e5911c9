package page

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"honk/internal/runner"
	"honk/internal/task"
)

// taskPage is what the templates of a task's comment are filled with.
type taskPage struct {
	Marker  string
	ID      task.ID
	Trigger string
	Asker   md
	// Elapsed, Step and Cost are so far, or in all.
	Elapsed, Cost string
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
	Spent, Cap string
}

// Task is the comment of a task: where it stands, or how it ended. Its first
// line is the task's Marker.
func (p *Pages) Task(v runner.View) (string, error) {
	text, _, err := p.fit(func(w *words) (string, error) {
		name := statusOf(v)
		page := p.taskPage(w, v)
		switch name {
		case task.StatusVerifyFailed:
			page.Failed = w.failed(v.Result)
		case task.StatusVetoed:
			page.Held = w.held(v.Result)
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

// statusOf is the status whose template tells v; a task is not over for
// people before its result is there.
func statusOf(v runner.View) task.Status {
	switch {
	case v.Result != nil && v.Result.Status.Final():
		return v.Result.Status
	case v.Task.Status == task.StatusQueued:
		return task.StatusQueued
	}
	return task.StatusRunning
}

func (p *Pages) taskPage(w *words, v runner.View) taskPage {
	req := v.Task.Request
	page := taskPage{
		Marker: Marker(v.Task.ID), ID: v.Task.ID, Trigger: p.opts.Trigger,
		Asker:   w.person(req.Source, req.Actor.Login),
		Elapsed: clock(v.Elapsed), Cost: money(v.CostUSD), Step: v.Step,
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
	page.Facts = facts(*res)
	page.Spent = cmp.Or(cost(res.Usage), money(v.CostUSD))
	page.Cap = money(p.opts.CapUSD)
	if pr := res.PullRequest; pr != nil {
		page.Number = pr.Number
		page.Branch = w.code(pr.Branch, 200)
		page.Open = open(req.Repo, pr)
	}
	return page
}

// What an address is made of without a second thought.
var (
	plainPart = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]*$`)
	plainRef  = regexp.MustCompile(`^[A-Za-z0-9@_][A-Za-z0-9/_.#+,@-]*$`)
)

// open is where a pull request can be opened for a branch that has none, ""
// where that is not known.
func open(repo task.Repo, pr *task.PullRequest) string {
	if pr.Number != 0 || repo.Host == "local" ||
		!plainPart.MatchString(repo.Host) || !plainPart.MatchString(repo.Owner) || !plainPart.MatchString(repo.Name) ||
		!plainRef.MatchString(pr.Base) || !plainRef.MatchString(pr.Branch) {
		return ""
	}
	u := url.URL{Scheme: "https", Host: repo.Host, RawQuery: "expand=1"}
	return u.JoinPath(repo.Owner, repo.Name, "compare", pr.Base+"..."+pr.Branch).String()
}

// phaseLine is a line of the checklist.
type phaseLine struct {
	Name          string
	Done, Current bool
	Detail        md
}

// order are the phases as people see them, with what is said while one lasts.
var order = [][2]string{
	{"checkout", "checking out"},
	{"change", "working on the change"},
	{"verify", "verifying"},
	{"judge", "judging"},
	{"publish", "publishing"},
}

// phases is the checklist. A change that was sent back is worked on again, and
// then what comes behind it is not done.
func (w *words) phases(seen []task.PhaseData) (doing string, lines []phaseLine) {
	current := -1
	details := map[string]string{}
	for _, ph := range seen {
		name := ph.Phase
		if name == "sandbox" {
			name = "change"
		}
		for i, o := range order {
			if o[0] == name {
				current = i
				details[name] = ph.Detail
			}
		}
	}
	doing = "starting"
	for i, o := range order {
		line := phaseLine{Name: o[0], Done: i < current, Current: i == current}
		if i <= current {
			line.Detail = w.line(details[o[0]], 200)
		}
		if line.Current {
			doing = o[1]
		}
		lines = append(lines, line)
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

// place is a place in a file, "" for none.
func place(file string, line int) string {
	if file != "" && line > 0 {
		return fmt.Sprintf("%s:%d", file, line)
	}
	return file
}
