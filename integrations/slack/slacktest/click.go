package slacktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"honk/integrations/slack/slacktest/blockkit"
	"honk/integrations/slack/slacktest/wire"
	"honk/integrations/slack/slacktest/world"
)

// Click is what somebody clicks: something on a message or whisper (Channel
// and TS), on their Home, or, with neither, on the modal they have open.
type Click struct {
	User, Channel, TS string
	Home              bool
	ActionID          string
	// BlockID and Value say which, where several have the same action_id.
	BlockID, Value string
	// Option is the value of what is chosen in a menu.
	Option string
}

// Click clicks, and waits until the app has taken it.
func (s *Slack) Click(ctx context.Context, k Click) error {
	var payload json.RawMessage
	var err error
	if k.Channel != "" {
		err = s.on(k.User, k.Channel, k.TS, func(c *world.Channel, m *world.Message) error {
			payload, err = sealed(s.clickMessage(k, c, m))
			return err
		})
	} else {
		err = s.in(k.User, []string{k.User}, func(*world.Channel) error {
			payload, err = sealed(s.clickView(k))
			return err
		})
	}
	if err != nil {
		return err
	}
	_, err = s.ask(ctx, wire.Interactive, "block_actions", payload)
	return err
}

// sealed writes a payload down while the world's lock is held.
func sealed(payload world.Object, err error) (json.RawMessage, error) {
	if err != nil {
		return nil, err
	}
	out, err := json.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("writing an interaction: %w", err)
	}
	return out, nil
}

func (s *Slack) clickMessage(k Click, c *world.Channel, m *world.Message) (world.Object, error) {
	if m.State == nil {
		m.State = map[string]world.Object{}
	}
	action, err := s.act(k, m.Blocks, m.State)
	if err != nil {
		return nil, err
	}
	container := world.Object{
		"type": "message", "message_ts": m.TS, "channel_id": c.ID, "is_ephemeral": m.To != "",
	}
	if m.Thread != "" {
		container["thread_ts"] = m.Thread
	}
	out := s.interaction("block_actions", k.User)
	maps.Copy(out, world.Object{
		"container": container, "channel": place(c), "actions": []world.Object{action},
		"state": world.Object{"values": m.State}, "response_url": s.world.NewHook(k.User, c, m),
	})
	// Of a whisper nothing is kept that could be shown.
	if m.To == "" {
		out["message"] = s.world.MessagePayload(c, m)
	}
	return out, nil
}

func (s *Slack) clickView(k Click) (world.Object, error) {
	v := s.world.Views[s.world.Open[k.User]]
	if k.Home {
		v = s.world.Homes[k.User]
	}
	if v == nil {
		return nil, fmt.Errorf("%s has no view open", k.User)
	}
	action, err := s.act(k, v.Blocks, v.State)
	if err != nil {
		return nil, err
	}
	out := s.interaction("block_actions", k.User)
	maps.Copy(out, world.Object{
		"container": world.Object{"type": "view", "view_id": v.ID}, "view": s.world.ViewPayload(v),
		"actions": []world.Object{action},
	})
	return out, nil
}

// interaction is what all of them have.
func (s *Slack) interaction(kind, user string) world.Object {
	w := s.world
	return world.Object{
		"type": kind, "token": w.VerificationToken, "team": world.Object{"id": w.TeamID, "domain": w.Domain},
		"user": w.Who(user), "api_app_id": w.AppID, "trigger_id": w.NewTrigger(user), "enterprise": nil,
		"is_enterprise_install": false,
	}
}

func place(c *world.Channel) world.Object {
	name := c.Name
	if c.Direct != "" {
		name = "directmessage"
	} else if c.Private {
		name = "privategroup"
	}
	return world.Object{"id": c.ID, "name": name}
}

// act finds what is clicked and makes the action of it.
func (s *Slack) act(k Click, blocks json.RawMessage, state map[string]world.Object) (world.Object, error) {
	for _, e := range blockkit.Elements(blocks) {
		if e.ActionID != k.ActionID || e.Input || k.BlockID != "" && k.BlockID != e.BlockID ||
			k.Value != "" && k.Value != e.Value {
			continue
		}
		out := world.Object{"type": e.Kind, "action_id": e.ActionID, "block_id": e.BlockID, "action_ts": s.world.TS()}
		if e.Kind == "button" {
			for _, key := range []string{"text", "value", "url", "style", "confirm"} {
				if e.Raw[key] != nil {
					out[key] = e.Raw[key]
				}
			}
			return out, nil
		}
		for _, o := range blockkit.Options(e.Raw) {
			if o["value"] != k.Option {
				continue
			}
			out["selected_option"] = o
			if e.Raw["placeholder"] != nil {
				out["placeholder"] = e.Raw["placeholder"]
			}
			if e.Kind != "overflow" {
				state[e.BlockID] = world.Object{e.ActionID: world.Object{"type": e.Kind, "selected_option": o}}
			}
			return out, nil
		}
		return nil, fmt.Errorf("%q has no option %q", k.ActionID, k.Option)
	}
	return nil, fmt.Errorf("there is no %q to click in %s", k.ActionID, cut(blockkit.Text(blocks)))
}

func cut(s string) string { return fmt.Sprintf("%.300q", s) }

// Shortcut uses the app's message shortcut on a message.
func (s *Slack) Shortcut(ctx context.Context, user, channel, ts string) error {
	var payload json.RawMessage
	err := s.on(user, channel, ts, func(c *world.Channel, m *world.Message) (err error) {
		out := s.interaction("message_action", user)
		maps.Copy(out, world.Object{
			"callback_id": s.opts.Callback, "message_ts": m.TS, "action_ts": s.world.TS(), "channel": place(c),
			"message": s.world.MessagePayload(c, m), "response_url": s.world.NewHook(user, c, nil),
		})
		payload, err = sealed(out, nil)
		return err
	})
	if err != nil {
		return err
	}
	_, err = s.ask(ctx, wire.Interactive, "message_action", payload)
	return err
}

// errNoView is what somebody without a modal cannot do.
var errNoView = errors.New("there is no modal open")
