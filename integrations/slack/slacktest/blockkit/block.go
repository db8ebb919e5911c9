package blockkit

import (
	"fmt"
	"slices"
)

// accessories are the elements of a section, actions those of an actions
// block, inputs those of an input block.
var (
	accessories = []string{
		"button", "static_select", "overflow", "radio_buttons", "checkboxes", "image", "datepicker", "users_select",
		"multi_static_select",
	}
	actions = []string{
		"button", "static_select", "overflow", "radio_buttons", "checkboxes", "datepicker", "users_select",
		"multi_static_select",
	}
	inputs = []string{
		"plain_text_input", "static_select", "radio_buttons", "checkboxes", "datepicker", "users_select",
		"multi_static_select",
	}
)

// block checks one block.
func (c *checker) block(at string, b object) {
	c.actions = map[string]bool{}
	c.str(at+"/block_id", b["block_id"], 255)
	if id, ok := b["block_id"].(string); ok && id != "" {
		if c.blocks[id] {
			c.fault(at+"/block_id", "block_id already exists: %s", id)
		}
		c.blocks[id] = true
	}
	known := []string{"type", "block_id"}
	switch kind, _ := b["type"].(string); kind {
	case "section":
		c.fields(at, b, append(known, "text", "fields", "accessory", "expand"))
		c.section(at, b)
	case "header":
		c.fields(at, b, append(known, "text", "level"))
		c.text(at+"/text", b["text"], rule{max: 150, plain: true, required: true})
	case "divider":
		c.fields(at, b, known)
	case "context":
		c.fields(at, b, append(known, "elements"))
		c.context(at, b)
	case "actions":
		c.fields(at, b, append(known, "elements"))
		c.elements(at, b, 25)
	case "image":
		c.fields(at, b, append(known, "image_url", "alt_text", "title", "slack_file"))
		c.image(at, b)
		c.text(at+"/title", b["title"], rule{max: 2000, plain: true})
	case "input":
		c.fields(at, b, append(known, "label", "element", "hint", "optional", "dispatch_action"))
		c.input(at, b)
	case "rich_text":
		c.fields(at, b, append(known, "elements"))
		if _, ok := b["elements"].([]any); !ok {
			c.fault(at+"/elements", "missing required field: elements")
		}
	case "markdown":
		c.fields(at, b, append(known, "text"))
		c.str(at+"/text", b["text"], 12000)
		if c.surface != Message {
			c.fault(at+"/type", "unsupported type: markdown")
		}
	default:
		c.fault(at+"/type", "unsupported type: %v", b["type"])
	}
}

func (c *checker) section(at string, b object) {
	fields, _ := b["fields"].([]any)
	if b["text"] == nil && len(fields) == 0 {
		c.fault(at, "a section must have text or fields")
	}
	c.text(at+"/text", b["text"], rule{max: 3000})
	if len(fields) > 10 {
		c.fault(at+"/fields", "no more than 10 items allowed")
	}
	for n, f := range fields {
		c.text(fmt.Sprintf("%s/fields/%d", at, n), f, rule{max: 2000, required: true})
	}
	if b["accessory"] != nil {
		c.element(at+"/accessory", b["accessory"], accessories)
	}
}

func (c *checker) context(at string, b object) {
	list, _ := b["elements"].([]any)
	if len(list) == 0 || len(list) > 10 {
		c.fault(at+"/elements", "1 to 10 items allowed, not %d", len(list))
	}
	for n, one := range list {
		here := fmt.Sprintf("%s/elements/%d", at, n)
		if e, ok := one.(object); ok && e["type"] == "image" {
			c.fields(here, e, []string{"type", "image_url", "alt_text", "slack_file"})
			c.image(here, e)
			continue
		}
		c.text(here, one, rule{max: 3000, required: true})
	}
}

func (c *checker) elements(at string, b object, most int) {
	list, _ := b["elements"].([]any)
	if len(list) == 0 || len(list) > most {
		c.fault(at+"/elements", "1 to %d items allowed, not %d", most, len(list))
	}
	for n, one := range list {
		c.element(fmt.Sprintf("%s/elements/%d", at, n), one, actions)
	}
}

func (c *checker) image(at string, b object) {
	if b["image_url"] == nil && b["slack_file"] == nil {
		c.fault(at, "an image must have image_url or slack_file")
	}
	c.str(at+"/image_url", b["image_url"], 3000)
	c.str(at+"/alt_text", b["alt_text"], 2000)
	if b["alt_text"] == nil {
		c.fault(at+"/alt_text", "missing required field: alt_text")
	}
}

func (c *checker) input(at string, b object) {
	c.inputs++
	c.text(at+"/label", b["label"], rule{max: 2000, plain: true, required: true})
	c.text(at+"/hint", b["hint"], rule{max: 2000, plain: true})
	c.element(at+"/element", b["element"], inputs)
}

// element checks something interactive.
func (c *checker) element(at string, value any, allowed []string) {
	e, ok := value.(object)
	if !ok {
		c.fault(at, "must be an object")
		return
	}
	kind, _ := e["type"].(string)
	if !slices.Contains(allowed, kind) {
		c.fault(at+"/type", "unsupported type: %v", e["type"])
		return
	}
	if kind == "image" {
		c.image(at, e)
		return
	}
	c.str(at+"/action_id", e["action_id"], 255)
	if id, ok := e["action_id"].(string); ok && id != "" {
		if c.actions[id] {
			c.fault(at+"/action_id", "action_id already exists: %s", id)
		}
		c.actions[id] = true
	}
	if e["focus_on_load"] == true {
		if c.focused {
			c.fault(at+"/focus_on_load", "only one element may be focused")
		}
		c.focused = true
	}
	c.confirm(at+"/confirm", e["confirm"])
	c.kind(at, kind, e)
}
