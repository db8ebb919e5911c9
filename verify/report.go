// Package verify finds a repository's own checks (format, build, lint, test),
// runs them in a sandbox and says what the change broke, apart from what was
// broken before and from what could not be checked at all.
package verify

import (
	"time"

	"honk/verify/parse"
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
type Finding = parse.Finding

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
	// TestsKnown says that TestsRun can be believed: without it nobody
	// knows whether tests ran.
	TestsKnown bool `json:"tests_known,omitempty"`
	// TestsRun counts executed tests, TestIDs names them; Passed are those
	// of TestIDs that passed, Skips how many were skipped. TestIDs is empty
	// where a runner tells no more than a number.
	TestsRun int      `json:"tests_run,omitempty"`
	TestIDs  []string `json:"test_ids,omitempty"`
	Passed   []string `json:"passed,omitempty"`
	Skips    int      `json:"skips,omitempty"`
	// Partial says that only the tests of what changed, and of what depends
	// on it, ran.
	Partial bool `json:"partial,omitempty"`
	// Output is the condensed text for the model and for people, at most
	// 3,000 characters.
	Output string `json:"output,omitempty"`
}

// Report is one run of a plan's verifiers.
type Report struct {
	Results []Result `json:"results"`
}

// result returns the result of a verifier, nil when it did not run.
func (r Report) result(name string) *Result {
	for i := range r.Results {
		if r.Results[i].Name == name {
			return &r.Results[i]
		}
	}
	return nil
}
