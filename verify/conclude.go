package verify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"honk/sandbox"
	"honk/verify/parse"
	"honk/verify/plan"
)

// conclude decides how a verifier ended. A failure is the code's only when
// nothing says that the check could not be made.
func (r runner) conclude(res *Result, v Verifier, ex sandbox.ExecResult, reading parse.Reading, out plan.Output) {
	if t := reading.Tests; t != nil && v.Kind == Test {
		res.TestsKnown, res.TestsRun, res.Skips = true, t.Run, t.Skips
		res.TestIDs, res.Passed = t.IDs, t.Passed
	}
	for _, f := range reading.Findings {
		f.File = r.place(f.File, v.Dir)
		res.Findings = append(res.Findings, parse.Sign(v.Name, f))
	}
	// Packages are tested in parallel: their order is chance.
	slices.SortStableFunc(res.Findings, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line)
	})
	silent := v.Recipe != nil && v.Recipe.Silent && len(res.Findings) > 0
	switch why := unmade(v, ex, res, out); {
	case ex.TimedOut:
		res.Status, res.Reason = Timeout, fmt.Sprintf("took longer than %s", ex.Duration.Round(time.Second))
		res.Findings = nil
	case why != "":
		res.Status, res.Reason = Broken, why
		res.Findings = nil
	case ranNothing(v, ex, res):
		res.Status, res.Reason = Skipped, "no tests ran"
		if res.Skips > 0 {
			res.Reason = fmt.Sprintf("no tests ran: all %d were skipped", res.Skips)
		}
	case ex.ExitCode == 0 && !silent:
		res.Status, res.Findings = Pass, nil
		if v.Kind == Test && !res.TestsKnown {
			res.Reason = "it cannot be told how many tests ran"
		}
	default:
		res.Status = Fail
		// Where tests ran they may have printed such words themselves: no
		// excuse then, but a hint where it was no test that failed.
		inTest := func(f Finding) bool { return f.TestID != "" }
		if why := cause(v, out); why != "" && !slices.ContainsFunc(res.Findings, inTest) {
			res.Reason = "perhaps because " + why
		}
		if len(res.Findings) == 0 {
			res.Findings = []Finding{parse.Sign(v.Name, Finding{
				Rule: "exit status", Message: fmt.Sprintf("%s ended with exit status %d", v.Command, ex.ExitCode),
			})}
		}
	}
}

// ranNothing reports whether a test runner found no test. pytest and unittest
// say so with exit status 5.
func ranNothing(v Verifier, ex sandbox.ExecResult, res *Result) bool {
	if v.Kind != Test || !res.TestsKnown || res.TestsRun > 0 || len(res.Findings) > 0 {
		return false
	}
	python := v.Recipe != nil && v.Recipe.Ecosystem == "python"
	return ex.ExitCode == 0 || python && ex.ExitCode == 5
}

var limitNames = map[string]string{
	"memory": "memory", "processes": "number of processes", "disk": "disk space",
	"output": "amount of output", "cpu": "CPU time", "file_size": "file size",
}

// unmade returns why a check could not be made, "" when it was. Words in the
// output count only as long as no test has run: tests print anything.
func unmade(v Verifier, ex sandbox.ExecResult, res *Result, out plan.Output) string {
	switch {
	case ex.Limit != "":
		name := limitNames[ex.Limit]
		if name == "" {
			name = ex.Limit
		}
		return fmt.Sprintf("the sandbox's limit on %s was reached (sandbox.limits in honk.yaml)", name)
	case ex.ExitCode == 128+9:
		return "killed by signal 9, most likely for want of memory (sandbox.limits in honk.yaml)"
	case ex.ExitCode == 0 || res.TestsRun > 0:
		return ""
	}
	if why := cause(v, out); why != "" {
		return why
	}
	switch ex.ExitCode {
	case 127:
		return "a program is not installed in the sandbox: " + lastLine(out.Text())
	case 126:
		return "a program cannot be run: " + lastLine(out.Text())
	}
	return ""
}

func cause(v Verifier, out plan.Output) string {
	text := out.Text() + "\n" + string(out.Raw)
	ecosystem := ""
	if v.Recipe != nil {
		ecosystem = v.Recipe.Ecosystem
	}
	if ecosystem != "node" {
		return parse.Cause(ecosystem, text)
	}
	// With packages installed, a module that cannot be found is the code's
	// fault, and without them nearly always theirs.
	if !out.NoModules {
		return parse.Cause("", text)
	}
	if why := parse.Cause("node", text); why != "" {
		return why + ": node_modules is missing and there is no network here: install the packages in the repository (npm ci) or mount a cache (sandbox.mounts in honk.yaml)"
	}
	return ""
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return parse.Clip(text[strings.LastIndexByte(text, '\n')+1:], 1, 200)
}
