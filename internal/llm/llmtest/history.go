package llmtest

import (
	"encoding/json"
	"fmt"

	"honk/internal/llm"
)

// CheckHistory refuses what real endpoints refuse: a conversation in which
// calls and tool messages do not pair up, or replayed arguments that are not
// JSON.
func CheckHistory(messages []llm.Message) error {
	if len(messages) == 0 {
		return fmt.Errorf("messages must not be empty")
	}
	open := map[string]bool{}
	for i, m := range messages {
		if m.Role == llm.RoleTool {
			if !open[m.CallID] {
				return fmt.Errorf("message %d answers call %q, which no preceding assistant message made or which is answered already", i, m.CallID)
			}
			delete(open, m.CallID)
			continue
		}
		if len(open) > 0 {
			return fmt.Errorf("message %d: an assistant message with tool_calls must be followed by tool messages responding to each 'tool_call_id'; %d are missing", i, len(open))
		}
		for _, c := range m.Calls {
			if c.ID == "" || c.Name == "" || open[c.ID] {
				return fmt.Errorf("message %d: call %q of tool %q has no name, no id or an id used twice", i, c.ID, c.Name)
			}
			if !json.Valid([]byte(c.Arguments)) {
				return fmt.Errorf("message %d: failed to parse tool call arguments as JSON in call %q", i, c.ID)
			}
			open[c.ID] = true
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("an assistant message with tool_calls must be followed by tool messages responding to each 'tool_call_id'; %d are missing at the end", len(open))
	}
	return nil
}
