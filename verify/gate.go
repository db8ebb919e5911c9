package verify

import (
	"fmt"
	"slices"

	"honk/verify/parse"
	"honk/verify/plan"
)

// Gate is a report held against the base's: what the change broke, what was
// broken before, what it mended. It passes when nothing new is wrong and
// every check that worked on the base could be made.
type Gate struct {
	Passed bool `json:"passed"`
	// Checked counts the verifiers that worked on both sides. A gate that
	// passed with 0 proves nothing.
	Checked int `json:"checked"`
	// Reasons says, one line each, why it did not pass.
	Reasons []string `json:"reasons,omitempty"`
	// Notes are facts that do not block: a flaky test, a check that was
	// red or broken on the base already, a package without tests.
	Notes []string `json:"notes,omitempty"`
	// New, Old and Fixed are the findings by set difference of fingerprints.
	New   []Finding `json:"new,omitempty"`
	Old   []Finding `json:"old,omitempty"`
	Fixed []Finding `json:"fixed,omitempty"`
	// Vanished are tests that passed on the base and no longer run.
	Vanished []string `json:"vanished,omitempty"`
	// Flaky are tests that failed and then passed unchanged.
	Flaky []string `json:"flaky,omitempty"`
	// Report is the change's, Base the base commit's.
	Report Report `json:"report"`
	Base   Report `json:"base"`
}

// CompareOption changes what Compare lets pass.
type CompareOption func(*comparison)

// AllowVanished lets tests go that ran on the base.
func AllowVanished() CompareOption {
	return func(c *comparison) { c.allowVanished = true }
}

// Flaky names tests that passed when they were run again.
func Flaky(ids ...string) CompareOption {
	return func(c *comparison) { c.flaky = append(c.flaky, ids...) }
}

type comparison struct {
	gate          Gate
	allowVanished bool
	flaky         []string
}

// Compare holds the report of a change against the base commit's. A verifier
// that the base report does not have is held against nothing: all it finds is
// new. One that could not be made on the base, or did not end there, does not
// block.
func Compare(base, head Report, opts ...CompareOption) Gate {
	c := &comparison{gate: Gate{Base: base, Report: head}}
	for _, opt := range opts {
		opt(c)
	}
	for _, res := range head.Results {
		c.result(base.result(res.Name), res)
	}
	c.gate.Passed = len(c.gate.Reasons) == 0
	if c.gate.Passed && c.gate.Checked == 0 {
		c.note("nothing could be checked: this proves nothing")
	}
	return c.gate
}

func (c *comparison) block(format string, args ...any) {
	c.gate.Reasons = append(c.gate.Reasons, fmt.Sprintf(format, args...))
}

func (c *comparison) note(format string, args ...any) {
	c.gate.Notes = append(c.gate.Notes, fmt.Sprintf(format, args...))
}

func (c *comparison) result(base *Result, head Result) {
	if base != nil && !made(*base) {
		reason := ": " + base.Reason
		if base.Reason == head.Reason {
			reason = " either"
		}
		c.note("%s does not count, it could not be checked on the base commit%s", head.Name, reason)
		return
	}
	if !made(head) {
		before := ""
		if base != nil {
			before = ", and it worked on the base commit"
		}
		c.block("%s could not be checked: %s%s", head.Name, head.Reason, before)
		return
	}
	c.gate.Checked++
	if base == nil {
		base = &Result{Status: Skipped}
	}
	if head.Partial || head.Status == Pass && head.Reason != "" {
		c.note("%s: %s", head.Name, partial(head))
	}
	fresh := c.findings(*base, head)
	if head.Kind == Test {
		c.tests(*base, head, fresh)
	}
}

func made(r Result) bool { return r.Status != Broken && r.Status != Timeout }

func partial(r Result) string {
	if r.Reason != "" {
		return r.Reason
	}
	return "only the tests of what changed, and of what depends on it, ran"
}

