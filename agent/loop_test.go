package agent_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/agent"
	"honk/internal/llm"
	"honk/internal/llm/llmtest"
	"honk/internal/task"
)

func TestRun_done(t *testing.T) {
	t.Parallel()
	b := setup(t, mended()...)
	res := b.run(agent.Options{})
	b.wantExit(res, agent.ExitDone)
	if res.Summary != "It adds." || res.Reason != "" {
		t.Errorf("summary %q, reason %q", res.Summary, res.Reason)
	}
	if diff := cmp.Diff([]string{"main.go"}, res.Viewed); diff != "" {
		t.Errorf("viewed (-want +got):\n%s", diff)
	}
	if res.Usage.Steps != 4 || res.Transcript.Steps != 4 || res.Usage.InputTokens == 0 {
		t.Errorf("usage = %+v, steps = %d", res.Usage, res.Transcript.Steps)
	}
	got, err := os.ReadFile(filepath.Join(b.dir, "main.go"))
	if err != nil || !strings.Contains(string(got), "a + b") {
		t.Errorf("main.go = %q, %v", got, err)
	}
	var kinds []string
	for _, e := range b.events {
		line := fmt.Sprint(e.step, " ", e.kind)
		if d, ok := e.data.(task.ToolData); ok {
			line += " " + d.Title
		}
		kinds = append(kinds, line)
	}
	want := []string{
		"1 reply", "1 tool view main.go:1-5", "2 reply", "2 tool edit main.go (+1 -1)",
		"3 reply", "3 tool finish: checklist", "4 reply", "4 tool finish: done",
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// Rule 1: replies that cannot be used are charged, and three in a row end the
// run.
func TestRun_uselessReplies(t *testing.T) {
	t.Parallel()
	b := setup(t, fail(llm.ClassEmpty), llmtest.Use("nonsense", args{}), fail(llm.ClassEmpty))
	res := b.run(agent.Options{})
	b.wantExit(res, agent.ExitFailed)
	if res.Usage.Steps != 3 || res.Usage.OutputTokens < 6 {
		t.Errorf("usage = %+v, want 3 steps and what they cost", res.Usage)
	}
	b.wantTold(1, 1, "neither text nor a tool call")

	b = setup(t, append([]llmtest.Step{fail(llm.ClassEmpty), fail(llm.ClassEmpty), view("main.go"), fail(llm.ClassEmpty), fail(llm.ClassEmpty)}, mended()...)...)
	b.wantExit(b.run(agent.Options{}), agent.ExitDone)
}

// Rule 2: every call gets an answer, whatever becomes of it.
func TestRun_everyCallIsAnswered(t *testing.T) {
	t.Parallel()
	var calls []llmtest.Call
	for range 18 {
		calls = append(calls, llmtest.Call{Name: "view", Arguments: args{"path": "main.go"}})
	}
	calls[1] = llmtest.Call{Name: "no such tool!", Arguments: "not json"}
	calls[2] = llmtest.Call{ID: "same", Name: "bash", Arguments: `{"command":`}
	calls[3] = llmtest.Call{ID: "same", Name: "bash", Arguments: args{"command": "echo ran"}}
	calls[4] = llmtest.Call{ID: "last", Name: "finish", Arguments: args{"summary": "x", "status": "blocked"}}
	b := setup(t, llmtest.Step{Calls: calls}, finish("blocked", "Which?"))
	res := b.run(agent.Options{})
	b.wantExit(res, agent.ExitBlocked)
	b.wantTold(1, 18, "There is no tool")
	b.wantTold(1, 18, "arguments of bash are wrong")
	b.wantTold(1, 18, "ran\nexit code 0")
	b.wantTold(1, 18, "Not executed: an earlier call of the same reply failed")
	b.wantTold(1, 2, "Not executed: at most 16 calls")
	for _, m := range b.model.Requests()[1].Messages {
		for _, c := range m.Calls {
			if c.ID == "same" && c.Arguments != "{}" {
				t.Errorf("a broken call is stored as %s", c.Arguments)
			}
		}
	}
}

// Rule 3: a reply that was cut off loses its half-written calls, and hears why.
func TestRun_cutReply(t *testing.T) {
	t.Parallel()
	b := setup(t,
		llmtest.Step{Text: "I write.", Finish: llm.FinishLength, Calls: []llmtest.Call{
			{Name: "view", Arguments: args{"path": "main.go"}},
			{Name: "write", Arguments: `{"path":"a","content":"halfwritten`},
		}},
		llmtest.Step{Text: "thinking", Finish: llm.FinishLength},
		llmtest.Step{Text: "calls, I say", Finish: llm.FinishToolCalls},
		finish("blocked", "Which?"))
	res := b.run(agent.Options{Limits: agent.Limits{MaxTokens: 777}})
	b.wantExit(res, agent.ExitBlocked)
	b.wantTold(1, 2, "1\tpackage main")
	b.wantTold(1, 1, "limit of 777 output tokens")
	b.wantTold(2, 1, "limit of 777 output tokens")
	b.wantTold(3, 1, "cut off, and a call")
	if strings.Contains(jsonOf(t, res.Transcript.Messages), "halfwritten") {
		t.Error("the half-written call is in the history")
	}
}

// Rule 4: readers run at the same time, writers in order, and one failure
// drops no other result.
func TestRun_order(t *testing.T) {
	t.Parallel()
	b := setup(t,
		llmtest.Step{Calls: []llmtest.Call{
			{Name: "view", Arguments: args{"path": "absent"}},
			{Name: "view", Arguments: args{"path": "main.go"}},
			{Name: "search", Arguments: args{"pattern": "add"}},
			{Name: "bash", Arguments: args{"command": "echo one > log"}},
			{Name: "bash", Arguments: args{"command": "exit 1"}},
			{Name: "bash", Arguments: args{"command": "echo two >> log"}},
			{Name: "view", Arguments: args{"path": "log"}},
		}},
		finish("blocked", "Which?"))
	b.wantExit(b.run(agent.Options{}), agent.ExitBlocked)
	b.wantTold(1, 7, "There is no file \"absent\"")
	b.wantTold(1, 7, "main.go, lines 1-5")
	b.wantTold(1, 1, "1\tone\n     2\ttwo")
}

func TestRun_recordFails(t *testing.T) {
	t.Parallel()
	b := setup(t, view("main.go"))
	full := errors.New("disk full")
	b.in.RecordFunc = func(context.Context, task.EventKind, int, any) error { return full }
	_, err := agent.New(b.model, agent.Options{}).Run(t.Context(), b.in)
	if !errors.Is(err, full) {
		t.Errorf("err = %v, want %v", err, full)
	}
	if n := len(b.model.Requests()); n != 1 {
		t.Errorf("%d requests, want none after the failure", n)
	}
}

func TestRun_modelErrors(t *testing.T) {
	t.Parallel()
	for _, class := range []llm.Class{llm.ClassTransient, llm.ClassRateLimit, llm.ClassQuota, llm.ClassCaller} {
		b := setup(t, view("main.go"), fail(class))
		res, err := agent.New(b.model, agent.Options{}).Run(t.Context(), b.in)
		if llm.ClassOf(err) != class {
			t.Errorf("%s: err = %v", class, err)
		}
		if res.Transcript == nil || res.Usage.Steps != 1 {
			t.Errorf("%s: the result beside the error is %+v", class, res)
		}
	}
	b := setup(t, fail(llm.ClassPolicy))
	if res := b.run(agent.Options{}); res.Exit != agent.ExitFailed || !strings.Contains(res.Reason, "refused the content") {
		t.Errorf("policy: %+v", res)
	}
	b = setup(t, llmtest.Step{Text: "x", Finish: llm.FinishFilter})
	if res := b.run(agent.Options{}); res.Exit != agent.ExitFailed || !strings.Contains(res.Reason, "filtered") {
		t.Errorf("filter: %+v", res)
	}
}

func TestRun_steps(t *testing.T) {
	t.Parallel()
	last := llmtest.Use("finish", args{"summary": "Half done; main.go is next."})
	last.When = func(r llm.Request) bool { return r.ForceTool == "finish" }
	b := setup(t, last, view("main.go"), view("README.md"), bash("ls"))
	res := b.run(agent.Options{Limits: agent.Limits{Steps: 3}})
	b.wantExit(res, agent.ExitBudget)
	if res.Reason != "the limit of 3 steps is reached" || res.Summary != "Half done; main.go is next." {
		t.Errorf("reason %q, summary %q", res.Reason, res.Summary)
	}
	b.wantTold(3, 1, "last turn")

	// A model that does not answer the last turn changes nothing but that.
	b = setup(t, view("main.go"), bash("ls"))
	b.wantExit(b.run(agent.Options{Limits: agent.Limits{Steps: 2}}), agent.ExitBudget)
}

func TestRun_budget(t *testing.T) {
	t.Parallel()
	freed := false
	last := llmtest.Use("finish", args{"summary": "Nothing yet."})
	last.When = func(r llm.Request) bool { return freed && r.ForceTool == "finish" }
	b := setup(t, last, view("main.go"), fail(llm.ClassBudget))
	spent := 0.5
	res := b.run(agent.Options{
		SpentFunc:  func() (float64, float64) { spent += 0.1; return spent, 1 },
		WrapUpFunc: func() { freed = true },
	})
	b.wantExit(res, agent.ExitBudget)
	if !strings.Contains(res.Reason, "the budget is used up (scripted)") || res.Summary != "Nothing yet." || res.Usage.CostUSD <= 0 {
		t.Errorf("%+v", res)
	}
}

func TestRun_warned(t *testing.T) {
	t.Parallel()
	b := setup(t, append([]llmtest.Step{bash("ls")}, mended()...)...)
	b.wantExit(b.run(agent.Options{Limits: agent.Limits{Steps: 5}}), agent.ExitDone)
	b.wantTold(4, 1, "4 of 5 steps are used up")

	b = setup(t, mended()...)
	b.wantExit(b.run(agent.Options{SpentFunc: func() (float64, float64) { return 0.81, 1 }}), agent.ExitDone)
	b.wantTold(0, 1, "Most of the budget is used up")
	if strings.Count(b.told(3, 20), "used up") != 1 {
		t.Error("the model was warned more than once")
	}
}

func TestRun_time(t *testing.T) {
	t.Parallel()
	last := llmtest.Use("finish", args{"summary": "Out of time."})
	last.When = func(r llm.Request) bool { return r.ForceTool == "finish" }
	b := setup(t, last, bash("sleep 30"))
	began := time.Now()
	res := b.run(agent.Options{Limits: agent.Limits{Time: 2 * time.Second}})
	b.wantExit(res, agent.ExitBudget)
	if res.Reason != "the time limit of 2s is reached" || res.Summary != "Out of time." || res.Transcript.Elapsed < 2*time.Second {
		t.Errorf("%+v", res)
	}
	b.wantTold(1, 2, "Interrupted: the run's time is up")
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestRun_cancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	b := setup(t, llmtest.Step{Func: func(ctx context.Context, _ llm.Request) (llm.Response, error) {
		cancel()
		return llm.Response{}, ctx.Err()
	}})
	res, err := agent.New(b.model, agent.Options{}).Run(ctx, b.in)
	if err != nil || res.Exit != agent.ExitCancelled {
		t.Errorf("got %+v, %v", res, err)
	}
}

func TestRun_timeoutsInRow(t *testing.T) {
	t.Parallel()
	slow := func(s string) llmtest.Step {
		return llmtest.Use("bash", args{"command": s, "timeout_s": 1})
	}
	b := setup(t, slow("sleep 31"), slow("sleep 32"), slow("sleep 33"))
	res := b.run(agent.Options{})
	b.wantExit(res, agent.ExitFailed)
	if !strings.Contains(res.Reason, "3 commands in a row ran out of time") {
		t.Errorf("reason = %q", res.Reason)
	}
}

func TestRun_sandboxGone(t *testing.T) {
	t.Parallel()
	b := setup(t, view("main.go"))
	if err := b.in.Sandbox.Close(); err != nil {
		t.Fatal(err)
	}
	res, err := agent.New(b.model, agent.Options{}).Run(t.Context(), b.in)
	if err == nil || llm.ClassOf(err) != "" {
		t.Errorf("err = %v, want the sandbox's", err)
	}
	b.wantExit(res, agent.ExitFailed)
}

// Rule 8: the first messages hold all there is to know, and what others wrote
// in them is fenced with a nonce they cannot know.
func TestRun_firstMessages(t *testing.T) {
	t.Parallel()
	b := setup(t, finish("no_change_needed", "Nothing to do."))
	b.in.Prompt = "Add <b> & keep \"quotes\"."
	b.in.Context = []task.Note{{Author: "ann", Text: "See main.go."}}
	b.in.Instructions = map[string]string{"CLAUDE.md": "two", "AGENTS.md": "one"}
	res := b.run(agent.Options{})
	b.wantExit(res, agent.ExitNoChange)
	first := b.model.Requests()[0].Messages
	if len(first) != 2 || first[0].Role != llm.RoleSystem || first[1].Role != llm.RoleUser {
		t.Fatalf("%d messages begin the conversation", len(first))
	}
	at := 0
	for _, want := range []string{"acme/sums", "=== request ", b.in.Prompt, "--- ann, time unknown\nSee main.go.", "=== AGENTS.md ", "one", "=== CLAUDE.md ", "two", "- go test (test): go test ./...", "README.md\nmain.go"} {
		i := strings.Index(first[1].Content[at:], want)
		if i < 0 {
			t.Fatalf("%q is missing, or out of order, in\n%s", want, first[1].Content)
		}
		at += i + len(want)
	}
	if len(res.Transcript.PromptVersion) != 12 {
		t.Errorf("prompt version = %q", res.Transcript.PromptVersion)
	}
	other := setup(t, finish("no_change_needed", "Nothing to do."))
	other.run(agent.Options{})
	if other.model.Requests()[0].Messages[0].Content != first[0].Content {
		t.Error("the system prompt differs between runs")
	}
}
