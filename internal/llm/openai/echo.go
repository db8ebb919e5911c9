package openai

import "encoding/json"

// object is a JSON object whose values nobody needs to understand.
type object = map[string]json.RawMessage

// reasoning holds the fields in which providers tell what a model thought.
type reasoning struct {
	Content json.RawMessage `json:"reasoning_content,omitempty"`
	Text    json.RawMessage `json:"reasoning,omitempty"`
	Details json.RawMessage `json:"reasoning_details,omitempty"`
}

// echo is what of a provider's message goes back to it later: its reasoning,
// and the extra content of calls (thought signatures) under their id.
type echo struct {
	reasoning
	ToolCalls []echoCall `json:"tool_calls,omitempty"`
}

type echoCall struct {
	ID    string          `json:"id"`
	Extra json.RawMessage `json:"extra_content"`
}

// echoOf returns the echo of a message as JSON, nil when there is none.
func echoOf(message object, calls []object) json.RawMessage {
	var e echo
	for name, field := range map[string]*json.RawMessage{
		"reasoning_content": &e.Content, "reasoning": &e.Text, "reasoning_details": &e.Details,
	} {
		if v := message[name]; len(v) > 0 && string(v) != "null" {
			*field = v
		}
	}
	for _, c := range calls {
		if v := c["extra_content"]; len(v) > 0 && !blank(v) {
			e.ToolCalls = append(e.ToolCalls, echoCall{ID: readText(c["id"]), Extra: v})
		}
	}
	raw, err := json.Marshal(e)
	if err != nil || string(raw) == "{}" {
		return nil
	}
	return raw
}

func blank(v json.RawMessage) bool {
	s := string(v)
	return s == "null" || s == `""` || s == "[]" || s == "{}"
}
