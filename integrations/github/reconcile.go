package github

import (
	"context"
	"errors"
	"time"

	"honk/integrations/github/event"
	"honk/internal/task"
)

const (
	// lookBack is how long GitHub remembers its deliveries.
	lookBack = 72 * time.Hour
	// overlap is how much of what was looked at before is looked at again: a
	// delivery is listed once it has failed, not when it began.
	overlap = time.Hour
)

// Reconcile fetches the webhooks that never arrived: GitHub does not send them
// again by itself. Those that were answered are stored, or meant nothing. A
// process looks back as far as it goes once, then at what is new.
func (d *Door) Reconcile(ctx context.Context) error {
	d.reconciling.Lock()
	defer d.reconciling.Unlock()
	start := time.Now()
	since := start.Add(-lookBack)
	if !d.reconciled.IsZero() {
		since = d.reconciled.Add(-overlap)
	}
	if err := d.reconcile(ctx, since); err != nil {
		return err
	}
	d.reconciled = start
	return nil
}

func (d *Door) reconcile(ctx context.Context, since time.Time) error {
	all, err := d.App.Deliveries(ctx, since)
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
		// Manifests are looked at without being told of a push, of which there
		// are too many in all repositories.
		if !arrived[one.GUID] && one.Event != "push" && event.Wanted(one.Event, one.Action) {
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
	// Oldest first: a command to cancel comes after what it cancels.
	for _, guid := range ids {
		if id, ok := missed[guid]; ok {
			// One that cannot be had keeps nobody else waiting.
			err = errors.Join(err, d.fetch(ctx, id))
		}
	}
	return err
}

func (d *Door) fetch(ctx context.Context, id int64) error {
	got, err := d.App.Delivery(ctx, id)
	if task.CodeOf(err) == task.CodeNotFound {
		return nil // GitHub has forgotten it in between
	}
	if err != nil {
		return err
	}
	del := task.Delivery{Source: task.SourceGitHub, ID: got.GUID, Event: got.Event, Payload: got.Payload}
	wanted, err := d.relevant(del)
	if err != nil || !wanted {
		return nil //nolint:nilerr // what cannot be read was refused before, too
	}
	created, err := d.Queue.Receive(ctx, del)
	if created {
		d.Log.InfoContext(ctx, "missed delivery fetched", "delivery_id", got.GUID, "event", got.Event)
	}
	return err
}
