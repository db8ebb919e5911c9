package slack

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path"
	"time"

	"honk/integrations/slack/event"
	"honk/internal/inbound"
	"honk/internal/task"
)

// storeLimit is how long storing may take. Slack waits three seconds for an
// answer and then sends again.
const storeLimit = 2500 * time.Millisecond

// ServeHTTP takes in what Slack sends to /webhooks/slack/{events,interactions,
// commands}. It answers 200 once it is stored or means nothing to Honk, 401
// for a bad signature, 503 when it could not be stored: Slack sends events
// again, and shows people that their click came to nothing.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := inbound.Body(w, r, event.MaxPayload)
	if !ok {
		return
	}
	// Nothing of the body is looked at before this.
	if err := event.Verify(r.Header, body, d.secrets()...); err != nil {
		http.Error(w, "the signature does not fit or is too old; compare the app's signing secret with HONK_SLACK_SIGNING_SECRET, and the clocks",
			http.StatusUnauthorized)
		return
	}
	in, err := event.Read(event.Path(path.Base(r.URL.Path)), r.Header.Get("Content-Type"), body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if in.Challenge != "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		// Whoever has hung up reads no answer.
		_, _ = io.WriteString(w, in.Challenge)
		return
	}
	if err := d.take(r.Context(), in); err != nil {
		http.Error(w, "it could not be stored; send it again", http.StatusServiceUnavailable)
	}
	// An empty answer: text in it would be shown to people.
}

func (d *Door) secrets() []string {
	var list []string
	for _, s := range d.SigningSecrets {
		list = append(list, s.Reveal())
	}
	return list
}

// Listen takes in what Slack sends over Socket Mode, until ctx ends.
func (d *Door) Listen(ctx context.Context) error {
	return d.Slack.Listen(ctx, func(ctx context.Context, kind string, payload json.RawMessage, _ int) error {
		in, err := event.ReadSocket(kind, payload)
		if err != nil {
			d.Log.WarnContext(ctx, "envelope not understood", "kind", kind, "error", err)
			return nil // it would be the same when sent again
		}
		return d.take(ctx, in)
	})
}

// take stores what means something, once.
func (d *Door) take(ctx context.Context, in event.Incoming) error {
	if !in.Wanted {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, storeLimit,
		task.Errorf(task.CodeUnavailable, "the database took longer than %s", storeLimit))
	defer cancel()
	if _, err := d.Queue.Receive(ctx, in.Delivery); err != nil {
		d.Log.ErrorContext(ctx, "delivery not stored", "delivery_id", in.Delivery.ID, "error", err)
		return err
	}
	return nil
}
