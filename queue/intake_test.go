package queue_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"honk/internal/task"
)

// TestReceive_atOnce has many deliveries arrive at once, each three times.
func TestReceive_atOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const distinct, times = 300, 3
	var created atomic.Int64
	var all sync.WaitGroup
	for i := range distinct * times {
		all.Go(func() {
			fresh, err := b.q.Receive(t.Context(), task.Delivery{
				Source: task.SourceGitHub, ID: fmt.Sprint("delivery-", i%distinct), Event: "issue_comment", Payload: []byte(`{}`),
			})
			if err != nil {
				t.Error(err)
			}
			if fresh {
				created.Add(1)
			}
		})
	}
	all.Wait()
	var rows, jobs int
	for sql, n := range map[string]*int{"SELECT count(*) FROM deliveries": &rows, "SELECT count(*) FROM river_job": &jobs} {
		if err := b.db.Pool().QueryRow(t.Context(), sql).Scan(n); err != nil {
			t.Fatal(err)
		}
	}
	if created.Load() != distinct || rows != distinct || jobs != distinct {
		t.Errorf("%d created, %d rows, %d jobs; want %d each", created.Load(), rows, jobs, distinct)
	}
}

// TestReceive_databaseAway tells every sender that its delivery is not stored.
func TestReceive_databaseAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.db.Close()
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			_, err := b.q.Receive(t.Context(), task.Delivery{Source: task.SourceGitHub, ID: fmt.Sprint("delivery-", i), Payload: []byte(`{}`)})
			if err == nil {
				t.Error("a delivery that was not stored was taken in")
			}
		})
	}
	all.Wait()
}
