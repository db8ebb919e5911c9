package fleet

import (
	"time"

	"honk/fleet/signature"
	"honk/internal/task"
)

// Facts is what came to be known of a row. A nil part is nothing new.
type Facts struct {
	// Cause, Actor, Delivery and Log say where from, for the transition.
	Cause    string
	Actor    string
	Delivery string
	Log      string

	Target *TargetFact
	// Grant is leave for what the row wants, Wait that it must wait.
	Grant  Act
	Wait   *Wait
	Task   *TaskFact
	Done   *DoneFact
	PR     *PRFact
	Checks *ChecksFact
	// Base is the new head of the base branch.
	Base string
	// Health is what is said of a merge.
	Health *HealthFact
	Order  Order
	// Residue is what a dry run said.
	Residue *Residue
	// OrderReason is why a person orders it.
	OrderReason string
}

// TargetFact is a look at the repository.
type TargetFact struct {
	BaseSHA string
	// Gone says why it cannot be changed: archived, no access.
	Gone string
	// Unmet says which precondition does not hold.
	Unmet string
	// OptOut and NoAutomerge are what the repository's .honk.yaml says.
	OptOut      bool
	NoAutomerge bool
}

// Ending is how a run ended.
type Ending string

// The endings.
const (
	EndChanged   Ending = "changed"
	EndClean     Ending = "clean"
	EndSkip      Ending = "skip"
	EndHuman     Ending = "needs_human"
	EndFailed    Ending = "failed"
	EndVerify    Ending = "verify_failed"
	EndBase      Ending = "base_broken"
	EndRowBudget Ending = "row_budget"
	EndBudget    Ending = "budget"
	EndCancelled Ending = "cancelled"
)

// TaskFact is the end of a run.
type TaskFact struct {
	ID      task.ID
	Ending  Ending
	Reason  string
	BaseSHA string
	// CacheKey is of what ran.
	CacheKey string
	Change   Change
	// Signature is of the log, where it failed.
	Signature signature.Signature
	CostUSD   float64
	// Published is what the task itself published, if it did.
	Published *task.PullRequest
	Draft     bool
}

// Failure is how an outward act failed.
type Failure string

// The failures; empty is success.
const (
	// FailLimited: the forge wants to be asked later; nothing is lost.
	FailLimited Failure = "limited"
	// FailMoved: the base moved before a push, or the head before a merge.
	FailMoved Failure = "moved"
	// FailForeign: the branch holds a commit that Honk did not make.
	FailForeign Failure = "foreign"
	// FailConflict: the change does not fit the base any more.
	FailConflict Failure = "conflict"
	// FailRefused: the forge's rules forbid it.
	FailRefused Failure = "refused"
	// FailGone: the repository is archived or out of reach.
	FailGone Failure = "gone"
	// FailBroken: anything that may pass.
	FailBroken Failure = "broken"
)

// DoneFact is the end of an outward act.
type DoneFact struct {
	Act    Act
	Fail   Failure
	Reason string
	// Until is when a limited act may be tried again.
	Until time.Time
	// SHA is the pushed or merged commit, or the moved base.
	SHA    string
	Branch string
	Number int
	URL    string
	Draft  bool
}

// PRFact is the pull request as the forge shows it.
type PRFact struct {
	Number  int
	State   task.PullRequestState
	By      string // Who merged or closed it.
	ByHonk  bool
	HeadSHA string
	Draft   bool
	// Review leaves out the requester's own.
	Review     Review
	Conflicted bool
	Behind     bool
	// Foreign: the branch holds commits that Honk did not make.
	Foreign  bool
	MergeSHA string
	// Revert is the state of the pull request that takes it back.
	Revert task.PullRequestState
	// Active is when a person last did something there.
	Active time.Time
}

// ChecksFact is the checks of a commit.
type ChecksFact struct {
	HeadSHA string
	State   CheckState
	Green   int
	// OnlyOld: everything red is as red on the base.
	OnlyOld   bool
	Signature signature.Signature
	Reason    string
}

// HealthFact is what is said of a merge.
type HealthFact struct {
	OK     bool
	Reason string
}

// Order is what a person wants of a row.
type Order string

// The orders.
const (
	OrderRetry  Order = "retry"
	OrderClose  Order = "close"
	OrderRevert Order = "revert"
	// OrderApprove approves the shape of the change.
	OrderApprove Order = "approve"
	// OrderText says that the pull request should say something else.
	OrderText Order = "text"
)

// The exit codes of a transform that mean something.
const (
	ExitDone  = 0
	ExitSkip  = 20
	ExitHuman = 21
)

// EndingOfExit returns the ending of a script or container: with code 0 the
// diff decides.
func EndingOfExit(code int, changed bool) Ending {
	switch {
	case code == ExitDone && changed:
		return EndChanged
	case code == ExitDone:
		return EndClean
	case code == ExitSkip:
		return EndSkip
	case code == ExitHuman:
		return EndHuman
	}
	return EndFailed
}

// EndingOf returns the ending of a task. baseRed says that the base is as red
// as the change, shiftSpent that the shift's budget is, not the row's.
func EndingOf(s task.Status, baseRed, shiftSpent bool) Ending {
	switch s {
	case task.StatusDelivered:
		return EndChanged
	case task.StatusNoChange:
		return EndClean
	case task.StatusVerifyFailed:
		if baseRed {
			return EndBase
		}
		return EndVerify
	case task.StatusBlocked, task.StatusVetoed:
		return EndHuman
	case task.StatusBudgetExhausted:
		if shiftSpent {
			return EndBudget
		}
		return EndRowBudget
	case task.StatusCancelled:
		return EndCancelled
	case task.StatusFailed, task.StatusQueued, task.StatusRunning:
	}
	return EndFailed
}
