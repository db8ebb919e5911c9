package agent_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"honk/agent"
	"honk/internal/llm"
	"honk/internal/llm/llmtest"
	"honk/verify"
)

func TestPaired(t *testing.T) {
	t.Parallel()
	user := llm.Message{Role: llm.RoleUser, Content: "u"}
	calls := func(ids ...string) llm.Message {
		m := llm.Message{Role: llm.RoleAssistant}
		for _, id := range ids {
			m.Calls = append(m.Calls, llm.ToolCall{ID: id, Name: "view", Arguments: "{}"})
		}
		return m
	}
	answer := func(id, text string) llm.Message {
		return llm.Message{Role: llm.RoleTool, CallID: id, Content: text}
	}
	tests := []struct {
		name string
		in   []llm.Message
		want string
	}{
		{"whole", []llm.Message{user, calls("a", "b"), answer("a", "1"), answer("b", "2"), user}, ""},
		{"missing at the end", []llm.Message{user, calls("a")}, "u - a:Interrupted before it was answered; may be retried."},
		{"missing before a user", []llm.Message{calls("a", "b"), answer("b", "2"), user}, "- a:Interrupted before it was answered; may be retried. b:2 u"},
		{"out of order", []llm.Message{calls("a", "b"), answer("b", "2"), answer("a", "1")}, "- a:1 b:2"},
		{"answered twice", []llm.Message{calls("a"), answer("a", "1"), answer("a", "2")}, "- a:1"},
		{"answer to nothing", []llm.Message{user, answer("x", "1"), user}, "u u"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, changed := agent.Paired(tt.in)
			if changed != (tt.want != "") {
				t.Errorf("changed = %v", changed)
			}
			if err := llmtest.CheckHistory(got); err != nil {
				t.Error(err)
			}
			if tt.want == "" {
				return
			}
			var parts []string
			for _, m := range got {
				switch m.Role {
				case llm.RoleTool:
					parts = append(parts, m.CallID+":"+m.Content)
				case llm.RoleAssistant:
					parts = append(parts, "-")
				default:
					parts = append(parts, m.Content)
				}
			}
			if diff := cmp.Diff(tt.want, strings.Join(parts, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzTail(f *testing.F) {
	f.Add("uatuaattu", 50)
	f.Fuzz(func(t *testing.T, shape string, room int) {
		var msgs []llm.Message
		for i, c := range shape {
			switch c {
			case 'a':
				msgs = append(msgs, llm.Message{Role: llm.RoleAssistant, Calls: []llm.ToolCall{{ID: fmt.Sprint(i), Name: "view", Arguments: "{}"}}})
			case 't':
				msgs = append(msgs, llm.Message{Role: llm.RoleTool, CallID: fmt.Sprint(i - 1), Content: strings.Repeat("x", 700)})
			default:
				msgs = append(msgs, llm.Message{Role: llm.RoleUser, Content: "u"})
			}
		}
		msgs, _ = agent.Paired(msgs)
		got := agent.Tail(msgs, max(room, 0))
		if len(got) == 0 {
			return
		}
		if err := llmtest.CheckHistory(got); err != nil {
			t.Errorf("%q cut to a history that is refused: %v", shape, err)
		}
	})
}

// common is how many messages at the beginning two requests share.
func common(t *testing.T, a, b []llm.Message) int {
	t.Helper()
	n := 0
	for n < min(len(a), len(b)) && reflect.DeepEqual(a[n], b[n]) {
		n++
	}
	return n
}

func TestPrefix_200steps(t *testing.T) {
	t.Parallel()
	b := setup(t, looking())
	b.write("big.txt", bigText())
	res := b.run(agent.Options{Limits: agent.Limits{Steps: 200, ContextWindow: 200_000}})
	if res.Exit != agent.ExitBudget {
		t.Fatalf("%s: %s", res.Exit, res.Reason)
	}
	reqs := b.model.Requests()
	breaks, latest, largest, fresh := 0, 0, 0, 0
	for i := 1; i < len(reqs); i++ {
		if !reflect.DeepEqual(reqs[i].Tools, reqs[0].Tools) {
			t.Fatalf("request %d has other tools", i)
		}
		before, after := reqs[i-1].Messages, reqs[i].Messages
		largest = max(largest, size(reqs[i]))
		n := common(t, before, after)
		if n < 2 {
			t.Fatalf("request %d: the head has changed", i)
		}
		if n == len(before) {
			fresh += size(llm.Request{Messages: after[n:]})
			continue
		}
		breaks++
		fresh += size(llm.Request{Messages: after[n:]})
		if !strings.HasPrefix(after[n].Content, "[omitted: 42 lines of view output, see step ") {
			t.Fatalf("request %d differs at message %d for no mask: %q", i, n, after[n].Content)
		}
		if latest > 0 && i-latest < 20 {
			t.Errorf("masked at request %d and again at %d", latest, i)
		}
		latest = i
	}
	if breaks < 8 || breaks > 10 {
		t.Errorf("%d masks in 200 steps, want one every 20", breaks)
	}
	one := len(reqs[1].Messages[3].Content)
	if limit := size(reqs[0]) + 30*one + 200*200; largest > limit {
		t.Errorf("the largest request has %d bytes, want at most %d", largest, limit)
	}
	// What no cache can hold: each output once, and once more the outputs
	// behind a mask.
	if limit := 200*(one+300) + breaks*(10*one+30*300); fresh > limit {
		t.Errorf("%d bytes behind the common prefixes, want at most %d", fresh, limit)
	}
	if !strings.Contains(jsonOf(t, res.Transcript.Messages), "[omitted: 42 lines of view output, see step 12]") {
		t.Error("a mask names the wrong step")
	}
}

func TestMask_keepsLastVerify(t *testing.T) {
	t.Parallel()
	b := setup(t, view("main.go"), edit("a - b", "a + b"), llmtest.Use("verify", args{}), looking())
	b.write("big.txt", bigText())
	gate := failing(strings.Repeat("long ", 100))
	b.in.VerifyFunc = func(context.Context, []string) (verify.Gate, error) { return gate, nil }
	b.run(agent.Options{Limits: agent.Limits{Steps: 40}})
	last := b.model.Requests()[39].Messages
	text := jsonOf(t, last)
	if !strings.Contains(text, "[omitted: 42 lines of view output") || !strings.Contains(text, "wrong sum long long") {
		t.Error("the last result of verify was masked, or nothing was")
	}
}

// summaries answers a request for a summary.
func summaries(text string) llmtest.Step {
	s := llmtest.Say(text)
	s.Times = -1
	s.When = func(r llm.Request) bool {
		return strings.Contains(r.Messages[len(r.Messages)-1].Content, "## Failed attempts")
	}
	return s
}

func TestCompact_full(t *testing.T) {
	t.Parallel()
	b := setup(t, summaries("## Goal\nadd"), view("main.go"), edit("a - b", "a + b"), looking())
	b.write("big.txt", bigText())
	res := b.run(agent.Options{Limits: agent.Limits{Steps: 200, ContextWindow: 7000}})
	if res.Exit != agent.ExitBudget || !strings.Contains(res.Reason, "does not fit the model's context window") {
		t.Errorf("%s: %s", res.Exit, res.Reason)
	}
	if res.Transcript.Compactions != 2 {
		t.Errorf("%d compactions, want 2", res.Transcript.Compactions)
	}
	text := jsonOf(t, res.Transcript.Messages)
	for _, want := range []string{"## Goal", "- main.go (modified, +1 -1)", "Make add add."} {
		if !strings.Contains(text, strings.Trim(jsonOf(t, want), `"`)) {
			t.Errorf("%q is not in the shortened conversation", want)
		}
	}
	if got := size(b.model.Requests()[len(b.model.Requests())-1]); got > 7000*5 {
		t.Errorf("the last request has %d bytes", got)
	}
}

func TestCompact_onContextError(t *testing.T) {
	t.Parallel()
	steps := append([]llmtest.Step{summaries("## Goal\nadd"), bash("seq 1 2000"), fail(llm.ClassContext)}, mended()...)
	b := setup(t, steps...)
	b.wantExit(b.run(agent.Options{}), agent.ExitDone)
	b.wantTold(3, 5, "The conversation so far was shortened.")

	// The summary itself may be too long: the conversation shrinks for it.
	tooLong := fail(llm.ClassContext)
	tooLong.Times = 4
	b = setup(t, append([]llmtest.Step{bash("seq 1 2000"), tooLong, llmtest.Say("## Goal")}, mended()...)...)
	b.wantExit(b.run(agent.Options{}), agent.ExitDone)
	reqs := b.model.Requests()
	if a, z := size(reqs[2]), size(reqs[5]); z >= a*9/10 {
		t.Errorf("the summary was asked for with %d bytes, then %d", a, z)
	}

	// Still too long after that: the run ends.
	endless := fail(llm.ClassContext)
	endless.Times = -1
	b = setup(t, bash("seq 1 2000"), endless)
	res := b.run(agent.Options{})
	b.wantExit(res, agent.ExitBudget)
	if n := len(b.model.Requests()); n > 20 {
		t.Errorf("%d requests until it gave up", n)
	}
}

func TestAsk_historyError(t *testing.T) {
	t.Parallel()
	b := setup(t, append([]llmtest.Step{summaries("## Goal"), bash("ls"), fail(llm.ClassHistory)}, mended()...)...)
	b.wantExit(b.run(agent.Options{}), agent.ExitDone)
}
