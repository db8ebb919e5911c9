package page

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"honk/internal/runner"
	"honk/internal/task"
	"honk/judge"
	"honk/verify"
)

// clock prints a duration for a person: 41s, 3m 12s, 1h 4m; "" for none.
func clock(d time.Duration) string {
	switch {
	case d <= 0:
		return ""
	case d < time.Second:
		return "&lt;1s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm %ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh %dm", int(d.Hours()), int(d.Minutes())%60)
}

// money prints US dollars; what is less than a cent but not nothing says so.
func money(usd float64) string {
	switch {
	case usd <= 0:
		return ""
	case usd < 0.01:
		return "&lt;$0.01"
	}
	return fmt.Sprintf("$%.2f", usd)
}

// cost is what a task has cost, in tokens where nobody knows a price, "" when
// no model was asked.
func cost(u task.Usage) string {
	if u.CostUSD > 0 {
		return money(u.CostUSD)
	}
	if n := u.InputTokens + u.OutputTokens; n > 0 {
		return thousands(n) + " tokens"
	}
	return ""
}

// bill is the line below a task's end: model, steps and cost.
func (p *Pages) bill(w *words, t task.Task, u task.Usage) md {
	var parts []string
	if u.Steps > 0 {
		model := t.Request.Options.Model
		if model == "" {
			model = p.opts.Model
		}
		if model != "" {
			parts = append(parts, string(w.line(model, 80)))
		}
		parts = append(parts, count(u.Steps, "step"))
	}
	if c := cost(u); c != "" {
		parts = append(parts, c)
	}
	return md(strings.Join(parts, " · "))
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

func count(n int, word string) string { return thousands(n) + " " + plural(n, word) }

// size is "2 files, +14 −3", "" for no change.
func size(patch task.Patch) string {
	if patch.Empty() {
		return ""
	}
	added, removed := 0, 0
	for _, f := range patch.Files {
		added, removed = added+f.Added, removed+f.Removed
	}
	return fmt.Sprintf("%s, +%d −%d", count(len(patch.Files), "file"), added, removed)
}

// proof says in a sentence what verification was worth.
func proof(g verify.Gate) string {
	if g.Checked == 0 {
		return "not verified: the repository has no check that could be made"
	}
	run, failed, known := 0, 0, false
	for _, r := range g.Report.Results {
		if r.Kind != verify.Test {
			continue
		}
		known = known || r.TestsKnown
		run += r.TestsRun
		for _, f := range r.Findings {
			if f.TestID != "" {
				failed++
			}
		}
	}
	switch {
	case run > 0:
		return fmt.Sprintf("%s run, %d failed", count(run, "test"), failed)
	case known:
		return "no tests ran"
	}
	return count(g.Checked, "check") + " made, no tests counted"
}

// decision is the judge's last word for a person.
func decision(v judge.Verdict) string {
	switch v.Decision {
	case judge.Approve, judge.DecideRevise, judge.Reject:
		return string(v.Decision)
	case judge.DecisionError:
		return "no verdict"
	case judge.NotJudged:
		return "off"
	}
	return "not asked"
}

// facts is the line of a delivery: what changed and what speaks for it.
func facts(res runner.Result) string {
	out := ". Judge: " + decision(res.Verdict) + "."
	if s := size(res.Patch); s != "" {
		return s + "; " + proof(res.Gate) + out
	}
	return proof(res.Gate) + out
}
