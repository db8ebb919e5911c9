package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"honk/agent/prompt"
	"honk/agent/tool"
	"honk/agent/tool/args"
	"honk/internal/llm"
	"honk/internal/task"
)

const (
	// uselessReplies in a row end a run.
	uselessReplies = 3
	// lastTurnTime is the most that the last turn may take beyond the run's
	// time; of a short run it is a quarter, leastTurnTime at least.
	lastTurnTime  = 2 * time.Minute
	leastTurnTime = 10 * time.Second
	// lastTurnTokens caps its output.
	lastTurnTokens = 2000
)

var errTime = errors.New("the time is up")

// loop asks and acts until the run ends.
func (r *run) loop(parent context.Context) error {
	left := r.opts.Limits.Time - r.t.Elapsed
	ctx, cancel := context.WithTimeoutCause(parent, left, errTime)
	defer cancel()
	for r.exit == "" {
		if parent.Err() != nil {
			r.stop(ExitCancelled, "the run was cancelled")
			break
		}
		if why := r.exhausted(ctx); why != "" {
			return r.lastTurn(parent, why)
		}
		err := r.step(ctx)
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// step is one reply of the model and what comes of it.
func (r *run) step(ctx context.Context) error {
	if err := errors.Join(r.warn(ctx), r.inbox(ctx)); err != nil {
		return err
	}
	err := r.fit(ctx)
	var resp llm.Response
	if err == nil {
		resp, err = r.ask(ctx)
	}
	if err != nil {
		return r.refusal(ctx, err)
	}
	if resp.Finish == llm.FinishFilter {
		r.stop(ExitFailed, "the model's provider filtered its answer")
		return nil
	}
	return r.act(ctx, resp)
}

// inbox tells the model what people have added to the request meanwhile.
func (r *run) inbox(ctx context.Context) error {
	if r.in.InboxFunc == nil {
		return nil
	}
	notes, err := r.in.InboxFunc(ctx)
	if err != nil {
		r.opts.Log.WarnContext(ctx, "inbox not read", "error", err)
	}
	if len(notes) == 0 {
		return nil
	}
	err = r.say("inbox", map[string]any{"Nonce": nonce(), "Notes": prompt.Notes(notes)})
	r.added += r.t.Messages[len(r.t.Messages)-1].Content + "\n"
	return errors.Join(err, r.record(ctx, task.EventNotice, task.NoticeData{
		Text: fmt.Sprintf("noted, applied from step %d", r.t.Steps+1), Notes: notes,
	}))
}

// exhausted says which limit is reached, empty for none.
func (r *run) exhausted(ctx context.Context) string {
	switch {
	case ctx.Err() != nil:
		return fmt.Sprintf("The time limit of %s is reached", r.opts.Limits.Time)
	case r.t.Steps >= r.opts.Limits.Steps:
		return fmt.Sprintf("The limit of %d steps is reached", r.opts.Limits.Steps)
	case r.broke != "":
		return "The budget is used up (" + r.broke + ")"
	}
	return ""
}

// warn tells the model once when four fifths of a limit are used up.
func (r *run) warn(ctx context.Context) error {
	const share = 0.8
	spent, limit := r.opts.SpentFunc()
	elapsed := r.t.Elapsed + time.Since(r.started)
	var used string
	switch {
	case r.warned:
		return nil
	case elapsed.Seconds() >= share*r.opts.Limits.Time.Seconds():
		used = "Most of the time is"
	case limit > 0 && spent >= share*limit:
		used = "Most of the budget is"
	case float64(r.t.Steps) >= share*float64(r.opts.Limits.Steps):
		used = fmt.Sprintf("%d of %d steps are", r.t.Steps, r.opts.Limits.Steps)
	default:
		return nil
	}
	r.warned = true
	return r.notice(ctx, "wrap_up", map[string]string{"Used": used})
}

// refusal acts on a call that the model did not answer. An error that it does
// not know ends the run.
func (r *run) refusal(ctx context.Context, err error) error {
	var le *llm.Error
	if !errors.As(err, &le) {
		return err
	}
	switch le.Class {
	case llm.ClassBudget:
		r.broke = le.Message
	case llm.ClassPolicy:
		r.stop(ExitFailed, "the model's provider refused the content: "+le.Message)
	case llm.ClassContext:
		r.stop(ExitBudget, "the conversation does not fit the model's context window any more; split the request into smaller ones")
	case llm.ClassEmpty:
		r.t.Steps++
		r.usage.Steps++
		return r.useful(ctx, false, "empty_reply", nil)
	default:
		return err
	}
	return nil
}

// useful counts replies with nothing to act on: the first ones are answered
// by the notice, the last one ends the run.
func (r *run) useful(ctx context.Context, yes bool, notice string, data any) error {
	if yes {
		r.useless = 0
		return nil
	}
	r.useless++
	if r.useless >= uselessReplies {
		r.stop(ExitFailed, fmt.Sprintf("%d replies of the model in a row could not be used", r.useless))
		return nil
	}
	if notice == "" {
		return nil
	}
	return r.notice(ctx, notice, data)
}

// act stores a reply and does what it asks for.
func (r *run) act(ctx context.Context, resp llm.Response) error {
	r.t.Steps++
	r.usage.Steps++
	msg := resp.Message
	asked := len(msg.Calls)
	if resp.Finish == llm.FinishLength {
		msg.Calls = slices.DeleteFunc(slices.Clone(msg.Calls), func(c llm.ToolCall) bool { return !args.Whole(c.Arguments) })
	}
	// A reply that was cut off, or that announces calls and holds none.
	half := resp.Finish == llm.FinishLength && (asked > len(msg.Calls) || asked == 0) ||
		resp.Finish == llm.FinishToolCalls && asked == 0
	calls := r.prepare(&msg)
	said := strings.TrimSpace(msg.Content) != ""
	if said || len(calls) > 0 {
		msg.Role = llm.RoleAssistant
		r.t.Messages = append(r.t.Messages, msg)
	}
	if err := r.recordReply(ctx, msg, resp.Usage); err != nil {
		return err
	}
	switch {
	case len(calls) > 0:
		if err := r.answer(ctx, calls); err != nil || r.exit != "" || !half {
			return err
		}
		return r.notice(ctx, "cut_reply", r.cutData(resp))
	case half:
		return r.useful(ctx, false, "cut_reply", r.cutData(resp))
	case !said:
		return r.useful(ctx, false, "empty_reply", nil)
	}
	return r.finishByText(ctx, msg.Content)
}

func (r *run) cutData(resp llm.Response) map[string]int {
	if resp.Finish == llm.FinishLength {
		return map[string]int{"MaxTokens": r.opts.Limits.MaxTokens}
	}
	return map[string]int{"MaxTokens": 0}
}

func (r *run) recordReply(ctx context.Context, msg llm.Message, used llm.Usage) error {
	spent, _ := r.opts.SpentFunc()
	data := task.ReplyData{
		Text: tool.Clean([]byte(msg.Content)), CostUSD: spent,
		Usage: task.Usage{Steps: 1, InputTokens: used.InputTokens, CachedTokens: used.CachedTokens, OutputTokens: used.OutputTokens},
	}
	for _, c := range msg.Calls {
		data.Calls = append(data.Calls, task.CallData{ID: c.ID, Tool: c.Name, Arguments: c.Arguments})
	}
	return r.record(ctx, task.EventReply, data)
}

// lastTurn asks for a summary, for which time and money were held back, and
// ends the run.
func (r *run) lastTurn(parent context.Context, why string) error {
	r.last = lowerFirst(why)
	defer func() {
		if parent.Err() != nil {
			r.stop(ExitCancelled, "the run was cancelled")
		}
		r.stop(ExitBudget, r.last)
	}()
	r.opts.WrapUpFunc()
	left := min(lastTurnTime, max(r.opts.Limits.Time/4, leastTurnTime))
	ctx, cancel := context.WithTimeout(parent, left)
	defer cancel()
	if err := r.notice(ctx, "last_turn", map[string]string{"Why": why}); err != nil {
		return err
	}
	resp, err := r.complete(ctx, llm.Request{
		Messages: r.t.Messages, Tools: r.specs, ForceTool: "finish",
		MaxTokens: min(lastTurnTokens, r.opts.Limits.MaxTokens),
	})
	if err != nil {
		// The run ends for the same reason, only without a summary.
		r.opts.Log.WarnContext(ctx, "last turn unanswered", "err", err)
		return nil
	}
	return r.act(ctx, resp)
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
