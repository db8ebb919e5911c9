package queue_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"honk/internal/postgres"
	"honk/internal/postgres/server"
	"honk/internal/task"
	"honk/queue"
)

const (
	benchTasks = 2000
	// benchHands are the workers of either queue, benchSenders who puts work
	// in.
	benchHands   = 64
	benchSenders = 16
)

// BenchmarkThroughput measures how many tasks a second go through the queue
// from Submit to their stored end, with a run that does nothing, next to River
// alone: one job inserted, a worker that does nothing. The database syncs
// every commit to the disk, as in service.
func BenchmarkThroughput(b *testing.B) {
	db := newDatabase(b)
	for lap := 0; b.Loop(); lap++ {
		bare := bareRiver(b, db)
		honk := throughQueue(b, db, lap)
		b.ReportMetric(honk, "tasks/s")
		b.ReportMetric(bare, "bare-jobs/s")
		b.ReportMetric(honk/bare, "tasks/bare")
	}
}

// throughQueue returns the tasks a second of a queue and a worker.
func throughQueue(b *testing.B, db *postgres.DB, lap int) float64 {
	b.Helper()
	log := slog.New(slog.DiscardHandler)
	w, err := queue.NewWorker(queue.WorkerOptions{
		DB: db, Name: fmt.Sprint("bench-", lap), Host: "bench", RunFunc: done, Tasks: benchHands, Grace: time.Second,
		Retention: postgres.Retention{Deliveries: time.Hour, Events: time.Hour, Patches: time.Hour}, Log: log,
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := w.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	inParallel(b, benchTasks, func(i int) error {
		_, _, err := w.Submit(b.Context(), request(fmt.Sprint("repo", i%50), fmt.Sprint(lap, "/", i)))
		return err
	})
	for n := 0; n < benchTasks*(lap+1); {
		<-time.After(5 * time.Millisecond)
		row := db.Pool().QueryRow(b.Context(), "SELECT count(*) FROM tasks WHERE status = $1", string(task.StatusDelivered))
		if err := row.Scan(&n); err != nil {
			b.Fatal(err)
		}
	}
	took := time.Since(start)
	if err := w.Stop(b.Context()); err != nil {
		b.Error(err)
	}
	return benchTasks / took.Seconds()
}

type nothing struct{}

func (nothing) Kind() string { return "nothing" }

// bareRiver returns the jobs a second of River alone.
func bareRiver(b *testing.B, db *postgres.DB) float64 {
	b.Helper()
	var left atomic.Int64
	left.Store(benchTasks)
	all := make(chan struct{})
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(context.Context, *river.Job[nothing]) error {
		if left.Add(-1) == 0 {
			close(all)
		}
		return nil
	}))
	client, err := river.NewClient(riverpgxv5.New(db.Pool()), &river.Config{
		Logger: slog.New(slog.DiscardHandler), Workers: workers,
		Queues:        map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: benchHands}},
		FetchCooldown: 20 * time.Millisecond, FetchPollInterval: 500 * time.Millisecond,
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := client.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	inParallel(b, benchTasks, func(int) error {
		_, err := client.Insert(b.Context(), nothing{}, nil)
		return err
	})
	<-all
	took := time.Since(start)
	if err := client.Stop(b.Context()); err != nil {
		b.Error(err)
	}
	return benchTasks / took.Seconds()
}

// inParallel calls f for each number below n from benchSenders at once.
func inParallel(b *testing.B, n int, f func(i int) error) {
	b.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	errs := make([]error, benchSenders)
	for s := range benchSenders {
		all.Go(func() {
			for i := next.Add(1); i <= int64(n) && errs[s] == nil; i = next.Add(1) {
				errs[s] = f(int(i))
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkClaim measures one claim with 5,000 tasks of 1,000 repositories
// waiting, next to one with 5 tasks of one repository, in which most of the
// time is the commit.
func BenchmarkClaim(b *testing.B) {
	few, many := newDatabase(b), newDatabase(b)
	fill(b, few, 1)
	fill(b, many, 1000)
	var small, large time.Duration
	for b.Loop() {
		small += claims(b, few)
		large += claims(b, many)
	}
	per := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 / float64(b.N) / benchClaims }
	b.ReportMetric(per(large), "claim-ms")
	b.ReportMetric(per(small), "short-queue-ms")
	b.ReportMetric(large.Seconds()/small.Seconds(), "long/short")
}

const benchClaims = 20

// claims takes and hands back some tasks and returns how long the claims took.
func claims(b *testing.B, db *postgres.DB) (took time.Duration) {
	b.Helper()
	for range benchClaims {
		start := time.Now()
		rec := claim(b, db)
		took += time.Since(start)
		if err := db.Requeue(b.Context(), rec.Task, postgres.Delay{}); err != nil {
			b.Fatal(err)
		}
	}
	return took
}

func claim(b *testing.B, db *postgres.DB) (rec postgres.Record) {
	b.Helper()
	err := db.InTx(b.Context(), func(tx *postgres.Tx) (err error) {
		var ok bool
		if rec, ok, err = tx.Claim(b.Context(), "bench", postgres.Room{All: 64, Repo: 2}); err == nil && !ok {
			err = errors.New("there is no task to claim")
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return rec
}

// fill queues five tasks for each of some repositories, of which a twentieth
// is at work already.
func fill(b *testing.B, db *postgres.DB, repos int) {
	b.Helper()
	err := db.InTx(b.Context(), func(tx *postgres.Tx) error {
		for i := range 5 * repos {
			req := request(fmt.Sprint("repo", i%repos), fmt.Sprint(i))
			t := task.Task{ID: task.NewID(time.Now()), Request: req, CreatedAt: time.Now()}
			if _, _, err := tx.AddTask(b.Context(), t); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	for range repos / 20 {
		claim(b, db)
	}
	if _, err := db.Pool().Exec(b.Context(), "ANALYZE"); err != nil {
		b.Fatal(err)
	}
}

// newDatabase returns a migrated database on a server of its own, which does
// not trade safety for speed as those of tests do.
func newDatabase(b *testing.B) *postgres.DB {
	b.Helper()
	s, err := server.Start(b.Context(), server.Options{Dir: b.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	db, err := postgres.Open(b.Context(), s.URL(), 24)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(db.Close)
	if _, err := queue.Migrate(b.Context(), db); err != nil {
		b.Fatal(err)
	}
	return db
}
