package blockkit

import (
	"encoding/json"
	"strings"
)

// Element is something interactive in blocks.
type Element struct {
	BlockID, ActionID string
	// Kind is button, static_select and so on; Text what a person reads on it.
	Kind, Text, Value, URL string
	// Optional is of an input.
	Input, Optional bool
	// Raw is the element itself.
	Raw map[string]any
}

// Fill returns blocks as Slack keeps them: with a block_id each, action_ids,
// and the defaults of text objects.
func Fill(blocks json.RawMessage, newID func() string) json.RawMessage {
	var list []any
	if err := json.Unmarshal(blocks, &list); err != nil {
		return nil
	}
	for _, one := range list {
		if b, ok := one.(object); ok {
			if id, _ := b["block_id"].(string); id == "" {
				b["block_id"] = newID()
			}
		}
	}
	fill(list, newID)
	out, err := json.Marshal(list)
	if err != nil {
		return nil // it came from JSON
	}
	return out
}

func fill(value any, newID func() string) {
	switch v := value.(type) {
	case []any:
		for _, one := range v {
			fill(one, newID)
		}
	case object:
		missing := func(key string, value any) {
			if v[key] == nil {
				v[key] = value
			}
		}
		switch v["type"] {
		case "plain_text":
			missing("emoji", true)
		case "mrkdwn":
			missing("verbatim", false)
		case "button", "static_select", "overflow", "radio_buttons", "checkboxes", "plain_text_input":
			if id, _ := v["action_id"].(string); id == "" {
				v["action_id"] = newID()
			}
		}
		for _, one := range v {
			fill(one, newID)
		}
	}
}

// Text returns what a person reads in blocks, a block on a line.
func Text(blocks json.RawMessage) string {
	var list []object
	if err := json.Unmarshal(blocks, &list); err != nil {
		return ""
	}
	var lines []string
	for _, b := range list {
		var parts []string
		read(b, &parts)
		sep := "\n"
		switch b["type"] {
		case "context", "actions":
			sep = " "
		case "rich_text":
			sep = ""
		case "divider":
			parts = []string{"---"}
		}
		if len(parts) > 0 {
			lines = append(lines, strings.Join(parts, sep))
		}
	}
	return strings.Join(lines, "\n")
}

// read collects the texts of a block in the order they are shown.
func read(value any, out *[]string) {
	v, ok := value.(object)
	if !ok {
		return
	}
	text, _ := v["text"].(string)
	switch v["type"] {
	case "plain_text", "mrkdwn", "text", "markdown":
		*out = append(*out, text)
		return
	case "user":
		id, _ := v["user_id"].(string)
		*out = append(*out, "<@"+id+">")
		return
	case "button":
		var label []string
		read(v["text"], &label)
		*out = append(*out, "["+strings.Join(label, "")+"]")
		return
	case "image":
		alt, _ := v["alt_text"].(string)
		*out = append(*out, "("+alt+")")
		return
	}
	for _, key := range []string{"title", "label", "text", "placeholder"} {
		read(v[key], out)
	}
	for _, key := range []string{"fields", "elements"} {
		list, _ := v[key].([]any)
		for _, one := range list {
			read(one, out)
		}
	}
	for _, key := range []string{"accessory", "element", "hint"} {
		read(v[key], out)
	}
}

// Elements returns what is interactive in blocks.
func Elements(blocks json.RawMessage) []Element {
	var list []object
	if err := json.Unmarshal(blocks, &list); err != nil {
		return nil
	}
	var out []Element
	for _, b := range list {
		block, _ := b["block_id"].(string)
		var inside []any
		if b["type"] == "actions" {
			inside, _ = b["elements"].([]any)
		}
		for _, one := range append(inside, b["accessory"], b["element"]) {
			e, ok := one.(object)
			if !ok || e["type"] == "image" {
				continue
			}
			got := Element{BlockID: block, Raw: e, Input: b["type"] == "input", Optional: b["optional"] == true}
			got.ActionID, _ = e["action_id"].(string)
			got.Kind, _ = e["type"].(string)
			got.Value, _ = e["value"].(string)
			got.URL, _ = e["url"].(string)
			var label []string
			read(e["text"], &label)
			read(e["placeholder"], &label)
			got.Text = strings.Join(label, "")
			out = append(out, got)
		}
	}
	return out
}
