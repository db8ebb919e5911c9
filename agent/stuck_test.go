package agent_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"honk/agent"
	"honk/internal/llm"
	"honk/internal/llm/llmtest"
	"honk/verify"
)

func TestRut(t *testing.T) {
	t.Parallel()
	type h = agent.Happening
	times := func(n int, hs ...h) []h {
		var out []h
		for range n {
			out = append(out, hs...)
		}
		return out
	}
	a, b := h{Call: "a", Output: "1"}, h{Call: "b", Output: "2"}
	bad, text := h{Call: "a", Output: "e", Failed: true}, h{Text: true}
	red, change := h{Call: "v", Complaints: "x", Output: "red"}, h{Call: "e", Changed: true}
	fix := func(i int) h { return h{Call: fmt.Sprint("edit ", i), Changed: true} }
	tests := []struct {
		name string
		seen []h
		want string
	}{
		{"nothing", nil, ""},
		{"same thrice", times(3, a), ""},
		{"same four times", times(4, a), "same result 4 times"},
		{"same call, other output", []h{a, a, a, {Call: "a", Output: "2"}}, ""},
		{"broken by another", []h{a, a, b, a, a}, ""},
		{"error twice", times(2, bad), ""},
		{"error thrice", times(3, bad), "failed in the same way 3 times"},
		{"other errors", []h{bad, {Call: "a", Output: "f", Failed: true}, bad}, ""},
		{"text twice", times(2, text), ""},
		{"text thrice", times(3, text), "held no tool call"},
		{"turns, five", append(times(2, a, b), a), ""},
		{"turns, six", times(3, a, b), "take turns"},
		{"turns of three", times(3, a, b, text), ""},
		{"three repairs", []h{red, fix(1), red, fix(2), red, fix(3), red}, "after 3 repairs"},
		{"two repairs", []h{red, fix(1), red, fix(2), red}, ""},
		{"asked again without a change", []h{red, fix(1), red, a, red, fix(2), red}, ""},
		{"another failure between", []h{red, fix(1), red, fix(2), {Call: "v", Complaints: "y"}, fix(3), red, fix(4), red}, ""},
		{"changes", []h{change, a, change, a}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := agent.Rut(tt.seen)
			if (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestStuck_nudgedThenStopped(t *testing.T) {
	t.Parallel()
	same := bash("date; exit 0")
	same.Times = 8
	b := setup(t, same)
	res := b.run(agent.Options{})
	b.wantExit(res, agent.ExitFailed)
	b.wantTold(4, 1, "You seem to be stuck: the same call gave the same result 4 times in a row")
	if !strings.Contains(res.Reason, "the agent is stuck") || res.Usage.Steps != 8 {
		t.Errorf("after %d steps: %q", res.Usage.Steps, res.Reason)
	}
}

func TestStuck_heedsNudge(t *testing.T) {
	t.Parallel()
	same := bash("false")
	same.Times = 3
	b := setup(t, append([]llmtest.Step{same}, mended()...)...)
	b.wantExit(b.run(agent.Options{}), agent.ExitDone)
	b.wantTold(3, 1, "failed in the same way 3 times")
}

// looking returns a step that views ever other lines, without end.
func looking() llmtest.Step {
	n := 0
	return llmtest.Step{Times: -1, Func: func(_ context.Context, req llm.Request) (llm.Response, error) {
		n++
		msg := llm.Message{Role: llm.RoleAssistant, Calls: []llm.ToolCall{{
			ID: fmt.Sprintf("look_%d", n), Name: "view", Arguments: fmt.Sprintf(`{"path":"big.txt","start_line":%d,"max_lines":40}`, n),
		}}}
		return llm.Response{Message: msg, Finish: llm.FinishToolCalls, Usage: llm.Usage{InputTokens: size(req) / 4, OutputTokens: 20}}, nil
	}}
}

func size(req llm.Request) int {
	n := 0
	for _, m := range req.Messages {
		n += len(m.Content)
		for _, c := range m.Calls {
			n += len(c.Arguments)
		}
	}
	return n
}

func bigText() string {
	var b strings.Builder
	for i := range 400 {
		fmt.Fprintf(&b, "this is line %d of a text that is of no importance\n", i+1)
	}
	return b.String()
}

func TestStuck_idle(t *testing.T) {
	t.Parallel()
	b := setup(t, view("main.go"), edit("a - b", "a + b"), looking())
	b.write("big.txt", bigText())
	res := b.run(agent.Options{Limits: agent.Limits{Steps: 250}})
	if res.Exit != agent.ExitFailed || !strings.Contains(res.Reason, "no file has changed for 25 steps") {
		t.Errorf("%s: %s", res.Exit, res.Reason)
	}
	if got := res.Usage.Steps; got < 52 || got > 105 {
		t.Errorf("stopped after %d steps", got)
	}
}

func TestStuck_sameFindings(t *testing.T) {
	t.Parallel()
	steps := []llmtest.Step{view("main.go")}
	for i := range 4 {
		steps = append(steps, edit(fmt.Sprint("a - b", strings.Repeat(" - 0", i)), fmt.Sprint("a - b", strings.Repeat(" - 0", i+1))), llmtest.Use("verify", args{}))
	}
	b := setup(t, append(steps, finish("blocked", "Which?"))...)
	b.in.VerifyFunc = func(context.Context, []string) (verify.Gate, error) { return failing("same"), nil }
	b.wantExit(b.run(agent.Options{}), agent.ExitBlocked)
	b.wantTold(9, 1, "the checks fail in the same way after 3 repairs")
}
