package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"honk/internal/task"
)

// AddNotice stores a message that is owed and returns its number; that of the
// one there is when key is known in its kind.
func (s Store) AddNotice(ctx context.Context, n task.Notice, key string) (int64, error) {
	var repo *int64
	if n.Repo != (task.Repo{}) {
		id, err := s.Repo(ctx, n.Repo)
		if err != nil {
			return 0, err
		}
		repo = &id
	}
	var taskID *string
	if n.TaskID != "" {
		id := string(n.TaskID)
		taskID = &id
	}
	return One(ctx, s, addNotice, pgx.StrictNamedArgs{
		"source": string(n.Source), "repo_id": repo, "thread": n.Thread, "kind": string(n.Kind),
		"key": key, "task_id": taskID, "body": clean(n.Text),
	}, pgx.RowTo[int64])
}

const addNotice = `INSERT INTO notices (source, repo_id, thread, kind, key, task_id, body)
	VALUES (@source, @repo_id, @thread, @kind, @key, @task_id, @body)
	ON CONFLICT (source, kind, key) DO UPDATE SET key = excluded.key RETURNING id`

// Want says that the message of a task no longer tells the truth, and returns
// its number; ErrNotFound for a task that nobody is told of.
func (s Store) Want(ctx context.Context, id task.ID) (int64, error) {
	return One(ctx, s, wantNotice, pgx.StrictNamedArgs{"task_id": string(id)}, pgx.RowTo[int64])
}

const wantNotice = `UPDATE notices SET wanted = wanted + 1
	WHERE task_id = @task_id AND kind = 'task' AND closed_at IS NULL RETURNING id`

// Due is a notice that is not up to date.
type Due struct {
	task.Notice
	// Version is what to report as posted.
	Version int
	// PostedAt is when it was last posted or edited, nil before.
	PostedAt *time.Time
}

// LeaseNotice gives a notice that is to be posted to a worker, for a while.
// found is false when it is up to date or paid; ErrLeased when another worker
// that lives is at it.
func (s Store) LeaseNotice(ctx context.Context, id int64, worker string, lease time.Duration) (d Due, found bool, err error) {
	args := pgx.StrictNamedArgs{"id": id}
	open, err := Many(ctx, s, isDue, args, pgx.RowTo[int64])
	if err != nil || len(open) == 0 {
		return d, false, err
	}
	args["worker"], args["lease"] = worker, lease
	d, err = One(ctx, s, leaseNotice, args, scanDue)
	if errors.Is(err, ErrNotFound) {
		err = ErrLeased
	}
	return d, true, err
}

const isDue = `SELECT id FROM notices WHERE id = @id AND wanted > posted AND closed_at IS NULL`

const leaseNotice = `WITH free AS (
		SELECT id, repo_id, tried_at IS NOT NULL AS tried FROM notices
		WHERE id = @id AND wanted > posted AND closed_at IS NULL
		AND (leased_until IS NULL OR leased_until < now() OR leased_by NOT IN (SELECT id FROM workers))
		FOR UPDATE SKIP LOCKED
	)
	UPDATE notices n SET leased_by = @worker, leased_until = now() + @lease::interval
	FROM free LEFT JOIN repositories r ON r.id = free.repo_id WHERE n.id = free.id
	RETURNING n.id, n.source, coalesce(r.host, ''), coalesce(r.owner, ''), coalesce(r.name, ''), coalesce(r.url, ''), n.thread, n.kind, coalesce(n.task_id, ''),
		n.body, n.message_id, free.tried, n.created_at, n.wanted, n.posted_at`

func scanDue(row pgx.CollectableRow) (d Due, err error) {
	var source, kind, id string
	err = row.Scan(&d.ID, &source, &d.Repo.Host, &d.Repo.Owner, &d.Repo.Name, &d.Repo.URL, &d.Thread, &kind, &id,
		&d.Text, &d.MessageID, &d.Tried, &d.CreatedAt, &d.Version, &d.PostedAt)
	d.Source, d.Kind, d.TaskID = task.Source(source), task.NoticeKind(kind), task.ID(id)
	return d, err
}

