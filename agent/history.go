package agent

import (
	"fmt"
	"slices"
	"strings"

	"honk/internal/llm"
)

const (
	// head is how many messages begin every conversation: system and task.
	head = 2
	// keptOutputs are never masked: the latest ones.
	keptOutputs = 8
	// maskBatch is how many outputs are masked at once, and maskFull from
	// which share of the window on a smaller batch of maskFew will do. Each
	// batch costs the provider's prefix cache.
	maskBatch = 20
	maskFull  = 0.6
	maskFew   = 4
	// compactFull is the share of the window at which the conversation is
	// shortened.
	compactFull = 0.8
	// maskFrom is the smallest output worth masking, in bytes.
	maskFrom = 200
)

const interrupted = "Interrupted before it was answered; may be retried."

// paired returns the conversation with one tool message for each call, in
// order, right behind it, and whether anything had to be changed for that.
func paired(msgs []llm.Message) ([]llm.Message, bool) {
	var out []llm.Message
	for i := 0; i < len(msgs); {
		m := msgs[i]
		i++
		if m.Role == llm.RoleTool {
			continue // answers nothing
		}
		out = append(out, m)
		answers := map[string]llm.Message{}
		for ; len(m.Calls) > 0 && i < len(msgs) && msgs[i].Role == llm.RoleTool; i++ {
			if _, twice := answers[msgs[i].CallID]; !twice {
				answers[msgs[i].CallID] = msgs[i]
			}
		}
		for _, c := range m.Calls {
			a, ok := answers[c.ID]
			if !ok {
				a = llm.Message{Role: llm.RoleTool, CallID: c.ID, Content: interrupted}
			}
			out = append(out, a)
		}
	}
	same := slices.EqualFunc(msgs, out, func(a, b llm.Message) bool {
		return a.Role == b.Role && a.CallID == b.CallID && a.Content == b.Content
	})
	return out, !same
}

// output is a tool message: where it stands, by which tool, in which step.
type output struct {
	index, step int
	tool        string
}

// outputs lists the tool messages. Steps are counted back from the last one,
// since compaction takes the first ones away.
func outputs(msgs []llm.Message, steps int) []output {
	replies := 0
	for _, m := range msgs {
		if m.Role == llm.RoleAssistant {
			replies++
		}
	}
	step := steps - replies
	names := map[string]string{}
	var out []output
	for i, m := range msgs {
		if m.Role == llm.RoleAssistant {
			step++
		}
		for _, c := range m.Calls {
			names[c.ID] = c.Name
		}
		if m.Role == llm.RoleTool {
			out = append(out, output{i, max(step, 1), names[m.CallID]})
		}
	}
	return out
}

const masked = "[omitted: "

// maskable are the outputs that may be masked: all but the latest ones, the
// last of verify and of finish (which holds the diff), and small ones.
func maskable(msgs []llm.Message, steps int) []output {
	all := outputs(msgs, steps)
	lastOf := map[string]int{}
	for _, o := range all {
		lastOf[o.tool] = o.index
	}
	var out []output
	for _, o := range all[:max(0, len(all)-keptOutputs)] {
		kept := (o.tool == "verify" || o.tool == "finish") && lastOf[o.tool] == o.index
		text := msgs[o.index].Content
		if !kept && len(text) >= maskFrom && !strings.HasPrefix(text, masked) {
			out = append(out, o)
		}
	}
	return out
}

// mask replaces old tool output by a line each, in one batch when one is due,
// and reports whether it did. Calls and reasoning stay.
func (r *run) mask() bool {
	old := maskable(r.t.Messages, r.t.Steps)
	full := r.full()
	due := len(old) >= maskBatch || full >= maskFull && len(old) >= maskFew || full >= compactFull && len(old) > 0
	if !due {
		return false
	}
	r.t.Messages = slices.Clone(r.t.Messages)
	for _, o := range old {
		lines := 1 + strings.Count(strings.TrimRight(r.t.Messages[o.index].Content, "\n"), "\n")
		r.t.Messages[o.index].Content = fmt.Sprintf("%s%d lines of %s output, see step %d]", masked, lines, o.tool, o.step)
	}
	r.cached = 0
	return true
}
