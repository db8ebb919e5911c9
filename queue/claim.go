package queue

import (
	"context"

	"honk/internal/postgres"
	"honk/queue/budget"
)

// maxClaims is how many tasks are claimed in one transaction.
const maxClaims = 32

// claim is a ticket that waits for its task; rec, ok and err are set before
// done is closed.
type claim struct {
	rec  postgres.Record
	ok   bool
	err  error
	done chan struct{}
}

// claim takes the next task for a ticket. Claims wait for each other in all
// processes: those of this one go together, on one connection.
func (w *Worker) claim(ctx context.Context) (rec postgres.Record, ok bool, err error) {
	c := &claim{done: make(chan struct{})}
	if w.claims.join(c, 1) {
		go w.claimAll(ctx)
	}
	// Whatever comes: a task that is claimed for it is its own.
	<-c.done
	return c.rec, c.ok, c.err
}

// claimAll serves the tickets until none waits.
func (w *Worker) claimAll(ctx context.Context) {
	few := func(n int, _ *claim) bool { return n < maxClaims }
	for group := w.claims.next(few); len(group) > 0; group = w.claims.next(few) {
		found, err := w.claimMany(ctx, len(group))
		for i, c := range group {
			if c.err = err; err == nil && i < len(found) {
				c.rec, c.ok = found[i], true
			}
			close(c.done)
		}
	}
}

func (w *Worker) claimMany(ctx context.Context, n int) (found []postgres.Record, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	err = w.db.InTx(ctx, func(tx *postgres.Tx) error {
		if found, err = tx.ClaimMany(ctx, w.opts.Name, w.opts.Room, n); err != nil {
			return err
		}
		for _, rec := range found {
			if rec.Attempt == 1 {
				continue // nobody has left anything
			}
			if err := budget.SettleLost(ctx, tx, rec.ID); err != nil {
				return err
			}
			if err := tx.ReturnNotes(ctx, rec.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return found, err
}