// TaskAt returns the task whose message has a name, in the threads whose names
// begin with prefix; ErrNotFound when there is none.
func (s Store) TaskAt(ctx context.Context, source task.Source, prefix, messageID string) (task.ID, error) {
	id, err := One(ctx, s, findTaskAt, pgx.StrictNamedArgs{
		"source": string(source), "prefix": prefix, "message_id": messageID,
	}, pgx.RowTo[string])
	return task.ID(id), err
}

const findTaskAt = `SELECT task_id FROM notices
	WHERE source = @source AND message_id = @message_id AND kind = 'task' AND starts_with(thread, @prefix) LIMIT 1`

// Release ends the lease of a notice that was not posted.
func (s Store) Release(ctx context.Context, id int64) error {
	return s.Exec(ctx, releaseNotice, pgx.StrictNamedArgs{"id": id})
}

const releaseNotice = `UPDATE notices SET leased_until = NULL WHERE id = @id`

// Trying remembers that a message is about to be posted.
func (s Store) Trying(ctx context.Context, id int64) error {
	return s.Exec(ctx, tryNotice, pgx.StrictNamedArgs{"id": id})
}

const tryNotice = `UPDATE notices SET tried_at = now() WHERE id = @id`

// Posted stores where a message is by now and which version it shows; with
// closed nothing more is owed.
func (s Store) Posted(ctx context.Context, d Due, messageID string, closed bool) error {
	return s.Exec(ctx, postNotice, pgx.StrictNamedArgs{
		"id": d.ID, "message_id": messageID, "version": d.Version, "closed": closed,
	})
}

const postNotice = `UPDATE notices SET message_id = @message_id, posted = @version, posted_at = now(),
	tried_at = NULL, leased_until = NULL,
	closed_at = CASE WHEN @closed::boolean THEN now() END WHERE id = @id AND closed_at IS NULL`

// OpenNotice returns the notice that a task is still owed; ErrNotFound when
// it is paid or there is none.
func (s Store) OpenNotice(ctx context.Context, id task.ID) (int64, error) {
	return One(ctx, s, findOpenNotice, pgx.StrictNamedArgs{"task_id": string(id)}, pgx.RowTo[int64])
}

const findOpenNotice = `SELECT id FROM notices WHERE task_id = @task_id AND kind = 'task' AND closed_at IS NULL`

// OwedNotices returns the notices that have been out of date for a while: a job
// for them may be lost.
func (s Store) OwedNotices(ctx context.Context, age time.Duration) ([]int64, error) {
	return Many(ctx, s, listOwed, pgx.StrictNamedArgs{"age": age}, pgx.RowTo[int64])
}

const listOwed = `SELECT n.id FROM notices n WHERE n.closed_at IS NULL AND n.wanted > n.posted
	AND coalesce(n.tried_at, n.posted_at, n.created_at) < now() - @age::interval ORDER BY n.id LIMIT 1000`

// StaleTasks returns the tasks whose message has not changed for a while
// although people wait: those queued for longer than queued, and those that
// run without an event for longer than silent.
func (s Store) StaleTasks(ctx context.Context, queued, silent time.Duration) ([]task.ID, error) {
	return Many(ctx, s, listStale, pgx.StrictNamedArgs{"queued": queued, "silent": silent},
		func(row pgx.CollectableRow) (id task.ID, err error) {
			var text string
			err = row.Scan(&text)
			return task.ID(text), err
		})
}

const listStale = `SELECT t.id FROM tasks t JOIN notices n ON n.task_id = t.id AND n.closed_at IS NULL
	WHERE n.wanted = n.posted AND (
		t.status = 'queued' AND greatest(t.created_at, n.posted_at) < now() - @queued::interval
		OR t.status = 'running' AND n.posted_at < now() - @silent::interval
		AND NOT EXISTS (SELECT 1 FROM events e WHERE e.task_id = t.id AND e.at > now() - @silent::interval)
	) LIMIT 1000`

// Silence is how long a task has recorded nothing.
func (s Store) Silence(ctx context.Context, id task.ID) (time.Duration, error) {
	return One(ctx, s, measureSilence, pgx.StrictNamedArgs{"task_id": string(id)}, pgx.RowTo[time.Duration])
}

const measureSilence = `SELECT coalesce(now() - max(at), interval '0') FROM events WHERE task_id = @task_id`
