package page

import (
	"cmp"
	"slices"
	"strings"

	"honk/internal/runner"
	"honk/internal/task"
	"honk/judge"
	"honk/verify"
)

const (
	// maxLines is how many lines of output a failure shows.
	maxLines = 20
	// maxItems is how many reasons, items or files are listed.
	maxItems = 8
)

// failedPart is why verification failed.
type failedPart struct {
	// Names are the verifiers that fail, as code.
	Names md
	// What says what is wrong with them.
	What    string
	Lead    []md
	Reasons []md
	More    int
	// Red are the verifiers that failed on the base commit already.
	Red    md
	Old    int
	Output md
}

func (w *words) failed(res *runner.Result) failedPart {
	g := res.Gate
	names, what, output := failing(g)
	part := failedPart{
		Names: w.codes(names, 3, 80), What: what,
		Red: w.codes(red(g), 5, 80), Old: len(g.Old),
		Output: w.fence(output, maxLines),
	}
	// The summary is the reasons in one line, or says something of its own.
	if res.Summary != strings.Join(g.Reasons, "; ") {
		part.Lead = w.lines(res.Summary, maxSummary, 600)
	}
	if part.Lead == nil || !strings.Contains(res.Summary, first(g.Reasons)) {
		part.Reasons, part.More = w.list(g.Reasons, maxItems, 400)
	}
	return part
}

func first(texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	return texts[0]
}

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
			if b.Len() < maxRead && f.Verifier == res.Name && (f.File != "" || f.TestID != "") {
				b.WriteString(findingText(f))
				lines++
			}
		}
		base := resultOf(g.Base, res.Name)
		fresh := slices.ContainsFunc(g.New, func(f verify.Finding) bool { return f.Verifier == res.Name })
		unmade := !made && (base == nil || base.Status != verify.Broken && base.Status != verify.Timeout)
		lost := slices.ContainsFunc(g.Reasons, func(r string) bool { return strings.HasPrefix(r, res.Name+": ") })
		if !fresh && !unmade && !lost {
			continue
		}
		names = append(names, res.Name)
		checked = checked || made
		if lines == 0 && res.Output != "" && b.Len() < maxRead {
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
	for _, part := range []string{place(f.File, f.Line), cmp.Or(f.TestID, f.Rule)} {
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

func resultOf(r verify.Report, name string) *verify.Result {
	for i := range r.Results {
		if r.Results[i].Name == name {
			return &r.Results[i]
		}
	}
	return nil
}

// heldPart is why a change is held back.
type heldPart struct {
	// By is who holds it, "" when it is neither the checks nor the judge.
	By    string
	Lead  md
	Items []md
	More  int
	// Person says that no retry helps: a person must look.
	Person bool
}

func (w *words) held(res *runner.Result) heldPart {
	var part heldPart
	var items []string
	blocking := judge.Blocking(res.Checks)
	switch v := res.Verdict; {
	case len(blocking) > 0:
		part.By = "the checks"
		part.Person = judge.Worst(blocking) == judge.Human
		for _, f := range blocking {
			item := f.Message + " (" + f.Check + ")"
			if at := place(f.File, f.Line); at != "" {
				item = at + ": " + item
			}
			items = append(items, item)
		}
	case v.Decision == judge.DecideRevise, v.Decision == judge.Reject, v.Decision == judge.DecisionError:
		part.By = "the judge"
		part.Lead = w.sentence(v.Summary, 400)
		part.Person = v.Decision == judge.DecisionError
		items = objections(v)
	default:
		part.Lead = w.sentence(res.Summary, 600)
	}
	part.Items, part.More = w.list(items, maxItems, 500)
	return part
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

// brokenPart is why Honk could not do its work.
type brokenPart struct {
	Cause  md
	Remedy string
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

func (w *words) broken(err *task.Error) brokenPart {
	if err != nil && err.Message != "" {
		if remedy, known := remedies[err.Code]; known {
			return brokenPart{Cause: w.sentence(err.Message, 600), Remedy: remedy}
		}
	}
	return brokenPart{
		Cause:  "Something went wrong inside Honk, through no fault of the request.",
		Remedy: "Whoever runs Honk finds the reason in its log under this task.",
	}
}
