package openai

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"honk/internal/llm"
)

// noOutput stands for content that is empty: go-openai would leave it out,
// and some endpoints then refuse the message.
const noOutput = "(no output)"

// message is a turn of the conversation as it is sent. go-openai's own type
// can hold neither a null content nor what providers want echoed.
type message struct {
	Role string `json:"role"`
	// Content is null beside calls.
	Content *string `json:"content"`
	reasoning
	ToolCalls  []toolCall `json:"tool_calls,omitempty"`
	ToolCallID string     `json:"tool_call_id,omitempty"`
}

type toolCall struct {
	ID       string          `json:"id"`
	Type     string          `json:"type"`
	Function function        `json:"function"`
	Extra    json.RawMessage `json:"extra_content,omitempty"`
}

type function struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

// newMessage writes a turn, with its echo put back when the endpoint wants
// it.
func newMessage(m llm.Message, wantsEcho bool) (message, error) {
	var e echo
	if len(m.Raw) > 0 && wantsEcho {
		if err := json.Unmarshal(m.Raw, &e); err != nil {
			return message{}, fmt.Errorf("reading what the provider wants echoed: %w", err)
		}
	}
	out := message{Role: string(m.Role), reasoning: e.reasoning, ToolCallID: m.CallID}
	switch {
	case m.Content != "":
		out.Content = &m.Content
	case len(m.Calls) == 0:
		text := noOutput
		out.Content = &text
	}
	extra := make(map[string]json.RawMessage, len(e.ToolCalls))
	for _, c := range e.ToolCalls {
		extra[c.ID] = c.Extra
	}
	for _, c := range m.Calls {
		args := c.Arguments
		if args == "" {
			args = "{}"
		}
		out.ToolCalls = append(out.ToolCalls, toolCall{
			ID: c.ID, Type: "function", Extra: extra[c.ID],
			Function: function{Name: toolName(c.Name), Arguments: args},
		})
	}
	return out, nil
}

// toolName makes a name that a model invented one that endpoints take back.
func toolName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, name)
	if name == "" {
		return "unknown"
	}
	return name[:min(len(name), 64)]
}
