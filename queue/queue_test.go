package queue_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/internal/postgres"
	"honk/internal/postgres/pgtest"
	"honk/internal/runner"
	"honk/internal/task"
	"honk/queue"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// bundle is a queue on a database of its own.
type bundle struct {
	*testing.T
	db  *postgres.DB
	q   *queue.Queue
	log *slog.Logger
	url string
}

func setup(t *testing.T) *bundle {
	t.Helper()
	url := pgtest.New(t, migrate, "queue")
	db, err := postgres.Open(t.Context(), url, 20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	log := slog.New(slog.DiscardHandler)
	q, err := queue.New(db, log)
	if err != nil {
		t.Fatal(err)
	}
	return &bundle{T: t, db: db, q: q, log: log, url: url}
}

func migrate(ctx context.Context, url string) error {
	db, err := postgres.Open(ctx, url, 4)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = queue.Migrate(ctx, db)
	return err
}

func (b *bundle) submit(repo, delivery string) task.Task {
	b.Helper()
	t, _, err := b.q.Submit(b.Context(), request(repo, delivery))
	if err != nil {
		b.Fatal(err)
	}
	return t
}

func request(repo, delivery string) task.Request {
	return task.Request{
		Source: task.SourceGitHub, DeliveryID: delivery, Prompt: "raise the limit",
		Repo:   task.Repo{Host: "forge", Owner: "acme", Name: repo, URL: "http://forge/acme/" + repo},
		Origin: task.Origin{Thread: "1"},
	}
}

// worker starts a worker that is stopped at the end of the test.
func (b *bundle) worker(opts queue.WorkerOptions) *queue.Worker {
	b.Helper()
	opts.DB, opts.Log, opts.Host = b.db, b.log, "test"
	if opts.Name == "" {
		opts.Name = "worker-1"
	}
	if opts.Tasks == 0 {
		opts.Tasks = 4
	}
	opts.Retention = postgres.Retention{Deliveries: time.Hour, Events: time.Hour, Patches: time.Hour}
	w, err := queue.NewWorker(opts)
	if err != nil {
		b.Fatal(err)
	}
	if err := w.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := w.Stop(ctx); err != nil {
			b.Error(err)
		}
	})
	return w
}

// eventually waits until ok holds.
func (b *bundle) eventually(what string, ok func() bool) {
	b.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			b.Fatalf("%s: not within %s", what, patience)
		case <-tick.C:
		}
	}
}

func (b *bundle) record(id task.ID) postgres.Record {
	b.Helper()
	rec, err := b.db.Task(b.Context(), id)
	if err != nil {
		b.Fatal(err)
	}
	return rec
}

func (b *bundle) ends(id task.ID, want task.Status) postgres.Record {
	b.Helper()
	b.eventually(fmt.Sprintf("task %s ends", id), func() bool { return b.record(id).Status.Final() })
	rec := b.record(id)
	if rec.Status != want {
		b.Fatalf("task ended %s, want %s: %s", rec.Status, want, rec.Result)
	}
	return rec
}

func done(context.Context, task.Task) runner.Result {
	return runner.Result{Outcome: task.Outcome{Status: task.StatusDelivered, Summary: "done"}}
}

func TestSubmit_sameDeliveryIsOneTask(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var mu sync.Mutex
	ids, created := map[task.ID]bool{}, 0
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			got, isNew, err := b.q.Submit(t.Context(), request("api", "delivery-1"))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if isNew {
				created++
			}
			ids[got.ID] = true
		})
	}
	all.Wait()
	if len(ids) != 1 || created != 1 {
		t.Errorf("got %d tasks, %d created, want one", len(ids), created)
	}
}

func TestSubmit_conditionRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got, created, err := b.q.Submit(t.Context(), request("api", "1"), func(context.Context, *postgres.Tx) (bool, error) {
		return false, nil
	})
	if err != nil || created || got.ID != "" {
		t.Errorf("got %q, %t, %v, want no task", got.ID, created, err)
	}
	if list, err := b.db.Tasks(t.Context(), "", 10); err != nil || len(list) != 0 {
		t.Errorf("stored %v, %v, want nothing", list, err)
	}
}

func TestWorker_runsEachTaskOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var mu sync.Mutex
	runs := map[task.ID]int{}
	for i := range 2 {
		b.worker(queue.WorkerOptions{Name: fmt.Sprintf("worker-%d", i), RunFunc: func(ctx context.Context, tk task.Task) runner.Result {
			mu.Lock()
			defer mu.Unlock()
			runs[tk.ID]++
			return done(ctx, tk)
		}})
	}
	var ids []task.ID
	for i := range 60 {
		ids = append(ids, b.submit(fmt.Sprintf("repo-%d", i%3), fmt.Sprint(i)).ID)
	}
	for _, id := range ids {
		b.ends(id, task.StatusDelivered)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, id := range ids {
		if runs[id] != 1 {
			t.Errorf("task %s ran %d times", id, runs[id])
		}
	}
}

