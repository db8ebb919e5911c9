package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"honk/internal/task"
)

// Record is a task as it is stored.
type Record struct {
	task.Task
	// Failures counts the attempts that ended in an error worth another try,
	// Lost those whose worker was lost.
	Failures, Lost int
	// NotBefore is when a queued task may be taken, Waiting why not now.
	NotBefore time.Time
	Waiting   string
	// CancelledBy is who asked to stop it.
	CancelledBy string
	// Result is a runner.Result without the patch, nil before the end.
	Result     json.RawMessage
	StartedAt  *time.Time
	FinishedAt *time.Time
}

const (
	rowColumns = `id, request, status, attempt, failures, lost, not_before, waiting,
	coalesce(cancelled_by, '') AS cancelled_by, result, created_at, started_at, finished_at`
	// taskColumns are those of lists, which need no images.
	taskColumns = rowColumns + `, NULL::json`
	wholeTask   = rowColumns + `, images`
)

func scanRecord(row pgx.CollectableRow) (r Record, err error) {
	var request, images []byte
	var id, status string
	err = row.Scan(&id, &request, &status, &r.Attempt, &r.Failures, &r.Lost, &r.NotBefore, &r.Waiting,
		&r.CancelledBy, &r.Result, &r.CreatedAt, &r.StartedAt, &r.FinishedAt, &images)
	r.ID, r.Status = task.ID(id), task.Status(status)
	if err == nil {
		err = json.Unmarshal(request, &r.Request)
	}
	if err == nil && images != nil {
		err = json.Unmarshal(images, &r.Request.Images)
	}
	return r, err
}

// Repo returns the number of a repository, a new one where it is not known.
func (s Store) Repo(ctx context.Context, r task.Repo) (int64, error) {
	args := pgx.StrictNamedArgs{"host": r.Host, "owner": r.Owner, "name": r.Name}
	id, err := One(ctx, s, findRepo, args, pgx.RowTo[int64])
	if !errors.Is(err, ErrNotFound) {
		return id, err
	}
	args["url"] = r.URL
	return One(ctx, s, addRepo, args, pgx.RowTo[int64])
}

const findRepo = `SELECT id FROM repositories WHERE host = @host AND owner = @owner AND name = @name`

const addRepo = `INSERT INTO repositories (host, owner, name, url) VALUES (@host, @owner, @name, @url)
	ON CONFLICT (host, owner, name) DO UPDATE SET url = excluded.url RETURNING id`

// AddTask stores a queued task. Where its request's source and delivery are
// known already, created is false and the task that they made is returned.
func (s Store) AddTask(ctx context.Context, t task.Task) (stored task.Task, created bool, err error) {
	repo, err := s.Repo(ctx, t.Request.Repo)
	if err != nil {
		return t, false, err
	}
	bare := t.Request
	bare.Images = nil
	request, err := json.Marshal(bare)
	images, imagesErr := json.Marshal(t.Request.Images)
	if err := errors.Join(err, imagesErr); err != nil {
		return t, false, fmt.Errorf("encoding a request: %w", err)
	}
	n, err := s.Affect(ctx, addTask, pgx.StrictNamedArgs{
		"id": string(t.ID), "source": string(t.Request.Source), "delivery_id": t.Request.DeliveryID,
		"repo_id": repo, "thread": t.Request.Origin.Thread, "branch": t.Request.Branch, "request": request,
		"images": images, "created_at": t.CreatedAt,
	})
	if err != nil || n == 1 {
		t.Status = task.StatusQueued
		return t, n == 1, err
	}
	r, err := s.TaskOf(ctx, t.Request.Source, t.Request.DeliveryID)
	return r.Task, false, err
}

const addTask = `INSERT INTO tasks (id, source, delivery_id, repo_id, thread, branch, request, images, status, created_at)
	VALUES (@id, @source, @delivery_id, @repo_id, @thread, @branch, @request, nullif(@images::text, 'null')::json, 'queued', @created_at)
	ON CONFLICT (source, delivery_id) DO NOTHING`

const findDeliveryTask = `SELECT ` + wholeTask + ` FROM tasks
	WHERE source = @source AND delivery_id = @delivery_id`

// Task returns a task; ErrNotFound when there is none.
func (s Store) Task(ctx context.Context, id task.ID) (Record, error) {
	return One(ctx, s, findTask, pgx.StrictNamedArgs{"id": string(id)}, scanRecord)
}

const findTask = `SELECT ` + wholeTask + ` FROM tasks WHERE id = @id`

// TaskOf returns the task that a delivery made; ErrNotFound when there is none.
func (s Store) TaskOf(ctx context.Context, source task.Source, delivery string) (Record, error) {
	return One(ctx, s, findDeliveryTask, pgx.StrictNamedArgs{"source": string(source), "delivery_id": delivery}, scanRecord)
}

// Tasks returns the latest tasks, newest first; with status only those in it.
func (s Store) Tasks(ctx context.Context, status task.Status, limit int) ([]Record, error) {
	return Many(ctx, s, listTasks, pgx.StrictNamedArgs{"status": string(status), "limit": limit}, scanRecord)
}

const listTasks = `SELECT ` + taskColumns + ` FROM tasks
	WHERE @status::text = '' OR status = @status ORDER BY id DESC LIMIT @limit`

// ThreadTasks returns the tasks of a thread, newest first.
func (s Store) ThreadTasks(ctx context.Context, r task.Repo, thread string, limit int) ([]Record, error) {
	return Many(ctx, s, listThread, pgx.StrictNamedArgs{
		"host": r.Host, "owner": r.Owner, "name": r.Name, "thread": thread, "limit": limit,
	}, scanRecord)
}