// findings splits by fingerprint: new blocks, old is reported, fixed credited.
// It returns how many are new.
func (c *comparison) findings(base, head Result) int {
	before, now := fingerprints(base.Findings), fingerprints(head.Findings)
	fresh, flakes := 0, 0
	var first Finding
	for _, f := range head.Findings {
		switch {
		case before[f.Fingerprint]:
			c.gate.Old = append(c.gate.Old, f)
		case f.TestID != "" && slices.Contains(c.flaky, f.TestID):
			flakes++
			if !slices.Contains(c.gate.Flaky, f.TestID) {
				c.gate.Flaky = append(c.gate.Flaky, f.TestID)
				c.note("%s: %s failed and passed when run again", head.Name, f.TestID)
			}
		default:
			if fresh++; fresh == 1 {
				first = f
			}
			c.gate.New = append(c.gate.New, f)
		}
	}
	if !head.Partial {
		for _, f := range base.Findings {
			if !now[f.Fingerprint] {
				c.gate.Fixed = append(c.gate.Fixed, f)
			}
		}
	}
	switch {
	case fresh > 0:
		c.block("%s: %d new %s, first %s", head.Name, fresh, plural(fresh, "finding"), oneLine(first))
	case head.Status == Fail && base.Status != Fail && flakes == 0:
		c.block("%s fails now: exit status %d", head.Name, head.ExitCode)
	case head.Status == Fail && base.Status == Fail:
		c.note("%s was red on the base commit already", head.Name)
	}
	return fresh
}

func fingerprints(findings []Finding) map[string]bool {
	set := make(map[string]bool, len(findings))
	for _, f := range findings {
		set[f.Fingerprint] = true
	}
	return set
}

// tests sees to it that the tests of the base still run: none running is not
// a pass, and one that is gone is not one that passed.
func (c *comparison) tests(base, head Result, fresh int) {
	lost := c.lost(base, head)
	if head.TestsRun == 0 && fresh > 0 {
		return // it failed before its tests, and was told so
	}
	switch {
	case lost == "" && head.TestsKnown && head.TestsRun == 0 && head.Status == Skipped:
		c.note("%s: no tests ran, nor do any on the base commit", head.Name)
	case lost == "":
	case c.allowVanished:
		c.note("%s: %s, as was asked", head.Name, lost)
	default:
		c.block("%s: %s", head.Name, lost)
	}
}

func (c *comparison) lost(base, head Result) string {
	switch {
	case !base.TestsKnown || base.TestsRun == 0:
		return ""
	case !head.TestsKnown && head.Status == Pass:
		return fmt.Sprintf("it cannot be told whether tests ran, and %d ran on the base commit", base.TestsRun)
	case !head.TestsKnown:
		return "" // it failed before its tests, and that is a finding
	case head.TestsRun == 0:
		return fmt.Sprintf("no tests ran, and %d ran on the base commit", base.TestsRun)
	case head.Partial:
		return ""
	case len(base.TestIDs) == 0 || len(head.TestIDs) == 0:
		if head.TestsRun < base.TestsRun {
			return fmt.Sprintf("%d %s ran, and %d on the base commit", head.TestsRun, plural(head.TestsRun, "test"), base.TestsRun)
		}
		return ""
	}
	vanished := vanished(base.Passed, head.TestIDs)
	if len(vanished) == 0 {
		return ""
	}
	c.gate.Vanished = append(c.gate.Vanished, vanished...)
	return fmt.Sprintf("%d %s passed on the base commit and did not run, first %s",
		len(vanished), plural(len(vanished), "test"), plan.Printable(parse.Clip(vanished[0], 1, 200)))
}

// vanished returns the tests of base that are not in head. Names are compared
// without what differs between two runs of the same test.
func vanished(base, head []string) []string {
	now := make(map[string]bool, len(head))
	for _, id := range head {
		now[parse.Stable(id)] = true
	}
	var out []string
	for _, id := range base {
		if !now[parse.Stable(id)] {
			out = append(out, id)
		}
	}
	return out
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
