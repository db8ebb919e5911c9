package agent

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"

	"honk/agent/tool"
	"honk/internal/llm"
	"honk/internal/task"
	"honk/sandbox"
)

const (
	// callsPerReply is how many calls of one reply run.
	callsPerReply = 16
	// timeoutsInRow and brokenInRow end a run.
	timeoutsInRow = 3
	brokenInRow   = 3
)

// unnameable matches what endpoints refuse in the name of a call.
var unnameable = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// prepare makes the calls of a reply ready and stores them in the form the
// history needs: an ID of their own, a legal name, valid arguments.
func (r *run) prepare(msg *llm.Message) []tool.Call {
	calls := make([]tool.Call, len(msg.Calls))
	stored := make([]llm.ToolCall, len(msg.Calls))
	used := map[string]bool{}
	for i, tc := range msg.Calls {
		if tc.ID == "" || used[tc.ID] {
			tc.ID = fmt.Sprintf("call_%d_%d", r.t.Steps, i)
		}
		used[tc.ID] = true
		calls[i] = r.tools.Prepare(tc)
		name := unnameable.ReplaceAllString(tc.Name, "_")
		if name == "" {
			name = "unnamed"
		}
		calls[i].Name = name[:min(len(name), 64)]
		stored[i] = llm.ToolCall{ID: tc.ID, Name: calls[i].Name, Arguments: string(calls[i].Arguments)}
	}
	msg.Calls = stored
	return calls
}

// answer runs the calls of a reply, those that only read at the same time,
// and appends one tool message for each, whatever happens.
func (r *run) answer(ctx context.Context, calls []tool.Call) error {
	results := make([]tool.Result, len(calls))
	took := make([]time.Duration, len(calls))
	errs := make([]error, len(calls))
	failed := false
	for i := 0; i < len(calls); {
		n := 1
		for calls[i].ReadOnly && i+n < len(calls) && calls[i+n].ReadOnly {
			n++
		}
		var wg sync.WaitGroup
		for j := i; j < i+n; j++ {
			why := r.skip(ctx, calls[j], j, failed)
			if why != "" {
				results[j] = tool.Result{Text: "Not executed: " + why, Title: calls[j].Name + ": not executed", IsError: true}
				continue
			}
			wg.Go(func() {
				began := time.Now()
				results[j], errs[j] = r.tools.Run(ctx, calls[j])
				took[j] = time.Since(began)
				if errs[j] != nil && ctx.Err() != nil {
					results[j].Text = "Interrupted: the run's time is up or it was cancelled. What was written to files stays."
				}
			})
		}
		wg.Wait()
		for j := i; j < i+n; j++ {
			failed = failed || results[j].IsError
		}
		i += n
	}
	err := r.store(ctx, calls, results, took)
	if r.exit == "" && ctx.Err() == nil {
		err = errors.Join(err, r.conclude(ctx, calls, results, errs))
	}
	return err
}

// skip says why a call is not run, empty if it is.
func (r *run) skip(ctx context.Context, c tool.Call, i int, failed bool) string {
	switch {
	case r.exit != "":
		return "the task has ended."
	case ctx.Err() != nil:
		return "the run's time is up or it was cancelled."
	case r.last != "" && c.Name != "finish":
		return "only finish is possible in the last turn."
	case r.last != "":
		return ""
	case i >= callsPerReply:
		return fmt.Sprintf("at most %d calls of one reply run. Call it again if it is still needed.", callsPerReply)
	case failed && c.Name == "finish":
		return "an earlier call of the same reply failed. Look at its result first."
	}
	return ""
}

// store appends the answers to the conversation and to the task's events.
func (r *run) store(ctx context.Context, calls []tool.Call, results []tool.Result, took []time.Duration) error {
	texts := make([]string, len(calls))
	for i, res := range results {
		texts[i] = res.Text
		if res.Text == "" {
			texts[i] = "(no output)"
		}
	}
	texts = tool.Fit(texts)
	for i, c := range calls {
		r.t.Messages = append(r.t.Messages, llm.Message{Role: llm.RoleTool, CallID: c.ID, Content: texts[i]})
	}
	var err error
	for i, c := range calls {
		err = errors.Join(err, r.record(ctx, task.EventTool, task.ToolData{
			ID: c.ID, Tool: c.Name, Title: results[i].Title, Output: texts[i], IsError: results[i].IsError, Took: took[i],
		}))
	}
	return err
}

// conclude draws conclusions from the answers: is the machinery broken, does
// the model make sense, is it stuck.
func (r *run) conclude(ctx context.Context, calls []tool.Call, results []tool.Result, errs []error) error {
	usable := false
	for i, c := range calls {
		usable = usable || c.Problem == ""
		if err := r.breakage(ctx, c, errs[i]); err != nil {
			return err
		}
		if c.Name == "bash" {
			r.timeouts++
			if !results[i].TimedOut {
				r.timeouts = 0
			}
		}
	}
	if r.timeouts >= timeoutsInRow {
		r.stop(ExitFailed, fmt.Sprintf("%d commands in a row ran out of time", r.timeouts))
		return nil
	}
	if err := r.useful(ctx, usable, "", nil); err != nil || r.exit != "" {
		return err
	}
	return r.observe(ctx, calls, results)
}

// breakage counts failures of the machinery; too many are the run's error.
func (r *run) breakage(ctx context.Context, c tool.Call, err error) error {
	if err == nil {
		r.broken = 0
		return nil
	}
	r.broken++
	if r.broken >= brokenInRow || errors.Is(err, sandbox.ErrClosed) {
		return fmt.Errorf("running %s: %w", c.Name, err)
	}
	r.opts.Log.WarnContext(ctx, "tool call failed", "tool", c.Name, "err", err)
	return nil
}
