package fact

import (
	"cmp"
	"fmt"

	"honk/internal/runner"
	"honk/internal/task"
	"honk/judge"
	"honk/verify"
)

// Size is "2 files, +14 −3", "" for no change.
func Size(patch task.Patch) string {
	if patch.Empty() {
		return ""
	}
	added, removed := 0, 0
	for _, f := range patch.Files {
		added, removed = added+f.Added, removed+f.Removed
	}
	return fmt.Sprintf("%s, +%d −%d", Count(len(patch.Files), "file"), added, removed)
}

// Unverified is what is said of a change that nothing was held against.
const Unverified = "not verified: the repository has no check that could be made"

// Proof says in a sentence what verification was worth.
func Proof(g verify.Gate) string {
	if g.Checked == 0 {
		return Unverified
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
		return fmt.Sprintf("%s run, %d failed", Count(run, "test"), failed)
	case known:
		return "no tests ran"
	}
	return Count(g.Checked, "check") + " made, no tests counted"
}

// Decision is the judge's last word for a person.
func Decision(v judge.Verdict) string {
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

// JudgeMode is what the judge of a published change could do, "" when nobody
// knows. configured is the organisation's mode, where the request names none.
func JudgeMode(t task.Task, v judge.Verdict, configured judge.Mode) judge.Mode {
	switch v.Decision {
	case judge.NotJudged:
		return judge.ModeOff
	case judge.DecideRevise, judge.Reject:
		// Only its advice can stand against what is published all the same.
		return judge.ModeAdvise
	case judge.Approve, judge.DecisionError:
	}
	// A repository can make it stricter, and nothing is stricter than a veto.
	if asked := cmp.Or(judge.Mode(t.Request.Options.Judge), configured); asked == judge.ModeVeto {
		return asked
	}
	return ""
}

// Delivery is the line of a delivery: what changed and what speaks for it.
func Delivery(res runner.Result) string {
	out := ". Judge: " + Decision(res.Verdict) + "."
	if s := Size(res.Patch); s != "" {
		return s + "; " + Proof(res.Gate) + out
	}
	return Proof(res.Gate) + out
}

// ResultOf returns what a verifier said in a report, nil when it was not in
// it.
func ResultOf(r verify.Report, name string) *verify.Result {
	for i := range r.Results {
		if r.Results[i].Name == name {
			return &r.Results[i]
		}
	}
	return nil
}

// Standing is how a verifier ended, held against the base commit.
type Standing struct {
	// Word is pass, fail and so on; Bad says that it must not be overlooked.
	Word string
	Bad  bool
	// More goes on behind Word, without anything between: ", was red on base".
	More string
	// Reason is the verifier's own, "" where Word says it.
	Reason string
	// Partial says that only the tests of what changed ran.
	Partial bool
}

// StandingOf is how a verifier of a gate ended. What is not a clean pass says
// why, and a test runner that ran nothing is never one.
func StandingOf(g verify.Gate, res verify.Result) Standing {
	if noTests(res) && (res.Status == verify.Pass || res.Status == verify.Skipped) {
		return Standing{Word: "no tests", Bad: true}
	}
	s := standing(g, res)
	s.Reason, s.Partial = res.Reason, res.Partial
	return s
}

func standing(g verify.Gate, res verify.Result) Standing {
	fresh := 0
	for _, f := range g.New {
		if f.Verifier == res.Name {
			fresh++
		}
	}
	base := ResultOf(g.Base, res.Name)
	redBefore := base != nil && base.Status == verify.Fail
	switch {
	case res.Status == verify.Pass && redBefore:
		return Standing{Word: "pass", More: ", was red on base"}
	case res.Status == verify.Pass:
		return Standing{Word: "pass"}
	case res.Status == verify.Fail && fresh > 0:
		return Standing{Word: "fail", Bad: true, More: ": " + Count(fresh, "new finding")}
	case res.Status == verify.Fail && redBefore:
		return Standing{Word: "red on base", More: ", nothing new"}
	case res.Status == verify.Fail && len(g.Flaky) > 0:
		return Standing{Word: "pass", More: " after a second run"}
	}
	return Standing{Word: string(res.Status), Bad: true} // failed, broken, skipped or out of time
}

// noTests reports whether a test runner ran nothing.
func noTests(res verify.Result) bool {
	return res.Kind == verify.Test && res.TestsKnown && res.TestsRun == 0
}

// Tests is "210 → 212 run, 0 skipped", "" for what runs no tests. base is nil
// where the verifier did not run on the base commit.
func Tests(base *verify.Result, res verify.Result) string {
	if res.Kind != verify.Test || !res.TestsKnown && (base == nil || !base.TestsKnown) {
		return ""
	}
	number := func(r *verify.Result) string {
		if r == nil || !r.TestsKnown {
			return "?"
		}
		return Thousands(r.TestsRun)
	}
	out := number(base) + " → " + number(&res) + " run"
	if res.TestsKnown {
		out += fmt.Sprintf(", %d skipped", res.Skips)
	}
	return out
}
