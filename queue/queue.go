// Package queue takes requests in and has them worked on: River on PostgreSQL.
// It is the only importer of River.
//
// A job is a ticket: it says that a task waits, not which. Whoever holds one
// takes the task that is next in fair order and has room, so that a
// repository with a thousand tasks does not keep the others waiting and no
// job has to come back and ask again. What becomes of a task (done, tried
// again, put off) is decided here and stored in its row, in one transaction
// with the jobs that follow from it.
package queue

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"honk/internal/postgres"
	"honk/internal/task"
)

// Queue puts work in. It is safe for concurrent use.
type Queue struct {
	db     *postgres.DB
	jobs   *river.Client[pgx.Tx]
	intake crowd[*arrival]
}

// New returns a Queue on a migrated database.
func New(db *postgres.DB, log *slog.Logger) (*Queue, error) {
	jobs, err := river.NewClient(riverpgxv5.New(db.Pool()), &river.Config{Logger: riverLog(log)})
	if err != nil {
		return nil, fmt.Errorf("preparing the queue: %w", err)
	}
	return &Queue{db: db, jobs: jobs}, nil
}

// Migrate brings the whole schema, Honk's tables and River's, to this
// version and returns how many steps that took.
func Migrate(ctx context.Context, db *postgres.DB) (int, error) {
	steps, err := db.Migrate(ctx)
	if err != nil {
		return steps, err
	}
	var res *rivermigrate.MigrateResult
	// River takes no lock of its own, and wants a transaction per version.
	err = db.InTx(ctx, func(tx *postgres.Tx) error {
		if err := tx.Lock(ctx, "migrate"); err != nil {
			return err
		}
		m, err := rivermigrate.New(riverpgxv5.New(db.Pool()), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return err
		}
		res, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
		return err
	})
	if err != nil {
		return steps, fmt.Errorf("migrating the queue's tables: %w", err)
	}
	return steps + len(res.Versions), nil
}

// Pending returns how many migrations the schema lacks.
func Pending(ctx context.Context, db *postgres.DB) (int, error) {
	pending, err := db.Pending(ctx)
	if err != nil {
		return 0, err
	}
	m, err := rivermigrate.New(riverpgxv5.New(db.Pool()), nil)
	if err != nil {
		return 0, fmt.Errorf("reading the version of the queue's tables: %w", err)
	}
	res, err := m.Validate(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("reading the version of the queue's tables: %w", err)
	}
	return pending + len(res.Messages), nil
}

// A Condition decides, in the transaction that accepts a request, whether it
// may be.
type Condition = func(ctx context.Context, tx *postgres.Tx) (bool, error)

// Submit accepts a request: in one transaction it stores the task, the message
// that its thread is owed and their jobs. The same delivery again is the same
// task, with created false. Without a task, because a condition said no, the
// ID is empty.
func (q *Queue) Submit(ctx context.Context, req task.Request, when ...Condition) (t task.Task, created bool, err error) {
	now := time.Now()
	t = task.Task{ID: task.NewID(now), Request: req, CreatedAt: now}
	refused := false
	err = q.db.InTx(ctx, func(tx *postgres.Tx) error {
		t, created, err = tx.AddTask(ctx, t)
		if err != nil || !created {
			return err
		}
		for _, ok := range when {
			yes, err := ok(ctx, tx)
			if err != nil {
				return err
			}
			if !yes {
				refused = true
				return errRefused
			}
		}
		if req.Origin.Thread != "" {
			if err := q.addNotice(ctx, tx, taskNotice(t), string(t.ID)); err != nil {
				return err
			}
		}
		return q.insert(ctx, tx, ticket{}, 0)
	})
	if refused {
		return task.Task{}, false, nil
	}
	if err != nil {
		return task.Task{}, false, fmt.Errorf("submitting a task for %s: %w", req.Repo, err)
	}
	return t, created, nil
}

func taskNotice(t task.Task) task.Notice {
	return task.Notice{
		Source: t.Request.Source, Repo: t.Request.Repo, Thread: t.Request.Origin.Thread,
		Kind: task.NoticeTask, TaskID: t.ID,
	}
}

// Reply owes a thread a message of its own; key says what it answers, so that
// it is given once.
func (q *Queue) Reply(ctx context.Context, n task.Notice, key string) error {
	n.Kind = task.NoticeReply
	return q.db.InTx(ctx, func(tx *postgres.Tx) error {
		return q.addNotice(ctx, tx, n, key)
	})
}

func (q *Queue) addNotice(ctx context.Context, tx *postgres.Tx, n task.Notice, key string) error {
	id, err := tx.AddNotice(ctx, n, key)
	if err != nil {
		return err
	}
	return q.insert(ctx, tx, notice{ID: id}, 0)
}

// insert adds a job in the transaction, to be worked on after a while.
func (q *Queue) insert(ctx context.Context, tx *postgres.Tx, args river.JobArgs, after time.Duration) error {
	if _, err := q.jobs.InsertTx(ctx, tx.Pgx(), args, insertOpts(after)); err != nil {
		return fmt.Errorf("adding a %s job: %w", args.Kind(), err)
	}
	return nil
}

func insertOpts(after time.Duration) *river.InsertOpts {
	var opts river.InsertOpts
	if after > 0 {
		opts.ScheduledAt = time.Now().Add(after)
	}
	return &opts
}
