package page_test

import (
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"honk/integrations/github/page"
	"honk/internal/runner"
	"honk/internal/secret"
	"honk/internal/task"
	"honk/judge"
	"honk/verify"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	id = task.ID("01J8ZQ4T9V6K2M3N")
	// known is a secret of Honk's own.
	known = "sk-canary-5c1e9f27ab40"
)

func newPages(t testing.TB, opts page.Options) *page.Pages {
	t.Helper()
	scanner, err := secret.New([]string{known}, nil)
	if err != nil {
		t.Fatal(err)
	}
	opts.Secrets = scanner
	p, err := page.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func fullOptions() page.Options {
	return page.Options{
		PublicURL: "https://honk.acme.io/", Details: true, Sandbox: "bwrap, no network",
		Model: "qwen3-coder", CapUSD: 2, Judge: judge.ModeVeto,
	}
}

func newTask(status task.Status) task.Task {
	return task.Task{ID: id, Status: status, Request: task.Request{
		Source: task.SourceGitHub, Prompt: "raise the retry limit to 5\n\nIt gives up too early.",
		Repo:  task.Repo{Host: "github.com", Owner: "acme", Name: "api"},
		Actor: task.Actor{Login: "ada"},
	}}
}

var patch = task.Patch{
	Base: "4be1c02d9f3a4be1c02d9f3a4be1c02d9f3a4be1", Diff: []byte("diff --git a/x b/x\n"),
	Files: []task.FileChange{
		{Path: "queue/retry.go", Kind: task.ChangeModified, Added: 4, Removed: 3},
		{Path: "queue/retry_test.go", Kind: task.ChangeModified, Added: 10},
	},
}

var usage = task.Usage{Steps: 31, InputTokens: 400_000, OutputTokens: 12_345, CostUSD: 0.18}

// gate is one that passed: a build, and tests of which there are more now.
func gate() verify.Gate {
	result := func(name, command string, kind verify.Kind, took time.Duration, tests int) verify.Result {
		return verify.Result{
			Name: name, Command: command, Kind: kind, Status: verify.Pass, Duration: took,
			TestsKnown: tests > 0, TestsRun: tests,
		}
	}
	build := result("go build", "go build ./...", verify.Build, 6*time.Second, 0)
	return verify.Gate{
		Passed: true, Checked: 2,
		Report: verify.Report{Results: []verify.Result{build, result("go test", "go test ./...", verify.Test, 41*time.Second, 212)}},
		Base:   verify.Report{Results: []verify.Result{build, result("go test", "go test ./...", verify.Test, 40*time.Second, 210)}},
	}
}

// redGate is one that did not pass: one new failure, and what was red before.
func redGate() verify.Gate {
	g := gate()
	g.Passed = false
	g.Reasons = []string{"go test: 1 new finding, first queue/retry_test.go:88: TestRetryBackoff: expected 4 tries, got 5"}
	g.Notes = []string{"go test was red on the base commit already"}
	g.New = []verify.Finding{{
		Verifier: "go test", File: "queue/retry_test.go", Line: 88, TestID: "TestRetryBackoff",
		Message: "expected 4 tries, got 5\n" + strings.Repeat("more\n", 40),
	}}
	g.Old = []verify.Finding{{Verifier: "go test", TestID: "TestClock", Message: "time went back"}}
	g.Report.Results[1].Status, g.Report.Results[1].Findings = verify.Fail, slices.Concat(g.New, g.Old)
	g.Base.Results[1].Status = verify.Fail
	return g
}

func result(status task.Status, summary string) *runner.Result {
	return &runner.Result{
		Outcome: task.Outcome{Status: status, Summary: summary, BaseSHA: patch.Base, Usage: usage},
		Patch:   patch, Gate: gate(), Verdict: judge.Verdict{Decision: judge.Approve},
	}
}

// ended is the view of a task that ended in full.
func ended(status task.Status, summary string, change func(*runner.Result)) runner.View {
	v := runner.View{Task: newTask(status), Elapsed: 4*time.Minute + 50*time.Second, Result: result(status, summary)}
	if change != nil {
		change(v.Result)
	}
	return v
}

func views() map[string]runner.View {
	vetoed := func(r *runner.Result) {
		r.Verdict = judge.Verdict{Decision: judge.Reject, Summary: "Not what was asked.", Revisions: []string{
			"the limit of the client changes too, nobody asked for that", "queue/retry.go:12 lost its log line",
		}}
	}
	return map[string]runner.View{
		"queued":       {Task: newTask(task.StatusQueued), Ahead: 2, Elapsed: 65 * time.Second, Waiting: "two tasks of acme/api run already"},
		"queued_empty": {Task: task.Task{ID: id, Status: task.StatusQueued}},
		"running": {
			Task: newTask(task.StatusRunning), Elapsed: 3*time.Minute + 12*time.Second, Step: 18, CostUSD: 0.004,
			Phases: []task.PhaseData{
				{Phase: "checkout", Detail: "acme/api at 4be1c02, 2 verifiers"},
				{Phase: "change", Detail: "bwrap"},
				{Phase: "verify", Detail: "go test: 3 failures in ./queue"},
			},
		},
		"running_again": {Task: newTask(task.StatusRunning), Elapsed: time.Hour + 4*time.Minute, Phases: []task.PhaseData{
			{Phase: "checkout"}, {Phase: "change"}, {Phase: "verify"}, {Phase: "judge"}, {Phase: "change", Detail: "bwrap"},
		}, Waiting: "no step for 10 minutes; the model has not answered"},
		"running_empty": {Task: task.Task{ID: id, Status: task.StatusRunning}},
		"delivered": ended(task.StatusDelivered, "Raised it.", func(r *runner.Result) {
			r.PullRequest = &task.PullRequest{Number: 812, Branch: "honk/01J8Z-raise-retry-limit", Base: "main"}
		}),
		"delivered_branch": ended(task.StatusDelivered, "Raised it.\n\nThe default stays.", func(r *runner.Result) {
			r.PullRequest = &task.PullRequest{Branch: "honk/01J8Z-raise-retry-limit", Base: "main"}
			r.Usage.CostUSD, r.Gate, r.Verdict = 0, verify.Gate{Passed: true}, judge.Verdict{Decision: judge.NotJudged}
		}),
		"no_change": ended(task.StatusNoChange, "The limit is 5 already (queue/retry.go:12).", func(r *runner.Result) { r.Patch = task.Patch{} }),
		"blocked":   ended(task.StatusBlocked, "Which limit: the client's or the server's?", nil),
		"verify_failed": ended(task.StatusVerifyFailed, "", func(r *runner.Result) {
			r.Gate = redGate()
			r.Summary = strings.Join(r.Gate.Reasons, "; ")
		}),
		"verify_failed_broken": ended(task.StatusVerifyFailed, "passes only with the change's own test configuration", func(r *runner.Result) {
			r.Gate.Passed = false
			r.Gate.Report.Results[1] = verify.Result{
				Name: "go test", Kind: verify.Test, Status: verify.Broken,
				Reason: "go is not installed", Output: "sh: go: not found",
			}
			r.Gate.Reasons = []string{"go test could not be checked: go is not installed, and it worked on the base commit"}
		}),
		"vetoed": ended(task.StatusVetoed, "Not what was asked.", vetoed),
		"vetoed_checks": ended(task.StatusVetoed, "", func(r *runner.Result) {
			vetoed(r)
			r.Checks = []judge.Finding{
				{Check: "tests", Severity: judge.Veto, File: "queue/retry_test.go", Line: 9, Message: "TestRetry is removed"},
				{Check: "scope", Severity: judge.Flag, Message: "not shown"},
			}
		}),
		"vetoed_person": ended(task.StatusVetoed, "A person must look.", func(r *runner.Result) {
			r.Verdict = judge.Verdict{Decision: judge.DecisionError, Summary: "A person must look.", Flags: []string{"a.go:3 speaks to the judge"}}
		}),
		"budget_exhausted": ended(task.StatusBudgetExhausted, "The budget of this task has only $0.0020 left.", func(r *runner.Result) {
			r.Usage.CostUSD = 1.998
		}),
		"failed": ended(task.StatusFailed, "internal", func(r *runner.Result) {
			r.Err = task.Errorf(task.CodeUnavailable, "the model at llm.acme.io did not answer within 2 minutes")
		}),
		"failed_internal": ended(task.StatusFailed, "reading \"/var/lib/honk/x\": SQLSTATE 57P01", func(r *runner.Result) {
			r.Err = task.Errorf(task.CodeInternal, "reading \"/var/lib/honk/x\": SQLSTATE 57P01")
		}),
		"cancelled": ended(task.StatusCancelled, "Cancelled by ada.", func(r *runner.Result) { r.Patch = task.Patch{} }),
	}
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func golden(t *testing.T, got *txtar.Archive, name string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, txtar.Format(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(txtar.Format(got))); diff != "" {
		t.Errorf("%s (-want +got); -update accepts it:\n%s", name, diff)
	}
}

func add(a *txtar.Archive, name, text string) {
	a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(strings.TrimRight(text, "\n") + "\n")})
}

