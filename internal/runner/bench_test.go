package runner_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"honk/agent"
	"honk/internal/llm"
	"honk/internal/llm/llmtest"
	"honk/internal/runner"
	"honk/internal/task"
)

// BenchmarkTaskMemory holds tasks in the middle of a conversation of 50 steps
// with 8 KB of tool output each, and measures what one of them keeps in the
// worker's memory. The goal is less than 30 MB.
func BenchmarkTaskMemory(b *testing.B) {
	const tasks, steps = 4, 50
	for b.Loop() {
		h := setup(b)
		var waiting sync.WaitGroup
		waiting.Add(tasks)
		release := make(chan struct{})
		h.opts.CrewFunc = func(task.Task) (runner.Crew, error) {
			n := 0
			model := llmtest.New(llmtest.Step{Times: -1, Func: func(context.Context, llm.Request) (llm.Response, error) {
				if n++; n <= steps {
					return call("bash", `{"command":"head -c 6000 /dev/urandom | base64"}`), nil
				}
				if n == steps+1 {
					waiting.Done()
					<-release
				}
				return call("finish", `{"summary":"enough","status":"blocked"}`), nil
			}})
			return runner.Crew{Agent: agent.New(model, agent.Options{})}, nil
		}
		h.runner = runner.New(h.opts)
		before := heap()
		var ended sync.WaitGroup
		for range tasks {
			ended.Go(func() {
				if res := h.run(b); res.Status != task.StatusBlocked {
					b.Errorf("got %s: %s", res.Status, res.Summary)
				}
			})
		}
		waiting.Wait()
		b.ReportMetric(float64(heap()-before)/tasks/1e6, "MB/task")
		close(release)
		ended.Wait()
	}
}

func call(tool, arguments string) llm.Response {
	return llm.Response{
		Finish: llm.FinishToolCalls, Usage: llm.Usage{InputTokens: 1000, OutputTokens: 50},
		Message: llm.Message{Role: llm.RoleAssistant, Calls: []llm.ToolCall{{
			ID: strings.ToLower(string(task.NewID(time.Now()))), Name: tool, Arguments: arguments,
		}}},
	}
}

// heap is what the program keeps: heap and stacks after a collection.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
