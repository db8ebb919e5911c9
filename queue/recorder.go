package queue

import (
	"context"
	"time"

	"honk/internal/postgres"
	"honk/internal/task"
)

// recordPatience is how long an event waits for a database that is away.
const recordPatience = time.Minute

// Recorder stores the events of tasks. It implements runner.Recorder. What an
// attempt records that is no longer the task's is refused.
type Recorder struct{ *Queue }

// Record implements runner.Recorder. A new phase makes the task's message out
// of date.
func (r Recorder) Record(ctx context.Context, e task.Event) error {
	return postgres.Persist(ctx, recordPatience, func(ctx context.Context) error {
		return r.db.InTx(ctx, func(tx *postgres.Tx) error {
			if err := tx.AddEvent(ctx, e); err != nil {
				return err
			}
			if e.Kind != task.EventPhase {
				return nil
			}
			return r.tell(ctx, tx, e.TaskID)
		})
	})
}

// Recall implements runner.Recorder.
func (r Recorder) Recall(ctx context.Context, id task.ID) (events []task.Event, err error) {
	err = postgres.Persist(ctx, recordPatience, func(ctx context.Context) error {
		events, err = r.db.Events(ctx, id, 0)
		return err
	})
	return events, err
}
