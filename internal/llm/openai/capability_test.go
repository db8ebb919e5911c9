package openai_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"honk/internal/llm/llmtest"
	"honk/internal/llm/openai"
)

func TestDetect(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		url, model                        string
		field                             string
		temperature, format, echo, cutter bool
	}{
		{"https://api.openai.com/v1", "gpt-4.1", "max_completion_tokens", true, true, false, false},
		{"https://api.openai.com/v1", "gpt-5", "max_completion_tokens", false, true, false, false},
		{"https://api.openai.com/v1", "o3-mini", "max_completion_tokens", false, true, false, false},
		{"https://eu.api.openai.com/v1", "gpt-4.1", "max_completion_tokens", true, true, false, false},
		{"https://acme.openai.azure.com/openai/v1", "prod", "max_completion_tokens", true, true, false, false},
		{"https://api.anthropic.com/v1/", "claude-sonnet-4-5", "max_tokens", true, false, false, false},
		{"https://generativelanguage.googleapis.com/v1beta/openai/", "gemini-3-pro", "max_tokens", true, true, true, false},
		{"https://api.deepseek.com", "deepseek-chat", "max_tokens", true, false, true, false},
		{"https://openrouter.ai/api/v1", "openai/gpt-5.1", "max_tokens", false, false, true, false},
		{"http://localhost:11434/v1", "qwen3:8b", "max_tokens", true, true, false, true},
		{"http://10.0.0.7:8000/v1", "o1e-local", "max_tokens", true, false, true, false},
		{"https://api.openai.com.evil.example/v1", "m", "max_tokens", true, false, true, false},
	} {
		c := openai.Detect(tt.url, tt.model)
		if c.MaxTokensField != tt.field || c.Temperature != tt.temperature || c.ResponseFormat != tt.format ||
			c.EchoReasoning != tt.echo || c.CutsPrompts != tt.cutter {
			t.Errorf("%s %s: got %+v", tt.url, tt.model, c)
		}
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	complain := func(text string) (int, string) { return 400, `{"error":{"message":"` + text + `"}}` }
	for _, tt := range []struct {
		status  int
		body    string
		missing string
	}{
		{200, `{"choices":[{"message":{"tool_calls":[{"id":"c","function":{"name":"ping","arguments":{}}}]}}]}`, ""},
		{200, `{"choices":[{"message":{"content":"pong"},"finish_reason":"stop"}]}`, "tools"},
		{status: 400, body: "Unsupported parameter: 'max_tokens' is not supported with this model.", missing: "max_tokens_field"},
		{status: 400, body: "Unsupported value: 'temperature' does not support 0 with this model.", missing: "temperature"},
		{status: 400, body: "Unknown parameter: parallel_tool_calls", missing: "parallel_tools"},
		{status: 400, body: "m does not support tools", missing: "tools"},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			status, body := tt.status, tt.body
			if status != 200 {
				status, body = complain(body)
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}))
		err := mustNew(t, config(srv.URL)).Probe(t.Context())
		srv.Close()
		e, _ := errors.AsType[*openai.ProbeError](err)
		if tt.missing == "" && err != nil || tt.missing != "" && (e == nil || e.Missing != tt.missing || e.Remedy == "") {
			t.Errorf("%s: got %v, want %q", tt.body, err, tt.missing)
		}
	}
}

func TestClient_warnsOfCutPrompts(t *testing.T) {
	t.Parallel()
	step := llmtest.Say("hi")
	step.Times, step.Usage.InputTokens, step.Usage.OutputTokens = -1, 4096, 1
	srv := httptest.NewServer(llmtest.NewServer(step))
	defer srv.Close()
	var log bytes.Buffer
	cfg := config(srv.URL)
	cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	caps := openai.Detect("http://localhost:11434/v1", "m")
	cfg.Capabilities = &caps
	c := mustNew(t, cfg)
	for range 3 {
		if _, err := c.Complete(t.Context(), ask("hi")); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Count(log.String(), "OLLAMA_CONTEXT_LENGTH") != 1 {
		t.Errorf("log: %q, want the warning once", log.String())
	}
}
