// Package llmtest is the scripted stand-in for a language model: a Model for
// tests of whatever holds one, a Server that speaks the chat completions
// protocol for tests of the whole program and for the demo, and the
// conformance suite of llm.Model. It ships with the program and imports
// nothing of testing.
package llmtest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"

	"honk/internal/llm"
)

// Model answers requests from a script. It refuses a conversation that real
// endpoints refuse (see CheckHistory). It is safe for concurrent use.
type Model struct {
	mu       sync.Mutex
	steps    []Step
	used     []int
	requests []llm.Request
}

// New returns a Model that answers each request with the first step of the
// script that is not used up and accepts it.
func New(steps ...Step) *Model {
	return &Model{steps: slices.Clone(steps), used: make([]int, len(steps))}
}

// Complete implements llm.Model.
func (m *Model) Complete(ctx context.Context, req llm.Request) (llm.Response, error) {
	if ctx.Err() != nil {
		return llm.Response{}, context.Cause(ctx)
	}
	step, err := m.take(req)
	if err != nil {
		return llm.Response{}, err
	}
	if err := CheckHistory(req.Messages); err != nil {
		return llm.Response{}, &llm.Error{
			Class: llm.ClassHistory, Status: 400, Message: err.Error(), Tries: 1, Err: err,
		}
	}
	return step.reply(ctx, req)
}

// Requests returns deep copies of all requests so far, in order of arrival.
func (m *Model) Requests() []llm.Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]llm.Request, len(m.requests))
	for i, r := range m.requests {
		out[i] = clone(r)
	}
	return out
}

// Left returns how many steps of the script were never used; steps without
// end do not count.
func (m *Model) Left() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for i, s := range m.steps {
		if m.used[i] == 0 && s.Times >= 0 {
			n++
		}
	}
	return n
}

// take records the request and picks the step that answers it.
func (m *Model) take(req llm.Request) (Step, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests = append(m.requests, clone(req))
	for i, s := range m.steps {
		if m.used[i] >= max(s.Times, 1) && s.Times >= 0 || !s.accepts(req) {
			continue
		}
		m.used[i]++
		return s, nil
	}
	return Step{}, fmt.Errorf("answering request %d: the script has no step left for it (%d steps, %s)",
		len(m.requests), len(m.steps), describe(req))
}

func describe(req llm.Request) string {
	last := "no messages"
	if n := len(req.Messages); n > 0 {
		m := req.Messages[n-1]
		last = fmt.Sprintf("last message from %s: %.200q", m.Role, m.Content)
	}
	switch {
	case req.ForceTool != "":
		return "forced tool " + req.ForceTool + ", " + last
	case req.Schema != nil:
		return "schema " + req.Schema.Name + ", " + last
	}
	return last
}

func clone(req llm.Request) llm.Request {
	req.Messages = slices.Clone(req.Messages)
	for i := range req.Messages {
		m := &req.Messages[i]
		m.Calls = slices.Clone(m.Calls)
		m.Raw = bytes.Clone(m.Raw)
	}
	req.Tools = slices.Clone(req.Tools)
	for i := range req.Tools {
		req.Tools[i].Schema = bytes.Clone(req.Tools[i].Schema)
	}
	if req.Schema != nil {
		req.Schema = &llm.Schema{Name: req.Schema.Name, JSON: bytes.Clone(req.Schema.JSON)}
	}
	return req
}
