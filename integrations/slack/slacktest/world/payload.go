package world

import (
	"encoding/json"
	"strings"
)

// MessagePayload is a message as the Web API answers it.
func (w *World) MessagePayload(c *Channel, m *Message) Object {
	if m.Deleted {
		return Object{
			"type": "message", "subtype": "tombstone", "text": "This message was deleted.", "user": "USLACKBOT",
			"hidden": true, "ts": m.TS, "thread_ts": m.TS,
		}
	}
	u := w.Users[m.User]
	out := Object{"type": "message", "user": m.User, "ts": m.TS, "text": m.Text, "team": u.TeamID}
	if len(m.Blocks) > 0 {
		out["blocks"] = m.Blocks
	}
	if m.User == w.Bot.ID || m.Bot || u.Bot {
		bot, app := "B"+strings.TrimLeft(u.ID, "UW"), "A"+strings.TrimLeft(u.ID, "UW")
		if m.User == w.Bot.ID {
			bot, app = w.BotID, w.AppID
		}
		out["bot_id"], out["app_id"] = bot, app
		out["bot_profile"] = Object{
			"id": bot, "deleted": false, "name": u.RealName, "updated": 1, "app_id": app, "team_id": w.TeamID,
			"icons": Object{"image_48": "https://a.slack-edge.com/bot_48.png"},
		}
	} else {
		out["client_msg_id"] = "c0ffee00-0000-4000-8000-" + strings.Repeat("0", 6) + m.TS[len(m.TS)-6:]
	}
	if m.Edited != "" {
		out["edited"] = Object{"user": m.User, "ts": m.Edited}
	}
	if len(m.Files) > 0 {
		var files []Object
		for _, f := range m.Files {
			files = append(files, w.FilePayload(f))
		}
		out["files"], out["upload"] = files, false
	}
	var reactions []Object
	for _, r := range m.Reactions {
		reactions = append(reactions, Object{"name": r.Name, "users": r.Users, "count": len(r.Users)})
	}
	if len(reactions) > 0 {
		out["reactions"] = reactions
	}
	w.thread(c, m, out)
	return out
}

// thread says where a message is in its thread.
func (w *World) thread(c *Channel, m *Message, out Object) {
	if m.Thread != "" {
		out["thread_ts"] = m.Thread
		for _, one := range c.Messages {
			if one.TS == m.Thread {
				out["parent_user_id"] = one.User
			}
		}
		return
	}
	var users []string
	latest, seen := "", map[string]bool{}
	all := c.Thread(m.TS)
	for _, r := range all {
		if r == m {
			continue
		}
		latest = r.TS
		if !seen[r.User] {
			seen[r.User] = true
			users = append(users, r.User)
		}
	}
	if latest != "" {
		out["thread_ts"], out["reply_count"], out["reply_users_count"] = m.TS, len(all)-1, len(users)
		out["latest_reply"], out["reply_users"], out["is_locked"], out["subscribed"] = latest, users, false, true
	}
}

// Rich is a person's text as the blocks that Slack makes of it.
func Rich(text, id string) json.RawMessage {
	var elements []Object
	plain := func(s string) {
		if s != "" {
			s = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)
			elements = append(elements, Object{"type": "text", "text": s})
		}
	}
	for text != "" {
		open := strings.IndexByte(text, '<')
		end := strings.IndexByte(text, '>')
		if open < 0 || end < open {
			break
		}
		plain(text[:open])
		inside, label, _ := strings.Cut(text[open+1:end], "|")
		switch {
		case strings.HasPrefix(inside, "@"):
			elements = append(elements, Object{"type": "user", "user_id": inside[1:]})
		case strings.HasPrefix(inside, "#"):
			elements = append(elements, Object{"type": "channel", "channel_id": inside[1:]})
		case strings.HasPrefix(inside, "!subteam^"):
			elements = append(elements, Object{"type": "usergroup", "usergroup_id": inside[len("!subteam^"):]})
		case strings.HasPrefix(inside, "!"):
			elements = append(elements, Object{"type": "broadcast", "range": inside[1:]})
		default:
			link := Object{"type": "link", "url": inside}
			if label != "" {
				link["text"] = label
			}
			elements = append(elements, link)
		}
		text = text[end+1:]
	}
	plain(text)
	if len(elements) == 0 {
		return nil
	}
	out, err := json.Marshal([]Object{{
		"type": "rich_text", "block_id": id, "elements": []Object{{"type": "rich_text_section", "elements": elements}},
	}})
	if err != nil {
		return nil // texts only
	}
	return out
}
