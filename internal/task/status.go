package task

// Status is where a task stands. Every task ends in one of the final ones.
type Status string

// The states of a task.
const (
	StatusQueued          Status = "queued"
	StatusRunning         Status = "running"
	StatusDelivered       Status = "delivered"
	StatusNoChange        Status = "no_change"
	StatusBlocked         Status = "blocked"
	StatusVerifyFailed    Status = "verify_failed"
	StatusVetoed          Status = "vetoed"
	StatusBudgetExhausted Status = "budget_exhausted"
	StatusFailed          Status = "failed"
	StatusCancelled       Status = "cancelled"
)

// Final reports whether nothing more happens to a task in this state by
// itself.
func (s Status) Final() bool {
	return s != StatusQueued && s != StatusRunning
}
