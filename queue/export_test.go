package queue

import (
	"context"

	"honk/internal/postgres"
)

// Remind is what a worker does every now and then about messages.
func Remind(ctx context.Context, db *postgres.DB, q *Queue) error {
	return (&Worker{Queue: q, opts: WorkerOptions{DB: db}}).remind(ctx)
}
