package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"honk/internal/postgres"
	"honk/internal/runner"
	"honk/internal/task"
)

// Door is what a source of requests does for the worker.
type Door struct {
	// HandleFunc understands a delivery and does what it asks for. It
	// returns a few words for the record. It is called again after an error
	// that is worth it, so it must bear repetition.
	HandleFunc func(ctx context.Context, d task.Delivery) (string, error)
	Notifier   runner.Notifier
	// EditEvery is the shortest time between two edits of one message, its
	// last one excepted.
	EditEvery time.Duration
}

// WorkerOptions says how a Worker works. All without a default are required.
type WorkerOptions struct {
	DB *postgres.DB
	// Name is this process, Host its machine. No other process has the name.
	Name, Host string
	// RunFunc takes a task to its end.
	RunFunc func(ctx context.Context, t task.Task) runner.Result
	Doors   map[task.Source]Door
	// Tasks is how many run at once in this process.
	Tasks int
	Room  postgres.Room
	// Grace is how long running tasks may go on when the worker stops,
	// before they are handed back.
	Grace     time.Duration
	Retention postgres.Retention
	// Chores are done by one worker at a time, each every so often.
	Chores []Chore
	Log    *slog.Logger
}

// Chore is something that must be done now and then by somebody.
type Chore struct {
	Name  string
	Every time.Duration
	// AtStart does it whenever a worker starts, too.
	AtStart bool
	RunFunc func(ctx context.Context) error
}

// Worker works on what is in the queue. Start it once. Stop is idempotent.
type Worker struct {
	*Queue
	opts WorkerOptions

	claims crowd[*claim]

	mu      sync.Mutex
	running map[task.ID]context.CancelCauseFunc
	keeping sync.WaitGroup
	// astray counts the beats for which a task of ours was not at work. It is
	// keep's alone.
	astray  map[task.ID]int
	stop    sync.Once
	stopped chan struct{}
	stopErr error
}

// NewWorker returns a Worker on a migrated database.
func NewWorker(opts WorkerOptions) (*Worker, error) {
	w := &Worker{opts: opts, running: map[task.ID]context.CancelCauseFunc{}, stopped: make(chan struct{})}
	opts.Chores = append(opts.Chores, Chore{Name: "forget", Every: time.Hour, RunFunc: w.forget})
	workers := river.NewWorkers()
	river.AddWorker(workers, &ticketWorker{w: w})
	river.AddWorker(workers, &deliveryWorker{w: w})
	river.AddWorker(workers, &noticeWorker{w: w})
	river.AddWorker(workers, &choreWorker{chores: opts.Chores, log: opts.Log})
	jobs, err := river.NewClient(riverpgxv5.New(opts.DB.Pool()), &river.Config{
		ID:      opts.Name,
		Logger:  riverLog(opts.Log),
		Workers: workers,
		Queues: map[string]river.QueueConfig{
			taskQueue:     {MaxWorkers: opts.Tasks},
			deliveryQueue: {MaxWorkers: 8},
			noticeQueue:   {MaxWorkers: 4},
		},
		FetchCooldown:     20 * time.Millisecond,
		FetchPollInterval: 500 * time.Millisecond,
		RetryPolicy:       retryPolicy{},
		// Jobs of the living are not rescued by age: keep does it by death.
		JobTimeout:                  5 * time.Minute,
		RescueStuckJobsAfter:        time.Hour,
		CompletedJobRetentionPeriod: time.Hour,
		PeriodicJobs:                periodic(opts.Chores),
	})
	if err != nil {
		return nil, fmt.Errorf("preparing the worker: %w", err)
	}
	w.Queue = &Queue{db: opts.DB, jobs: jobs}
	return w, nil
}

func periodic(chores []Chore) []*river.PeriodicJob {
	var jobs []*river.PeriodicJob
	for _, c := range chores {
		jobs = append(jobs, river.NewPeriodicJob(river.PeriodicInterval(c.Every),
			func() (river.JobArgs, *river.InsertOpts) { return chore{Name: c.Name}, nil }, nil))
	}
	return jobs
}

// Start begins to work. ctx bounds the start only.
func (w *Worker) Start(ctx context.Context) error {
	// Known to be alive before it can hold anything.
	if err := w.db.Seen(ctx, w.opts.Name, w.opts.Host); err != nil {
		return err
	}
	if err := w.rescue(ctx); err != nil {
		return err
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	run := context.WithoutCancel(ctx)
	if err := w.jobs.Start(run); err != nil {
		return fmt.Errorf("starting the worker: %w", err)
	}
	w.keeping.Go(func() { w.keep(run) })
	return nil
}

// begin writes the jobs for what is done whenever a worker starts. River would
// have it done when it elects a leader, which is seldom the one that starts.
func (w *Worker) begin(ctx context.Context) error {
	return w.db.InTx(ctx, func(tx *postgres.Tx) error {
		for _, c := range w.opts.Chores {
			if !c.AtStart {
				continue
			}
			if err := w.insert(ctx, tx, chore{Name: c.Name}, 0); err != nil {
				return err
			}
		}
		return nil
	})
}

// errHandBack is why a task stops when its worker does.
var errHandBack = errors.New("the worker is stopping; another takes over")

// Stop lets running tasks go on for the grace time, then hands them back. It
// returns when nothing of them is left in this process. Cancelling ctx cuts
// the grace short.
func (w *Worker) Stop(ctx context.Context) error {
	w.stop.Do(func() { w.stopErr = w.end(ctx) })
	return w.stopErr
}

func (w *Worker) end(ctx context.Context) error {
	grace, cancel := context.WithTimeout(ctx, w.opts.Grace)
	defer cancel()
	err := w.jobs.Stop(grace)
	if err != nil {
		w.cancelAll(errHandBack)
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = w.jobs.StopAndCancel(end)
	}
	close(w.stopped)
	w.keeping.Wait()
	gone, cancelGone := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancelGone()
	return errors.Join(err, w.db.Gone(gone, w.opts.Name))
}

func (w *Worker) cancelAll(cause error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, cancel := range w.running {
		cancel(cause)
	}
}

// track registers a running task until done is called.
func (w *Worker) track(ctx context.Context, id task.ID) (tracked context.Context, done func()) {
	tracked, cancel := context.WithCancelCause(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running[id] = cancel
	return tracked, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.running, id)
		cancel(nil)
	}
}

// cancel ends a running task of this process for a reason.
func (w *Worker) cancel(id task.ID, cause error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if cancel := w.running[id]; cancel != nil {
		cancel(cause)
	}
}

// at reports whether this process works on a task.
func (w *Worker) at(id task.ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.running[id] != nil
}

func (w *Worker) forget(ctx context.Context) error {
	removed, err := w.db.Forget(ctx, w.opts.Retention)
	if removed > 0 {
		w.opts.Log.InfoContext(ctx, "old rows removed", "rows", removed)
	}
	return err
}

type choreWorker struct {
	river.WorkerDefaults[chore]
	chores []Chore
	log    *slog.Logger
}

func (c *choreWorker) Work(ctx context.Context, job *river.Job[chore]) error {
	for _, one := range c.chores {
		if one.Name != job.Args.Name {
			continue
		}
		err := one.RunFunc(ctx)
		if err != nil {
			c.log.WarnContext(ctx, "chore not done", "chore", one.Name, "error", err)
		}
		return afterError(err)
	}
	return nil
}
