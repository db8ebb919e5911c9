package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"honk/internal/task"
)

// PullRequest is a pull request of ours, after its delivery.
type PullRequest struct {
	task.PullRequest
	Repo task.Repo
	// TaskID is the task that opened it, LastTaskID the latest that pushed.
	TaskID, LastTaskID task.ID
	// Repairs and Reviews count the follow-ups that Honk started by itself.
	Repairs, Reviews int
	// Muted ends those.
	Muted bool
}

// PutPullRequest stores a pull request as a task left it. Its state is the
// forge's to tell once it is known: it may have been closed since the push.
func (s Store) PutPullRequest(ctx context.Context, p PullRequest) error {
	repo, err := s.Repo(ctx, p.Repo)
	if err != nil {
		return err
	}
	return s.Exec(ctx, putPullRequest, pgx.StrictNamedArgs{
		"repo_id": repo, "number": p.Number, "task_id": string(p.LastTaskID), "branch": p.Branch, "url": p.URL,
		"head_sha": p.HeadSHA, "base_ref": p.Base, "state": string(p.State),
	})
}

const putPullRequest = `INSERT INTO pull_requests (repo_id, number, task_id, last_task_id, branch, url, head_sha, base_ref, state)
	VALUES (@repo_id, @number, @task_id, @task_id, @branch, @url, @head_sha, @base_ref, @state)
	ON CONFLICT (repo_id, number) DO UPDATE SET last_task_id = excluded.last_task_id, head_sha = excluded.head_sha`

// PullRequest returns a pull request by its number; ErrNotFound when it is
// none of ours.
func (s Store) PullRequest(ctx context.Context, r task.Repo, number int) (PullRequest, error) {
	return One(ctx, s, findPullRequest, pgx.StrictNamedArgs{
		"host": r.Host, "owner": r.Owner, "name": r.Name, "number": number,
	}, scanPullRequest)
}

const pullRequestColumns = `SELECT r.host, r.owner, r.name, r.url, p.number, p.task_id, p.last_task_id, p.branch, p.url,
		p.head_sha, p.base_ref, p.state, p.repairs, p.reviews, p.muted
	FROM pull_requests p JOIN repositories r ON r.id = p.repo_id `

const findPullRequest = pullRequestColumns + `
	WHERE r.host = @host AND r.owner = @owner AND r.name = @name AND p.number = @number`

// PullRequestOf returns the open pull request of a branch; ErrNotFound when
// there is none of ours.
func (s Store) PullRequestOf(ctx context.Context, r task.Repo, branch string) (PullRequest, error) {
	return One(ctx, s, findPullRequestOf, pgx.StrictNamedArgs{
		"host": r.Host, "owner": r.Owner, "name": r.Name, "branch": branch,
	}, scanPullRequest)
}

const findPullRequestOf = pullRequestColumns + `
	WHERE r.host = @host AND r.owner = @owner AND r.name = @name AND p.branch = @branch AND p.state = 'open'
	ORDER BY p.number DESC LIMIT 1`

func scanPullRequest(row pgx.CollectableRow) (p PullRequest, err error) {
	var id, last, state string
	err = row.Scan(&p.Repo.Host, &p.Repo.Owner, &p.Repo.Name, &p.Repo.URL, &p.Number, &id, &last, &p.Branch, &p.URL,
		&p.HeadSHA, &p.Base, &state, &p.Repairs, &p.Reviews, &p.Muted)
	p.TaskID, p.LastTaskID, p.State = task.ID(id), task.ID(last), task.PullRequestState(state)
	return p, err
}

// ClosePullRequest records the end of a pull request, or that it was opened
// again. It reports whether it is one of ours.
func (s Store) ClosePullRequest(ctx context.Context, r task.Repo, number int, state task.PullRequestState) (bool, error) {
	n, err := s.Affect(ctx, closePullRequest, pgx.StrictNamedArgs{
		"host": r.Host, "owner": r.Owner, "name": r.Name, "number": number, "state": string(state),
	})
	return n == 1, err
}

const closePullRequest = `UPDATE pull_requests p SET state = @state,
		closed_at = CASE WHEN @state = 'open' THEN NULL ELSE now() END
	FROM repositories r WHERE r.id = p.repo_id AND r.host = @host AND r.owner = @owner AND r.name = @name
	AND p.number = @number`

// FollowUp counts a follow-up that Honk starts by itself, and reports whether
// the pull request has one left: it must be open, not muted, its head the one
// given, and fewer than most counted. It is decided in one statement, so that
// two events cannot start two.
func (s Store) FollowUp(ctx context.Context, p PullRequest, cause task.Cause, most int) (bool, error) {
	sql := countReview
	if cause == task.CauseChecks {
		sql = countRepair
	}
	n, err := s.Affect(ctx, sql, pgx.StrictNamedArgs{
		"host": p.Repo.Host, "owner": p.Repo.Owner, "name": p.Repo.Name, "number": p.Number,
		"head_sha": p.HeadSHA, "most": most,
	})
	return n == 1, err
}

