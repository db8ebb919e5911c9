package wire

import (
	"context"
	"time"
)

// Kind is what is sent, as Socket Mode names it.
type Kind string

// The kinds.
const (
	Events      Kind = "events_api"
	Interactive Kind = "interactive"
	Command     Kind = "slash_commands"
)

// Delivery is something that was sent, or lost.
type Delivery struct {
	Kind Kind
	// Event is the type of the event or interaction, ID the event's.
	Event, ID string
	// Payload is JSON, also where it travelled as a form.
	Payload []byte
	// Attempt counts from 0; Reason is why there is more than one.
	Attempt int
	Reason  string
	// Status is 0 without an answer; over a WebSocket 200 is an ack.
	Status int
	Answer []byte
	// Lost says that it was not sent, Err why there is no answer.
	Lost bool
	Err  string
	At   time.Time
	Took time.Duration

	stop bool // the answer forbids to try again
	late bool // there was no answer in time
}

// OK reports whether the app has taken the delivery.
func (d *Delivery) OK() bool { return d.Status >= 200 && d.Status < 300 }

// Sender sends one delivery and notes the answer in it.
type Sender interface {
	Send(ctx context.Context, d *Delivery)
}
