package llmtest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"honk/internal/llm"
)

// NewFunc returns a Model whose endpoint answers as the script says.
type NewFunc func(script ...Step) llm.Model

// Conform holds an implementation against the contract of llm.Model and
// returns all that it breaks. It is the conformance suite, without testing,
// because this package is part of the program.
func Conform(ctx context.Context, newModel NewFunc) error {
	var errs []error
	for _, c := range []struct {
		name  string
		check func(context.Context, NewFunc) error
	}{
		{"text", conformText},
		{"calls", conformCalls},
		{"forced tool", conformForced},
		{"refused history", conformHistory},
		{"cancellation", conformCancelled},
		{"concurrency", conformConcurrency},
	} {
		if err := c.check(ctx, newModel); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(errs...)
}

func question(text string) llm.Request {
	return llm.Request{
		Messages: []llm.Message{{Role: llm.RoleSystem, Content: "Be short."}, {Role: llm.RoleUser, Content: text}},
		Tools:    []llm.Tool{{Name: "view", Description: "Show a file.", Schema: []byte(`{"type":"object"}`)}},
	}
}

func conformText(ctx context.Context, newModel NewFunc) error {
	want := Step{
		Text:  "größe <b> & \"so\" on\n",
		Usage: llm.Usage{InputTokens: 90, CachedTokens: 64, OutputTokens: 7},
	}
	got, err := newModel(want).Complete(ctx, question("hi"))
	if err != nil {
		return err
	}
	if got.Message.Role != llm.RoleAssistant || got.Message.Content != want.Text ||
		got.Finish != llm.FinishStop || got.Usage != want.Usage {
		return fmt.Errorf("got %+v", got)
	}
	return nil
}

// conformCalls plays a round with calls: arguments arrive untouched.
func conformCalls(ctx context.Context, newModel NewFunc) error {
	const half = `{"path": "a.go", `
	m := newModel(Step{Calls: []Call{
		{Name: "view", Arguments: half}, {Name: "view", Arguments: map[string]any{"path": "<b>.go"}},
	}}, Say("done"))
	req := question("hi")
	got, err := m.Complete(ctx, req)
	if err != nil {
		return err
	}
	calls := got.Message.Calls
	if got.Finish != llm.FinishToolCalls || len(calls) != 2 || calls[0].ID == "" ||
		calls[0].ID == calls[1].ID || calls[0].Name != "view" || calls[0].Arguments != half {
		return fmt.Errorf("got %+v", got)
	}
	calls[0].Arguments = "{}"
	req.Messages = append(req.Messages, got.Message,
		llm.Message{Role: llm.RoleTool, CallID: calls[0].ID},
		llm.Message{Role: llm.RoleTool, CallID: calls[1].ID, Content: "text"})
	if got, err = m.Complete(ctx, req); err != nil {
		return fmt.Errorf("after the results: %w", err)
	}
	if got.Message.Content != "done" {
		return fmt.Errorf("after the results: got %+v", got)
	}
	return nil
}

func conformForced(ctx context.Context, newModel NewFunc) error {
	req := question("judge")
	req.ForceTool = "submit_verdict"
	got, err := newModel(Answer(map[string]any{"ok": true})).Complete(ctx, req)
	if err != nil {
		return err
	}
	calls := got.Message.Calls
	if len(calls) != 1 || calls[0].Name != "submit_verdict" || calls[0].Arguments != `{"ok":true}` {
		return fmt.Errorf("got %+v", got)
	}
	return nil
}

func conformHistory(ctx context.Context, newModel NewFunc) error {
	req := question("hi")
	req.Messages = append(req.Messages, llm.Message{
		Role: llm.RoleAssistant, Calls: []llm.ToolCall{{ID: "a", Name: "view", Arguments: "{}"}},
	})
	_, err := newModel(Say("no")).Complete(ctx, req)
	if class := llm.ClassOf(err); class != llm.ClassHistory {
		return fmt.Errorf("got an error of class %q, want %q", class, llm.ClassHistory)
	}
	return nil
}

func conformCancelled(ctx context.Context, newModel NewFunc) error {
	stop := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	m := newModel(Step{Func: func(inner context.Context, _ llm.Request) (llm.Response, error) {
		cancel(stop)
		<-inner.Done()
		return llm.Response{}, context.Cause(inner)
	}})
	for _, when := range []string{"while it waits", "before it starts"} {
		if _, err := m.Complete(ctx, question("hi")); !errors.Is(err, stop) {
			return fmt.Errorf("%s: got %w, want the cause", when, err)
		}
	}
	return nil
}

func conformConcurrency(ctx context.Context, newModel NewFunc) error {
	m := newModel(Step{Text: "ok", Times: -1})
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			got, err := m.Complete(ctx, question("hi"))
			if err == nil && got.Message.Content != "ok" {
				err = fmt.Errorf("got %+v", got)
			}
			errs[i] = err
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
