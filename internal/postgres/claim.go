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
// oldest whose branch no other works on. ok is false when there is none. It
// must be called in a transaction.
func (tx *Tx) Claim(ctx context.Context, worker string, room Room) (r Record, ok bool, err error) {
	found, err := tx.ClaimMany(ctx, worker, room, 1)
	if err != nil || len(found) == 0 {
		return r, false, err
	}
	return found[0], true, nil
}

// ClaimMany takes up to n tasks as Claim does, one after the other.
func (tx *Tx) ClaimMany(ctx context.Context, worker string, room Room, n int) (list []Record, err error) {
	// One claim at a time: two would count the same room. All queries in one
	// turn, since others wait.
	var turn pgx.Batch
	turn.Queue(lockName, pgx.StrictNamedArgs{"name": "claim"})
	for range n {
		turn.Queue(claimTask, pgx.StrictNamedArgs{
			"worker": worker, "all": room.All, "repo": room.Repo,
		}).Query(func(rows pgx.Rows) error {
			found, err := pgx.CollectRows(rows, scanRecord)
			list = append(list, found...)
			return err
		})
	}
	err = tx.tx.SendBatch(ctx, &turn).Close()
	return list, wrap(claimTask, err)
}

// Idle repositories come first, in an order that an index has: the search ends
// at the first with a task, however many wait.
const claimTask = `WITH busy AS (
		SELECT repo_id, count(*) AS running FROM tasks WHERE status = 'running' GROUP BY repo_id
	), next AS (
		SELECT repo_id, id FROM (
			(SELECT r.id AS repo_id, t.id, 0 AS running, r.served_at
			FROM repositories r CROSS JOIN LATERAL ` + nextOfRepo + ` t
			WHERE r.id NOT IN (SELECT repo_id FROM busy)
			ORDER BY r.served_at, r.id LIMIT 1)
			UNION ALL
			(SELECT r.id, t.id, busy.running, r.served_at
			FROM busy JOIN repositories r ON r.id = busy.repo_id CROSS JOIN LATERAL ` + nextOfRepo + ` t
			WHERE @repo = 0 OR busy.running < @repo
			ORDER BY busy.running, r.served_at, r.id LIMIT 1)
		) candidates
		WHERE @all = 0 OR (SELECT coalesce(sum(running), 0) FROM busy) < @all
		ORDER BY running, served_at, repo_id LIMIT 1
	), served AS (
		UPDATE repositories SET served_at = clock_timestamp() FROM next WHERE repositories.id = next.repo_id
	)
	UPDATE tasks SET status = 'running', worker = @worker, attempt = attempt + 1, waiting = '',
		started_at = coalesce(started_at, now())
	FROM next WHERE tasks.id = next.id AND tasks.status = 'queued'
	RETURNING tasks.id, request, status, attempt, failures, lost, not_before, waiting,
		coalesce(cancelled_by, '') AS cancelled_by, result, created_at, started_at, finished_at, images`

// The time is the clock's: a claim that has waited for another must see what
// came since, or its ticket is spent for nothing.
const nextOfRepo = `(
		SELECT id FROM tasks WHERE repo_id = r.id AND status = 'queued' AND not_before <= clock_timestamp()
		AND (branch = '' OR NOT EXISTS (SELECT 1 FROM tasks other
			WHERE other.repo_id = r.id AND other.branch = tasks.branch AND other.status = 'running'))
		ORDER BY id LIMIT 1
	)`

// Waiting returns how many queued tasks could be taken now, limits apart. It
// counts no further than most.
func (s Store) Waiting(ctx context.Context, most int) (int, error) {
	return One(ctx, s, countWaiting, pgx.StrictNamedArgs{"most": most}, pgx.RowTo[int])
}

const countWaiting = `SELECT count(*) FROM (
		SELECT FROM tasks WHERE status = 'queued' AND not_before <= clock_timestamp() LIMIT @most
	) waiting`

// Held is a running task as its worker sees it.
type Held struct {
	ID task.ID
	// CancelledBy is who wants it to end, "" where nobody does.
	CancelledBy string
}

// Held returns the tasks that a worker runs.
func (s Store) Held(ctx context.Context, worker string) ([]Held, error) {
	return Many(ctx, s, listHeld, pgx.StrictNamedArgs{"worker": worker}, scanHeld)
}

const listHeld = `SELECT id, coalesce(cancelled_by, '') FROM tasks WHERE status = 'running' AND worker = @worker`

// CancelledQueued returns the queued tasks that are to end, locked until the
// end of the transaction; what others have locked is left out.
func (s Store) CancelledQueued(ctx context.Context) ([]Record, error) {
	return Many(ctx, s, listCancelledQueued, nil, scanRecord)
}

const listCancelledQueued = `SELECT ` + taskColumns + ` FROM tasks
	WHERE status = 'queued' AND cancelled_by IS NOT NULL ORDER BY id FOR UPDATE SKIP LOCKED`

func scanHeld(row pgx.CollectableRow) (h Held, err error) {
	var id string
	err = row.Scan(&id, &h.CancelledBy)
	h.ID = task.ID(id)
	return h, err
}

// Drop hands back a task that its worker holds and does not work on, as lost.
func (s Store) Drop(ctx context.Context, id task.ID, worker string) error {
	return s.Exec(ctx, dropTask, pgx.StrictNamedArgs{"id": string(id), "worker": worker})
}

const dropTask = `UPDATE tasks SET status = 'queued', worker = NULL, not_before = now(), lost = lost + 1,
	waiting = 'the worker lost track of it; it is taken up again'
	WHERE id = @id AND worker = @worker AND status = 'running'`

// Seen tells the others that a worker lives.
func (s Store) Seen(ctx context.Context, worker, host string) error {
	return s.Exec(ctx, seeWorker, pgx.StrictNamedArgs{"id": worker, "host": host})
}

const seeWorker = `INSERT INTO workers (id, host) VALUES (@id, @host)
	ON CONFLICT (id) DO UPDATE SET seen_at = now()`

// Gone forgets a worker that has ended.
func (s Store) Gone(ctx context.Context, worker string) error {
	return s.Exec(ctx, forgetWorker, pgx.StrictNamedArgs{"id": worker})
}

const forgetWorker = `DELETE FROM workers WHERE id = @id`

// Dead returns the workers that nobody has seen for a while, and forgets
// them.
func (s Store) Dead(ctx context.Context, after time.Duration) ([]string, error) {
	return Many(ctx, s, buryWorkers, pgx.StrictNamedArgs{"after": after}, pgx.RowTo[string])
}

const buryWorkers = `DELETE FROM workers WHERE seen_at < now() - @after::interval RETURNING id`

// Orphans hands back the running tasks whose worker is none of those that
// live, and returns how many there were.
func (s Store) Orphans(ctx context.Context) (int64, error) {
	return s.Affect(ctx, requeueOrphans, nil)
}

const requeueOrphans = `UPDATE tasks SET status = 'queued', worker = NULL, not_before = now(), lost = lost + 1,
	waiting = 'the worker was lost; another takes over'
	WHERE status = 'running' AND worker NOT IN (SELECT id FROM workers)`
