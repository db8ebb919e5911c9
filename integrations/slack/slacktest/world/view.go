package world

import (
	"encoding/json"
	"maps"
	"strconv"

	"honk/integrations/slack/slacktest/blockkit"
)

// View is a modal or somebody's Home.
type View struct {
	ID, User string
	Hash     string
	// Given is the view as the app made it, Blocks as Slack keeps them.
	Given  Object
	Blocks json.RawMessage
	// State holds what was filled in, by block and action.
	State map[string]Object
}

// Text returns one of a view's own texts: callback_id, private_metadata.
func (v *View) Text(key string) string {
	s, _ := v.Given[key].(string)
	return s
}

// SetView makes a view, or changes the one with an ID.
func (w *World) SetView(id, user string, given Object) *View {
	v := w.Views[id]
	if v == nil {
		v = &View{ID: w.ID("V0"), User: user}
		w.Views[v.ID] = v
	}
	raw, err := json.Marshal(given["blocks"])
	if err != nil {
		raw = nil // it came from JSON
	}
	v.Given, v.State = given, map[string]Object{}
	v.Blocks = blockkit.Fill(raw, func() string { return w.ID("b") })
	v.Hash = strconv.FormatInt(w.NowFunc().Unix(), 10) + "." + w.ID("h")
	return v
}

// ViewPayload is a view as Slack sends it.
func (w *World) ViewPayload(v *View) Object {
	out := Object{
		"private_metadata": "", "callback_id": "", "external_id": "", "close": nil, "submit": nil,
		"clear_on_close": false, "notify_on_close": false,
		"title": Object{"type": "plain_text", "text": "View Title", "emoji": true},
	}
	maps.Copy(out, v.Given)
	maps.Copy(out, Object{
		"id": v.ID, "team_id": w.TeamID, "app_id": w.AppID, "app_installed_team_id": w.TeamID, "bot_id": w.BotID,
		"hash": v.Hash, "root_view_id": v.ID, "previous_view_id": nil, "blocks": v.Blocks,
		"state": Object{"values": v.State},
	})
	return out
}
