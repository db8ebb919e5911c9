package openai

import (
	"encoding/json"
	"fmt"
)

// object is a JSON object whose values nobody needs to understand. Its keys
// are written in sorted order, so that the same object is the same bytes.
type object = map[string]json.RawMessage

func echoFields() []string {
	return []string{"reasoning_content", "reasoning", "reasoning_details"}
}

// echoOf returns what of a provider's message object goes back to it later:
// the reasoning fields, and the extra content of calls under their id.
// Without any it returns nil.
func echoOf(message object, calls []object) json.RawMessage {
	echo := object{}
	for _, f := range echoFields() {
		if v, ok := message[f]; ok && string(v) != "null" {
			echo[f] = v
		}
	}
	extra := []object{}
	for _, c := range calls {
		if v, ok := c["extra_content"]; ok && !blank(v) {
			extra = append(extra, object{"id": c["id"], "extra_content": v})
		}
	}
	if len(extra) > 0 {
		echo["tool_calls"], _ = json.Marshal(extra)
	}
	if len(echo) == 0 {
		return nil
	}
	raw, err := json.Marshal(echo)
	if err != nil {
		return nil
	}
	return raw
}

func blank(v json.RawMessage) bool {
	s := string(v)
	return s == "null" || s == `""` || s == "[]" || s == "{}"
}

// patchAssistant gives an assistant message the content it must have, null
// beside calls, and puts back what echoOf kept of it.
func patchAssistant(message, raw json.RawMessage) (json.RawMessage, error) {
	var msg object
	if err := json.Unmarshal(message, &msg); err != nil {
		return nil, err
	}
	if _, ok := msg["content"]; !ok {
		msg["content"] = json.RawMessage("null")
	}
	if len(raw) > 0 {
		if err := putBack(msg, raw); err != nil {
			return nil, err
		}
	}
	return json.Marshal(msg)
}

func putBack(msg object, raw json.RawMessage) error {
	var echo object
	if err := json.Unmarshal(raw, &echo); err != nil {
		return fmt.Errorf("reading what the provider wants echoed: %w", err)
	}
	for _, f := range echoFields() {
		if v, ok := echo[f]; ok {
			msg[f] = v
		}
	}
	var extra, calls []object
	if echo["tool_calls"] == nil || msg["tool_calls"] == nil {
		return nil
	}
	if err := json.Unmarshal(echo["tool_calls"], &extra); err != nil {
		return fmt.Errorf("reading the calls the provider wants echoed: %w", err)
	}
	if err := json.Unmarshal(msg["tool_calls"], &calls); err != nil {
		return err
	}
	for _, e := range extra {
		for _, c := range calls {
			if string(c["id"]) == string(e["id"]) {
				c["extra_content"] = e["extra_content"]
			}
		}
	}
	var err error
	msg["tool_calls"], err = json.Marshal(calls)
	return err
}
