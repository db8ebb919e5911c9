package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/go-github/v62/github"

	"honk/internal/task"
)

// maxDeliveryPages bounds a look back at webhooks: 50,000 deliveries.
const maxDeliveryPages = 500

// DeliveryInfo says that GitHub tried to deliver a webhook.
type DeliveryInfo struct {
	ID int64
	// GUID is the X-GitHub-Delivery; a redelivery keeps it.
	GUID        string
	Event       string
	Action      string
	DeliveredAt time.Time
	// StatusCode is what we answered, 0 when we did not.
	StatusCode int
	Redelivery bool
}

// Deliveries lists the App's webhook deliveries since a time, oldest first.
func (a *App) Deliveries(ctx context.Context, since time.Time) ([]DeliveryInfo, error) {
	var list []DeliveryInfo
	opts := &github.ListCursorOptions{PerPage: 100}
	for page := 0; ; page++ {
		got, resp, err := a.gh.Apps.ListHookDeliveries(ctx, opts)
		if err != nil {
			return nil, explain(err, act{doing: "listing webhook deliveries"}, Token{})
		}
		past := false
		for _, d := range got {
			if d.GetDeliveredAt().Before(since) {
				past = true
				continue
			}
			list = append(list, DeliveryInfo{
				ID: d.GetID(), GUID: d.GetGUID(), Event: d.GetEvent(), Action: d.GetAction(),
				DeliveredAt: d.GetDeliveredAt().Time, StatusCode: d.GetStatusCode(), Redelivery: d.GetRedelivery(),
			})
		}
		if past || resp.Cursor == "" || resp.Cursor == opts.Cursor {
			break
		}
		if page == maxDeliveryPages {
			a.log.WarnContext(ctx, "deliveries cut short", "read", len(list))
			break
		}
		opts.Cursor = resp.Cursor
	}
	slices.Reverse(list)
	return list, nil
}

// Delivery is one webhook as GitHub sent it.
type Delivery struct {
	GUID  string
	Event string
	// Payload is the JSON that was signed, though not byte for byte: what
	// vouches for it is that it came from the API.
	Payload []byte
}

// Delivery reads one delivery with its payload.
func (a *App) Delivery(ctx context.Context, id int64) (Delivery, error) {
	got, _, err := a.gh.Apps.GetHookDelivery(ctx, id)
	if err != nil {
		return Delivery{}, explain(err, act{doing: fmt.Sprintf("reading webhook delivery %d", id)}, Token{})
	}
	if got.Request == nil || got.Request.RawPayload == nil {
		return Delivery{}, task.Errorf(task.CodeNotFound, "webhook delivery %d has no payload any more", id)
	}
	return Delivery{GUID: got.GetGUID(), Event: got.GetEvent(), Payload: *got.Request.RawPayload}, nil
}
