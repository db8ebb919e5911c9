package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"honk/internal/task"
)

// Room says how many tasks may run at once; 0 means without limit.
type Room struct {
	// All bounds the tasks of all workers, Repo those of one repository.
	All, Repo int
}

// Claim takes the task that is next in fair order, as a new attempt by
// worker: of the repositories with room that have a task waiting, the one with
// the fewest running, then the one that waited longest; of its tasks the
// oldest. ok is false when there is none. It must be called in a transaction.
func (tx *Tx) Claim(ctx context.Context, worker string, room Room) (r Record, ok bool, err error) {
	// One claim at a time: two would count the same room.
	if err := tx.Lock(ctx, "claim"); err != nil {
		return r, false, err
	}
	found, err := many(ctx, tx.Store, claimTask, pgx.StrictNamedArgs{
		"worker": worker, "all": room.All, "repo": room.Repo,
	}, scanRecord)
	if err != nil || len(found) == 0 {
		return r, false, err
	}
	return found[0], true, nil
}

const claimTask = `WITH busy AS (
		SELECT repo_id, count(*) AS running FROM tasks WHERE status = 'running' GROUP BY repo_id
	), next AS (
		SELECT r.id AS repo_id, t.id FROM repositories r
		LEFT JOIN busy ON busy.repo_id = r.id
		CROSS JOIN LATERAL (
			SELECT id FROM tasks WHERE repo_id = r.id AND status = 'queued' AND not_before <= now()
			ORDER BY id LIMIT 1
		) t
		WHERE (@repo = 0 OR coalesce(busy.running, 0) < @repo)
		AND (@all = 0 OR (SELECT coalesce(sum(running), 0) FROM busy) < @all)
		ORDER BY coalesce(busy.running, 0), r.served_at, t.id LIMIT 1
	), served AS (
		UPDATE repositories SET served_at = clock_timestamp() FROM next WHERE repositories.id = next.repo_id
	)
	UPDATE tasks SET status = 'running', worker = @worker, attempt = attempt + 1, waiting = '',
		started_at = coalesce(started_at, now())
	FROM next WHERE tasks.id = next.id
	RETURNING tasks.id, request, status, attempt, failures, not_before, waiting,
		coalesce(cancelled_by, '') AS cancelled_by, result, created_at, started_at, finished_at`

// Waiting returns how many queued tasks could be taken now, limits apart.
func (s Store) Waiting(ctx context.Context) (int, error) {
	return one(ctx, s, countWaiting, nil, pgx.RowTo[int])
}

const countWaiting = `SELECT count(*) FROM tasks WHERE status = 'queued' AND not_before <= now()`

// Cancelled is a task that somebody wants to end.
type Cancelled struct {
	ID task.ID
	By string
}

// CancelledRunning returns the running tasks of a worker that are to end.
func (s Store) CancelledRunning(ctx context.Context, worker string) ([]Cancelled, error) {
	return many(ctx, s, listCancelledRunning, pgx.StrictNamedArgs{"worker": worker}, scanCancelled)
}

const listCancelledRunning = `SELECT id, cancelled_by FROM tasks
	WHERE status = 'running' AND worker = @worker AND cancelled_by IS NOT NULL`

// CancelledQueued returns the queued tasks that are to end, locked until the
// end of the transaction; what others have locked is left out.
func (s Store) CancelledQueued(ctx context.Context) ([]Record, error) {
	return many(ctx, s, listCancelledQueued, nil, scanRecord)
}

const listCancelledQueued = `SELECT ` + taskColumns + ` FROM tasks
	WHERE status = 'queued' AND cancelled_by IS NOT NULL ORDER BY id FOR UPDATE SKIP LOCKED`

func scanCancelled(row pgx.CollectableRow) (c Cancelled, err error) {
	var id string
	err = row.Scan(&id, &c.By)
	c.ID = task.ID(id)
	return c, err
}

// Seen tells the others that a worker lives.
func (s Store) Seen(ctx context.Context, worker, host string) error {
	return s.exec(ctx, seeWorker, pgx.StrictNamedArgs{"id": worker, "host": host})
}

const seeWorker = `INSERT INTO workers (id, host) VALUES (@id, @host)
	ON CONFLICT (id) DO UPDATE SET seen_at = now()`

// Gone forgets a worker that has ended.
func (s Store) Gone(ctx context.Context, worker string) error {
	return s.exec(ctx, forgetWorker, pgx.StrictNamedArgs{"id": worker})
}

const forgetWorker = `DELETE FROM workers WHERE id = @id`

// Dead returns the workers that nobody has seen for a while, and forgets
// them.
func (s Store) Dead(ctx context.Context, after time.Duration) ([]string, error) {
	return many(ctx, s, buryWorkers, pgx.StrictNamedArgs{"after": after}, pgx.RowTo[string])
}

const buryWorkers = `DELETE FROM workers WHERE seen_at < now() - @after::interval RETURNING id`

// Orphans hands back the running tasks whose worker is none of those that
// live, and returns how many there were.
func (s Store) Orphans(ctx context.Context) (int64, error) {
	return s.affect(ctx, requeueOrphans, nil)
}

const requeueOrphans = `UPDATE tasks SET status = 'queued', worker = NULL, not_before = now(),
	waiting = 'the worker was lost; another takes over'
	WHERE status = 'running' AND worker NOT IN (SELECT id FROM workers)`
