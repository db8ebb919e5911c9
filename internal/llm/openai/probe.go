package openai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"honk/internal/llm"
)

// ProbeError says what an endpoint lacks and what to do about it.
type ProbeError struct {
	// Missing is the capability, as honk.yaml calls it, or "tools" when the
	// endpoint calls none.
	Missing string
	Remedy  string
	Err     error
}

func (e *ProbeError) Error() string {
	text := fmt.Sprintf("the model endpoint lacks %s; %s", e.Missing, e.Remedy)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *ProbeError) Unwrap() error { return e.Err }

// reachTime is how long Reach waits for any answer.
const reachTime = 10 * time.Second

// Reach finds out, at no cost, whether anything answers at the base URL. The
// error is an *llm.Error of class transient.
func (c *Client) Reach(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, reachTime, errTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, c.cfg.BaseURL, http.NoBody)
	if err != nil {
		return fmt.Errorf("asking for an answer: %w", err)
	}
	resp, err := newHTTPClient().Do(req)
	if err != nil {
		return &llm.Error{Class: llm.ClassTransient, Message: c.scrub(err.Error()), Err: c.clean(err), Tries: 1}
	}
	return resp.Body.Close()
}

// Probe asks the model to call the tool ping, once and at little cost. It
// returns nil when that works, a *ProbeError when a setting would help, and
// the *llm.Error otherwise.
func (c *Client) Probe(ctx context.Context) error {
	resp, err := c.Complete(ctx, llm.Request{
		Messages: []llm.Message{
			{Role: llm.RoleSystem, Content: "You test a connection."},
			{Role: llm.RoleUser, Content: "Call the tool ping."},
		},
		Tools: []llm.Tool{{
			Name: "ping", Description: "Answer that you are there.",
			Schema: json.RawMessage(`{"type":"object","properties":{},"additionalProperties":false}`),
		}},
		MaxTokens: 1024,
	})
	if err != nil {
		return c.diagnose(err)
	}
	for _, call := range resp.Message.Calls {
		if call.Name == "ping" {
			return nil
		}
	}
	return &ProbeError{
		Missing: "tools",
		Remedy: "choose a model that calls tools; vLLM needs --enable-auto-tool-choice --tool-call-parser, " +
			"llama.cpp --jinja",
	}
}

// diagnose names the field that an endpoint complains about.
func (c *Client) diagnose(err error) error {
	e, ok := errors.AsType[*llm.Error](err)
	if !ok || e.Class != llm.ClassCaller {
		return err
	}
	text := strings.ToLower(e.Message)
	other := "max_completion_tokens"
	if c.caps.MaxTokensField == other {
		other = "max_tokens"
	}
	for _, known := range []struct{ sign, missing, remedy string }{
		{"max_tokens", "max_tokens_field", "set capabilities.max_tokens_field: " + other + " for the model in honk.yaml"},
		{"max_completion_tokens", "max_tokens_field", "set capabilities.max_tokens_field: " + other + " for the model in honk.yaml"},
		{"temperature", "temperature", "set capabilities.temperature: false for the model in honk.yaml"},
		{"parallel_tool_calls", "parallel_tools", "set capabilities.parallel_tools: false for the model in honk.yaml"},
		{"--jinja", "tools", "start llama.cpp with --jinja"},
		{"tool", "tools", "choose a model that calls tools; vLLM needs --enable-auto-tool-choice --tool-call-parser"},
	} {
		if strings.Contains(text, known.sign) {
			return &ProbeError{Missing: known.missing, Remedy: known.remedy, Err: err}
		}
	}
	return err
}
