package blockkit

import (
	"fmt"
	"reflect"
	"slices"
)

// kind checks what is particular to one kind of element.
func (c *checker) kind(at, kind string, e object) {
	known := []string{"type", "action_id", "confirm"}
	switch kind {
	case "button":
		c.fields(at, e, append(known, "text", "url", "value", "style", "accessibility_label"))
		c.text(at+"/text", e["text"], rule{max: 75, plain: true, required: true})
		c.str(at+"/value", e["value"], 2000)
		c.str(at+"/url", e["url"], 3000)
		c.str(at+"/accessibility_label", e["accessibility_label"], 75)
		if s := e["style"]; s != nil && s != "primary" && s != "danger" {
			c.fault(at+"/style", "must be primary or danger")
		}
	case "static_select", "multi_static_select":
		c.fields(at, e, append(known, "placeholder", "options", "option_groups", "initial_option", "initial_options",
			"focus_on_load", "max_selected_items"))
		c.text(at+"/placeholder", e["placeholder"], rule{max: 150, plain: true})
		c.selection(at, e)
	case "overflow":
		c.fields(at, e, append(known, "options"))
		c.options(at, e, 5)
	case "radio_buttons":
		c.fields(at, e, append(known, "options", "initial_option", "focus_on_load"))
		c.options(at, e, 10)
	case "checkboxes":
		c.fields(at, e, append(known, "options", "initial_options", "focus_on_load"))
		c.options(at, e, 10)
	case "plain_text_input":
		c.fields(at, e, []string{
			"type", "action_id", "initial_value", "multiline", "min_length", "max_length", "placeholder", "focus_on_load",
			"dispatch_action_config",
		})
		c.text(at+"/placeholder", e["placeholder"], rule{max: 150, plain: true})
		c.str(at+"/initial_value", e["initial_value"], 3000)
		if most, ok := e["max_length"].(float64); ok && (most < 1 || most > 3000) {
			c.fault(at+"/max_length", "must be 1 to 3000")
		}
	default: // the rest has no limits that matter here
	}
}

// selection checks the options of a menu, in groups or not.
func (c *checker) selection(at string, e object) {
	groups, grouped := e["option_groups"].([]any)
	if !grouped {
		c.options(at, e, 100)
	} else if e["options"] != nil || len(groups) == 0 || len(groups) > 100 {
		c.fault(at, "a menu has options or 1 to 100 option_groups")
	}
	for n, one := range groups {
		here := fmt.Sprintf("%s/option_groups/%d", at, n)
		g, _ := one.(object)
		c.text(here+"/label", g["label"], rule{max: 75, plain: true, required: true})
		c.options(here, g, 100)
	}
	if first := e["initial_option"]; first != nil && !slices.ContainsFunc(Options(e), func(o object) bool {
		return reflect.DeepEqual(o, first)
	}) {
		c.fault(at+"/initial_option", "must exactly match one of the options")
	}
}

func (c *checker) options(at string, e object, most int) {
	list, _ := e["options"].([]any)
	if len(list) == 0 || len(list) > most {
		c.fault(at+"/options", "1 to %d items allowed, not %d", most, len(list))
	}
	plain := e["type"] != "radio_buttons" && e["type"] != "checkboxes"
	seen := map[string]bool{}
	for n, one := range list {
		here := fmt.Sprintf("%s/options/%d", at, n)
		o, ok := one.(object)
		if !ok {
			c.fault(here, "must be an object")
			continue
		}
		c.fields(here, o, []string{"text", "value", "description", "url"})
		c.text(here+"/text", o["text"], rule{max: 75, plain: plain, required: true})
		c.text(here+"/description", o["description"], rule{max: 75, plain: plain})
		c.str(here+"/value", o["value"], 150)
		value, _ := o["value"].(string)
		if value == "" {
			c.fault(here+"/value", "must be more than 0 characters")
		}
		if seen[value] {
			c.fault(here+"/value", "value already exists: %s", value)
		}
		seen[value] = true
	}
}

func (c *checker) confirm(at string, value any) {
	if value == nil {
		return
	}
	o, ok := value.(object)
	if !ok {
		c.fault(at, "must be an object")
		return
	}
	c.fields(at, o, []string{"title", "text", "confirm", "deny", "style"})
	c.text(at+"/title", o["title"], rule{max: 100, plain: true, required: true})
	c.text(at+"/text", o["text"], rule{max: 300, required: true})
	c.text(at+"/confirm", o["confirm"], rule{max: 30, plain: true, required: true})
	c.text(at+"/deny", o["deny"], rule{max: 30, plain: true, required: true})
}

// Options returns all options of an element.
func Options(e map[string]any) []map[string]any {
	var out []object
	list, _ := e["options"].([]any)
	for _, one := range list {
		if o, ok := one.(object); ok {
			out = append(out, o)
		}
	}
	groups, _ := e["option_groups"].([]any)
	for _, one := range groups {
		if g, ok := one.(object); ok {
			out = append(out, Options(g)...)
		}
	}
	return out
}
