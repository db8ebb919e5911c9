package queue_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"honk/internal/task"
	"honk/queue"
)

// TestChore_atStart starts a worker beside one that leads: what is due at the
// start is done all the same, and again when it failed.
func TestChore_atStart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var done, failures atomic.Int32
	chores := []queue.Chore{{
		Name: "look", Every: time.Hour, AtStart: true,
		RunFunc: func(context.Context) error {
			if failures.Add(-1) >= 0 {
				return task.Errorf(task.CodeUnavailable, "the forge is away")
			}
			done.Add(1)
			return nil
		},
	}}
	b.worker(queue.WorkerOptions{Name: "first", Chores: chores})
	b.eventually("the first start's chore is done", func() bool { return done.Load() == 1 })
	failures.Store(1)
	b.worker(queue.WorkerOptions{Name: "second", Chores: chores})
	b.eventually("the second start's chore is done", func() bool { return done.Load() == 2 })
}
