package queue

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/riverqueue/river"

	"honk/internal/postgres"
	"honk/internal/task"
)

const (
	// maxBatch and maxBatchBytes bound what is stored in one transaction.
	maxBatch      = 256
	maxBatchBytes = 8 << 20
	// maxStores is how many transactions there are at once.
	maxStores = 4
	// storeLimit is how long that may take.
	storeLimit = 15 * time.Second
)

// arrival is a delivery whose sender waits; created and err are set before
// stored is closed.
type arrival struct {
	task.Delivery
	created bool
	err     error
	stored  chan struct{}
}

// Receive stores a delivery and the job that handles it. It reports whether
// the delivery is new.
func (q *Queue) Receive(ctx context.Context, d task.Delivery) (created bool, err error) {
	a := &arrival{Delivery: d, stored: make(chan struct{})}
	if q.intake.join(a, maxStores) {
		// It stores for others too: it outlives the request that began it.
		go q.store(context.WithoutCancel(ctx))
	}
	select {
	case <-a.stored:
		created, err = a.created, a.err
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		return false, fmt.Errorf("storing %s delivery %q: %w", d.Source, d.ID, err)
	}
	return created, nil
}

// store stores what waits until nothing does.
func (q *Queue) store(ctx context.Context) {
	for {
		size := 0
		batch := q.intake.next(func(n int, a *arrival) bool {
			size += len(a.Payload)
			return n < maxBatch && size < maxBatchBytes
		})
		if len(batch) == 0 {
			return
		}
		q.storeBatch(ctx, batch)
	}
}

func (q *Queue) storeBatch(ctx context.Context, batch []*arrival) {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	var list []task.Delivery
	for _, a := range batch {
		list = append(list, a.Delivery)
	}
	fresh := map[postgres.DeliveryKey]bool{}
	err := q.db.InTx(ctx, func(tx *postgres.Tx) error {
		stored, err := q.receive(ctx, tx, list)
		for _, key := range stored {
			fresh[key] = true
		}
		return err
	})
	for _, a := range batch {
		key := postgres.DeliveryKey{Source: a.Source, ID: a.ID}
		a.created, a.err = err == nil && fresh[key], err
		// Of two that are the same the first is new.
		delete(fresh, key)
		close(a.stored)
	}
}

// receive stores deliveries with their jobs and returns which are new.
func (q *Queue) receive(ctx context.Context, tx *postgres.Tx, list []task.Delivery) ([]postgres.DeliveryKey, error) {
	// In one order everywhere: two transactions with the same deliveries
	// wait for each other in turn.
	slices.SortFunc(list, func(a, b task.Delivery) int { return strings.Compare(a.ID, b.ID) })
	fresh, err := tx.AddDeliveries(ctx, list)
	if err != nil || len(fresh) == 0 {
		return nil, err
	}
	after := map[postgres.DeliveryKey]time.Duration{}
	for _, d := range list {
		after[postgres.DeliveryKey{Source: d.Source, ID: d.ID}] = d.After
	}
	var jobs []river.InsertManyParams
	for _, key := range fresh {
		jobs = append(jobs, river.InsertManyParams{
			Args: delivery{Source: key.Source, ID: key.ID}, InsertOpts: insertOpts(after[key]),
		})
	}
	if _, err := q.jobs.InsertManyFastTx(ctx, tx.Pgx(), jobs); err != nil {
		return nil, fmt.Errorf("adding delivery jobs: %w", err)
	}
	return fresh, nil
}
