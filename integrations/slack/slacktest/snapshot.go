package slacktest

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"honk/integrations/slack/slacktest/blockkit"
	"honk/integrations/slack/slacktest/wire"
	"honk/integrations/slack/slacktest/world"
)

// Element is something to click or fill in.
type Element = blockkit.Element

// Reaction is an emoji and who reacted with it.
type Reaction = world.Reaction

// Posted is a message as tests look at it.
type Posted struct {
	TS, Thread, User string
	// Bot says that an app wrote it, To who alone sees it.
	Bot bool
	To  string
	// Text is the message's text, Shown what people read: that of the blocks
	// where there are any.
	Text, Shown string
	Blocks      json.RawMessage
	Elements    []Element
	Reactions   []Reaction
	// Edits counts how often it was changed.
	Edits   int
	Deleted bool
}

// Labels are what is written on all that can be clicked.
func (p Posted) Labels() []string {
	var out []string
	for _, e := range p.Elements {
		out = append(out, e.Text)
	}
	return out
}

func posted(m *world.Message) Posted {
	out := Posted{
		TS: m.TS, Thread: m.Thread, User: m.User, Bot: m.Bot, To: m.To, Text: m.Text, Shown: m.Text,
		Blocks: bytes.Clone(m.Blocks), Elements: blockkit.Elements(m.Blocks), Edits: m.Edits, Deleted: m.Deleted,
	}
	if len(m.Blocks) > 0 {
		out.Shown = blockkit.Text(m.Blocks)
	}
	for _, r := range m.Reactions {
		out.Reactions = append(out.Reactions, Reaction{Name: r.Name, Users: slices.Clone(r.Users)})
	}
	return out
}

// Messages returns the messages of a channel and its threads, the oldest
// first, deleted ones too. Somebody's ID is their direct message.
func (s *Slack) Messages(channel string) []Posted {
	var out []Posted
	_ = s.in(channel, nil, func(c *world.Channel) error { // no channel has no messages
		for _, m := range c.Messages {
			if m.To == "" {
				out = append(out, posted(m))
			}
		}
		return nil
	})
	return out
}

// Whispers returns what only one person sees, in all channels.
func (s *Slack) Whispers(user string) []Posted {
	s.world.Lock()
	defer s.world.Unlock()
	var out []Posted
	for _, c := range s.world.Channels {
		for _, m := range c.Messages {
			if m.To == user {
				out = append(out, posted(m))
			}
		}
	}
	slices.SortFunc(out, func(a, b Posted) int { return strings.Compare(a.TS, b.TS) })
	return out
}

// Shown is a view as tests look at it.
type Shown struct {
	ID, CallbackID, PrivateMetadata string
	Title, Submit                   string
	// Text is what people read in it.
	Text     string
	Blocks   json.RawMessage
	Elements []Element
}

func (s *Slack) shown(pick func() *world.View) (Shown, bool) {
	s.world.Lock()
	defer s.world.Unlock()
	v := pick()
	if v == nil {
		return Shown{}, false
	}
	label := func(key string) string {
		t, _ := v.Given[key].(map[string]any)
		text, _ := t["text"].(string)
		return text
	}
	return Shown{
		ID: v.ID, CallbackID: v.Text("callback_id"), PrivateMetadata: v.Text("private_metadata"),
		Title: label("title"), Submit: label("submit"), Text: blockkit.Text(v.Blocks),
		Blocks: bytes.Clone(v.Blocks), Elements: blockkit.Elements(v.Blocks),
	}, true
}

// View returns the modal that somebody has open, if any.
func (s *Slack) View(user string) (Shown, bool) {
	return s.shown(func() *world.View { return s.world.Views[s.world.Open[user]] })
}

// Home returns somebody's Home, if the app has published one.
func (s *Slack) Home(user string) (Shown, bool) {
	return s.shown(func() *world.View { return s.world.Homes[user] })
}

// Evidence writes calls and what was sent down, one JSON object on a line, as
// the types mode of tools/npm/check-slack.mjs reads them.
func (s *Slack) Evidence() []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	for _, r := range s.Requests() {
		if r.Fault || r.Method == "file" || r.Method == "response_url" {
			continue
		}
		_ = enc.Encode(map[string]any{"kind": "request", "method": r.Method, "value": plain(r.Args)}) // JSON already
		_ = enc.Encode(map[string]any{"kind": "answer", "method": r.Method, "value": json.RawMessage(r.Answer)})
	}
	for _, d := range s.Deliveries() {
		kind := d.Event
		switch d.Kind {
		case wire.Events:
			kind = "event"
		case wire.Command:
			kind = "slash_command"
		case wire.Interactive:
		}
		_ = enc.Encode(map[string]any{"kind": kind, "value": json.RawMessage(d.Payload)}) // JSON already
	}
	return out.Bytes()
}

// plain makes of a form's strings what they stand for.
func plain(args map[string]json.RawMessage) map[string]any {
	out := map[string]any{}
	for key, raw := range args {
		var s string
		if json.Unmarshal(raw, &s) != nil {
			out[key] = raw
			continue
		}
		switch {
		case key == "inclusive", strings.HasPrefix(key, "include_"):
			out[key] = s == "1" || s == "true"
			continue
		case key == "limit", s == "true", s == "false", strings.HasPrefix(s, "["), strings.HasPrefix(s, "{"):
			if json.Valid([]byte(s)) {
				out[key] = json.RawMessage(s)
				continue
			}
		}
		out[key] = s
	}
	return out
}
