// Package event reads what Slack sends: it checks the signature, says what is
// worth storing, and parses events, clicks and slash commands, by HTTP or
// Socket Mode, into one plain struct. It is pure, bounded, and takes its input
// for hostile even when it is signed: people write it.
package event

import (
	"strconv"
	"strings"
	"time"
)

// MaxPayload is the most a request of Slack's may weigh. A message of 40,000
// characters is in it twice, each character in up to twelve bytes.
const MaxPayload = 2 << 20

// The names of what is delivered, as in task.Delivery.
const (
	NameEvent       = "event"
	NameInteraction = "interaction"
	NameCommand     = "command"
)

// Kind says what an Event is.
type Kind string

// The kinds of event.
const (
	// Mention: somebody names Honk in a message.
	Mention Kind = "mention"
	// Reaction: somebody adds a reaction to a message or takes one back.
	Reaction Kind = "reaction"
	// Home: somebody opens the app's home.
	Home Kind = "home"
	// Action: somebody clicks a button or chooses from a menu.
	Action Kind = "action"
	// Submission: somebody sends a modal off.
	Submission Kind = "submission"
	// Shortcut: somebody chooses Honk in the menu of a message.
	Shortcut Kind = "shortcut"
	// Command: somebody types the slash command.
	Command Kind = "command"
)

// Event is something that somebody does in Slack. Every ID in it has the form
// of one.
type Event struct {
	Kind   Kind
	TeamID string
	AppID  string
	// EnterpriseID is set where the workspace belongs to an organisation.
	EnterpriseID string

	// User is who acts, and UserTeam where they belong, if Slack says so.
	User     string
	UserTeam string
	Channel  string
	// External: the channel is shared with another organisation, or the user
	// belongs to another workspace.
	External      bool
	DirectMessage bool

	// TS and ThreadTS name the message of a mention, or the one that was
	// acted on, and the thread it stands in.
	TS       string
	ThreadTS string
	// ActionTS is when a button was clicked or a shortcut chosen.
	ActionTS string
	// Text is a mention's as Slack encodes it, or what follows the slash
	// command.
	Text   string
	Edited bool
	// Bot: no person says this.
	Bot   bool
	Files []File

	// TriggerID opens a modal within three seconds.
	TriggerID string
	// ResponseURL answers an interaction or command, for half an hour.
	ResponseURL string

	// Action is what was clicked.
	Action Clicked
	// Callback names a shortcut or modal; the others belong to a modal, Values
	// being its fields by action ID.
	Callback string
	Metadata string
	ViewID   string
	Values   map[string]string
	// Message is what a shortcut or action is about.
	Message Message

	// Reaction is a reaction's name without colons, Added whether it was added
	// or taken back, and ItemUser and ItemTS say to whose message.
	Reaction string
	Added    bool
	ItemUser string
	ItemTS   string

	// Command is the slash command with its slash.
	Command string
}

// File is a file attached to a message.
type File struct {
	ID       string
	Name     string
	Mimetype string
	Size     int64
	// URL is where the bot's token opens it, empty where it has none.
	URL string
}

// Clicked is a button or menu that was used. Value is the button's, or that of
// the option chosen.
type Clicked struct {
	ID      string
	BlockID string
	Value   string
}

// Message is a message in Slack.
type Message struct {
	TS       string
	ThreadTS string
	Text     string
	User     string
}

// At is when it happened, zero where Slack does not say.
func (e Event) At() time.Time {
	if t, ok := timeOf(e.ActionTS); ok {
		return t
	}
	t, _ := timeOf(e.TS)
	return t
}

// timeOf reads a ts, which is a time to the microsecond.
func timeOf(ts string) (time.Time, bool) {
	if !tsPattern.MatchString(ts) {
		return time.Time{}, false
	}
	whole, part, _ := strings.Cut(ts, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	micros, err := strconv.ParseInt(part, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	return time.Unix(seconds, micros*int64(time.Microsecond)).UTC(), true
}
