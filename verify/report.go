// Package verify finds a repository's own checks (format, build, lint, test),
// runs them in a sandbox and says what the change broke, apart from what was
// broken before and from what could not be checked at all.
package verify

import "time"

// Kind orders verifiers: they run in this order.
type Kind string

// The kinds of verifier.
const (
	Format Kind = "format"
	Build  Kind = "build"
	Lint   Kind = "lint"
	Test   Kind = "test"
)

// Status is how a verifier ended.
type Status string

// The ends of a verifier. Fail means that the code is wrong; Broken, that the
// check could not be made (a tool is missing, memory ran out) and says
// nothing of the code.
const (
	Pass    Status = "pass"
	Fail    Status = "fail"
	Broken  Status = "broken"
	Skipped Status = "skipped"
	Timeout Status = "timeout"
)

// Finding is one thing a verifier complains of.
type Finding struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Col     int    `json:"col,omitempty"`
	Rule    string `json:"rule,omitempty"`
	Message string `json:"message"`
	TestID  string `json:"test_id,omitempty"`
	// Fingerprint is equal for the same complaint at another line, time or
	// place of the machine.
	Fingerprint string `json:"fingerprint"`
}

// Result is what one verifier said.
type Result struct {
	Name    string `json:"name"`
	Kind    Kind   `json:"kind"`
	Status  Status `json:"status"`
	Command string `json:"command"`
	// Reason is one line: why it is broken or skipped, or a note to a pass.
	Reason   string        `json:"reason,omitempty"`
	ExitCode int           `json:"exit_code"`
	Duration time.Duration `json:"duration_ns"`
	Findings []Finding     `json:"findings,omitempty"`
	// TestsRun counts executed tests, TestIDs names them; Passed are those
	// of TestIDs that passed, Skips how many were skipped.
	TestsRun int      `json:"tests_run,omitempty"`
	TestIDs  []string `json:"test_ids,omitempty"`
	Passed   []string `json:"passed,omitempty"`
	Skips    int      `json:"skips,omitempty"`
	// Output is the condensed text for the model and for people, at most
	// 3,000 characters.
	Output string `json:"output,omitempty"`
}

// Report is one run of a plan's verifiers.
type Report struct {
	Results []Result `json:"results"`
}
