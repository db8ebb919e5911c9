package judge

import (
	"fmt"
	"strings"
)

// Feedback returns what the agent is told of a verdict and of the checks that
// block, as one turn of its conversation; "" when nothing is to be mended.
func Feedback(v Verdict, findings []Finding) string {
	var b strings.Builder
	if blocking := Blocking(findings); len(blocking) > 0 {
		b.WriteString("Checks that no judge can override hold the change back:\n")
		for _, f := range blocking {
			b.WriteString("- ")
			if f.File != "" {
				b.WriteString(f.File)
				if f.Line > 0 {
					fmt.Fprintf(&b, ":%d", f.Line)
				}
				b.WriteString(": ")
			}
			fmt.Fprintf(&b, "%s (%s)\n", f.Message, f.Check)
		}
	}
	if v.Decision == DecideRevise {
		b.WriteString("A judge held the change against the request and wants this mended:\n")
		for _, r := range v.Revisions {
			fmt.Fprintf(&b, "- %s\n", r)
		}
		for _, it := range v.Items {
			if !it.holds() {
				fmt.Fprintf(&b, "  rubric item %d: %s %s\n", it.ID, it.Reason, strings.Join(it.Evidence, ", "))
			}
		}
	}
	if b.Len() == 0 {
		return ""
	}
	b.WriteString("Mend exactly this, change nothing else, verify, and finish again. What the request does not ask for must go.")
	return b.String()
}
