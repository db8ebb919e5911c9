package verify

import (
	"fmt"
	"strings"
	"time"

	"honk/verify/parse"
	"honk/verify/plan"
)

const (
	maxText      = 3000 // per verifier
	maxShown     = 10   // findings per verifier
	maxShownTest = 10   // vanished tests
)

// Text is the report for the model and for people: a line for each verifier
// that passed, what it says for one that did not.
func (r Report) Text() string {
	var out strings.Builder
	for _, res := range r.Results {
		fmt.Fprintln(&out, headline(res))
		if res.Output != "" && res.Status != Pass {
			fmt.Fprintln(&out, indent(res.Output))
		}
	}
	return out.String()
}

// Text is the gate for the model and for people: why it did not pass, the new
// findings, then what was there before.
func (g Gate) Text() string {
	var out strings.Builder
	if g.Passed {
		out.WriteString("verification passed\n")
	} else {
		out.WriteString("verification failed:\n")
	}
	for _, reason := range g.Reasons {
		fmt.Fprintf(&out, "- %s\n", reason)
	}
	for _, res := range g.Report.Results {
		fmt.Fprintln(&out, headline(res))
		fresh := of(g.New, res.Name)
		switch {
		case len(fresh) > 0:
			text := findingsText(fresh, maxText)
			if unnamed(fresh) {
				text = res.Output
			}
			fmt.Fprintf(&out, "new:\n%s\n", indent(text))
		case !made(res) && (g.Base.result(res.Name) == nil || made(*g.Base.result(res.Name))):
			fmt.Fprintln(&out, indent(parse.Cut(res.Output, maxText/2)))
		}
		if n := len(of(g.Old, res.Name)); n > 0 {
			fmt.Fprintf(&out, "  on the base commit already: %d %s\n", n, plural(n, "finding"))
		}
		if n := len(of(g.Fixed, res.Name)); n > 0 {
			fmt.Fprintf(&out, "  fixed: %d %s\n", n, plural(n, "finding"))
		}
	}
	for i, id := range g.Vanished {
		if i == maxShownTest {
			fmt.Fprintf(&out, "and %d more tests\n", len(g.Vanished)-i)
			break
		}
		fmt.Fprintf(&out, "test no longer runs: %s\n", parse.Clip(plan.Printable(id), 1, 300))
	}
	for _, note := range g.Notes {
		fmt.Fprintf(&out, "note: %s\n", note)
	}
	return out.String()
}

func of(findings []Finding, verifier string) []Finding {
	var out []Finding
	for _, f := range findings {
		if f.Verifier == verifier {
			out = append(out, f)
		}
	}
	return out
}

// headline is "ok    go test  12 tests  3.2s".
func headline(res Result) string {
	words := map[Status]string{Pass: "ok", Fail: "FAIL", Broken: "BROKEN", Skipped: "skipped", Timeout: "TIMEOUT"}
	line := fmt.Sprintf("%-7s %s", words[res.Status], res.Name)
	if res.TestsKnown && res.TestsRun > 0 {
		line += fmt.Sprintf(", %d %s", res.TestsRun, plural(res.TestsRun, "test"))
	}
	if res.Duration > 0 {
		line += fmt.Sprintf(", %s", res.Duration.Round(100*time.Millisecond))
	}
	if res.Reason != "" {
		line += ": " + res.Reason
	}
	return line
}

// unnamed reports whether the findings say no more than that it failed.
func unnamed(findings []Finding) bool {
	for _, f := range findings {
		if f.Rule != "exit status" && f.Message != "failed" {
			return false
		}
	}
	return true
}

// outputText condenses what a verifier said: its findings, or the telling
// parts of its text where they are all there is.
func outputText(res Result, text string) string {
	if res.Status == Pass || res.Status == Skipped {
		return ""
	}
	if res.Status == Fail && !unnamed(res.Findings) {
		return findingsText(res.Findings, maxText)
	}
	shown := ""
	if len(res.Findings) > 0 {
		shown = findingsText(res.Findings, maxText/2) + "\n"
	}
	return shown + parse.Condense(text, maxText-len(shown))
}

// findingsText lists findings, at most ten and limit bytes. Each keeps its
// first line, which holds file, line and assertion, whatever the room.
func findingsText(findings []Finding, limit int) string {
	shown := findings[:min(len(findings), maxShown)]
	more := ""
	if n := len(findings) - len(shown); n > 0 {
		more = fmt.Sprintf("\nand %d more", n)
	}
	room := (limit-len(more))/max(1, len(shown)) - 1
	parts := make([]string, len(shown))
	for i, f := range shown {
		place := where(f)
		parts[i] = place + parse.Clip(strings.ReplaceAll(f.Message, "\n", "\n    "), 15, max(40, room-len(place)-24))
	}
	return parse.Cut(strings.Join(parts, "\n")+more, limit)
}

// where is "file:line:col: rule: " as far as it is known.
func where(f Finding) string {
	out := ""
	if f.File != "" {
		out = parse.Clip(plan.Printable(f.File), 1, 150)
		if f.Line > 0 {
			out += fmt.Sprintf(":%d", f.Line)
		}
		if f.Line > 0 && f.Col > 0 {
			out += fmt.Sprintf(":%d", f.Col)
		}
		out += ": "
	}
	switch {
	case f.TestID != "":
		out += parse.Clip(plan.Printable(f.TestID), 1, 150) + ": "
	case f.Rule != "":
		out += parse.Clip(plan.Printable(f.Rule), 1, 60) + ": "
	}
	return out
}

func oneLine(f Finding) string {
	first, _, _ := strings.Cut(f.Message, "\n")
	return where(f) + parse.Clip(first, 1, 200)
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
}
