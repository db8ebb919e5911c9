// Package blockkit knows Slack's documented rules for blocks and views: what
// Slack refuses, what it fills in, and what a person reads and can click. It
// shares nothing with the code that makes Honk's blocks.
package blockkit

import (
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"
)

// Surface is where blocks are shown.
type Surface string

// The surfaces.
const (
	Message Surface = "message"
	Modal   Surface = "modal"
	Home    Surface = "home"
)

type object = map[string]any

// checker collects what Slack would refuse.
type checker struct {
	surface Surface
	faults  []string
	blocks  map[string]bool // the block_ids seen
	actions map[string]bool // the action_ids of the block at hand
	inputs  int
	focused bool
}

func (c *checker) fault(at, format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...)+" [json-pointer:"+at+"]")
}

// Check returns what Slack would refuse in the blocks of a message.
func Check(blocks json.RawMessage) []string {
	c := &checker{surface: Message, blocks: map[string]bool{}}
	var list []any
	if err := json.Unmarshal(blocks, &list); err != nil {
		return []string{"blocks is not an array [json-pointer:/blocks]"}
	}
	c.list("/blocks", list, 50)
	return c.faults
}

// CheckView returns what Slack would refuse in a view of that kind.
func CheckView(view json.RawMessage, s Surface) []string {
	c := &checker{surface: s, blocks: map[string]bool{}}
	var v object
	if err := json.Unmarshal(view, &v); err != nil {
		return []string{"view is not an object [json-pointer:/view]"}
	}
	if len(view) > 250_000 {
		c.fault("/view", "view_too_large")
	}
	if v["type"] != string(s) {
		c.fault("/view/type", "must be %s", s)
	}
	known := []string{"type", "blocks", "private_metadata", "callback_id", "external_id"}
	if s == Modal {
		known = append(known, "title", "close", "submit", "clear_on_close", "notify_on_close", "submit_disabled")
		c.text("/view/title", v["title"], rule{max: 24, plain: true, required: true})
		c.text("/view/close", v["close"], rule{max: 24, plain: true})
		c.text("/view/submit", v["submit"], rule{max: 24, plain: true})
	}
	c.fields("/view", v, known)
	c.str("/view/private_metadata", v["private_metadata"], 3000)
	c.str("/view/callback_id", v["callback_id"], 255)
	c.str("/view/external_id", v["external_id"], 255)
	blocks, ok := v["blocks"].([]any)
	if !ok {
		c.fault("/view/blocks", "missing required field: blocks")
	}
	c.list("/view/blocks", blocks, 100)
	if s == Modal && c.inputs > 0 && v["submit"] == nil {
		c.fault("/view/submit", "a view with inputs must have a submit button")
	}
	return c.faults
}

func (c *checker) list(at string, blocks []any, most int) {
	if len(blocks) > most {
		c.fault(at, "no more than %d items allowed", most)
	}
	for n, one := range blocks {
		here := fmt.Sprintf("%s/%d", at, n)
		b, ok := one.(object)
		if !ok {
			c.fault(here, "must be an object")
			continue
		}
		c.block(here, b)
	}
}

// fields refuses what Slack does not know.
func (c *checker) fields(at string, o object, known []string) {
	for key := range o {
		if !slices.Contains(known, key) {
			c.fault(at, "invalid additional property: %s", key)
		}
	}
}

// str checks a text that is not a text object.
func (c *checker) str(at string, value any, most int) {
	if value == nil {
		return
	}
	s, ok := value.(string)
	switch {
	case !ok:
		c.fault(at, "must be a string")
	case utf8.RuneCountInString(s) > most:
		c.fault(at, "must be less than %d characters", most+1)
	}
}

// rule is what is asked of a text object.
type rule struct {
	max      int
	plain    bool // plain_text only
	required bool
}

func (c *checker) text(at string, value any, r rule) {
	if value == nil {
		if r.required {
			c.fault(at, "missing required field")
		}
		return
	}
	t, ok := value.(object)
	if !ok {
		c.fault(at, "must be a text object")
		return
	}
	known := []string{"type", "text", "emoji"}
	switch t["type"] {
	case "plain_text":
	case "mrkdwn":
		known = []string{"type", "text", "verbatim"}
		if r.plain {
			c.fault(at+"/type", "must be plain_text")
		}
	default:
		c.fault(at+"/type", "unsupported type: %v", t["type"])
	}
	c.fields(at, t, known)
	s, ok := t["text"].(string)
	if !ok || s == "" {
		c.fault(at+"/text", "must be more than 0 characters")
	}
	c.str(at+"/text", t["text"], r.max)
}
