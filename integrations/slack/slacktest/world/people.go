package world

import (
	"maps"
	"slices"
	"strings"
)

// User is somebody's account.
type User struct {
	// ID is made up where it is empty, as RealName is from Name.
	ID, Name, RealName, Email string
	EmailConfirmed            bool
	// Guest may be in several channels, UltraGuest in one.
	Guest, UltraGuest bool
	// TeamID is another for somebody of another workspace.
	TeamID       string
	Bot, Deleted bool
}

// AddUser adds a person or changes what is known of one.
func (w *World) AddUser(u User) *User {
	if u.ID == "" {
		u.ID = w.ID("U0")
	}
	if u.RealName == "" {
		u.RealName = u.Name
	}
	if u.TeamID == "" {
		u.TeamID = w.TeamID
	}
	w.Users[u.ID] = &u
	return &u
}

// UserPayload is what Slack says of a person.
func (w *World) UserPayload(u *User) Object {
	profile := Object{
		"real_name": u.RealName, "real_name_normalized": u.RealName, "display_name": u.Name,
		"display_name_normalized": u.Name, "team": u.TeamID, "status_text": "", "status_emoji": "", "avatar_hash": "g0",
		"image_72": "https://secure.gravatar.com/avatar/0.jpg",
	}
	// Of people from elsewhere Slack shows no address.
	if w.Has("users:read.email") && u.Email != "" && u.TeamID == w.TeamID {
		profile["email"] = u.Email
	}
	out := Object{
		"id": u.ID, "team_id": u.TeamID, "name": u.Name, "deleted": u.Deleted, "profile": profile, "is_bot": u.Bot,
		"updated": w.NowFunc().Unix(), "is_app_user": false,
	}
	if u.Bot {
		profile["api_app_id"] = ""
	}
	if u.Deleted {
		return out
	}
	maps.Copy(out, Object{
		"real_name": u.RealName, "tz": "Europe/Berlin", "tz_label": "Central European Time", "tz_offset": 3600,
		"is_admin": false, "is_owner": false, "is_primary_owner": false, "is_restricted": u.Guest || u.UltraGuest,
		"is_ultra_restricted": u.UltraGuest, "is_email_confirmed": u.EmailConfirmed,
	})
	if u.TeamID != w.TeamID {
		out["is_stranger"] = !slices.ContainsFunc(w.shared(), func(c *Channel) bool { return c.Has(u.ID) })
	}
	return out
}

// shared are the channels of several workspaces.
func (w *World) shared() []*Channel {
	var out []*Channel
	for _, c := range w.Channels {
		if c.External {
			out = append(out, c)
		}
	}
	return out
}

// Who is a person as interactions name one.
func (w *World) Who(user string) Object {
	u := w.Users[user]
	return Object{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": u.TeamID}
}

// Channel is a channel or a direct message.
type Channel struct {
	// ID is made up where it is empty.
	ID, Name          string
	Private, External bool
	Archived          bool

	// Direct is who the app's bot has this direct message with.
	Direct   string
	Members  []string
	Messages []*Message
}

// AddChannel adds a channel, which the app's bot is not in.
func (w *World) AddChannel(c Channel) *Channel {
	if c.ID == "" {
		c.ID = w.ID("C0")
	}
	w.Channels[c.ID] = &c
	return &c
}

// Has reports whether somebody is in a channel.
func (c *Channel) Has(user string) bool { return slices.Contains(c.Members, user) }

// Join puts people into a channel.
func (c *Channel) Join(users ...string) {
	for _, u := range users {
		if !c.Has(u) {
			c.Members = append(c.Members, u)
		}
	}
}

// Direct returns the direct message of the app with somebody.
func (w *World) Direct(user string) *Channel {
	id := "D" + strings.TrimLeft(user, "UW")
	c := w.Channels[id]
	if c == nil {
		c = w.AddChannel(Channel{ID: id, Private: true, Direct: user})
		c.Join(user, w.Bot.ID)
	}
	return c
}

// Scope is that of a channel's kind: the kind is history or read.
func (c *Channel) Scope(kind string) string {
	switch {
	case c.Direct != "":
		return "im:" + kind
	case c.Private:
		return "groups:" + kind
	}
	return "channels:" + kind
}

// ChannelPayload is what Slack says of a channel.
func (w *World) ChannelPayload(c *Channel) Object {
	if c.Direct != "" {
		return Object{
			"id": c.ID, "is_im": true, "user": c.Direct, "is_org_shared": false, "is_archived": false, "created": 1,
			"updated": 1, "context_team_id": w.TeamID,
		}
	}
	return Object{
		"id": c.ID, "name": c.Name, "name_normalized": c.Name, "is_channel": !c.Private, "is_group": false, "is_im": false,
		"is_mpim": false, "is_private": c.Private, "is_archived": c.Archived, "is_general": false,
		"is_member": c.Has(w.Bot.ID), "is_shared": c.External, "is_ext_shared": c.External, "is_org_shared": false,
		"is_pending_ext_shared": false, "created": 1, "creator": "USLACKBOT", "unlinked": 0, "updated": 1,
		"context_team_id": w.TeamID, "shared_team_ids": []string{w.TeamID}, "pending_shared": []string{},
		"topic":   Object{"value": "", "creator": "", "last_set": 0},
		"purpose": Object{"value": "", "creator": "", "last_set": 0},
	}
}
