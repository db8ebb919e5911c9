// Package world is what a stand-in for Slack remembers: one workspace with
// its people, channels, messages and views, and what Slack says of them.
package world

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Object is a JSON object.
type Object = map[string]any

// Event is something an app may have subscribed to.
type Event struct {
	Type, ID string
	Payload  Object
}

// World is a workspace with one app. Its methods are called with the lock
// held.
type World struct {
	sync.Mutex
	NowFunc func() time.Time
	// EmitFunc sends an event to the app.
	EmitFunc func(Event)

	// URL is where the stand-in is served.
	URL               string
	TeamID, Domain    string
	AppID, BotID      string
	Bot               *User
	Scopes            []string
	Subscribed        []string
	Users             map[string]*User
	Channels          map[string]*Channel
	Views             map[string]*View
	Homes             map[string]*View // by user
	Open              map[string]string
	Triggers          map[string]*Trigger
	Hooks             map[string]*Hook
	Files             map[string]*File
	Violations        []string
	VerificationToken string
	counter           int
	last              int64
}

// New makes a workspace with nobody but the app's bot.
func New(now func() time.Time) *World {
	w := &World{
		NowFunc: now, TeamID: "T0ACME001", Domain: "acme", AppID: "A0HONK001", BotID: "B0HONK001",
		Users: map[string]*User{}, Channels: map[string]*Channel{}, Views: map[string]*View{}, Homes: map[string]*View{},
		Open: map[string]string{}, Triggers: map[string]*Trigger{}, Hooks: map[string]*Hook{}, Files: map[string]*File{},
		VerificationToken: "legacy-verification-token",
	}
	w.Bot = w.AddUser(User{ID: "U0HONK001", Name: "honk", RealName: "Honk", Bot: true})
	w.AddUser(User{ID: "USLACKBOT", Name: "slackbot", RealName: "Slackbot", Bot: true})
	return w
}

// ID returns a new ID that begins with a prefix.
func (w *World) ID(prefix string) string {
	w.counter++
	return fmt.Sprintf("%s%08d", prefix, w.counter)
}

// TS returns the time as Slack writes it, each only once.
func (w *World) TS() string {
	w.last = max(w.NowFunc().UnixMicro(), w.last+1)
	return fmt.Sprintf("%d.%06d", w.last/1e6, w.last%1e6)
}

// Has reports whether the app's token has a scope.
func (w *World) Has(scope string) bool {
	return slices.Contains(w.Scopes, scope)
}

// After reports whether a message's ts is later than another.
func After(a, b string) bool {
	pad := func(ts string) string {
		sec, micro, _ := strings.Cut(ts, ".")
		return fmt.Sprintf("%012s.%-6s", sec, micro)
	}
	return pad(a) > pad(b)
}

// emit sends an event that the app has subscribed to and may see.
func (w *World) emit(kind, scope string, c *Channel, event Object) {
	name := kind
	if kind == "message" {
		name = "message.channels"
	}
	if !slices.Contains(w.Subscribed, name) || scope != "" && !w.Has(scope) || w.EmitFunc == nil {
		return
	}
	event["type"] = kind
	id := w.ID("Ev0")
	w.EmitFunc(Event{Type: kind, ID: id, Payload: Object{
		"token": w.VerificationToken, "team_id": w.TeamID, "context_team_id": w.TeamID, "context_enterprise_id": nil,
		"api_app_id": w.AppID, "event": event, "type": "event_callback", "event_id": id,
		"event_time": w.NowFunc().Unix(), "event_context": "4-" + id,
		"authorizations": []Object{{
			"enterprise_id": nil, "team_id": w.TeamID, "user_id": w.Bot.ID, "is_bot": true, "is_enterprise_install": false,
		}},
		"is_ext_shared_channel": c != nil && c.External,
	}})
}

// OpenHome tells the app that a person looks at its Home.
func (w *World) OpenHome(user string) {
	event := Object{"user": user, "channel": w.Direct(user).ID, "tab": "home", "event_ts": w.TS()}
	if v := w.Homes[user]; v != nil {
		event["view"] = w.ViewPayload(v)
	}
	w.emit("app_home_opened", "", nil, event)
}

// Uninstall tells the app that it is no longer wanted.
func (w *World) Uninstall() {
	w.emit("app_uninstalled", "", nil, Object{"event_ts": w.TS()})
	w.emit("tokens_revoked", "", nil, Object{
		"tokens": Object{"oauth": []string{}, "bot": []string{w.Bot.ID}}, "event_ts": w.TS(),
	})
}

// Trigger is the right to open one view, for three seconds.
type Trigger struct {
	User    string
	Expires time.Time
	Used    bool
}

// NewTrigger makes one for who has just done something.
func (w *World) NewTrigger(user string) string {
	id := strconv.FormatInt(w.NowFunc().Unix(), 10) + "." + w.ID("") + ".trigger"
	w.Triggers[id] = &Trigger{User: user, Expires: w.NowFunc().Add(3 * time.Second)}
	return id
}

// Hook is a response_url: five posts in thirty minutes.
type Hook struct {
	User    string
	Channel *Channel
	// Message is what was clicked, nil for a command.
	Message *Message
	Left    int
	Expires time.Time
}

// NewHook returns the address of a new response_url.
func (w *World) NewHook(user string, c *Channel, m *Message) string {
	id := w.ID("")
	w.Hooks[id] = &Hook{User: user, Channel: c, Message: m, Left: 5, Expires: w.NowFunc().Add(30 * time.Minute)}
	return w.URL + "/response/" + id
}