func TestWorker_fairBetweenRepositories(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 10 {
		b.submit("busy", fmt.Sprint("busy-", i))
	}
	b.submit("quiet", "quiet-1")
	b.submit("other", "other-1")
	var mu sync.Mutex
	var order []string
	b.worker(queue.WorkerOptions{Tasks: 1, RunFunc: func(ctx context.Context, tk task.Task) runner.Result {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, tk.Request.Repo.Name)
		return done(ctx, tk)
	}})
	ran := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(order)
	}
	b.eventually("all run", func() bool { return ran() == 12 })
	want := []string{"busy", "quiet", "other", "busy"}
	if diff := cmp.Diff(want, order[:4]); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestWorker_limits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var mu sync.Mutex
	running, most, all, mostAll := map[string]int{}, 0, 0, 0
	run := func(ctx context.Context, tk task.Task) runner.Result {
		name := tk.Request.Repo.Name
		mu.Lock()
		running[name]++
		all++
		most, mostAll = max(most, running[name]), max(mostAll, all)
		mu.Unlock()
		wait := time.NewTimer(30 * time.Millisecond)
		defer wait.Stop()
		<-wait.C
		mu.Lock()
		running[name]--
		all--
		mu.Unlock()
		return done(ctx, tk)
	}
	for i := range 2 {
		b.worker(queue.WorkerOptions{
			Name: fmt.Sprintf("worker-%d", i), Tasks: 8, Room: postgres.Room{All: 5, Repo: 2}, RunFunc: run,
		})
	}
	var ids []task.ID
	for i := range 40 {
		ids = append(ids, b.submit(fmt.Sprintf("repo-%d", i%4), fmt.Sprint(i)).ID)
	}
	for _, id := range ids {
		b.ends(id, task.StatusDelivered)
	}
	if most > 2 || mostAll > 5 {
		t.Errorf("%d of a repository and %d in all ran at once, want at most 2 and 5", most, mostAll)
	}
	if mostAll < 3 {
		t.Errorf("only %d ran at once", mostAll)
	}
}

func TestWorker_errors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		code     task.Code
		attempts int
		after    time.Duration
	}{
		{task.CodeRateLimited, 4, time.Millisecond}, // never given up
		{task.CodeInvalid, 1, 0},
		{task.CodeNotFound, 1, 0},
		{task.CodeForbidden, 1, 0},
		{task.CodeConflict, 1, 0},
		{task.CodeStuck, 1, 0}, // a second try would be paid for in vain
	}
	for _, tt := range tests {
		t.Run(string(tt.code), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.worker(queue.WorkerOptions{RunFunc: func(ctx context.Context, tk task.Task) runner.Result {
				if tk.Attempt == 4 {
					return done(ctx, tk)
				}
				err := task.Errorf(tt.code, "it broke")
				err.After = tt.after
				return runner.Result{Outcome: task.Outcome{Status: task.StatusFailed, Err: err}}
			}})
			want := task.StatusFailed
			if tt.attempts == 4 {
				want = task.StatusDelivered
			}
			if rec := b.ends(b.submit("api", "1").ID, want); rec.Attempt != tt.attempts {
				t.Errorf("ended after %d attempts, want %d", rec.Attempt, tt.attempts)
			}
		})
	}
}

func TestWorker_retriesAndGivesUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.worker(queue.WorkerOptions{RunFunc: func(context.Context, task.Task) runner.Result {
		return runner.Result{Outcome: task.Outcome{Status: task.StatusFailed, Err: task.Errorf(task.CodeUnavailable, "the model is away")}}
	}})
	id := b.submit("api", "1").ID
	b.eventually("the first failure is counted", func() bool { return b.record(id).Failures == 1 })
	rec := b.record(id)
	if rec.Status != task.StatusQueued || rec.Waiting != "the model is away" || !rec.NotBefore.After(time.Now()) {
		t.Errorf("got %s, waiting %q until %s, want it put off", rec.Status, rec.Waiting, rec.NotBefore)
	}
	// Two more failures, without the wait.
	for range 2 {
		b.now(id)
	}
	if rec := b.ends(id, task.StatusFailed); rec.Attempt != 3 {
		t.Errorf("given up after %d attempts, want 3", rec.Attempt)
	}
}

// now lets a task that is put off run at once.
func (b *bundle) now(id task.ID) {
	b.Helper()
	before := b.record(id).Attempt
	b.eventually("it is put off", func() bool { return b.record(id).Status == task.StatusQueued })
	for _, sql := range []string{
		"UPDATE tasks SET not_before = now()",
		"UPDATE river_job SET scheduled_at = now(), state = 'available' WHERE state = 'scheduled'",
	} {
		if _, err := b.db.Pool().Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
	b.eventually("it runs again", func() bool { return b.record(id).Attempt > before && b.record(id).Status != task.StatusRunning })
}
