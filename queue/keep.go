package queue

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"honk/internal/postgres"
	"honk/internal/task"
	"honk/queue/view"
)

const (
	// beat is how often a worker shows that it lives and looks for
	// cancellations; deadAfter is when the others take its work.
	beat      = time.Second
	deadAfter = 15 * time.Second
	// rescueEvery and owedEvery are how often a worker looks after what
	// others left.
	rescueEvery = 5 * time.Second
	owedEvery   = 30 * time.Second
	// owedAge is how long a message may be out of date before its job is
	// taken for lost, or a queued task's be silent.
	owedAge = time.Minute
)

// keep is the worker's heartbeat until Stop.
func (w *Worker) keep(ctx context.Context) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	rescued, owed := time.Now(), time.Now()
	for {
		select {
		case <-w.stopped:
			return
		case <-tick.C:
		}
		err := w.within(ctx, w.beat)
		if err == nil && time.Since(rescued) > rescueEvery {
			rescued, err = time.Now(), w.within(ctx, w.rescue)
		}
		if err == nil && time.Since(owed) > owedEvery {
			owed, err = time.Now(), w.within(ctx, w.remind)
		}
		if err != nil {
			w.opts.Log.WarnContext(ctx, "heartbeat missed", "error", err)
			// The others may have been cut off as well: before anybody is
			// taken for dead, they get the time to be seen.
			rescued = time.Now().Add(deadAfter)
		}
	}
}

// within bounds what is done between two beats, so that a database that hangs
// neither makes the others bury this worker nor keeps it from stopping.
func (w *Worker) within(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, deadAfter/3)
	defer cancel()
	return do(ctx)
}

// beat shows that the worker lives and ends the tasks that somebody
// cancelled.
func (w *Worker) beat(ctx context.Context) error {
	if err := w.db.Seen(ctx, w.opts.Name, w.opts.Host); err != nil {
		return err
	}
	held, err := w.db.Held(ctx, w.opts.Name)
	if err != nil {
		return err
	}
	for _, h := range held {
		if h.CancelledBy != "" {
			w.cancel(h.ID, task.Errorf(task.CodeCancelled, "Cancelled by %s.", h.CancelledBy))
		}
	}
	if err := w.drop(ctx, held); err != nil {
		return err
	}
	return w.db.InTx(ctx, func(tx *postgres.Tx) error {
		queued, err := tx.CancelledQueued(ctx)
		for _, rec := range queued {
			if err := w.finish(ctx, tx, rec.Task, cancelled(rec.CancelledBy)); err != nil {
				return err
			}
			if err := w.tell(ctx, tx, rec.ID); err != nil {
				return err
			}
		}
		return err
	})
}

// drop hands back the tasks that this worker holds and does not work on: what
// became of them could not be stored. A task that was just taken is not yet
// among those at work, so it is dropped at the third beat only.
func (w *Worker) drop(ctx context.Context, held []postgres.Held) error {
	astray := map[task.ID]int{}
	for _, h := range held {
		if !w.at(h.ID) {
			astray[h.ID] = w.astray[h.ID] + 1
		}
	}
	w.astray = astray
	for id, beats := range astray {
		if beats < 3 {
			continue
		}
		w.opts.Log.WarnContext(ctx, "task lost track of", "task_id", id)
		if err := w.db.Drop(ctx, id, w.opts.Name); err != nil {
			return err
		}
	}
	return nil
}

// rescue hands on what dead workers held: their tasks, and their jobs, which
// River would give back after an hour only.
func (w *Worker) rescue(ctx context.Context) error {
	return w.db.InTx(ctx, func(tx *postgres.Tx) error {
		if err := tx.Lock(ctx, "rescue"); err != nil {
			return err
		}
		dead, err := tx.Dead(ctx, deadAfter)
		if err != nil {
			return err
		}
		orphans, err := tx.Orphans(ctx)
		if err != nil {
			return err
		}
		freed, err := tx.Pgx().Exec(ctx, freeJobs)
		if err != nil {
			return err
		}
		if len(dead) > 0 || orphans > 0 {
			w.opts.Log.WarnContext(ctx, "workers lost", "workers", len(dead), "tasks", orphans, "jobs", freed.RowsAffected())
		}
		return w.supply(ctx, tx)
	})
}

// freeJobs gives back the jobs whose last holder is no living worker.
const freeJobs = `UPDATE river_job SET state = 'available', scheduled_at = now()
	WHERE state = 'running' AND attempted_by[array_length(attempted_by, 1)] NOT IN (SELECT id FROM workers)`

// supply sees to it that there are tickets while tasks wait.
func (w *Worker) supply(ctx context.Context, tx *postgres.Tx) error {
	waiting, err := tx.Waiting(ctx, w.opts.Tasks)
	if err != nil || waiting == 0 {
		return err
	}
	rows, err := tx.Pgx().Query(ctx, countTickets)
	if err != nil {
		return err
	}
	tickets, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[int])
	if err != nil {
		return err
	}
	for range waiting - tickets {
		if err := w.insert(ctx, tx, ticket{}, 0); err != nil {
			return err
		}
	}
	return nil
}

const countTickets = `SELECT count(*) FROM river_job WHERE kind = 'ticket'
	AND state IN ('available', 'retryable', 'scheduled') AND scheduled_at <= now()`

// remind writes jobs for messages whose own were lost, and has queued tasks
// say where they stand.
func (w *Worker) remind(ctx context.Context) error {
	return w.db.InTx(ctx, func(tx *postgres.Tx) error {
		if err := tx.Lock(ctx, "remind"); err != nil {
			return err
		}
		stale, err := tx.StaleTasks(ctx, owedAge, view.SilentAge)
		if err != nil {
			return err
		}
		for _, id := range stale {
			if err := w.tell(ctx, tx, id); err != nil {
				return err
			}
		}
		owed, err := tx.OwedNotices(ctx, owedAge)
		if err != nil {
			return err
		}
		rows, err := tx.Pgx().Query(ctx, listNoticeJobs, owed)
		if err != nil {
			return err
		}
		alive, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return err
		}
		for _, id := range owed {
			if slices.Contains(alive, id) {
				continue // it tries again by itself
			}
			if err := w.insert(ctx, tx, notice{ID: id}, 0); err != nil {
				return err
			}
		}
		return nil
	})
}

const listNoticeJobs = `SELECT (args->>'id')::bigint FROM river_job WHERE kind = 'notice'
	AND state IN ('available', 'pending', 'retryable', 'running', 'scheduled') AND (args->>'id')::bigint = ANY($1)`
