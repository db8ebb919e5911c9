package slacktest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"honk/integrations/slack/slacktest/wire"
	"honk/integrations/slack/slacktest/world"
)

// Delivery is something that was sent, or lost.
type Delivery = wire.Delivery

// Sign returns the headers by which Slack's requests are known.
func Sign(secret string, at time.Time, body []byte) http.Header { return wire.Sign(secret, at, body) }

// emit queues an event. The world's lock is held.
func (s *Slack) emit(e world.Event) {
	payload, err := json.Marshal(e.Payload)
	if err != nil {
		return // a payload is made of what JSON knows
	}
	s.courier.Add(Delivery{Kind: wire.Events, Event: e.Type, ID: e.ID, Payload: payload})
}

// ask sends an interaction or command, which Slack tries only once, and
// returns the app's answer.
func (s *Slack) ask(ctx context.Context, kind wire.Kind, event string, payload any) (json.RawMessage, error) {
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("writing a %s: %w", event, err)
	}
	d := Delivery{Kind: kind, Event: event, Payload: body}
	s.courier.Try(ctx, &d)
	if !d.OK() {
		return nil, fmt.Errorf("the app took no %s: status %d, %q", event, d.Status, d.Err)
	}
	return bytes.TrimSpace(d.Answer), nil
}

// Send posts any request to the app, such as a forged one, and returns its
// answer. It is not in the log.
func (s *Slack) Send(ctx context.Context, path string, h http.Header, body []byte) (*http.Response, error) {
	resp, answer, err := s.post.Raw(ctx, path, h, body)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	return resp, nil
}

// Deliveries returns the log of what was sent, each try, in the order they
// ended.
func (s *Slack) Deliveries() []Delivery { return s.courier.Log() }

// WaitDeliveries waits until all events so far have been taken or given up.
// What they cause in turn may send new ones.
func (s *Slack) WaitDeliveries(ctx context.Context) error { return s.courier.Wait(ctx) }

// Redeliver sends an event once more, and reports whether there was one with
// the ID.
func (s *Slack) Redeliver(eventID string) bool { return s.courier.Again(eventID) }

// Hold keeps events back until the returned function is called.
func (s *Slack) Hold() (release func()) { return s.courier.Hold() }

// LoseDeliveries loses the next n events; the log shows them as lost.
func (s *Slack) LoseDeliveries(n int) { s.courier.Lose(n) }

// Connections is how many WebSockets the app has open.
func (s *Slack) Connections() int { return s.socket.Connections() }

// Disconnect asks the app to connect anew, for a reason such as warning or
// refresh_requested. With hard its WebSockets are cut without a word.
func (s *Slack) Disconnect(reason string, hard bool) { s.socket.Disconnect(reason, hard) }
