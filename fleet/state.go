package fleet

import "slices"

// State is where a target stands.
type State string

// The states, in the order of a target's life.
const (
	Pending          State = "pending"
	Eligible         State = "eligible"
	Skipped          State = "skipped"
	Unreachable      State = "unreachable"
	Waiting          State = "waiting"
	Running          State = "running"
	NoChange         State = "no_change"
	TransformFailed  State = "transform_failed"
	VerifyFailed     State = "verify_failed"
	BaseBroken       State = "base_broken"
	NeedsHuman       State = "needs_human"
	Ready            State = "ready"
	Pushed           State = "pushed"
	CIPending        State = "ci_pending"
	CIPassed         State = "ci_passed"
	CIFailed         State = "ci_failed"
	Open             State = "open"
	ChangesRequested State = "changes_requested"
	Approved         State = "approved"
	MergeQueued      State = "merge_queued"
	Merged           State = "merged"
	Conflicted       State = "conflicted"
	Adopted          State = "adopted"
	Closed           State = "closed"
	Watching         State = "watching"
	Healthy          State = "healthy"
	Regressed        State = "regressed"
	RevertProposed   State = "revert_proposed"
	Reverted         State = "reverted"
)

// States returns all states in the order of a target's life.
func States() []State {
	return []State{
		Pending, Eligible, Skipped, Unreachable, Waiting, Running, NoChange, TransformFailed, VerifyFailed,
		BaseBroken, NeedsHuman, Ready, Pushed, CIPending, CIPassed, CIFailed, Open, ChangesRequested, Approved,
		MergeQueued, Merged, Conflicted, Adopted, Closed, Watching, Healthy, Regressed, RevertProposed, Reverted,
	}
}

// Terminal reports whether a state is final for the generation.
func (s State) Terminal() bool {
	return slices.Contains([]State{Skipped, Unreachable, NoChange, Closed, Healthy, Reverted}, s)
}

// Failed reports whether a state is a failure that a person may retry.
func (s State) Failed() bool {
	return slices.Contains([]State{TransformFailed, VerifyFailed, BaseBroken, NeedsHuman, CIFailed}, s)
}

// Merged reports whether the change is, or was, on the base branch.
func (s State) Merged() bool {
	return slices.Contains([]State{Merged, Watching, Healthy, Regressed, RevertProposed, Reverted}, s)
}

// Act is something that a row wants to do and that needs leave.
type Act string

// The acts.
const (
	ActRun      Act = "run"
	ActPush     Act = "push"
	ActOpen     Act = "open"
	ActReady    Act = "ready"
	ActUpdate   Act = "update"
	ActMerge    Act = "merge"
	ActClose    Act = "close"
	ActRemind   Act = "remind"
	ActEscalate Act = "escalate"
	ActRevert   Act = "revert"
)

// Acts returns all acts, the most urgent first.
func Acts() []Act {
	return []Act{ActRevert, ActMerge, ActReady, ActOpen, ActPush, ActClose, ActUpdate, ActEscalate, ActRemind, ActRun}
}

// Redo says how a run begins.
type Redo string

// The ways to run.
const (
	// RedoFresh: from nothing.
	RedoFresh Redo = ""
	// RedoReapply: the stored patch on a moved base, from nothing only if
	// that fails.
	RedoReapply Redo = "reapply"
	// RedoRegenerate: on the new base, under an open pull request.
	RedoRegenerate Redo = "regenerate"
)
