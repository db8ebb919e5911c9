package runner

import (
	"context"
	"time"

	"honk/internal/task"
)

// Notifier tells people, in the place where they asked, what becomes of
// their request.
type Notifier interface {
	// Notify posts or edits the message of n and returns its name. Where
	// n.Tried says so, it first looks whether an earlier try has posted it:
	// no message is there twice. Errors of code not_found and forbidden mean
	// that nobody can be told any more.
	Notify(ctx context.Context, n task.Notice, v View) (messageID string, err error)
}

// View is what the message of a task can tell.
type View struct {
	Task task.Task
	// Phases are those of the current attempt, in order.
	Phases []task.PhaseData
	// Step and CostUSD are the model's so far.
	Step    int
	CostUSD float64
	// Ahead counts older queued tasks, Waiting says why a task waits.
	Ahead   int
	Waiting string
	// Elapsed is the time since the request, until the end.
	Elapsed time.Duration
	// Result is nil before the end. It is without the patch's diff.
	Result *Result
}