const listThread = `SELECT ` + taskColumns + ` FROM tasks` + inThread + ` ORDER BY id DESC LIMIT @limit`

// Conversation returns the tasks of a conversation outside the forge, which
// may be about several repositories, newest first.
func (s Store) Conversation(ctx context.Context, source task.Source, thread string, limit int) ([]Record, error) {
	return Many(ctx, s, listConversation, pgx.StrictNamedArgs{"source": string(source), "thread": thread, "limit": limit}, scanRecord)
}

const listConversation = `SELECT ` + taskColumns + ` FROM tasks
	WHERE source = @source AND thread = @thread ORDER BY id DESC LIMIT @limit`

// TasksBy returns the tasks that somebody at a source has asked for, newest
// first.
func (s Store) TasksBy(ctx context.Context, source task.Source, asker string, limit int) ([]Record, error) {
	return Many(ctx, s, listTasksBy, pgx.StrictNamedArgs{"source": string(source), "asker": asker, "limit": limit}, scanRecord)
}

const listTasksBy = `SELECT ` + taskColumns + ` FROM tasks
	WHERE source = @source AND request->'origin'->>'asker' = @asker ORDER BY id DESC LIMIT @limit`

// QueuePlace returns how many queued tasks are older than id.
func (s Store) QueuePlace(ctx context.Context, id task.ID) (int, error) {
	return One(ctx, s, countAhead, pgx.StrictNamedArgs{"id": string(id)}, pgx.RowTo[int])
}

const countAhead = `SELECT count(*) FROM tasks WHERE status = 'queued' AND id < @id`

// Cancel asks for the end of a task that has not ended. It reports whether
// there was one.
func (s Store) Cancel(ctx context.Context, id task.ID, by string) (bool, error) {
	n, err := s.Affect(ctx, cancelTask, pgx.StrictNamedArgs{"id": string(id), "by": by})
	return n == 1, err
}

const cancelTask = `UPDATE tasks SET cancelled_by = coalesce(cancelled_by, @by)
	WHERE id = @id AND status IN ('queued', 'running')`

// CancelThread asks for the end of all tasks of a thread that have not ended,
// and returns how many it ended; key names the message that asks, and the same
// one again ends nothing more.
func (s Store) CancelThread(ctx context.Context, r task.Repo, thread, by, key string) (int, error) {
	args := pgx.StrictNamedArgs{
		"host": r.Host, "owner": r.Owner, "name": r.Name, "thread": thread, "key": key,
	}
	before, err := One(ctx, s, countCancelled, args, pgx.RowTo[int])
	if err != nil || before > 0 {
		return before, err
	}
	args["by"] = by
	n, err := s.Affect(ctx, cancelThread, args)
	return int(n), err
}

const inThread = ` WHERE repo_id = (SELECT id FROM repositories WHERE host = @host AND owner = @owner AND name = @name)
	AND thread = @thread`

const countCancelled = `SELECT count(*) FROM tasks` + inThread + ` AND cancelled_key = @key`

const cancelThread = `UPDATE tasks SET cancelled_by = coalesce(cancelled_by, @by), cancelled_key = @key` + inThread + `
	AND status IN ('queued', 'running')`

// BranchBusy reports whether a task that goes on top of a branch waits or
// runs.
func (s Store) BranchBusy(ctx context.Context, r task.Repo, branch string) (bool, error) {
	return One(ctx, s, isBranchBusy, pgx.StrictNamedArgs{
		"host": r.Host, "owner": r.Owner, "name": r.Name, "branch": branch,
	}, pgx.RowTo[bool])
}

const isBranchBusy = `SELECT EXISTS (SELECT 1 FROM tasks JOIN repositories r ON r.id = repo_id
	WHERE r.host = @host AND r.owner = @owner AND r.name = @name AND branch = @branch AND status IN ('queued', 'running'))`

// Finish stores how a running task ended. ErrFenced when the attempt is not
// the current one.
func (s Store) Finish(ctx context.Context, t task.Task, status task.Status, result any) error {
	raw, err := json.Marshal(result)
	if err != nil {
		return fmt.Errorf("encoding the result of task %s: %w", t.ID, err)
	}
	n, err := s.Affect(ctx, finishTask, pgx.StrictNamedArgs{
		"id": string(t.ID), "attempt": t.Attempt, "status": string(status), "result": raw,
	})
	if err == nil && n == 0 {
		err = ErrFenced
	}
	return err
}

const finishTask = `UPDATE tasks SET status = @status, result = @result, finished_at = now(), worker = NULL, waiting = ''
	WHERE id = @id AND attempt = @attempt AND status IN ('queued', 'running')`

// Delay says when and why a task is taken again.
type Delay struct {
	For time.Duration
	// Why is for people, empty when there is no reason but the order.
	Why string
	// Failed counts the attempt as a failure.
	Failed bool
}

// Requeue hands a running task back. ErrFenced when the attempt is not the
// current one.
func (s Store) Requeue(ctx context.Context, t task.Task, d Delay) error {
	failures := 0
	if d.Failed {
		failures = 1
	}
	n, err := s.Affect(ctx, requeueTask, pgx.StrictNamedArgs{
		"id": string(t.ID), "attempt": t.Attempt, "for": d.For, "why": clean(d.Why), "failures": failures,
	})
	if err == nil && n == 0 {
		err = ErrFenced
	}
	return err
}

const requeueTask = `UPDATE tasks SET status = 'queued', worker = NULL, not_before = now() + @for::interval,
	waiting = @why, failures = failures + @failures
	WHERE id = @id AND attempt = @attempt AND status = 'running'`
