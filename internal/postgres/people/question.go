package people

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"honk/internal/postgres"
	"honk/internal/task"
)

// Question is a request whose repository somebody has yet to name.
type Question struct {
	Source task.Source
	// Key is the message that asked; its question is asked once.
	Key    string
	Thread string
	// Request lacks its repository.
	Request   task.Request
	CreatedAt time.Time
	// Answered says that it no longer waits; Answer is the repository, or who
	// has cancelled it, "" when nobody named one in time.
	Answered bool
	Answer   string
}

// AddQuestion stores a question. It reports whether it is a new one.
func (s Store) AddQuestion(ctx context.Context, q Question) (bool, error) {
	request, err := json.Marshal(q.Request)
	if err != nil {
		return false, fmt.Errorf("encoding a request: %w", err)
	}
	n, err := s.db.Affect(ctx, addQuestion, pgx.StrictNamedArgs{
		"source": string(q.Source), "key": q.Key, "thread": q.Thread, "request": request,
	})
	return n == 1, err
}

const addQuestion = `INSERT INTO questions (source, key, thread, request)
	VALUES (@source, @key, @thread, @request) ON CONFLICT DO NOTHING`

// Question returns a question; postgres.ErrNotFound when it was never asked.
func (s Store) Question(ctx context.Context, source task.Source, key string) (Question, error) {
	return postgres.One(ctx, s.db.Store, findQuestion, pgx.StrictNamedArgs{"source": string(source), "key": key}, scanQuestion)
}

const findQuestion = `SELECT source, key, thread, request, created_at, answered_at IS NOT NULL, coalesce(answer, '')
	FROM questions WHERE source = @source AND key = @key`

// Waiting returns the latest question of a thread that still waits.
func (s Store) Waiting(ctx context.Context, source task.Source, thread string) (q Question, found bool, err error) {
	q, err = postgres.One(ctx, s.db.Store, findWaiting, pgx.StrictNamedArgs{"source": string(source), "thread": thread}, scanQuestion)
	if errors.Is(err, postgres.ErrNotFound) {
		return q, false, nil
	}
	return q, err == nil, err
}

const findWaiting = `SELECT source, key, thread, request, created_at, false, '' FROM questions
	WHERE source = @source AND thread = @thread AND answered_at IS NULL ORDER BY created_at DESC LIMIT 1`

func scanQuestion(row pgx.CollectableRow) (q Question, err error) {
	var source string
	var request []byte
	if err = row.Scan(&source, &q.Key, &q.Thread, &request, &q.CreatedAt, &q.Answered, &q.Answer); err == nil {
		err = json.Unmarshal(request, &q.Request)
	}
	q.Source = task.Source(source)
	return q, err
}

// Threads returns the conversations of a source in which something was asked
// within a while, the latest first.
func (s Store) Threads(ctx context.Context, source task.Source, within time.Duration, limit int) ([]string, error) {
	return postgres.Many(ctx, s.db.Store, listThreads, pgx.StrictNamedArgs{
		"source": string(source), "within": within, "limit": limit,
	}, pgx.RowTo[string])
}

const listThreads = `SELECT thread FROM (
		SELECT thread, created_at FROM tasks WHERE source = @source AND thread <> ''
		UNION ALL SELECT thread, created_at FROM questions WHERE source = @source
	) t WHERE created_at > now() - @within::interval GROUP BY thread ORDER BY max(created_at) DESC LIMIT @limit`

// Answer ends a question with a repository, or as Question.Answer says.
// It reports whether this, or the same answer before, is what ended it. For
// the transaction that submits its request.
func Answer(ctx context.Context, s postgres.Store, source task.Source, key, answer string) (bool, error) {
	n, err := s.Affect(ctx, answerQuestion, pgx.StrictNamedArgs{"source": string(source), "key": key, "answer": answer})
	return n == 1, err
}

const answerQuestion = `UPDATE questions SET answer = @answer, answered_at = coalesce(answered_at, now())
	WHERE source = @source AND key = @key AND (answered_at IS NULL OR answer = @answer)`

// Answer is Answer in a transaction of its own.
func (s Store) Answer(ctx context.Context, source task.Source, key, answer string) (bool, error) {
	return Answer(ctx, s.db.Store, source, key, answer)
}
