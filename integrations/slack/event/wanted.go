package event

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"honk/internal/task"
)

// ours begins the name of everything in a message or modal of Honk's that can
// be used.
const ours = "honk."

// Subscribed lists the events that the app's settings must name, sorted.
func Subscribed() []string {
	return []string{"app_home_opened", "app_mention", "reaction_added", "reaction_removed"}
}

func readEvent(raw []byte) (Incoming, error) {
	var o outer
	if err := decode(NameEvent, raw, &o); err != nil {
		return Incoming{}, err
	}
	switch {
	case o.Type == "url_verification":
		if !challengePattern.MatchString(o.Challenge) {
			return Incoming{}, malformed(NameEvent, "its challenge is none")
		}
		return Incoming{Challenge: o.Challenge}, nil
	case o.Type != "event_callback" || !o.wanted():
		return Incoming{}, nil
	case !eventIDPattern.MatchString(o.EventID):
		return Incoming{}, malformed(NameEvent, "it has no usable ID")
	}
	id := o.EventID
	// A mention is named by its message: what is found missing later, when
	// nobody knows the event's ID any more, must be the same.
	if e := o.Event; e.Type == "app_mention" && !e.edited() &&
		idPattern.MatchString(o.TeamID) && idPattern.MatchString(e.Channel) && tsPattern.MatchString(e.TS) {
		id = mentionID(o.TeamID, e.Channel, e.TS)
	}
	return incoming(id, NameEvent, raw)
}

func mentionID(team, channel, ts string) string {
	return "mention/" + team + "/" + channel + "/" + ts
}

// wanted reports whether Honk does anything about an event.
func (o outer) wanted() bool {
	e := o.Event
	if e.bot() || o.self(e.User) {
		return false
	}
	switch e.Type {
	case "app_mention":
		return true
	case "app_home_opened":
		return e.Tab == "home"
	case "reaction_added", "reaction_removed":
		return e.Item.Type == "message" && (len(o.Authorizations) == 0 || o.self(e.ItemUser))
	}
	return false
}

// self reports whether a user is the bot for which the event was sent.
func (o outer) self(user string) bool {
	for _, a := range o.Authorizations {
		if a.IsBot && a.UserID == user {
			return true
		}
	}
	return false
}

// bot reports whether no person is behind a message.
func (e inner) bot() bool {
	people := []string{"", "file_share", "thread_broadcast"}
	return e.BotID != "" || set(e.BotProfile) || e.User == "USLACKBOT" || !slices.Contains(people, e.Subtype)
}

func (e inner) edited() bool { return set(e.Edited) }

func set(raw []byte) bool { return len(raw) > 0 && !bytes.Equal(raw, []byte("null")) }

func readInteraction(raw []byte) (Incoming, error) {
	var i interaction
	if err := decode(NameInteraction, raw, &i); err != nil {
		return Incoming{}, err
	}
	if !i.wanted() {
		return Incoming{}, nil
	}
	return incoming(NameInteraction+"/"+occasion(i.TriggerID, raw), NameInteraction, raw)
}

// wanted reports whether Honk does anything about an interaction. Of a link
// that was followed Slack tells as well.
func (i interaction) wanted() bool {
	switch i.Type {
	case "block_actions":
		a, ok := i.clicked()
		return ok && a.ID != "honk.link" && a.ID != "honk.pull_request"
	case "view_submission":
		return strings.HasPrefix(i.View.Callback, ours)
	case "message_action":
		return strings.HasPrefix(i.Callback, ours)
	}
	return false
}

// clicked is the first action that is Honk's.
func (i interaction) clicked() (action, bool) {
	for _, a := range i.Actions {
		if strings.HasPrefix(a.ID, ours) {
			return a, true
		}
	}
	return action{}, false
}

func readCommand(raw []byte) (Incoming, error) {
	var c command
	if err := decode(NameCommand, raw, &c); err != nil {
		return Incoming{}, err
	}
	if c.SSLCheck != "" {
		return Incoming{}, nil // Slack tries the certificate
	}
	return incoming(NameCommand+"/"+occasion(c.TriggerID, raw), NameCommand, raw)
}

// occasion names one use of a button or command: by its trigger, else by all
// that was sent.
func occasion(trigger string, raw []byte) string {
	if triggerPattern.MatchString(trigger) {
		return trigger
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// Found is a message that was read in a channel, not sent by Slack.
type Found struct {
	Channel  string
	TS       string
	ThreadTS string
	User     string
	Text     string
	Files    []File
	Edited   bool
	Bot      bool
}

// Missed makes of a message what Slack would have sent for it: a mention of
// the bot by a person. It has the same ID, so that one that was not missed
// changes nothing.
func Missed(team, bot string, f Found) (Incoming, bool) {
	mention := strings.Contains(f.Text, "<@"+bot+">") || strings.Contains(f.Text, "<@"+bot+"|")
	if !idPattern.MatchString(bot) || !mention || f.Bot || f.Edited || f.User == bot {
		return Incoming{}, false
	}
	e := Event{Kind: Mention, TeamID: team, User: f.User, Channel: f.Channel, TS: f.TS, ThreadTS: f.ThreadTS}
	if e.check() != "" {
		return Incoming{}, false
	}
	if f.ThreadTS == f.TS {
		f.ThreadTS = ""
	}
	var attached []file
	for _, a := range f.Files {
		attached = append(attached, file{ID: a.ID, Name: a.Name, Mimetype: a.Mimetype, Size: a.Size, URL: a.URL})
	}
	payload, err := json.Marshal(outer{
		Type: "event_callback", TeamID: team,
		Event: inner{Type: "app_mention", User: f.User, Text: f.Text, Channel: f.Channel, TS: f.TS, ThreadTS: f.ThreadTS, Files: attached},
	})
	if err != nil {
		return Incoming{}, false
	}
	return Incoming{Wanted: true, Delivery: task.Delivery{
		Source: task.SourceSlack, ID: mentionID(team, f.Channel, f.TS), Event: NameEvent, Payload: payload,
	}}, true
}
