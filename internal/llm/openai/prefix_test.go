package openai_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"honk/internal/llm"
)

// TestPrefix_isByteIdentical plays 200 steps and checks that each request
// begins with the one before, so that providers can cache it, and that what a
// step adds does not grow with the conversation.
func TestPrefix_isByteIdentical(t *testing.T) {
	t.Parallel()
	const steps = 200
	var bodies [][]byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, `{"choices":[{"message":{"content":"Next <b> & \"so\" on: größe","reasoning_content":"hm",
			"tool_calls":[{"id":"call_%04d","extra_content":{"b":1,"a":2},
			"function":{"name":"bash","arguments":"{\"z\":1,\"command\":\"<&>\"}"}}]}}]}`, len(bodies))
		bodies = append(bodies, body)
	}))
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
		req.Messages = append(req.Messages, resp.Message,
			llm.Message{Role: llm.RoleTool, CallID: resp.Message.Calls[0].ID, Content: "output\n"})
	}

	prefix := func(body []byte) []byte {
		end := bytes.LastIndex(body, []byte(`],"max_tokens"`))
		if end < 0 {
			t.Fatalf("no end of messages in %s", body)
		}
		return body[:end]
	}
	grown := len(prefix(bodies[1])) - len(prefix(bodies[0]))
	for i := 1; i < steps; i++ {
		before, now := prefix(bodies[i-1]), prefix(bodies[i])
		if !bytes.HasPrefix(now, before) {
			t.Fatalf("step %d does not begin with step %d", i, i-1)
		}
		if got := len(now) - len(before); got != grown {
			t.Fatalf("step %d added %d bytes, step 1 added %d", i, got, grown)
		}
	}
	if !bytes.Contains(bodies[steps-1], []byte(`"extra_content":{"b":1,"a":2}`)) {
		t.Error("echoed fields are missing")
	}
}