func TestTask(t *testing.T) {
	t.Parallel()
	full, bare := newPages(t, fullOptions()), newPages(t, page.Options{PublicURL: "https://honk.acme.io"})
	got := &txtar.Archive{}
	for _, name := range sorted(views()) {
		text := mustTask(t, full, views()[name])
		if !page.HasMarker(text, id) {
			t.Errorf("%s: the marker is not its first line:\n%s", name, text)
		}
		if strings.Contains(text, "SQLSTATE") || strings.Contains(text, "/var/lib") {
			t.Errorf("%s holds internal text:\n%s", name, text)
		}
		add(got, name, text)
	}
	for _, s := range statuses {
		v := runner.View{Task: task.Task{ID: id, Status: s}}
		if s.Final() {
			v.Result = &runner.Result{Outcome: task.Outcome{Status: s}}
		}
		text := mustTask(t, bare, v)
		if strings.Contains(text, "acme") {
			t.Errorf("%s links to a page that is not there:\n%s", s, text)
		}
		add(got, "empty_"+string(s), text)
	}
	golden(t, got, "task.txtar")
}

var statuses = []task.Status{
	task.StatusQueued, task.StatusRunning, task.StatusDelivered, task.StatusNoChange, task.StatusBlocked, task.StatusVerifyFailed,
	task.StatusVetoed, task.StatusBudgetExhausted, task.StatusFailed, task.StatusCancelled,
}