const followUpWhere = ` FROM repositories r
	WHERE r.id = p.repo_id AND r.host = @host AND r.owner = @owner AND r.name = @name AND p.number = @number
	AND p.state = 'open' AND NOT p.muted AND p.head_sha = @head_sha`

const countRepair = `UPDATE pull_requests p SET repairs = repairs + 1` + followUpWhere + ` AND p.repairs < @most`

const countReview = `UPDATE pull_requests p SET reviews = reviews + 1` + followUpWhere + ` AND p.reviews < @most`

// Mute ends the follow-ups that Honk starts by itself on a pull request. It
// reports whether it was not muted before.
func (s Store) Mute(ctx context.Context, r task.Repo, number int) (bool, error) {
	n, err := s.Affect(ctx, mutePullRequest, pgx.StrictNamedArgs{
		"host": r.Host, "owner": r.Owner, "name": r.Name, "number": number,
	})
	return n == 1, err
}

const mutePullRequest = `UPDATE pull_requests p SET muted = true FROM repositories r
	WHERE r.id = p.repo_id AND r.host = @host AND r.owner = @owner AND r.name = @name AND p.number = @number AND NOT p.muted`

// Feedback is a comment on a pull request that waits to become part of a
// follow-up.
type Feedback struct {
	// Key is unique in the pull request.
	Key  string
	Note task.Note
	// Quiet is how long nothing more must come before it is taken, at most
	// Most after the first.
	Quiet, Most time.Duration
}

// AddFeedback stores a comment, puts off the others that wait by as much, and
// returns when they are due.
func (s Store) AddFeedback(ctx context.Context, r task.Repo, number int, f Feedback) (due time.Duration, err error) {
	repo, err := s.Repo(ctx, r)
	if err != nil {
		return 0, err
	}
	note, err := json.Marshal(f.Note)
	if err != nil {
		return 0, fmt.Errorf("encoding a comment: %w", err)
	}
	args := pgx.StrictNamedArgs{"repo_id": repo, "number": number, "key": f.Key, "note": note}
	if err := s.Exec(ctx, addFeedback, args); err != nil {
		return 0, err
	}
	return One(ctx, s, putOffFeedback, pgx.StrictNamedArgs{
		"repo_id": repo, "number": number, "quiet": f.Quiet, "most": f.Most,
	}, pgx.RowTo[time.Duration])
}

const addFeedback = `INSERT INTO feedback (repo_id, number, key, note, due_at)
	VALUES (@repo_id, @number, @key, @note, now()) ON CONFLICT DO NOTHING`

const putOffFeedback = `WITH first AS (
		SELECT min(created_at) AS at FROM feedback WHERE repo_id = @repo_id AND number = @number AND taken_at IS NULL
	), put AS (
		UPDATE feedback SET due_at = least(now() + @quiet::interval, first.at + @most::interval) FROM first
		WHERE repo_id = @repo_id AND number = @number AND taken_at IS NULL RETURNING due_at
	)
	SELECT greatest(coalesce(max(due_at), now()) - now(), interval '0') FROM put`

// DueFeedback returns what waits on a pull request, in the order in which it
// was written, and how long until all of it is due.
func (s Store) DueFeedback(ctx context.Context, r task.Repo, number int) (list []Feedback, wait time.Duration, err error) {
	list, err = Many(ctx, s, listFeedback, pgx.StrictNamedArgs{
		"host": r.Host, "owner": r.Owner, "name": r.Name, "number": number,
	}, func(row pgx.CollectableRow) (f Feedback, err error) {
		var note []byte
		var left time.Duration
		if err = row.Scan(&f.Key, &note, &left); err == nil {
			err = json.Unmarshal(note, &f.Note)
		}
		wait = max(wait, left)
		return f, err
	})
	// They may have been handled in another order than they were written.
	slices.SortStableFunc(list, func(a, b Feedback) int { return a.Note.At.Compare(b.Note.At) })
	return list, wait, err
}

const listFeedback = `SELECT f.key, f.note, f.due_at - now() FROM feedback f JOIN repositories r ON r.id = f.repo_id
	WHERE r.host = @host AND r.owner = @owner AND r.name = @name AND f.number = @number AND f.taken_at IS NULL
	ORDER BY f.created_at, f.key`

// TakeFeedback marks comments as part of a follow-up and returns how many of
// them were not part of one before.
func (s Store) TakeFeedback(ctx context.Context, r task.Repo, number int, keys []string) (int, error) {
	n, err := s.Affect(ctx, takeFeedback, pgx.StrictNamedArgs{
		"host": r.Host, "owner": r.Owner, "name": r.Name, "number": number, "keys": keys,
	})
	return int(n), err
}

const takeFeedback = `UPDATE feedback f SET taken_at = now() FROM repositories r
	WHERE r.id = f.repo_id AND r.host = @host AND r.owner = @owner AND r.name = @name AND f.number = @number
	AND f.key = ANY(@keys) AND f.taken_at IS NULL`
