package task

import (
	"encoding/json"
	"time"
)

// Delivery is something that a source reports: a webhook, or a reminder that
// a door has sent to itself. It is verified, not yet understood.
type Delivery struct {
	Source Source
	// ID is unique within Source; the same one again is dropped.
	ID string
	// Event names the kind of payload in the source's words.
	Event   string
	Payload json.RawMessage
	// After is how long to wait before it is handled.
	After time.Duration
}

// EventNotesLeft is the delivery that a door gets for a task that ended before
// it took all that was said to it. Its payload is the task's ID.
const EventNotesLeft = "honk.notes_left"

// NoticeKind says what a Notice is about.
type NoticeKind string

// The kinds of notice.
const (
	// NoticeTask is the one message of a task: edited while it runs, closed by
	// its end.
	NoticeTask NoticeKind = "task"
	// NoticeReply is a message of its own, posted once.
	NoticeReply NoticeKind = "reply"
)

// Notice is a message that Honk owes people. It is stored before it is
// posted, so that no crash swallows it.
type Notice struct {
	ID     int64
	Source Source
	Repo   Repo
	// Thread is where it is posted, as in Origin.
	Thread string
	Kind   NoticeKind
	// TaskID is set for NoticeTask, Text for NoticeReply.
	TaskID ID
	Text   string
	// MessageID names the posted message, empty before.
	MessageID string
	// Tried says that an earlier try may have posted it and died before it
	// could say so: look before posting.
	Tried     bool
	CreatedAt time.Time
}
