package console

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"honk/internal/runner"
	"honk/internal/task"
	"honk/judge"
	"honk/verify"
)

// Headline says what became of a task, and what it cost.
func Headline(res runner.Result) string {
	var b strings.Builder
	b.WriteString(headlines[res.Status])
	if res.Branch != "" {
		fmt.Fprintf(&b, " on branch %s", res.Branch)
	}
	if res.Summary != "" {
		fmt.Fprintf(&b, ": %s", strings.TrimSpace(res.Summary))
	}
	if res.Status == task.StatusDelivered && res.Gate.Checked == 0 {
		b.WriteString("\nNot verified: the repository has no check that could be made.")
	}
	u := res.Usage
	cost := Money(u.CostUSD)
	if u.CostUSD == 0 {
		cost = fmt.Sprintf("%d tokens", u.InputTokens+u.OutputTokens)
	}
	fmt.Fprintf(&b, "\n%d steps · %s · %s", u.Steps, Clock(u.TotalTime), cost)
	return b.String()
}

var headlines = map[task.Status]string{
	task.StatusDelivered:       "Delivered",
	task.StatusNoChange:        "Nothing to change",
	task.StatusBlocked:         "Needs an answer",
	task.StatusVerifyFailed:    "No change delivered, verification fails",
	task.StatusVetoed:          "Held back",
	task.StatusBudgetExhausted: "Stopped, the budget is used up",
	task.StatusCancelled:       "Cancelled",
	task.StatusFailed:          "Failed",
}

func patchLines(patch task.Patch) []string {
	added, removed := 0, 0
	for _, f := range patch.Files {
		added, removed = added+f.Added, removed+f.Removed
	}
	return []string{fmt.Sprintf("patch: %d files, +%d -%d", len(patch.Files), added, removed)}
}

func gateLines(g verify.Gate) []string {
	var out []string
	said := map[string]bool{}
	for _, r := range g.Report.Results {
		out = append(out, "verify: "+ResultLine(r))
		said[r.Name+": "+r.Reason] = true
	}
	// Without the notes nobody knows why a red check does not count.
	for _, line := range slices.Concat(g.Reasons, g.Notes) {
		if !said[line] {
			out = append(out, "verify: "+line)
		}
	}
	return out
}

// ResultLine is one verifier's result for a person.
func ResultLine(r verify.Result) string {
	line := fmt.Sprintf("%s: %s in %s", r.Name, r.Status, Clock(r.Duration))
	if r.TestsRun > 0 {
		line += fmt.Sprintf(", %d tests run", r.TestsRun)
	}
	if r.Reason != "" {
		line += ": " + r.Reason
	}
	return line
}

// CheckLines are the findings of the deterministic checks, a line each.
func CheckLines(findings []judge.Finding) []string {
	if len(findings) == 0 {
		return []string{"checks: nothing found"}
	}
	out := make([]string, len(findings))
	for i, f := range findings {
		out[i] = fmt.Sprintf("check %s: %s: %s", f.Check, f.Severity, f.Message)
		if f.File != "" {
			out[i] += " (" + f.File + ")"
		}
	}
	return out
}

// decode reads an event's data. Events come from this very process, so what
// does not decode is shown as empty rather than ending the task.
func decode[T any](e task.Event) (data T) {
	_ = json.Unmarshal(e.Data, &data)
	return data
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// Clock prints a duration for a person: 0.4s, 12s, 3m 12s.
func Clock(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0fs", d.Seconds())
	}
	d = d.Round(time.Second)
	return fmt.Sprintf("%dm %ds", int(d.Minutes()), int(d.Seconds())%60)
}

// Money prints US dollars; what is less than a cent but not nothing says so.
func Money(usd float64) string {
	if usd > 0 && usd < 0.01 {
		return "<$0.01"
	}
	return fmt.Sprintf("$%.2f", usd)
}
