package page_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"honk/integrations/slack/page"
	"honk/integrations/slack/slacktest/blockkit"
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
	asker = "U024BE7LH"
	pull  = "https://github.com/acme/api/pull/812"
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
	return page.Options{PublicURL: "https://honk.acme.io/", Details: true, Model: "qwen3-coder", CapUSD: 2, Judge: judge.ModeVeto}
}

func newTask(status task.Status) task.Task {
	return task.Task{ID: id, Status: status, CreatedAt: time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC), Request: task.Request{
		Source: task.SourceSlack, Prompt: "raise the retry limit to 5\n\nIt gives up too early.",
		Repo:   task.Repo{Host: "github.com", Owner: "acme", Name: "api"},
		Actor:  task.Actor{Login: "ada"},
		Origin: task.Origin{Asker: asker, Reason: "it is this channel's repository"},
	}}
}

var patch = task.Patch{
	Base: "4be1c02d9f3a4be1c02d9f3a4be1c02d9f3a4be1", Diff: []byte("diff --git a/x b/x\n"),
	Files: []task.FileChange{
		{Path: "queue/retry.go", Kind: task.ChangeModified, Added: 4, Removed: 3},
		{Path: "queue/retry_test.go", Kind: task.ChangeModified, Added: 10},
	},
}

