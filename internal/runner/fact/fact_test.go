package fact_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/internal/runner"
	"honk/internal/runner/fact"
	"honk/internal/secret"
	"honk/internal/task"
	"honk/judge"
	"honk/verify"
)

func TestAmounts(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		fact.Clock(-1):                                       "",
		fact.Clock(400 * time.Millisecond):                   "<1s",
		fact.Clock(41 * time.Second):                         "41s",
		fact.Clock(192 * time.Second):                        "3m 12s",
		fact.Clock(64 * time.Minute):                         "1h 4m",
		fact.Money(0):                                        "",
		fact.Money(0.004):                                    "<$0.01",
		fact.Money(1.998):                                    "$2.00",
		fact.Cost(task.Usage{InputTokens: 12345}):            "12,345 tokens",
		fact.Cost(task.Usage{CostUSD: 0.18, InputTokens: 9}): "$0.18",
		fact.Count(1, "step"):                                "1 step",
		fact.Count(1200, "step"):                             "1,200 steps",
		fact.Place("a.go", 0):                                "a.go",
		fact.Place("a.go", 3):                                "a.go:3",
		fact.Place("", 3):                                    "",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestBill(t *testing.T) {
	t.Parallel()
	asked := task.Task{Request: task.Request{Options: task.Options{Model: "glm-5"}}}
	for name, tt := range map[string]struct {
		task    task.Task
		usage   task.Usage
		model   string
		amounts []string
	}{
		"nothing":    {task: asked},
		"asked for":  {task: asked, usage: task.Usage{Steps: 1}, model: "glm-5", amounts: []string{"1 step"}},
		"configured": {usage: task.Usage{Steps: 2, CostUSD: 1}, model: "qwen", amounts: []string{"2 steps", "$1.00"}},
		"judge only": {usage: task.Usage{CostUSD: 1}, amounts: []string{"$1.00"}},
	} {
		model, amounts := fact.Bill(tt.task, tt.usage, "qwen")
		if model != tt.model || !cmp.Equal(amounts, tt.amounts) {
			t.Errorf("%s: got %q, %q", name, model, amounts)
		}
	}
}

func TestSpent(t *testing.T) {
	t.Parallel()
	res := &runner.Result{}
	if got := fact.Spent(runner.View{CostUSD: 0.5}); got != "$0.50" {
		t.Errorf("so far: %q", got)
	}
	if got := fact.Spent(runner.View{CostUSD: 0.5, Result: res}); got != "$0.50" {
		t.Errorf("in all, as far as is known: %q", got)
	}
	res.Usage.CostUSD = 0.6
	if got := fact.Spent(runner.View{CostUSD: 0.5, Result: res}); got != "$0.60" {
		t.Errorf("in all: %q", got)
	}
}

// A task is not over before its result is there.
func TestStatusOf(t *testing.T) {
	t.Parallel()
	over := task.Task{Status: task.StatusFailed}
	for want, v := range map[task.Status]runner.View{
		task.StatusQueued:  {Task: task.Task{Status: task.StatusQueued}},
		task.StatusRunning: {Task: over},
		task.StatusVetoed:  {Task: over, Result: &runner.Result{Outcome: task.Outcome{Status: task.StatusVetoed}}},
	} {
		if got := fact.StatusOf(v); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A change that was sent back is worked on again.
func TestPhases(t *testing.T) {
	t.Parallel()
	doing, phases := fact.Phases([]task.PhaseData{
		{Phase: "checkout", Detail: "a"}, {Phase: "sandbox", Detail: "b"}, {Phase: "verify", Detail: "c"}, {Phase: "change", Detail: "d"}, {Phase: "odd"},
	})
	want := []fact.Phase{
		{Name: "checkout", Done: true, Detail: "a"}, {Name: "change", Current: true, Detail: "d"}, {Name: "verify"}, {Name: "judge"}, {Name: "publish"},
	}
	if diff := cmp.Diff(want, phases); diff != "" || doing != "working on the change" {
		t.Errorf("%s: %s", doing, diff)
	}
	if doing, _ := fact.Phases(nil); doing != "starting" {
		t.Errorf("got %q", doing)
	}
}

func TestReason(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range []task.Status{
		task.StatusRunning, task.StatusDelivered, task.StatusNoChange, task.StatusBlocked, task.StatusVerifyFailed, task.StatusVetoed,
		task.StatusBudgetExhausted, task.StatusFailed, task.StatusCancelled,
	} {
		if got := fact.Reason(s); got == "" || seen[got] {
			t.Errorf("%s: got %q", s, got)
		} else {
			seen[got] = true
		}
	}
}

// verifier is a test runner that ran so many tests.
func verifier(status verify.Status, tests int) verify.Result {
	return verify.Result{Name: "go test", Kind: verify.Test, Status: status, TestsKnown: true, TestsRun: tests}
}

func TestStandingOf(t *testing.T) {
	t.Parallel()
	red := verify.Report{Results: []verify.Result{verifier(verify.Fail, 9)}}
	fresh := []verify.Finding{{Verifier: "go test"}, {Verifier: "go vet"}}
	partial := verifier(verify.Pass, 3)
	partial.Partial, partial.Reason = true, "quick"
	for name, tt := range map[string]struct {
		gate verify.Gate
		res  verify.Result
		want fact.Standing
	}{
		"pass":     {res: verifier(verify.Pass, 9), want: fact.Standing{Word: "pass"}},
		"no tests": {res: verifier(verify.Pass, 0), want: fact.Standing{Word: "no tests", Bad: true}},
		"mended":   {gate: verify.Gate{Base: red}, res: verifier(verify.Pass, 9), want: fact.Standing{Word: "pass", More: ", was red on base"}},
		"new":      {gate: verify.Gate{New: fresh}, res: verifier(verify.Fail, 9), want: fact.Standing{Word: "fail", Bad: true, More: ": 1 new finding"}},
		"old":      {gate: verify.Gate{Base: red}, res: verifier(verify.Fail, 9), want: fact.Standing{Word: "red on base", More: ", nothing new"}},
		"flaky":    {gate: verify.Gate{Flaky: []string{"T"}}, res: verifier(verify.Fail, 9), want: fact.Standing{Word: "pass", More: " after a second run"}},
		"fail":     {res: verifier(verify.Fail, 9), want: fact.Standing{Word: "fail", Bad: true}},
		"timeout":  {res: verifier(verify.Timeout, 9), want: fact.Standing{Word: "timeout", Bad: true}},
		"partial":  {res: partial, want: fact.Standing{Word: "pass", Reason: "quick", Partial: true}},
	} {
		if diff := cmp.Diff(tt.want, fact.StandingOf(tt.gate, tt.res)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	patch := task.Patch{Files: []task.FileChange{{Added: 4, Removed: 3}, {Added: 10}}}
	gate := verify.Gate{Checked: 1, Report: verify.Report{Results: []verify.Result{verifier(verify.Pass, 212)}}}
	none := verify.Gate{Checked: 1, Report: verify.Report{Results: []verify.Result{verifier(verify.Pass, 0)}}}
	for want, res := range map[string]runner.Result{
		"2 files, +14 −3; 212 tests run, 0 failed. Judge: approve.": {
			Patch: patch, Gate: gate, Verdict: judge.Verdict{Decision: judge.Approve},
		},
		"no tests ran. Judge: no verdict.":                  {Gate: none, Verdict: judge.Verdict{Decision: judge.DecisionError}},
		"1 check made, no tests counted. Judge: not asked.": {Gate: verify.Gate{Checked: 1}},
		fact.Unverified + ". Judge: off.":                   {Verdict: judge.Verdict{Decision: judge.NotJudged}},
	} {
		if got := fact.Delivery(res); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestJudgeMode(t *testing.T) {
	t.Parallel()
	advised := task.Task{Request: task.Request{Options: task.Options{Judge: "advise"}}}
	for name, tt := range map[string]struct {
		task       task.Task
		decision   judge.Decision
		configured judge.Mode
		want       judge.Mode
	}{
		"not judged":        {decision: judge.NotJudged, configured: judge.ModeVeto, want: judge.ModeOff},
		"published anyway":  {decision: judge.Reject, configured: judge.ModeVeto, want: judge.ModeAdvise},
		"configured":        {decision: judge.Approve, configured: judge.ModeVeto, want: judge.ModeVeto},
		"asked for, or not": {task: advised, decision: judge.Approve, configured: judge.ModeVeto},
	} {
		if got := fact.JudgeMode(tt.task, judge.Verdict{Decision: tt.decision}, tt.configured); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func TestVerified(t *testing.T) {
	t.Parallel()
	build, red := verify.Result{Name: "go build", Status: verify.Pass}, verify.Result{Name: "lint", Status: verify.Broken}
	passed := verify.Report{Results: []verify.Result{build, verifier(verify.Pass, 1212)}}
	before := verify.Report{Results: []verify.Result{verifier(verify.Pass, 1210)}}
	var many verify.Report
	for range 9 {
		many.Results = append(many.Results, build)
	}
	for want, g := range map[string]verify.Gate{
		"go build, go test passed (1,212 tests run, 1,210 before)": {Report: passed, Base: before, Checked: 2},
		"go build, go test passed (1,212 tests run)":               {Report: passed, Checked: 2},
		"go build passed; lint: broken":                            {Report: verify.Report{Results: []verify.Result{build, red}}, Checked: 1},
		"go test: no tests":                                        {Report: verify.Report{Results: []verify.Result{verifier(verify.Pass, 0)}}, Checked: 1},
		strings.Repeat("go build, ", 6) + "3 more passed":          {Report: many, Checked: 9},
		"1 check made, no tests counted":                           {Checked: 1},
		fact.Unverified:                                            {Report: passed},
	} {
		if got := fact.Verified(g); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTests(t *testing.T) {
	t.Parallel()
	base, unknown := verifier(verify.Pass, 210), verify.Result{Kind: verify.Test}
	for want, tt := range map[string]struct {
		base *verify.Result
		res  verify.Result
	}{
		"210 → 212 run, 0 skipped": {&base, verifier(verify.Pass, 212)},
		"? → 212 run, 0 skipped":   {nil, verifier(verify.Pass, 212)},
		"210 → ? run":              {&base, unknown},
		"":                         {nil, unknown},
	} {
		if got := fact.Tests(tt.base, tt.res); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestFailureOf(t *testing.T) {
	t.Parallel()
	res := runner.Result{Gate: verify.Gate{
		Reasons: []string{"go test: 1 new finding", "go vet fails now"},
		New:     []verify.Finding{{Verifier: "go test", File: "a_test.go", Line: 8, TestID: "TestA", Message: "no\nnot"}},
		Old:     []verify.Finding{{}},
		Report:  verify.Report{Results: []verify.Result{verifier(verify.Fail, 9), {Name: "go build", Status: verify.Pass}}},
		Base:    verify.Report{Results: []verify.Result{verifier(verify.Fail, 9)}},
	}}
	res.Summary = strings.Join(res.Gate.Reasons, "; ")
	want := fact.Failure{
		Names: []string{"go test"}, What: "fails", Reasons: res.Gate.Reasons, Red: []string{"go test"}, Old: 1,
		Output: "a_test.go:8: TestA: no\n    not\n",
	}
	if diff := cmp.Diff(want, fact.FailureOf(res)); diff != "" {
		t.Error(diff)
	}
	res.Summary = "it is so: " + res.Gate.Reasons[0]
	if got := fact.FailureOf(res); got.Lead != res.Summary || got.Reasons != nil {
		t.Errorf("it is said twice: %+v", got)
	}
	res.Gate.Report.Results = []verify.Result{{Name: "mvn", Status: verify.Broken, Output: "no java\n"}}
	if got := fact.FailureOf(res); got.What != "could not be checked" || got.Output != "no java\n" {
		t.Errorf("got %+v", got)
	}
}

func TestHoldOf(t *testing.T) {
	t.Parallel()
	items := []judge.Item{{Answer: judge.Yes, Reason: "x"}, {Answer: judge.No, Reason: "too much", Evidence: []string{"a:1", "b:2", "c:3", "d:4"}}}
	for name, tt := range map[string]struct {
		res  runner.Result
		want fact.Hold
	}{
		"checks": {
			runner.Result{Checks: []judge.Finding{{Check: "protected", Severity: judge.Human, File: "a", Line: 2, Message: "m"}, {Severity: judge.Flag}}},
			fact.Hold{By: "the checks", Items: []string{"a:2: m (protected)"}, Person: true},
		},
		"judge": {
			runner.Result{Verdict: judge.Verdict{Decision: judge.Reject, Summary: "no", Items: items, Flags: []string{"f"}}},
			fact.Hold{By: "the judge", Lead: "no", Items: []string{"too much (a:1, b:2, c:3)", "f"}},
		},
		"revisions": {
			runner.Result{Verdict: judge.Verdict{Decision: judge.DecisionError, Items: items, Revisions: []string{"r"}}},
			fact.Hold{By: "the judge", Items: []string{"r"}, Person: true},
		},
		"nobody": {runner.Result{Outcome: task.Outcome{Summary: "s"}}, fact.Hold{Lead: "s"}},
	} {
		if diff := cmp.Diff(tt.want, fact.HoldOf(tt.res)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// What is for operators only is told to nobody else.
func TestBreakdown(t *testing.T) {
	t.Parallel()
	for _, err := range []*task.Error{nil, {}, task.Errorf(task.CodeInternal, "SQLSTATE"), task.Errorf("odd", "SQLSTATE")} {
		if cause, remedy := fact.Breakdown(err); strings.Contains(cause, "SQLSTATE") || cause == "" || remedy == "" {
			t.Errorf("%v: got %q, %q", err, cause, remedy)
		}
	}
	if cause, remedy := fact.Breakdown(task.Errorf(task.CodeTimeout, "slow")); cause != "slow" || remedy == "" {
		t.Errorf("got %q, %q", cause, remedy)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	repo := task.Repo{Host: "github.com", Owner: "acme", Name: "api"}
	pr := task.PullRequest{Branch: "honk/01J8Z-x", Base: "main"}
	if got, want := fact.OpenURL(repo, pr), "https://github.com/acme/api/compare/main...honk/01J8Z-x?expand=1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for name, change := range map[string]func(*task.Repo, *task.PullRequest){
		"open already": func(_ *task.Repo, pr *task.PullRequest) { pr.Number = 1 },
		"local":        func(r *task.Repo, _ *task.PullRequest) { r.Host = "local" },
		"odd host":     func(r *task.Repo, _ *task.PullRequest) { r.Host = "a@b" },
		"odd branch":   func(_ *task.Repo, pr *task.PullRequest) { pr.Branch = "a b" },
	} {
		r, p := repo, pr
		change(&r, &p)
		if got := fact.OpenURL(r, p); got != "" {
			t.Errorf("%s: got %q", name, got)
		}
	}
	if got := fact.TaskURL("https://honk.acme.io/", "A/b"); got != "https://honk.acme.io/tasks/A%2Fb" {
		t.Errorf("got %q", got)
	}
	if got := fact.TaskURL("", "A"); got != "" {
		t.Errorf("got %q", got)
	}
	for raw, want := range map[string]task.Code{"": "", "https://a": "", "http://a:8080/x": "", "a.b": task.CodeInvalid, "https://a|b": task.CodeInvalid} {
		err := fact.CheckPublicURL(raw)
		if got := task.CodeOf(err); got != want {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

func TestScrubber(t *testing.T) {
	t.Parallel()
	const known = "sk-canary-5c1e9f27ab40"
	scanner, err := secret.New([]string{known}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := fact.NewScrubber(scanner)
	for _, text := range []string{
		known, "sk-\u200Bcanary-5c1e9f27ab40", "sk&#45;canary-5c1e9f27ab40", "ghp_**16C7e42F292c6912E7710c838347Ae178B4a**", base64.StdEncoding.EncodeToString([]byte(known)),
	} {
		for range 2 {
			if got := s.Clean(text); !strings.Contains(got, "redacted") || strings.Contains(got, "canary") || strings.Contains(got, "16C7") {
				t.Errorf("%q is %q", text, got)
			}
		}
	}
	if got := s.Clean("a\u202Eb *c*"); got != "ab *c*" || s.Rule != "" {
		t.Errorf("got %q, %q", got, s.Rule)
	}
	if got := s.Clean(`api_key = "zX9kQ2mV7bN4cR8tY1wP5sD3fG6hJ0aL"`); strings.Contains(got, "zX9k") || s.Rule == "" {
		t.Errorf("got %q, %q", got, s.Rule)
	}
	if got := s.Clean(strings.Repeat("a b ", 20_000)); len(got) > fact.MaxRead {
		t.Errorf("%d bytes", len(got))
	}
}
