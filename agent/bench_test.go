package agent_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"honk/agent"
	"honk/internal/llm"
	"honk/internal/task"
	"honk/sandbox"
)

// instant is a sandbox that takes no time: what is measured beside it is the
// loop's own.
type instant struct{ sandbox.Sandbox }

func (instant) Read(_ context.Context, path string, _ int64) (sandbox.File, error) {
	text := []byte(bigText())
	return sandbox.File{Path: path, Data: text, Size: int64(len(text)), Hash: "h"}, nil
}

// endless looks at ever other lines, without keeping the requests.
type endless struct{ n, bytes int }

func (m *endless) Complete(_ context.Context, req llm.Request) (llm.Response, error) {
	if req.ForceTool != "" {
		return llm.Response{}, &llm.Error{Class: llm.ClassBudget}
	}
	m.n++
	m.bytes += size(req)
	msg := llm.Message{Role: llm.RoleAssistant, Calls: []llm.ToolCall{{
		ID: fmt.Sprintf("look_%d", m.n), Name: "view", Arguments: fmt.Sprintf(`{"path":"big.txt","start_line":%d,"max_lines":40}`, m.n%300+1),
	}}}
	return llm.Response{Message: msg, Finish: llm.FinishToolCalls, Usage: llm.Usage{InputTokens: size(req) / 4, OutputTokens: 20}}, nil
}

func converse(b *testing.B, steps int) (*endless, agent.Result) {
	b.Helper()
	model := &endless{}
	in := agent.Input{
		Repo: "acme/sums", Prompt: "Look.", Sandbox: instant{},
		DiffFunc:   func(context.Context) (task.Patch, error) { return task.Patch{}, nil },
		RecordFunc: func(context.Context, task.EventKind, int, any) error { return nil },
	}
	res, err := agent.New(model, agent.Options{Limits: agent.Limits{Steps: steps, ContextWindow: 200_000}}).Run(b.Context(), in)
	if err != nil || res.Exit != agent.ExitBudget || model.n != steps {
		b.Fatalf("%d steps, %+v, %v", model.n, res, err)
	}
	return model, res
}

// BenchmarkStep is what the loop adds to a step: everything but the model, the
// sandbox and the storing of events.
func BenchmarkStep(b *testing.B) {
	b.ReportAllocs()
	for done := 0; done < b.N; {
		n := min(b.N-done, 200)
		converse(b, n)
		done += n
	}
}

// BenchmarkLongConversation has 200 steps: bytes sent per step, and the live
// memory that the conversation takes.
func BenchmarkLongConversation(b *testing.B) {
	const steps = 200
	for range b.N {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		model, res := converse(b, steps)
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(model.bytes)/steps, "bytes-sent/step")
		b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc)), "live-bytes")
		runtime.KeepAlive(res)
	}
}
