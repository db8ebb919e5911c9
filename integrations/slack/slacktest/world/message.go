package world

import (
	"encoding/json"
	"slices"
	"strings"
)

// Message is one in a channel, or a whisper that one person sees.
type Message struct {
	TS, Thread, User, Text string
	// Bot says that an app wrote it.
	Bot    bool
	Blocks json.RawMessage
	Files  []*File
	// Edited is when a person last edited it; Edits counts all edits.
	Edited    string
	Edits     int
	Deleted   bool
	Reactions []Reaction
	// To is who alone sees it.
	To string
	// State holds what was chosen in menus, by block and action.
	State map[string]Object
}

// Reaction is an emoji and who reacted with it.
type Reaction struct {
	Name  string
	Users []string
}

// File is an upload.
type File struct {
	ID, Name, Mimetype, Content, User string
}

// FilePayload is what Slack says of a file.
func (w *World) FilePayload(f *File) Object {
	url := w.URL + "/files-pri/" + f.ID + "/" + f.Name
	kind := f.Name[strings.LastIndexByte(f.Name, '.')+1:]
	return Object{
		"id": f.ID, "created": 1, "timestamp": 1, "name": f.Name, "title": f.Name, "mimetype": f.Mimetype,
		"filetype": kind, "pretty_type": kind, "user": f.User, "user_team": w.TeamID, "editable": false,
		"size": len(f.Content), "mode": "hosted", "is_external": false, "external_type": "", "is_public": true,
		"public_url_shared": false, "display_as_bot": false, "username": "", "url_private": url,
		"url_private_download": url + "?download=1", "permalink": url, "permalink_public": url,
		"is_starred": false, "has_rich_preview": false, "file_access": "visible",
	}
}

// Find returns a message that is there, by its ts.
func (c *Channel) Find(ts string) *Message {
	for _, m := range c.Messages {
		if m.TS == ts && !m.Deleted && m.To == "" {
			return m
		}
	}
	return nil
}

// Thread returns a thread: what started it, deleted or not, and the replies
// to it. It is empty where there is none.
func (c *Channel) Thread(ts string) []*Message {
	var out []*Message
	for _, m := range c.Messages {
		switch {
		case m.To != "":
		case m.TS == ts, m.Thread == ts && !m.Deleted:
			out = append(out, m)
		}
	}
	if len(out) == 1 && out[0].Deleted {
		return nil
	}
	return out
}

// Say adds a message and tells the app.
func (w *World) Say(c *Channel, m Message) *Message {
	m.TS = w.TS()
	if m.Thread == m.TS {
		m.Thread = ""
	}
	c.Messages = append(c.Messages, &m)
	w.told(c, &m)
	return &m
}

// told tells the app of a message that is new, or newly mentions it.
func (w *World) told(c *Channel, m *Message) {
	if m.User == w.Bot.ID || m.To != "" || !c.Has(w.Bot.ID) {
		return
	}
	said := w.said(c, m)
	if m.Edited == "" {
		w.emit("message", c.Scope("history"), c, said)
	}
	if c.Direct == "" && strings.Contains(m.Text, "<@"+w.Bot.ID+">") {
		mention := w.said(c, m)
		w.emit("app_mention", "app_mentions:read", c, mention)
	}
}

// said is a message as events carry it.
func (w *World) said(c *Channel, m *Message) Object {
	out := w.MessagePayload(c, m)
	delete(out, "type")
	for _, key := range []string{"reactions", "reply_count", "reply_users", "reply_users_count", "latest_reply"} {
		delete(out, key)
	}
	out["channel"], out["event_ts"] = c.ID, m.TS
	if m.Edited != "" {
		out["event_ts"] = m.Edited
	}
	if u := w.Users[m.User]; u.TeamID != w.TeamID {
		out["user_team"], out["source_team"] = u.TeamID, u.TeamID
		out["user_profile"] = Object{
			"name": u.Name, "first_name": u.RealName, "real_name": u.RealName, "display_name": u.Name, "team": u.TeamID,
			"is_restricted": false, "is_ultra_restricted": false, "avatar_hash": "g0",
			"image_72": "https://secure.gravatar.com/avatar/0.jpg",
		}
	}
	return out
}

// Edit changes a person's message. A mention that was not there before is
// told as one.
func (w *World) Edit(c *Channel, m *Message, text string) {
	mention := "<@" + w.Bot.ID + ">"
	had := strings.Contains(m.Text, mention)
	before := w.MessagePayload(c, m)
	m.Text, m.Blocks, m.Edited = text, Rich(text, w.ID("b")), w.TS()
	m.Edits++
	if c.Has(w.Bot.ID) {
		w.emit("message", c.Scope("history"), c, Object{
			"subtype": "message_changed", "hidden": true, "channel": c.ID, "ts": w.TS(), "event_ts": m.Edited,
			"message": w.MessagePayload(c, m), "previous_message": before, "channel_type": "channel",
		})
	}
	if !had {
		w.told(c, m)
	}
}

// Delete deletes a message.
func (w *World) Delete(c *Channel, m *Message) {
	before := w.MessagePayload(c, m)
	m.Deleted = true
	if c.Has(w.Bot.ID) && m.To == "" {
		w.emit("message", c.Scope("history"), c, Object{
			"subtype": "message_deleted", "hidden": true, "channel": c.ID, "ts": w.TS(), "event_ts": w.TS(),
			"deleted_ts": m.TS, "previous_message": before, "channel_type": "channel",
		})
	}
}

// React adds a reaction, and reports whether it is new.
func (w *World) React(user string, c *Channel, m *Message, name string) bool {
	n := slices.IndexFunc(m.Reactions, func(r Reaction) bool { return r.Name == name })
	if n < 0 {
		n = len(m.Reactions)
		m.Reactions = append(m.Reactions, Reaction{Name: name})
	}
	if slices.Contains(m.Reactions[n].Users, user) {
		return false
	}
	m.Reactions[n].Users = append(m.Reactions[n].Users, user)
	w.reacted("reaction_added", user, c, m, name)
	return true
}

// Unreact removes a reaction, and reports whether there was one.
func (w *World) Unreact(user string, c *Channel, m *Message, name string) bool {
	for n, r := range m.Reactions {
		at := slices.Index(r.Users, user)
		if r.Name != name || at < 0 {
			continue
		}
		if m.Reactions[n].Users = slices.Delete(r.Users, at, at+1); len(m.Reactions[n].Users) == 0 {
			m.Reactions = slices.Delete(m.Reactions, n, n+1)
		}
		w.reacted("reaction_removed", user, c, m, name)
		return true
	}
	return false
}

func (w *World) reacted(kind, user string, c *Channel, m *Message, name string) {
	if !c.Has(w.Bot.ID) {
		return
	}
	w.emit(kind, "reactions:read", c, Object{
		"user": user, "reaction": name, "item_user": m.User, "event_ts": w.TS(),
		"item": Object{"type": "message", "channel": c.ID, "ts": m.TS},
	})
}
