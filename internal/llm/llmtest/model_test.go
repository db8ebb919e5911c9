package llmtest_test

import (
	"errors"
	"strings"
	"testing"

	"honk/internal/llm"
	"honk/internal/llm/llmtest"
)

func user(text string) llm.Request {
	return llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Content: text}}}
}

func TestModel_answersInOrderAndRunsOut(t *testing.T) {
	t.Parallel()
	m := llmtest.New(
		llmtest.Use("bash", map[string]any{"command": "ls"}),
		llmtest.Use("edit", `{"path": broken`),
		llmtest.Say("done"),
	)
	got := []string{}
	for range 3 {
		resp, err := m.Complete(t.Context(), user("hello"))
		if err != nil {
			t.Fatal(err)
		}
		s := resp.Message.Content
		for _, c := range resp.Message.Calls {
			s += c.Name + c.Arguments
		}
		got = append(got, s+" "+string(resp.Finish))
	}
	want := []string{`bash{"command":"ls"} tool_calls`, `edit{"path": broken tool_calls`, "done stop"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got %q, want %q", got, want)
	}
	_, err := m.Complete(t.Context(), user("once more"))
	if err == nil || !strings.Contains(err.Error(), "request 4") || !strings.Contains(err.Error(), "once more") {
		t.Errorf("script run out: got %v", err)
	}
}

func TestModel_oneScriptServesAgentAndJudge(t *testing.T) {
	t.Parallel()
	m := llmtest.New(
		llmtest.Answer(map[string]any{"ok": true}),
		llmtest.Say("agent 1"),
		llmtest.Answer(map[string]any{"ok": false}),
		llmtest.Use("finish", nil),
	)
	judge := user("diff")
	judge.ForceTool = "submit_verdict"
	schema := user("diff")
	schema.Schema = &llm.Schema{Name: "verdict"}
	wrapUp := user("wrap up")
	wrapUp.ForceTool = "finish"

	for _, tt := range []struct {
		req  llm.Request
		want string
	}{
		{user("go"), "agent 1"},
		{judge, `submit_verdict {"ok":true}`},
		{wrapUp, "finish {}"},
	} {
		resp, err := m.Complete(t.Context(), tt.req)
		if err != nil {
			t.Fatal(err)
		}
		got := resp.Message.Content
		for _, c := range resp.Message.Calls {
			got += c.Name + " " + c.Arguments
		}
		if got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	resp, err := m.Complete(t.Context(), schema)
	if err != nil || resp.Message.Content != `{"ok":false}` {
		t.Errorf("schema: got %q, %v", resp.Message.Content, err)
	}
	if m.Left() != 0 {
		t.Errorf("left %d steps, want 0", m.Left())
	}
}

func TestModel_timesErrorsAndRecording(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	m := llmtest.New(llmtest.Fail(boom), llmtest.Step{Text: "again", Times: -1})
	req := user("first")
	if _, err := m.Complete(t.Context(), req); !errors.Is(err, boom) {
		t.Errorf("got %v, want boom", err)
	}
	for range 5 {
		if _, err := m.Complete(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	req.Messages[0].Content = "changed later"
	if got := m.Requests()[0].Messages[0].Content; got != "first" {
		t.Errorf("recorded %q: not a deep copy", got)
	}
	if len(m.Requests()) != 6 {
		t.Errorf("recorded %d requests, want 6", len(m.Requests()))
	}
}

func TestCheckHistory(t *testing.T) {
	t.Parallel()
	call := func(id, args string) llm.Message {
		return llm.Message{Role: llm.RoleAssistant, Calls: []llm.ToolCall{{ID: id, Name: "bash", Arguments: args}}}
	}
	result := func(id string) llm.Message { return llm.Message{Role: llm.RoleTool, CallID: id, Content: "ok"} }
	u := llm.Message{Role: llm.RoleUser, Content: "x"}
	for name, tt := range map[string]struct {
		messages []llm.Message
		want     string
	}{
		"good":           {[]llm.Message{u, call("1", "{}"), result("1"), call("2", "{}"), result("2"), u}, ""},
		"none":           {nil, "empty"},
		"unanswered":     {[]llm.Message{u, call("1", "{}"), u}, "must be followed by tool messages"},
		"open at end":    {[]llm.Message{u, call("1", "{}")}, "at the end"},
		"orphan":         {[]llm.Message{u, result("1")}, "no preceding"},
		"answered twice": {[]llm.Message{u, call("1", "{}"), result("1"), result("1")}, "already"},
		"bad arguments":  {[]llm.Message{u, call("1", "{"), result("1")}, "as JSON"},
		"no id":          {[]llm.Message{u, call("", "{}"), result("")}, "no id"},
	} {
		err := llmtest.CheckHistory(tt.messages)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
		_, got := llmtest.New(llmtest.Say("x")).Complete(t.Context(), llm.Request{Messages: tt.messages})
		if wantClass := map[bool]llm.Class{true: llm.ClassHistory}[tt.want != ""]; llm.ClassOf(got) != wantClass {
			t.Errorf("%s: class %q, want %q", name, llm.ClassOf(got), wantClass)
		}
	}
}
