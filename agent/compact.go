package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"honk/agent/tool"
	"honk/internal/llm"
	"honk/internal/task"
)

const (
	// compactions is how often one task's conversation may be shortened:
	// each time something is lost.
	compactions = 2
	// tailSteps are kept as they are, if they fit into tailShare of the
	// window.
	tailSteps = 4
	tailShare = 0.2
	// summaryTokens caps the summary.
	summaryTokens = 2000
	// shrinks is how often a conversation that is too long to be summarised
	// is made smaller by shrinkTo before its oldest steps are dropped.
	shrinks  = 5
	shrinkTo = 0.8
	// drops is how often half of the steps are dropped then.
	drops = 5
)

// fit masks or shortens the conversation when that is due.
func (r *run) fit(ctx context.Context) error {
	r.mask()
	if r.full() < compactFull || len(r.t.Messages) <= head+1 {
		return nil
	}
	return r.compact(ctx)
}

// compact replaces all but the request and the last steps by a summary of the
// model's and facts of our own.
func (r *run) compact(ctx context.Context) error {
	if r.t.Compactions >= compactions {
		return &llm.Error{Class: llm.ClassContext, Message: fmt.Sprintf("the conversation was shortened %d times already", compactions)}
	}
	r.t.Compactions++
	summary, err := r.summarise(ctx)
	if err != nil {
		return err
	}
	patch, err := r.in.DiffFunc(ctx)
	if err != nil {
		return fmt.Errorf("looking for changes: %w", err)
	}
	const files = 100
	text, err := r.prompts.Text("compacted", map[string]any{
		"Summary": summary, "Files": patch.Files[:min(len(patch.Files), files)],
		"Verify":   tool.Cut(lastOutput(r.t.Messages, "verify"), 3000),
		"Feedback": strings.TrimSpace(r.in.Feedback + "\n\n" + r.added),
	})
	if err != nil {
		return err
	}
	room := int(tailShare * float64(r.opts.Limits.ContextWindow) / r.perByte)
	facts := []llm.Message{{Role: llm.RoleUser, Content: text}}
	r.t.Messages = slices.Concat(r.t.Messages[:head], facts, tail(r.t.Messages[head:], room))
	r.cached = 0
	return r.record(ctx, task.EventNotice, task.NoticeData{Text: "The conversation was shortened.\n\n" + text})
}

// summarise lets the model sum up the conversation. It returns "" when none
// can be had.
func (r *run) summarise(ctx context.Context) (string, error) {
	ask, err := r.prompts.Text("summarise", nil)
	if err != nil {
		return "", err
	}
	msgs := slices.Clone(r.t.Messages)
	for try := 1; ; try++ {
		resp, err := r.complete(ctx, llm.Request{
			Messages: append(slices.Clone(msgs), llm.Message{Role: llm.RoleUser, Content: ask}),
			Tools:    r.specs, MaxTokens: summaryTokens,
		})
		switch class := llm.ClassOf(err); {
		case err == nil:
			return tool.Cut(strings.TrimSpace(resp.Message.Content), 4*summaryTokens), nil
		case class == llm.ClassEmpty || class == llm.ClassHistory || class == llm.ClassContext && try > shrinks+drops:
			return "", nil
		case class != llm.ClassContext:
			return "", err
		case try <= shrinks:
			shrink(msgs[head:], shrinkTo)
		default:
			steps := groups(msgs[head:])
			msgs = append(msgs[:head:head], slices.Concat(steps[(len(steps)+1)/2:]...)...)
		}
	}
}

// shrink cuts every message that is not short already to a share of itself.
func shrink(msgs []llm.Message, share float64) {
	const short = 500
	for i, m := range msgs {
		if len(m.Content) > short {
			msgs[i].Content = tool.Cut(m.Content, int(share*float64(len(m.Content))))
		}
	}
}

// groups splits a conversation before each assistant message, so that calls
// stay with their tool messages.
func groups(msgs []llm.Message) [][]llm.Message {
	var out [][]llm.Message
	from := 0
	for i := 1; i <= len(msgs); i++ {
		if i == len(msgs) || msgs[i].Role == llm.RoleAssistant {
			out = append(out, msgs[from:i])
			from = i
		}
	}
	return out
}

// tail returns the last steps that fit into room bytes; of the very last one
// it keeps the beginning and end of what does not fit.
func tail(msgs []llm.Message, room int) []llm.Message {
	var out []llm.Message
	steps := groups(msgs)
	for n := 1; n <= min(tailSteps, len(steps)); n++ {
		step := slices.Clone(steps[len(steps)-n])
		if step[0].Role != llm.RoleAssistant {
			break // the beginning, which the summary replaces
		}
		size := 0
		for _, m := range step {
			size += len(m.Content)
			for _, c := range m.Calls {
				size += len(c.Arguments)
			}
		}
		if size > room {
			if n > 1 {
				break
			}
			shrink(step, float64(room)/float64(size))
		}
		room -= size
		out = append(step, out...)
	}
	return out
}

// lastOutput is what a tool said last, empty when it never ran.
func lastOutput(msgs []llm.Message, name string) string {
	text := ""
	for _, o := range outputs(msgs, 0) {
		if o.tool == name && !strings.HasPrefix(msgs[o.index].Content, masked) {
			text = msgs[o.index].Content
		}
	}
	return text
}
