package webapi

import (
	"encoding/json"

	"honk/integrations/slack/slacktest/blockkit"
	"honk/integrations/slack/slacktest/world"
)

// view reads a call's view and holds it to the rules.
func (a *API) view(method string, args Args, s blockkit.Surface) (object, error) {
	raw := args.JSON("view")
	if raw == nil {
		return nil, problem("invalid_arguments")
	}
	return a.CheckView(method, raw, s)
}

// CheckView holds a view to the rules and returns it.
func (a *API) CheckView(method string, raw json.RawMessage, s blockkit.Surface) (map[string]any, error) {
	if err := a.refuse(method, "invalid_arguments", blockkit.CheckView(raw, s)); err != nil {
		return nil, err
	}
	var v object
	if json.Unmarshal(raw, &v) != nil {
		return nil, problem("invalid_arguments")
	}
	return v, nil
}

func (a *API) viewOpen(args Args) (object, error) {
	t := a.World.Triggers[args.Text("trigger_id")]
	switch {
	case t == nil:
		return nil, problem("invalid_trigger_id")
	case t.Used:
		return nil, problem("exchanged_trigger_id")
	case a.World.NowFunc().After(t.Expires):
		return nil, problem("expired_trigger_id")
	}
	given, err := a.view("views.open", args, blockkit.Modal)
	if err != nil {
		return nil, err
	}
	t.Used = true
	v := a.World.SetView("", t.User, given)
	a.World.Open[t.User] = v.ID
	return object{"view": a.World.ViewPayload(v)}, nil
}

func (a *API) viewUpdate(args Args) (object, error) {
	v := a.World.Views[args.Text("view_id")]
	if id := args.Text("external_id"); v == nil && id != "" {
		for _, one := range a.World.Views {
			if one.Text("external_id") == id {
				v = one
			}
		}
	}
	if v == nil || a.World.Open[v.User] != v.ID {
		return nil, problem("not_found")
	}
	if hash := args.Text("hash"); hash != "" && hash != v.Hash {
		return nil, problem("hash_conflict")
	}
	given, err := a.view("views.update", args, blockkit.Modal)
	if err != nil {
		return nil, err
	}
	a.World.SetView(v.ID, v.User, given)
	return object{"view": a.World.ViewPayload(v)}, nil
}

func (a *API) viewPublish(args Args) (object, error) {
	user := args.Text("user_id")
	if u := a.World.Users[user]; u == nil || u.Deleted {
		return nil, problem("user_not_found")
	}
	old := a.World.Homes[user]
	if hash := args.Text("hash"); hash != "" && old != nil && hash != old.Hash {
		return nil, problem("hash_conflict")
	}
	given, err := a.view("views.publish", args, blockkit.Home)
	if err != nil {
		return nil, err
	}
	id := ""
	if old != nil {
		id = old.ID
	}
	v := a.World.SetView(id, user, given)
	a.World.Homes[user] = v
	return object{"view": a.World.ViewPayload(v)}, nil
}

// Respond answers a post to a response_url. The world's lock is not held.
func (a *API) Respond(id string, args Args) error {
	w := a.World
	w.Lock()
	defer w.Unlock()
	h := w.Hooks[id]
	switch {
	case h == nil || w.NowFunc().After(h.Expires):
		return problem("expired_url")
	case h.Left == 0:
		return problem("used_url")
	}
	h.Left--
	return a.Answer(h, args)
}

// Answer does what an app's answer to a click or command says. The world's
// lock is held.
func (a *API) Answer(h *world.Hook, args Args) error {
	w := a.World
	if args.True("delete_original") {
		if h.Message != nil {
			w.Delete(h.Channel, h.Message)
		}
		return nil
	}
	text, blocks, err := a.content("response_url", args)
	if err != nil {
		return err
	}
	if args.True("replace_original") && h.Message != nil {
		a.change(h.Message, text, blocks, args)
		return nil
	}
	m := world.Message{User: w.Bot.ID, Text: text, Blocks: blocks, Bot: true, Thread: args.Text("thread_ts"), To: h.User}
	if args.Text("response_type") == "in_channel" {
		m.To = ""
	}
	w.Say(h.Channel, m)
	return nil
}
