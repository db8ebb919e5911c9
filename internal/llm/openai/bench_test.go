package openai_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"honk/internal/llm"
)

const benchReply = `{"choices":[{"index":0,"message":{"role":"assistant","content":"ok","tool_calls":[{"id":"c","type":"function","function":{"name":"bash","arguments":"{}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`

// benchRequest is a conversation of 100 steps and about 200 kB.
func benchRequest() llm.Request {
	req := ask("Go")
	for range 100 {
		req.Messages = append(req.Messages,
			llm.Message{Role: llm.RoleAssistant, Content: "Next.", Calls: []llm.ToolCall{{ID: "c", Name: "bash", Arguments: `{"command":"ls"}`}}},
			llm.Message{Role: llm.RoleTool, CallID: "c", Content: strings.Repeat("some output of a command\n", 80)})
	}
	return req
}

// BenchmarkComplete measures a call against a server on this machine; compare
// with BenchmarkPost, the same body sent by hand.
func BenchmarkComplete(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, benchReply)
	}))
	defer srv.Close()
	m := llm.NewMeter(llm.MeterConfig{Model: mustNew(b, config(srv.URL)), Price: &llm.Price{Input: 1, Output: 2}})
	req := benchRequest()
	for b.Loop() {
		if _, err := m.Complete(b.Context(), req); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPost is what BenchmarkComplete is held against.
func BenchmarkPost(b *testing.B) {
	var body []byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ := io.ReadAll(r.Body)
		if body == nil {
			body = got
		}
		_, _ = io.WriteString(w, benchReply)
	}))
	defer srv.Close()
	if _, err := mustNew(b, config(srv.URL)).Complete(b.Context(), benchRequest()); err != nil {
		b.Fatal(err)
	}
	client := srv.Client()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, srv.URL, bytes.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}