func mustTask(t *testing.T, p *page.Pages, v runner.View) string {
	t.Helper()
	text, err := p.Task(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func publication() runner.Publication {
	return runner.Publication{
		Task: newTask(task.StatusRunning), Patch: patch, Branch: "honk/01J8Z-raise", BaseRef: "main",
		Title: "chore: raise the retry limit to 5", Result: *result(task.StatusRunning, "The retry limit is 5 now.\nThe backoff grows as before."),
	}
}

func TestPullRequest(t *testing.T) {
	t.Parallel()
	got := &txtar.Archive{}
	tests := map[string]struct {
		opts   page.Options
		closes int
		change func(*runner.Publication)
	}{
		"full":  {opts: fullOptions(), closes: 17},
		"empty": {change: func(p *runner.Publication) { *p = runner.Publication{Task: task.Task{ID: id}} }},
		"drafting": {opts: fullOptions(), change: func(p *runner.Publication) {
			p.Patch.Files = []task.FileChange{{Path: ".github/workflows/ci.yml"}, {Path: "docs/CODEOWNERS"}, {Path: "x/.honk.yaml"}, {Path: "a.go"}}
			p.Task.Request.Origin.Shift = "go-1-26@3"
			p.Task.Request.Options.Model = "glm-5"
		}},
		"troubled": {opts: fullOptions(), change: troubled},
	}
	for _, name := range sorted(tests) {
		tt := tests[name]
		pub := publication()
		if tt.change != nil {
			tt.change(&pub)
		}
		title, body, err := newPages(t, tt.opts).PullRequest(pub, tt.closes)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		add(got, name, title+"\n\n"+body)
	}
	golden(t, got, "pull.txtar")
}

// troubled is a change that was published with every kind of reservation.
func troubled(p *runner.Publication) {
	p.Task.Request.Options.Judge = "advise"
	res := func(name string, status verify.Status, reason string) verify.Result {
		return verify.Result{Name: name, Kind: verify.Test, Status: status, Reason: reason}
	}
	noTests := res("npm test", verify.Skipped, "no tests ran")
	noTests.TestsKnown = true
	passedNone := noTests
	passedNone.Name, passedNone.Status, passedNone.Reason = "make test", verify.Pass, ""
	red := res("pytest -k 'a|b'", verify.Fail, "")
	red.TestsKnown, red.TestsRun, red.Skips = true, 9, 2
	partial := res("cargo test", verify.Pass, "")
	partial.TestsKnown, partial.TestsRun, partial.Partial = true, 4, true
	mended := verify.Result{Name: "ruff", Kind: verify.Lint, Status: verify.Pass, Duration: 400 * time.Millisecond}
	redLint := mended
	redLint.Status = verify.Fail
	p.Result.Gate = verify.Gate{
		Passed: true, Checked: 3, Flaky: []string{"TestSlow", "TestTwice"}, Vanished: []string{"TestGone"},
		Notes: []string{"pytest was red on the base commit already", "pytest: TestTwice failed and passed when run again"},
		Report: verify.Report{Results: []verify.Result{
			res("mvn test", verify.Broken, "java is not installed"), res("gradle test", verify.Timeout, "took longer than 10m"),
			noTests, passedNone, red, partial, mended,
		}},
		Base: verify.Report{Results: []verify.Result{red, redLint}},
	}
	p.Result.Checks = []judge.Finding{
		{Check: "dependencies", Severity: judge.Flag, File: "go.mod", Line: 7, Message: "golang.org/x/text is new"},
		{Check: "file_kind", Severity: judge.Flag, File: "run.sh", Message: "the file becomes executable"},
	}
	p.Result.Verdict = judge.Verdict{
		Decision: judge.DecideRevise, Summary: "The default should stay.",
		Flags: []string{"a.go holds zero-width characters"},
	}
	p.Result.Usage = task.Usage{Steps: 1, InputTokens: 1_234_567}
}

func TestReplies(t *testing.T) {
	t.Parallel()
	p := newPages(t, fullOptions())
	got := &txtar.Archive{}
	all := views()
	sha := "9f3a4be1c02d9f3a4be1c02d9f3a4be1c02d9f3a"
	done := result(task.StatusDelivered, "")
	done.PullRequest = &task.PullRequest{Number: 812, HeadSHA: sha}
	answer := func(r *runner.Result) func(string) string {
		return func(k string) string { return p.Answer(k, runner.View{Result: r}) }
	}
	tests := map[string]func(key string) string{
		"help": p.Help,
		"near_miss": func(k string) string {
			return p.NearMiss(k, task.Errorf(task.CodeInvalid, "there is no option %q; did you mean %q?", "jugde:off", "judge:off"))
		},
		"near_other": func(k string) string { return p.NearMiss(k, errors.New("SQLSTATE 57P01")) },
		"status": func(k string) string {
			return p.Status(k, []runner.View{all["running"], all["queued"], all["delivered"]})
		},
		"status_none":       func(k string) string { return p.Status(k, nil) },
		"hand_over":         func(k string) string { return p.HandOver(k, []string{"ci / test", "lint"}, 2) },
		"hand_over_none":    func(k string) string { return p.HandOver(k, nil, 0) },
		"fork":              p.Fork,
		"nothing_to_cancel": p.NothingToCancel,
		"nothing_to_retry":  p.NothingToRetry,
		"still_at_work":     p.StillAtWork,
		"muted":             p.Muted,
		"answer":            answer(done),
		"answer_no_change":  answer(result(task.StatusNoChange, "It is so already.")),
		"answer_failed":     answer(result(task.StatusFailed, "SQLSTATE")),
		"answer_early":      answer(nil),
	}
	for _, name := range sorted(tests) {
		text := tests[name]("review/42/" + name)
		if !page.HasReplyMarker(text, "review/42/"+name) || strings.Contains(text, "fault of Honk") {
			t.Errorf("%s: the marker is not its first line:\n%s", name, text)
		}
		if strings.Contains(text, "SQLSTATE") {
			t.Errorf("%s holds internal text:\n%s", name, text)
		}
		add(got, name, text)
	}
	golden(t, got, "reply.txtar")
}
