package github

import (
	"context"
	"time"

	"honk/integrations/github/event"
	"honk/internal/task"
)

// lookBack is how long GitHub remembers its deliveries.
const lookBack = 72 * time.Hour

// Reconcile fetches the webhooks that never arrived: GitHub does not send them
// again by itself. Those that were answered are stored, or meant nothing.
func (d *Door) Reconcile(ctx context.Context) error {
	all, err := d.App.Deliveries(ctx, time.Now().Add(-lookBack))
	if err != nil {
		return err
	}
	arrived := map[string]bool{}
	missed := map[string]int64{}
	var ids []string
	for _, one := range all {
		if one.StatusCode >= 200 && one.StatusCode < 300 {
			arrived[one.GUID] = true
		}
	}
	for _, one := range all {
		if !arrived[one.GUID] && event.Wanted(one.Event, one.Action) {
			missed[one.GUID] = one.ID
			ids = append(ids, one.GUID)
		}
	}
	known, err := d.DB.KnownDeliveries(ctx, task.SourceGitHub, ids)
	if err != nil {
		return err
	}
	for _, id := range known {
		delete(missed, id)
	}
	for _, id := range missed {
		if err := d.fetch(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (d *Door) fetch(ctx context.Context, id int64) error {
	got, err := d.App.Delivery(ctx, id)
	if err != nil {
		return err
	}
	del := task.Delivery{Source: task.SourceGitHub, ID: got.GUID, Event: got.Event, Payload: got.Payload}
	wanted, err := relevant(del)
	if err != nil || !wanted {
		return nil //nolint:nilerr // what cannot be read was refused before, too
	}
	created, err := d.Queue.Receive(ctx, del)
	if created {
		d.Log.InfoContext(ctx, "missed delivery fetched", "delivery_id", got.GUID, "event", got.Event)
	}
	return err
}
