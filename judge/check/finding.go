package check

import "slices"

// Severity is what a Finding does to a task.
type Severity string

// The severities, mildest first.
const (
	// Flag is printed and blocks nothing.
	Flag Severity = "flag"
	// Revise goes back to the agent to be mended.
	Revise Severity = "revise"
	// Human holds the change until a person allows it.
	Human Severity = "human"
	// Veto blocks; no judge can override it.
	Veto Severity = "veto"
)

// rank orders severities; an unknown one counts as the worst.
func (s Severity) rank() int {
	if i := slices.Index([]Severity{"", Flag, Revise, Human, Veto}, s); i >= 0 {
		return i
	}
	return 4
}

// Finding is what a deterministic check found.
type Finding struct {
	// Check is the rule's name: tests, weakened, scope, protected, file_kind,
	// dependencies, secrets, invisible, hygiene.
	Check    string   `json:"check"`
	Severity Severity `json:"severity"`
	File     string   `json:"file,omitempty"`
	Line     int      `json:"line,omitempty"`
	Message  string   `json:"message"`
}

// Worst returns the worst severity among findings, "" when there are none.
func Worst(findings []Finding) Severity {
	var worst Severity
	for _, f := range findings {
		if f.Severity.rank() > worst.rank() {
			worst = f.Severity
		}
	}
	return worst
}

// Blocking returns the findings with which a change is not delivered: all but
// the flags.
func Blocking(findings []Finding) []Finding {
	var out []Finding
	for _, f := range findings {
		if f.Severity.rank() > Flag.rank() {
			out = append(out, f)
		}
	}
	return out
}
