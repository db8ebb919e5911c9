package openai_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"testing"

	"honk/internal/llm"
	"honk/internal/llm/llmtest"
)

// TestPrefix_isByteIdentical plays 200 steps and checks that each request
// begins with the one before, so that providers can cache it, and that what a
// step adds does not grow with the conversation.
func TestPrefix_isByteIdentical(t *testing.T) {
	t.Parallel()
	const steps = 200
	script := make([]llmtest.Step, steps)
	for i := range script {
		script[i] = llmtest.Step{
			Text:  "Next <b> & \"so\" on: größe",
			Calls: []llmtest.Call{{ID: fmt.Sprintf("call_%04d", i), Name: "bash", Arguments: map[string]any{"z": 1, "command": "ls", "a": "<&>"}}},
		}
	}
	s := llmtest.NewServer(script...)
	srv := httptest.NewServer(s)
	defer srv.Close()
	c := mustNew(t, config(srv.URL))

	req := ask("Go")
	for i := range 7 {
		req.Tools = append(req.Tools, llm.Tool{
			Name: fmt.Sprintf("tool_%d", i), Description: "It does <things>.",
			Schema: json.RawMessage(`{"type":"object", "required":["z","a"], "properties":{"z":{"type":"string"},"a":{"type":"string"}}}`),
		})
	}
	for i := range steps {
		// What may differ between steps must not come before the messages.
		req.MaxTokens = 8192 - i
		req.OneCall = i%2 == 1
		resp, err := c.Complete(t.Context(), req)
		if err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		resp.Message.Raw = json.RawMessage(`{"reasoning_content":"hm","tool_calls":[{"id":"` + resp.Message.Calls[0].ID + `","extra_content":{"b":1,"a":2}}]}`)
		req.Messages = append(req.Messages, resp.Message,
			llm.Message{Role: llm.RoleTool, CallID: resp.Message.Calls[0].ID, Content: "output\n"})
	}

	bodies := s.Bodies()
	if len(bodies) != steps {
		t.Fatalf("saw %d requests, want %d", len(bodies), steps)
	}
	prefix := func(body []byte) []byte {
		end := bytes.LastIndex(body, []byte(`],"max_tokens"`))
		if end < 0 {
			t.Fatalf("no end of messages in %s", body)
		}
		return body[:end]
	}
	grown := 0
	for i := 1; i < steps; i++ {
		before, now := prefix(bodies[i-1]), prefix(bodies[i])
		if !bytes.HasPrefix(now, before) {
			t.Fatalf("step %d does not begin with step %d", i, i-1)
		}
		if i == 1 {
			grown = len(now) - len(before)
		} else if got := len(now) - len(before); got != grown {
			t.Fatalf("step %d added %d bytes, step 1 added %d", i, got, grown)
		}
	}
	if !bytes.Contains(bodies[steps-1], []byte(`"extra_content":{"b":1,"a":2}`)) {
		t.Error("echoed fields are missing")
	}
}
