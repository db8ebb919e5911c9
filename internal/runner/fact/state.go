package fact

import (
	"honk/internal/runner"
	"honk/internal/task"
)

// StatusOf is the status that v is told by: a task is not over for people
// before its result is there.
func StatusOf(v runner.View) task.Status {
	switch {
	case v.Result != nil && v.Result.Status.Final():
		return v.Result.Status
	case v.Task.Status == task.StatusQueued:
		return task.StatusQueued
	}
	return task.StatusRunning
}

// Phase is a part of the way that every task goes.
type Phase struct {
	Name          string
	Done, Current bool
	// Detail is what is known of it, "" for one that is still to come.
	Detail string
}

// way are the phases as people see them, with what is said while one lasts.
var way = [][2]string{
	{"checkout", "checking out"},
	{"change", "working on the change"},
	{"verify", "verifying"},
	{"judge", "judging"},
	{"publish", "publishing"},
}

// Phases is the whole way and what is being done. A change that was sent back
// is worked on again, and then what comes behind it is not done.
func Phases(seen []task.PhaseData) (doing string, phases []Phase) {
	current := -1
	details := map[string]string{}
	for _, ph := range seen {
		name := ph.Phase
		if name == "sandbox" {
			name = "change"
		}
		for i, w := range way {
			if w[0] == name {
				current = i
				details[name] = ph.Detail
			}
		}
	}
	doing = "starting"
	for i, w := range way {
		phase := Phase{Name: w[0], Done: i < current, Current: i == current}
		if i <= current {
			phase.Detail = details[w[0]]
		}
		if phase.Current {
			doing = w[1]
		}
		phases = append(phases, phase)
	}
	return doing, phases
}

// Reason says in a few words why a task led to no change that anybody sees.
func Reason(s task.Status) string {
	switch s {
	case task.StatusDelivered:
		return "the change is delivered"
	case task.StatusNoChange:
		return "there is nothing to change"
	case task.StatusBlocked:
		return "it needs an answer first"
	case task.StatusVerifyFailed:
		return "the change does not pass verification"
	case task.StatusVetoed:
		return "the change was held back"
	case task.StatusBudgetExhausted:
		return "the budget was used up"
	case task.StatusFailed:
		return "Honk broke"
	case task.StatusCancelled:
		return "it was cancelled"
	case task.StatusQueued, task.StatusRunning:
	}
	return "it is still being worked on"
}
