// Package webapi is the part of Slack's Web API that Honk uses, over a
// workspace of package world.
package webapi

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"honk/integrations/slack/slacktest/world"
)

type object = world.Object

// Error is an answer that is not ok; its text is Slack's name for it.
type Error struct {
	Name string
	// Extra are further fields of the answer.
	Extra object
}

// Error implements error.
func (e *Error) Error() string { return e.Name }

func problem(name string) error { return &Error{Name: name} }

// API answers calls.
type API struct {
	World              *world.World
	BotToken, AppToken string
	// LinkFunc makes the address of a WebSocket, nil without Socket Mode.
	LinkFunc func() string
}

// method is one of the API.
type method struct {
	// scopes are what a token needs, one of them where there are several.
	scopes []string
	// app says that it takes the app's token, not the bot's.
	app bool
	do  func(*API, Args) (object, error)
}

func methods() map[string]method {
	history := []string{"channels:history", "groups:history", "im:history"}
	read := []string{"channels:read", "groups:read", "im:read"}
	return map[string]method{
		"apps.connections.open": {app: true, do: (*API).connect},
		"auth.test":             {do: (*API).authTest},
		"chat.delete":           {scopes: []string{"chat:write"}, do: (*API).chatDelete},
		"chat.getPermalink":     {do: (*API).permalink},
		"chat.postEphemeral":    {scopes: []string{"chat:write"}, do: (*API).postEphemeral},
		"chat.postMessage":      {scopes: []string{"chat:write"}, do: (*API).postMessage},
		"chat.update":           {scopes: []string{"chat:write"}, do: (*API).chatUpdate},
		"conversations.history": {scopes: history, do: (*API).history},
		"conversations.info":    {scopes: read, do: (*API).channelInfo},
		"conversations.members": {scopes: read, do: (*API).members},
		"conversations.open":    {scopes: []string{"im:write"}, do: (*API).openDirect},
		"conversations.replies": {scopes: history, do: (*API).replies},
		"reactions.add":         {scopes: []string{"reactions:write"}, do: (*API).reactionAdd},
		"reactions.remove":      {scopes: []string{"reactions:write"}, do: (*API).reactionRemove},
		"bots.info":             {scopes: []string{"users:read"}, do: (*API).botInfo},
		"users.info":            {scopes: []string{"users:read"}, do: (*API).userInfo},
		"views.open":            {do: (*API).viewOpen},
		"views.publish":         {do: (*API).viewPublish},
		"views.update":          {do: (*API).viewUpdate},
	}
}

// Call answers a call of a method. The world's lock is not held.
func (a *API) Call(name, token string, args Args) (map[string]any, error) {
	a.World.Lock()
	defer a.World.Unlock()
	m, ok := methods()[name]
	switch {
	case !ok:
		return nil, &Error{Name: "unknown_method", Extra: object{"req_method": name}}
	case token == "":
		return nil, problem("not_authed")
	case token != a.BotToken && token != a.AppToken:
		return nil, problem("invalid_auth")
	case m.app != (token == a.AppToken):
		return nil, problem("not_allowed_token_type")
	}
	if len(m.scopes) > 0 && !slices.ContainsFunc(m.scopes, a.World.Has) {
		return nil, a.missing(strings.Join(m.scopes, ","))
	}
	out, err := m.do(a, args)
	if err != nil {
		return nil, err
	}
	// Written down while nothing can change.
	for key, value := range out {
		raw, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("writing the answer of %s: %w", name, err)
		}
		out[key] = json.RawMessage(raw)
	}
	return out, nil
}

func (a *API) missing(scope string) error {
	return &Error{Name: "missing_scope", Extra: object{
		"needed": scope, "provided": strings.Join(a.World.Scopes, ","),
	}}
}

func (a *API) connect(Args) (object, error) {
	if a.LinkFunc == nil {
		return nil, problem("forbidden")
	}
	return object{"url": a.LinkFunc()}, nil
}

func (a *API) authTest(Args) (object, error) {
	w := a.World
	return object{
		"url": "https://" + w.Domain + ".slack.com/", "team": "Acme", "user": w.Bot.Name, "team_id": w.TeamID,
		"user_id": w.Bot.ID, "bot_id": w.BotID, "is_enterprise_install": false,
	}, nil
}

func (a *API) userInfo(args Args) (object, error) {
	u := a.World.Users[args.Text("user")]
	if u == nil {
		return nil, problem("user_not_found")
	}
	return object{"user": a.World.UserPayload(u)}, nil
}

func (a *API) botInfo(args Args) (object, error) {
	w := a.World
	if args.Text("bot") != w.BotID {
		return nil, problem("bot_not_found")
	}
	return object{"bot": object{
		"id": w.BotID, "deleted": false, "name": w.Bot.Name, "updated": 1, "app_id": w.AppID, "user_id": w.Bot.ID,
		"icons": object{"image_36": "https://a.slack-edge.com/36.png", "image_48": "https://a.slack-edge.com/48.png", "image_72": "https://a.slack-edge.com/72.png"},
	}}, nil
}

// channel returns one that the bot can see. Where to says so, somebody's ID
// is the direct message with them.
func (a *API) channel(args Args, to bool) (*world.Channel, error) {
	id := args.Text("channel")
	if u := a.World.Users[id]; to && u != nil {
		if u.Deleted || u.Bot {
			return nil, problem("channel_not_found")
		}
		return a.World.Direct(id), nil
	}
	c := a.World.Channels[id]
	if c == nil || c.Private && !c.Has(a.World.Bot.ID) {
		return nil, problem("channel_not_found")
	}
	return c, nil
}

func (a *API) channelInfo(args Args) (object, error) {
	c, err := a.channel(args, false)
	if err != nil {
		return nil, err
	}
	if !a.World.Has(c.Scope("read")) {
		return nil, a.missing(c.Scope("read"))
	}
	out := a.World.ChannelPayload(c)
	if args.True("include_num_members") {
		out["num_members"] = len(c.Members)
	}
	return object{"channel": out}, nil
}

func (a *API) openDirect(args Args) (object, error) {
	if u := a.World.Users[args.Text("users")]; u == nil || u.Deleted {
		return nil, problem("user_not_found")
	}
	c := a.World.Direct(args.Text("users"))
	return object{"channel": object{"id": c.ID}}, nil
}