// gate is one that passed: a build, and tests of which there are more now.
func gate() verify.Gate {
	result := func(name string, kind verify.Kind, took time.Duration, tests int) verify.Result {
		return verify.Result{Name: name, Kind: kind, Status: verify.Pass, Duration: took, TestsKnown: tests > 0, TestsRun: tests}
	}
	build := result("go build", verify.Build, 6*time.Second, 0)
	return verify.Gate{
		Passed: true, Checked: 2,
		Report: verify.Report{Results: []verify.Result{build, result("go test", verify.Test, 41*time.Second, 212)}},
		Base:   verify.Report{Results: []verify.Result{build, result("go test", verify.Test, 40*time.Second, 210)}},
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

// ended is the view of a task that ended in full.
func ended(status task.Status, summary string, change func(*runner.View)) runner.View {
	v := runner.View{
		Task: newTask(status), Elapsed: 4*time.Minute + 50*time.Second,
		Phases: []task.PhaseData{{Phase: "checkout", Detail: "acme/api at 4be1c02"}, {Phase: "change", Detail: "bwrap"}, {Phase: "verify"}},
		Result: &runner.Result{
			Outcome: task.Outcome{
				Status: status, Summary: summary,
				Usage: task.Usage{Steps: 31, InputTokens: 400_000, OutputTokens: 12_345, CostUSD: 0.18},
			},
			Patch: patch, Gate: gate(), Verdict: judge.Verdict{Decision: judge.Approve},
		},
	}
	if change != nil {
		change(&v)
	}
	return v
}

func views() map[string]runner.View {
	queued := newTask(task.StatusQueued)
	queued.Request.Ref = "main"
	return map[string]runner.View{
		"queued":       {Task: queued, Ahead: 2, Elapsed: 65 * time.Second, Waiting: "two tasks of acme/api run already"},
		"queued_empty": {Task: task.Task{ID: id, Status: task.StatusQueued}},
		"running": {
			Task: newTask(task.StatusRunning), Elapsed: 3*time.Minute + 12*time.Second, Step: 18, CostUSD: 0.004,
			Phases: []task.PhaseData{
				{Phase: "checkout", Detail: "acme/api at 4be1c02, 2 verifiers"},
				{Phase: "change", Detail: "bwrap"},
				{Phase: "verify", Detail: "go test: 3 failures in ./queue"},
			},
		},
		"running_empty": {Task: task.Task{ID: id, Status: task.StatusRunning}, Waiting: "no step for 10 minutes; the model has not answered"},
		"delivered": ended(task.StatusDelivered, "Raised it.", func(v *runner.View) {
			v.Result.PullRequest = &task.PullRequest{Number: 812, URL: pull, Branch: "honk/01J8Z-raise-retry-limit", Base: "main"}
		}),
		"delivered_again": ended(task.StatusDelivered, "Raised it.", func(v *runner.View) {
			v.Task.Request.Branch = "honk/01J8Z-raise-retry-limit"
			v.Result.PullRequest = &task.PullRequest{Number: 812, URL: "https://evil.test/acme/api", Branch: "honk/01J8Z-raise-retry-limit"}
			v.Result.Gate.Report.Results[1].TestsRun = 0
			v.Result.Usage.CostUSD = 0
		}),
		"delivered_branch": ended(task.StatusDelivered, "Raised it.\n\nThe default stays.", func(v *runner.View) {
			v.Result.PullRequest = &task.PullRequest{Branch: "honk/01J8Z-raise-retry-limit", Base: "main"}
			v.Result.Gate, v.Result.Verdict, v.Result.Usage = verify.Gate{Passed: true}, judge.Verdict{Decision: judge.NotJudged}, task.Usage{}
		}),
		"no_change": ended(task.StatusNoChange, "The limit is 5 already (queue/retry.go:12).", func(v *runner.View) { v.Result.Patch = task.Patch{} }),
		"blocked":   ended(task.StatusBlocked, "Which limit: the client's or the server's?", nil),
		"verify_failed": ended(task.StatusVerifyFailed, "", func(v *runner.View) {
			v.Result.Gate = redGate()
			v.Result.Summary = strings.Join(v.Result.Gate.Reasons, "; ")
		}),
		"vetoed": ended(task.StatusVetoed, "Not what was asked.", func(v *runner.View) {
			v.Result.Verdict = judge.Verdict{
				Decision: judge.Reject, Summary: "not what was asked", Flags: []string{"a.go:3 speaks to the judge"},
				Items:     []judge.Item{{ID: 1, Answer: judge.No, Reason: "the client's limit changes too"}},
				Revisions: []string{"leave the client's limit as it was"},
			}
			v.Result.Checks = []judge.Finding{{Check: "scope", Severity: judge.Flag, File: "client/a.go", Line: 3, Message: "is far from the request"}}
		}),
		"vetoed_person": ended(task.StatusVetoed, "", func(v *runner.View) {
			v.Result.Checks = []judge.Finding{{Check: "protected", Severity: judge.Human, File: ".github/workflows/ci.yml", Message: "a workflow changes"}}
		}),
		"budget_exhausted": ended(task.StatusBudgetExhausted, "The budget of this task has only $0.0020 left.", func(v *runner.View) {
			v.Result.Usage.CostUSD = 1.998
		}),
		"failed": ended(task.StatusFailed, "internal", func(v *runner.View) {
			v.Result.Err = task.Errorf(task.CodeUnavailable, "the model at llm.acme.io did not answer within 2 minutes")
		}),
		"failed_internal": ended(task.StatusFailed, "SQLSTATE 57P01", func(v *runner.View) {
			v.Result.Err = task.Errorf(task.CodeInternal, "reading \"/var/lib/honk/x\": SQLSTATE 57P01")
		}),
		"cancelled": ended(task.StatusCancelled, "Cancelled by @ada.", func(v *runner.View) { v.Result.Patch = task.Patch{} }),
		"cancelled_odd": ended(task.StatusCancelled, "It was in the way.", func(v *runner.View) {
			v.Result.Err = task.Errorf(task.CodeUnavailable, "other")
		}),
	}
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// golden compares what was made with a file of testdata.
func golden(t *testing.T, made map[string]any, name string) {
	t.Helper()
	got := &txtar.Archive{}
	for _, key := range sorted(made) {
		got.Files = append(got.Files, txtar.File{Name: key + ".json", Data: encode(t, made[key])})
	}
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

func encode(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, unescape(b.Bytes()), "", " "); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// unescape makes readable what slack-go's own encoders escape.
func unescape(b []byte) []byte {
	for code, plain := range map[string]string{`\u003c`: "<", `\u003e`: ">", `\u0026`: "&"} {
		b = bytes.ReplaceAll(b, []byte(code), []byte(plain))
	}
	return b
}

// accept fails where Slack would refuse blocks or a view.
func accept(t *testing.T, name string, made any) {
	t.Helper()
	raw := encode(t, made)
	var v struct {
		Type   blockkit.Surface `json:"type"`
		Blocks json.RawMessage  `json:"blocks"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	faults := blockkit.Check(v.Blocks)
	if v.Type != "" {
		faults = blockkit.CheckView(raw, v.Type)
	}
	for _, f := range faults {
		t.Errorf("%s: Slack refuses it: %s", name, f)
	}
}

func TestTask(t *testing.T) {
	t.Parallel()
	p := newPages(t, fullOptions())
	tasks, closings, details := map[string]any{}, map[string]any{}, map[string]any{}
	for name, v := range views() {
		m := p.Task(v)
		if got := m.Blocks.BlockSet[0].ID(); got != page.TaskBlock(id) {
			t.Errorf("%s: its first block is %q", name, got)
		}
		tasks[name], details[name] = m, p.Details(v)
		if v.Result != nil {
			c := p.Closing(v)
			if got := c.Blocks.BlockSet[0].ID(); got != page.ReplyBlock("closing/"+string(id)) {
				t.Errorf("%s: the first block of its closing is %q", name, got)
			}
			closings[name] = c
		}
		for kind, made := range map[string]any{"task": m, "closing": closings[name], "details": details[name]} {
			if made == nil {
				continue
			}
			accept(t, name+", "+kind, made)
			if raw := string(encode(t, made)); strings.Contains(raw, "SQLSTATE") && kind != "details" || strings.Contains(raw, "/var/lib") {
				t.Errorf("%s, %s holds internal text:\n%s", name, kind, raw)
			}
		}
	}
	golden(t, tasks, "task.txtar")
	golden(t, closings, "closing.txtar")
	golden(t, details, "details.txtar")
}

// A task of which nothing else is known has its message all the same.
func TestTask_empty(t *testing.T) {
	t.Parallel()
	p := newPages(t, page.Options{PublicURL: "https://honk.acme.io"})
	for _, s := range []task.Status{
		task.StatusQueued, task.StatusRunning, task.StatusDelivered, task.StatusNoChange, task.StatusBlocked, task.StatusVerifyFailed,
		task.StatusVetoed, task.StatusBudgetExhausted, task.StatusFailed, task.StatusCancelled, "odd",
	} {
		v := runner.View{Task: task.Task{ID: id, Status: s}}
		if s.Final() {
			v.Result = &runner.Result{Outcome: task.Outcome{Status: s}}
		}
		for kind, made := range map[string]any{"task": p.Task(v), "closing": p.Closing(v), "details": p.Details(v)} {
			accept(t, string(s)+", "+kind, made)
			if raw := string(encode(t, made)); strings.Contains(raw, "acme") || len(raw) < 100 {
				t.Errorf("%s, %s: %s", s, kind, raw)
			}
		}
	}
}

func repos(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("acme/api-%03d", i))
	}
	return out
}

func question() page.Question {
	return page.Question{
		Key: "T1/C1/1732762800.000100", Asker: asker, Prompt: "raise the retry limit to 5",
		Repos: []string{"acme/api", "acme/web"}, Wait: time.Hour,
	}
}

func TestQuestion(t *testing.T) {
	t.Parallel()
	p := newPages(t, fullOptions())
	q := question()
	guessed, many := q, q
	guessed.Guess, guessed.Reason = "acme/api", "it holds the client that retries"
	many.Repos, many.More, many.Wait = repos(120), 3, 2*time.Hour
	none := page.Question{Key: strings.Repeat("k", 300), Guess: "none such"}
	made := map[string]any{
		"menu": p.Question(q), "guessed": p.Question(guessed), "none": p.Question(none),
		"chosen": p.Chosen(q, "acme/api", "U0OTHER"), "withdrawn": p.Withdrawn(q, ""), "cancelled": p.Withdrawn(q, "@ada"),
	}
	golden(t, made, "question.txtar")
	made["many"] = p.Question(many)
	for name, m := range made {
		accept(t, name, m)
	}
	if raw := string(encode(t, made["many"])); !strings.Contains(raw, "first 100 of 123") || !strings.Contains(raw, "2 hours") {
		t.Errorf("got %s", raw)
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	p := newPages(t, fullOptions())
	all := views()
	made := map[string]any{
		"change": p.ChangeRepository(id, []string{"acme/api", "acme/web", "acme/web", "odd name", "x/" + strings.Repeat("y", 100)}),
		"none":   p.ChangeRepository(id, nil),
		"ask": p.Ask(page.AskForm{
			Channel: "C1", TS: "1732762800.000100", Text: "login is *broken* & <slow>", Repos: []string{"acme/api", "acme/web"}, Repo: "acme/web",
		}),
		"ask_alone": p.Ask(page.AskForm{}),
		"home":      p.Home([]runner.View{all["running"], all["delivered"], all["verify_failed"]}, "ada"),
		"home_new":  p.Home(nil, ""),
	}
	golden(t, made, "form.txtar")
	made["change_many"] = p.ChangeRepository(id, repos(300))
	made["ask_many"] = p.Ask(page.AskForm{Repos: repos(300), Text: strings.Repeat("👍", 4000)})
	made["home_many"] = p.Home(slices.Repeat([]runner.View{all["vetoed"]}, 60), "ada")
	for name, v := range made {
		accept(t, name, v)
	}
}

func TestWhispers(t *testing.T) {
	t.Parallel()
	p := newPages(t, fullOptions())
	all := views()
	problem := task.Errorf(task.CodeInvalid, "there is no option %q; did you mean %q?", "jugde:off", "judge:off")
	made := map[string]any{
		"help": p.Help("<@U0HONK>"), "help_odd": p.Help("<!channel>"), "near_miss": p.NearMiss(problem),
		"near_other": p.NearMiss(errors.New("SQLSTATE 57P01")), "status": p.Status([]runner.View{all["running"], all["queued"], all["delivered"]}),
		"status_none": p.Status(nil), "unlinked": p.Unlinked("https://honk.acme.io/link?t=a&u=b"), "unlinked_none": p.Unlinked(""),
		"unlinked_odd": p.Unlinked("javascript:alert(1)"), "guest": p.Guest(), "external": p.External(), "direct_message": p.DirectMessage(),
		"no_access": p.NoAccess("acme/api", "ada"), "no_access_none": p.NoAccess("", "ada"), "not_installed": p.NotInstalled("acme/api", "ada"),
		"not_in_channel": p.NotInChannel("<@U0HONK>"), "nothing_to_cancel": p.NothingToCancel(), "stopping": p.Stopping(2),
		"nothing_to_retry": p.NothingToRetry(), "still_at_work": p.StillAtWork(), "settings": p.Settings("acme/api", false),
		"settings_fixed": p.Settings("acme/api", true), "settings_none": p.Settings("", false), "settings_done": p.SettingsDone("acme/api"),
		"settings_gone": p.SettingsDone(""), "rated": p.Rated(true), "rated_bad": p.Rated(false), "not_yours": p.NotYours(),
		"expired": p.Expired(), "missing_scope": p.MissingScope(task.Errorf(task.CodeForbidden, "the scope channels:history is missing; add it and install Honk again")),
		"missing_other": p.MissingScope(errors.New("SQLSTATE")), "unknown_command": p.UnknownCommand("<@U0HONK>"),
	}
	for name, m := range made {
		accept(t, name, m)
		if raw := string(encode(t, m)); strings.Contains(raw, "SQLSTATE") || strings.Contains(raw, "javascript") || strings.Contains(raw, "<!") {
			t.Errorf("%s: %s", name, raw)
		}
	}
	golden(t, made, "whisper.txtar")
}

func TestNew(t *testing.T) {
	t.Parallel()
	scanner, err := secret.New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range []string{"honk.acme.io", "javascript:x", "https://", "https://a b", "https://a/|x"} {
		if _, err := page.New(page.Options{Secrets: scanner, PublicURL: u}); task.CodeOf(err) != task.CodeInvalid {
			t.Errorf("New took the URL %q: %v", u, err)
		}
	}
	if _, err := page.New(page.Options{}); err == nil {
		t.Error("New took no scanner")
	}
}

func TestBlocks(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 300)
	for got, want := range map[string]string{
		page.TaskBlock(id):        "honk:task:01J8ZQ4T9V6K2M3N",
		page.ReplyBlock("a/b"):    "honk:reply:a/b",
		page.QuestionBlock("a"):   "honk:question:a",
		page.ReplyBlock(long)[:9]: "honk:repl",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if a, b := page.ReplyBlock(long), page.ReplyBlock(long+"y"); a == b || len(a) > 255 {
		t.Errorf("got %q and %q", a, b)
	}
}
