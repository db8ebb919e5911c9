package service_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"sync"
	"time"

	"honk/internal/llm"
	"honk/internal/llm/llmtest"
	"honk/internal/task"
)

// errand is what one request of the chaos is about, and how it must end.
type errand struct {
	word string
	want task.Status
	// says is what the last word to the asker begins with.
	says string
	// share of all requests, in percent.
	share int
}

var errands = []errand{
	{"deliver", task.StatusDelivered, "**Delivered**", 60},
	{"keep", task.StatusNoChange, "**Nothing to change**", 10},
	{"spoil", task.StatusVerifyFailed, "**No pull request", 10},
	{"offend", task.StatusVetoed, "**Held back by the judge**", 10},
	{"ask", task.StatusBlocked, "**Needs an answer**", 10},
}

// draw picks an errand by its share.
func draw(rnd *rand.Rand) errand {
	n := rnd.IntN(100)
	for _, e := range errands {
		if n -= e.share; n < 0 {
			return e
		}
	}
	return errands[0]
}

var jobLine = regexp.MustCompile(`[Jj]ob (\d{3}): ([a-z]+)`)

// chaosModel answers each request by what stands in its conversation alone,
// so that a task can be begun anew at any point. It takes its time.
func chaosModel(seed uint64) llmtest.Step {
	var mu sync.Mutex
	rnd := rand.New(rand.NewPCG(seed, 1))
	return llmtest.Step{Times: -1, Func: func(ctx context.Context, req llm.Request) (llm.Response, error) {
		mu.Lock()
		think := 50*time.Millisecond + time.Duration(rnd.Int64N(int64(250*time.Millisecond)))
		mu.Unlock()
		select {
		case <-time.After(think):
		case <-ctx.Done():
			return llm.Response{}, context.Cause(ctx)
		}
		return chaosReply(req)
	}}
}

func chaosReply(req llm.Request) (llm.Response, error) {
	var job []string
	turn := 0
	for _, m := range req.Messages {
		if job == nil {
			job = jobLine.FindStringSubmatch(m.Content)
		}
		if m.Role == llm.RoleAssistant {
			turn++
		}
	}
	if job == nil {
		return llm.Response{}, errors.New("no job in the conversation")
	}
	number, word := job[1], job[2]
	if llmtest.Structured(req) {
		return replyWith(req, llmtest.Answer(chaosVerdict(number, word)))
	}
	name, arguments := chaosTurn(turn, number, word)
	return replyWith(req, llmtest.Use(name, arguments))
}

// replyWith has a model of one step answer.
func replyWith(req llm.Request, step llmtest.Step) (llm.Response, error) {
	return llmtest.New(step).Complete(context.Background(), req)
}

func chaosTurn(turn int, number, word string) (tool string, arguments map[string]any) {
	finish := func(status string) (string, map[string]any) {
		return "finish", map[string]any{"summary": "Job " + number + " is looked at.", "status": status}
	}
	switch {
	case turn == 0:
		return "view", map[string]any{"path": "check.sh"}
	case word == "keep":
		return finish("no_change_needed")
	case word == "ask":
		return finish("blocked")
	case turn == 1 && word == "spoil":
		return "write", map[string]any{"path": "spoiled.txt", "content": fmt.Sprintf("by job %s\n", number)}
	case turn == 1:
		return "write", map[string]any{"path": "out/" + number + ".txt", "content": fmt.Sprintf("job %s is done\n", number)}
	case turn == 2:
		return "bash", map[string]any{"command": "sleep 0.1; ls out"}
	}
	return finish("done")
}

// chaosVerdict approves, but for the request that offends.
func chaosVerdict(number, word string) map[string]any {
	request, at := "ok", "out/"+number+".txt:1"
	if word == "offend" {
		request = "unsafe"
	}
	var items []map[string]any
	for id := 1; id <= 10; id++ {
		items = append(items, map[string]any{"id": id, "evidence": []string{at}, "answer": "yes", "reason": "it is so"})
	}
	return map[string]any{"summary": "job " + number + " was judged", "items": items, "request": request, "revisions": []string{}}
}
