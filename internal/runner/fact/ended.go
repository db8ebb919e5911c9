package fact

import (
	"cmp"
	"slices"
	"strings"

	"honk/internal/runner"
	"honk/internal/task"
	"honk/judge"
	"honk/verify"
)

// Failure is why verification failed.
type Failure struct {
	// Names are the verifiers that fail, What says what is wrong with them.
	Names []string
	What  string
	// Lead says it in one text, Reasons one by one where Lead does not.
	Lead    string
	Reasons []string
	// Red are the verifiers that failed on the base commit already, Old
	// counts what they find.
	Red    []string
	Old    int
	Output string
}

// FailureOf is why the verification of a result failed.
func FailureOf(res runner.Result) Failure {
	f := Failure{Red: red(res.Gate), Old: len(res.Gate.Old)}
	f.Names, f.What, f.Output = failing(res.Gate)
	reasons := res.Gate.Reasons
	// The summary is the reasons in one line, or says something of its own.
	if res.Summary != strings.Join(reasons, "; ") {
		f.Lead = strings.TrimSpace(res.Summary)
	}
	if f.Lead == "" || len(reasons) > 0 && !strings.Contains(res.Summary, reasons[0]) {
		f.Reasons = reasons
	}
	return f
}

// maxOutput is about how much of what verifiers say is gathered, in bytes.
const maxOutput = 8 << 10

// failing returns the verifiers that hold a gate back, what is wrong with them
// and what they say.
func failing(g verify.Gate) (names []string, what, output string) {
	if g.Passed {
		return nil, "", ""
	}
	checked := false
	var b strings.Builder
	for _, res := range g.Report.Results {
		made := res.Status != verify.Broken && res.Status != verify.Timeout
		lines := 0
		for _, f := range g.New {
			if b.Len() < maxOutput && f.Verifier == res.Name && (f.File != "" || f.TestID != "") {
				b.WriteString(findingText(f))
				lines++
			}
		}
		base := ResultOf(g.Base, res.Name)
		fresh := slices.ContainsFunc(g.New, func(f verify.Finding) bool { return f.Verifier == res.Name })
		unmade := !made && (base == nil || base.Status != verify.Broken && base.Status != verify.Timeout)
		lost := slices.ContainsFunc(g.Reasons, func(r string) bool { return strings.HasPrefix(r, res.Name+": ") })
		if !fresh && !unmade && !lost {
			continue
		}
		names = append(names, res.Name)
		checked = checked || made
		if lines == 0 && res.Output != "" && b.Len() < maxOutput {
			b.WriteString(strings.TrimRight(res.Output, "\n") + "\n")
		}
	}
	switch {
	case !checked:
		what = "could not be checked"
	case len(names) == 1:
		what = "fails"
	default:
		what = "fail"
	}
	return names, what, b.String()
}

func findingText(f verify.Finding) string {
	var parts []string
	for _, part := range []string{Place(f.File, f.Line), cmp.Or(f.TestID, f.Rule)} {
		if part != "" {
			parts = append(parts, strings.ReplaceAll(part, "\n", " "))
		}
	}
	parts = append(parts, strings.ReplaceAll(strings.TrimSpace(f.Message), "\n", "\n    "))
	return strings.Join(parts, ": ") + "\n"
}

// red returns the verifiers that failed on the base commit.
func red(g verify.Gate) []string {
	var out []string
	for _, res := range g.Base.Results {
		if res.Status == verify.Fail {
			out = append(out, res.Name)
		}
	}
	return out
}

// Hold is why a change is held back.
type Hold struct {
	// By is who holds it, "" when it is neither the checks nor the judge.
	By    string
	Lead  string
	Items []string
	// Person says that no retry helps: a person must look.
	Person bool
}

// HoldOf is why the change of a result is held back.
func HoldOf(res runner.Result) Hold {
	blocking := judge.Blocking(res.Checks)
	switch v := res.Verdict; {
	case len(blocking) > 0:
		hold := Hold{By: "the checks", Person: judge.Worst(blocking) == judge.Human}
		for _, f := range blocking {
			item := f.Message + " (" + f.Check + ")"
			if at := Place(f.File, f.Line); at != "" {
				item = at + ": " + item
			}
			hold.Items = append(hold.Items, item)
		}
		return hold
	case v.Decision == judge.DecideRevise, v.Decision == judge.Reject, v.Decision == judge.DecisionError:
		return Hold{
			By: "the judge", Lead: v.Summary, Items: objections(v), Person: v.Decision == judge.DecisionError,
		}
	}
	return Hold{Lead: res.Summary}
}

// objections are what the judge wants mended, else the answers that stand
// against the change.
func objections(v judge.Verdict) []string {
	if len(v.Revisions) > 0 {
		return v.Revisions
	}
	var out []string
	for _, it := range v.Items {
		if it.Answer != judge.No {
			continue
		}
		item := it.Reason
		if len(it.Evidence) > 0 {
			item += " (" + strings.Join(it.Evidence[:min(len(it.Evidence), 3)], ", ") + ")"
		}
		out = append(out, item)
	}
	return append(out, v.Flags...)
}

// remedies say what to do about an error of a code. One of another code, and
// one that is internal, has a text that is for operators only.
var remedies = map[task.Code]string{
	task.CodeInvalid:     "Change what it names, then ask again.",
	task.CodeForbidden:   "Somebody who administers Honk or this repository has to allow it first.",
	task.CodeNotFound:    "See that it exists and that Honk may read it, then ask again.",
	task.CodeConflict:    "Somebody else was faster; ask again on what is there now.",
	task.CodeRateLimited: "A service that Honk needs has set a limit; try again later.",
	task.CodeBudget:      "Ask for less at once, or have the budget raised.",
	task.CodeTimeout:     "It took too long; try again, or ask for less at once.",
	task.CodeSandbox:     "Whoever runs Honk has to look at its sandbox (`honk doctor`).",
	task.CodeUnavailable: "A service that Honk needs did not answer; try again later.",
	task.CodeCancelled:   "It can be asked again.",
	task.CodeStuck:       "Say more exactly what to change, or ask for less at once.",
}

// Breakdown is why Honk could not do its work, and what to do about it, which
// is ours and may hold code in backticks.
func Breakdown(err *task.Error) (cause, remedy string) {
	if err != nil && err.Message != "" {
		if remedy, known := remedies[err.Code]; known {
			return err.Message, remedy
		}
	}
	return "Something went wrong inside Honk, through no fault of the request.",
		"Whoever runs Honk finds the reason in its log under this task."
}
