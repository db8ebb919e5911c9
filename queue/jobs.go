package queue

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"honk/internal/task"
)

// The queues. Each has workers of its own, so that messages and webhooks do
// not wait behind tasks.
const (
	taskQueue     = "tasks"
	deliveryQueue = "deliveries"
	noticeQueue   = "notices"
)

// maxTries is how often River tries a job. With the delays of retryPolicy
// that is about a day.
const maxTries = 300

// choreTries is how often a chore is tried before its next time comes.
const choreTries = 5

// ticket is the job that takes the next task.
type ticket struct{}

func (ticket) Kind() string { return "ticket" }

func (ticket) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: taskQueue, MaxAttempts: maxTries}
}

// delivery is the job that handles what a source reported.
type delivery struct {
	Source task.Source `json:"source"`
	ID     string      `json:"id"`
}

func (delivery) Kind() string { return "delivery" }

func (delivery) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: deliveryQueue, MaxAttempts: maxTries}
}

// notice is the job that brings a message up to date.
type notice struct {
	ID int64 `json:"id"`
}

func (notice) Kind() string { return "notice" }

func (notice) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: noticeQueue, MaxAttempts: maxTries}
}

// chore is the job of what one worker at a time does now and then.
type chore struct {
	Name string `json:"name"`
}

func (chore) Kind() string { return "chore" }

func (chore) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: noticeQueue, MaxAttempts: choreTries}
}

// errRefused ends the transaction of a request that a condition refused.
var errRefused = errors.New("refused")

const (
	// maxDelay is the longest wait between two tries.
	maxDelay = 5 * time.Minute
	// limitDelay is the wait after a limit that does not say how long.
	limitDelay = time.Minute
)

// backoff is the wait before try number n, from 1: exponential up to
// maxDelay, with full jitter above one second.
func backoff(n int) time.Duration {
	d := time.Second << min(max(n, 1), 9)
	return time.Second + rand.N(min(d, maxDelay))
}

// retryPolicy implements river.ClientRetryPolicy.
type retryPolicy struct{}

func (retryPolicy) NextRetry(job *rivertype.JobRow) time.Time {
	return time.Now().Add(backoff(len(job.Errors) + 1))
}

// action is what becomes of a task or job after an error.
type action int

const (
	// giveUp ends it: the same try would fail the same way.
	giveUp action = iota
	// retry tries again later and counts the failure.
	retry
	// snooze tries again later and counts nothing.
	snooze
)

// actionOf is the one place where a code becomes an action.
func actionOf(code task.Code) action {
	switch code {
	case task.CodeRateLimited:
		return snooze
	case task.CodeUnavailable, task.CodeTimeout, task.CodeSandbox, task.CodeInternal:
		return retry
	case task.CodeInvalid, task.CodeForbidden, task.CodeNotFound, task.CodeConflict,
		task.CodeBudget, task.CodeCancelled, task.CodeStuck:
		return giveUp
	}
	return giveUp
}

// afterError turns the error of a job's work into what River is told: snooze,
// try again, or that is all.
func afterError(err error) error {
	if err == nil {
		return nil
	}
	switch actionOf(task.CodeOf(err)) {
	case snooze:
		return river.JobSnooze(waitOf(err))
	case retry:
		return err
	case giveUp:
		return river.JobCancel(err)
	}
	return err
}

// cutShort reports whether an error says that its job was stopped, which says
// nothing about the work.
func cutShort(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, context.Canceled) || task.CodeOf(err) == task.CodeCancelled)
}

// waitOf is how long an error says to wait.
func waitOf(err error) time.Duration {
	if known, ok := errors.AsType[*task.Error](err); ok && known.After > 0 {
		return known.After
	}
	return limitDelay
}
