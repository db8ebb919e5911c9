package slacktest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"honk/integrations/slack/slacktest/blockkit"
	"honk/integrations/slack/slacktest/wire"
	"honk/integrations/slack/slacktest/world"
)

// Submit fills in the modal that somebody has open, by action_id or block_id,
// and submits it. What is not filled in keeps its initial value. Errors that
// the app finds in it are an error here, and the modal stays open.
func (s *Slack) Submit(ctx context.Context, user string, values map[string]string) error {
	var payload json.RawMessage
	err := s.in(user, []string{user}, func(*world.Channel) (err error) {
		v := s.world.Views[s.world.Open[user]]
		if v == nil {
			return errNoView
		}
		if v.Given["submit"] == nil {
			return fmt.Errorf("the modal %q has no button to submit", v.Text("callback_id"))
		}
		if err := fill(v, values); err != nil {
			return err
		}
		out := s.interaction("view_submission", user)
		out["view"], out["response_urls"] = s.world.ViewPayload(v), []world.Object{}
		payload, err = sealed(out, nil)
		return err
	})
	if err != nil {
		return err
	}
	answer, err := s.ask(ctx, wire.Interactive, "view_submission", payload)
	if err != nil {
		return err
	}
	return s.submitted(user, answer)
}

// fill puts values into a view's inputs, as far as Slack lets people.
func fill(v *world.View, values map[string]string) error {
	left := map[string]bool{}
	for key := range values {
		left[key] = true
	}
	for _, e := range blockkit.Elements(v.Blocks) {
		if !e.Input {
			continue
		}
		value, given := values[e.ActionID]
		delete(left, e.ActionID)
		if !given {
			value, given = values[e.BlockID]
			delete(left, e.BlockID)
		}
		state, filled, err := entered(e, value, given)
		if err != nil {
			return err
		}
		if !filled && !e.Optional {
			return fmt.Errorf("%q must be filled in", e.ActionID)
		}
		v.State[e.BlockID] = world.Object{e.ActionID: state}
	}
	for key := range left {
		return fmt.Errorf("the modal has no input %q", key)
	}
	return nil
}

// entered is the state of one input.
func entered(e blockkit.Element, value string, given bool) (state world.Object, filled bool, err error) {
	state = world.Object{"type": e.Kind}
	if e.Kind == "plain_text_input" {
		if first, ok := e.Raw["initial_value"].(string); ok && !given {
			value = first
		}
		n := float64(utf8.RuneCountInString(value))
		if least, ok := e.Raw["min_length"].(float64); ok && n < least && n > 0 {
			return nil, false, fmt.Errorf("%q needs %v characters", e.ActionID, least)
		}
		if most, ok := e.Raw["max_length"].(float64); ok && n > most {
			return nil, false, fmt.Errorf("%q takes %v characters", e.ActionID, most)
		}
		if state["value"] = nil; value != "" {
			state["value"] = value
		}
		return state, strings.TrimSpace(value) != "", nil
	}
	state["selected_option"] = nil
	if first := e.Raw["initial_option"]; first != nil && !given {
		state["selected_option"] = first
		return state, true, nil
	}
	if !given || value == "" {
		return state, false, nil
	}
	for _, o := range blockkit.Options(e.Raw) {
		if o["value"] == value {
			state["selected_option"] = o
			return state, true, nil
		}
	}
	return nil, false, fmt.Errorf("%q has no option %q", e.ActionID, value)
}

// submitted does with the modal what the app's answer says.
func (s *Slack) submitted(user string, answer json.RawMessage) error {
	var said struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
		View   json.RawMessage   `json:"view"`
	}
	if len(answer) > 0 {
		if err := json.Unmarshal(answer, &said); err != nil {
			return fmt.Errorf("reading the answer to a submission: %w", err)
		}
	}
	s.world.Lock()
	defer s.world.Unlock()
	open := s.world.Open[user]
	switch said.Action {
	case "", "clear":
		delete(s.world.Open, user)
	case "errors":
		return fmt.Errorf("the app refuses the modal: %v", said.Errors)
	case "update", "push":
		given, err := s.api.CheckView("response_action", said.View, blockkit.Modal)
		if err != nil {
			return fmt.Errorf("showing the app's view: %w", err)
		}
		if said.Action == "push" {
			open = ""
		}
		s.world.Open[user] = s.world.SetView(open, user, given).ID
	default:
		return fmt.Errorf("there is no response_action %q", said.Action)
	}
	return nil
}

// Dismiss closes the modal that somebody has open. The app hears of it where
// the view asks for that.
func (s *Slack) Dismiss(ctx context.Context, user string) error {
	var payload json.RawMessage
	err := s.in(user, []string{user}, func(*world.Channel) (err error) {
		v := s.world.Views[s.world.Open[user]]
		if v == nil {
			return errNoView
		}
		delete(s.world.Open, user)
		if v.Given["notify_on_close"] != true {
			return nil
		}
		out := s.interaction("view_closed", user)
		delete(out, "trigger_id")
		out["view"], out["is_cleared"] = s.world.ViewPayload(v), false
		payload, err = sealed(out, nil)
		return err
	})
	if err != nil || payload == nil {
		return err
	}
	_, err = s.ask(ctx, wire.Interactive, "view_closed", payload)
	return err
}
