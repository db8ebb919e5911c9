package openai_test

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"honk/internal/llm"
	"honk/internal/llm/openai"
)

// startAimock runs a mock endpoint that others wrote, from tools/npm.
func startAimock(t *testing.T) string {
	t.Helper()
	bin, err := filepath.Abs("../../../tools/npm/node_modules/.bin")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "llmock"),
		"--port", "0", "--strict", "--fixtures", "testdata/aimock/fixtures.json")
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		cancel()
		missing(t, err.Error())
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	said := ""
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "listening on "); ok {
			return strings.TrimSpace(url)
		}
		said += lines.Text() + "\n"
	}
	missing(t, said)
	return ""
}

// missing skips the test for developers and fails it in CI.
func missing(t *testing.T, why string) {
	t.Helper()
	text := "aimock does not run (make setup, or npm ci --prefix tools/npm): " + why
	if os.Getenv("CI") == "true" {
		t.Fatal(text)
	}
	t.Skip(text)
}

// TestAimock holds the client against an endpoint written by others, so that
// the recordings are not the only witness.
func TestAimock(t *testing.T) {
	t.Parallel()
	c, err := openai.New(openai.Config{
		BaseURL: startAimock(t) + "/v1", APIKey: testKey, Model: "gpt-4.1", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Probe(t.Context()); err != nil {
		t.Errorf("probe: %v", err)
	}
	req := llm.Request{
		Messages: []llm.Message{
			{Role: llm.RoleSystem, Content: "You change code."},
			{Role: llm.RoleUser, Content: "Fix the bug"},
		},
		Tools: []llm.Tool{{Name: "view", Description: "Show a file.", Schema: []byte(`{"type":"object"}`)}},
	}
	resp, err := c.Complete(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if len(resp.Message.Calls) != 1 || resp.Message.Calls[0].Arguments != `{"path":"main.go"}` ||
		resp.Message.Content != "Looking." || resp.Finish != llm.FinishToolCalls || resp.Usage.OutputTokens == 0 {
		t.Fatalf("first reply: %+v", resp)
	}
	req.Messages = append(req.Messages, resp.Message,
		llm.Message{Role: llm.RoleTool, CallID: resp.Message.Calls[0].ID, Content: "1 package main"})
	resp, err = c.Complete(t.Context(), req)
	if err != nil || resp.Message.Content != "Done." || resp.Finish != llm.FinishStop {
		t.Errorf("second reply: %+v, %v", resp, err)
	}
	_, err = c.Complete(t.Context(), llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Content: "Slow down"}}})
	e, ok := errors.AsType[*llm.Error](err)
	if !ok || e.Class != llm.ClassRateLimit || e.RetryAfter != time.Second {
		t.Errorf("rate limit: %#v", err)
	}
}
