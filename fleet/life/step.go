// Package life leads one target through a shift: it takes what is known of a
// row and what came to be known, and says in which state the row is then and
// what is to be done.
package life

import (
	"cmp"
	"time"

	"honk/fleet"
	"honk/fleet/manifest"
	"honk/fleet/signature"
	"honk/internal/task"
)

const (
	// maxTransform is how often a transform that fails is tried.
	maxTransform = 3
	// maxConflict is how often a change is made anew under a pull request.
	maxConflict = 3
	// maxReapply is how often a patch follows its moving base before it is
	// pushed as it is.
	maxReapply = 3
	// maxForge is how often an act that the forge fails is tried.
	maxForge = 5
	// noChecks is how long to wait for a first check on a branch.
	noChecks = 10 * time.Minute
	// rebaseEvery is how often at most a change follows a base that it does
	// not conflict with.
	rebaseEvery = 24 * time.Hour
)

// Step returns the row as it is once the facts are known, the changes of
// state on the way, and what is to be done. It is pure and total: facts that
// say nothing in the row's state change nothing, and the same facts again do
// nothing. With empty facts it does what is Due.
func Step(row fleet.Row, facts fleet.Facts, policy fleet.Policy, now time.Time) (fleet.Row, []fleet.Transition, []fleet.Effect) {
	s := &step{Row: row, f: &facts, p: &policy, now: now}
	s.absorb()
	if !s.common() {
		// A state may lead to the next at once; none leads back without a
		// fact, and facts are taken once.
		for range 8 {
			before := s.State
			s.inState()
			if s.State == before {
				break
			}
			s.f = &fleet.Facts{Cause: facts.Cause, Actor: facts.Actor, Delivery: facts.Delivery, Log: facts.Log}
		}
	}
	s.finish()
	return s.Row, s.moves, s.effects
}

// step is one Step under way.
type step struct {
	fleet.Row
	f       *fleet.Facts
	p       *fleet.Policy
	now     time.Time
	moves   []fleet.Transition
	effects []fleet.Effect
}

// to changes the state; a state that the row is in stays as it is.
func (s *step) to(state fleet.State, reason string) {
	if state == s.State {
		return
	}
	s.moves = append(s.moves, fleet.Transition{
		Key: s.Key, From: s.State, To: state, At: s.now, Cause: cmp.Or(reason, s.f.Cause, "step"),
		Actor: s.f.Actor, Delivery: s.f.Delivery, Log: s.f.Log,
	})
	if s.State == fleet.Running {
		s.Doing = ""
	}
	s.State, s.Since, s.Reason, s.Wait = state, s.now, reason, fleet.Wait{}
}

// emit adds an effect with what it is about.
func (s *step) emit(e fleet.Effect) {
	e.Key, e.Number, e.HeadSHA = s.Key, cmp.Or(e.Number, s.PR.Number), cmp.Or(e.HeadSHA, s.PR.HeadSHA)
	s.effects = append(s.effects, e)
}

// absorb takes over what is a plain fact in every state.
func (s *step) absorb() {
	if t := s.f.Target; t != nil {
		s.NoAutomerge = t.NoAutomerge
	}
	if pr := s.f.PR; pr != nil && (pr.Number == s.PR.Number || pr.Number == 0) {
		s.absorbPR(pr)
	}
	if c := s.f.Checks; c != nil && c.State != "" && (c.HeadSHA == "" || s.PR.HeadSHA == "" || c.HeadSHA == s.PR.HeadSHA) {
		s.CI.State, s.CI.Green = c.State, c.Green
		if c.State == fleet.ChecksFailed && c.OnlyOld {
			s.CI.State = fleet.ChecksPassed
		}
		if s.CI.State == fleet.ChecksFailed {
			s.Signature = c.Signature
		}
	}
	if r := s.f.Residue; r != nil {
		s.Residue = *r
	}
	if s.awaitsCheck() && !s.now.Before(s.CI.Since.Add(noChecks)) {
		s.CI.State = fleet.ChecksNone
	}
}

// awaitsCheck reports whether a first check may yet come.
func (s *step) awaitsCheck() bool {
	return s.CI.State == "" && !s.CI.Since.IsZero() && (s.State == fleet.CIPending || s.PR.Open)
}

func (s *step) absorbPR(pr *fleet.PRFact) {
	if pr.State == "" {
		return // It is about the revert only.
	}
	if pr.HeadSHA != "" && pr.HeadSHA != s.PR.HeadSHA {
		s.PR.HeadSHA, s.PR.Blocked = pr.HeadSHA, ""
		s.CI = fleet.CI{Since: s.now}
	}
	if pr.Review != s.PR.Review || pr.Active.After(s.ActiveAt) {
		s.ActiveAt = s.now
		s.PR.Blocked = ""
	}
	s.PR.Draft, s.PR.Review, s.PR.Readied = pr.Draft, pr.Review, s.PR.Readied || !pr.Draft
	s.PR.Conflicted, s.PR.Behind = pr.Conflicted, pr.Behind
	s.PR.MergeSHA = cmp.Or(pr.MergeSHA, s.PR.MergeSHA)
}

// common does what holds in every state and reports whether that was all.
func (s *step) common() bool {
	if s.f.Order != "" {
		s.order()
	}
	if d := s.f.Done; d != nil && s.Doing == d.Act && d.Fail != "" {
		s.failed(d)
		return true
	}
	if pr := s.f.PR; pr != nil && s.seen(pr) {
		return true
	}
	if t := s.f.Target; t != nil && t.Gone != "" && !s.State.Merged() && !s.State.Terminal() {
		s.stopRun()
		s.PR.Open = false
		s.to(fleet.Unreachable, t.Gone)
		return true
	}
	return false
}

// stopRun ends a run whose result nobody wants.
func (s *step) stopRun() {
	if s.State == fleet.Running {
		s.emit(fleet.Effect{Kind: fleet.EffectCancel})
	}
	s.Doing = ""
}

// seen does what the pull request's own end means, in whatever state, and
// reports whether it was one.
func (s *step) seen(pr *fleet.PRFact) bool {
	if pr.Number != 0 && pr.Number != s.PR.Number {
		return false
	}
	switch {
	case pr.State == task.PullRequestMerged && !s.State.Merged() && s.PR.Number != 0:
		s.stopRun()
		s.merged("merged by " + cmp.Or(pr.By, "somebody"))
		return true
	case pr.State == task.PullRequestClosed && s.PR.Open:
		s.stopRun()
		s.closed(pr)
		return true
	case pr.State == task.PullRequestOpen && s.State == fleet.Closed && s.PR.Number != 0:
		s.PR.Open, s.ClosedBy, s.Closing, s.ActiveAt = true, "", "", s.now
		s.to(fleet.Open, "opened again by "+cmp.Or(pr.By, "somebody"))
		return false
	case pr.Foreign && s.PR.Open && s.State != fleet.Adopted:
		s.stopRun()
		s.Closing = ""
		s.to(fleet.Adopted, "somebody pushed to the branch")
		return true
	}
	return false
}

func (s *step) merged(reason string) {
	s.PR.Open, s.MergedAt, s.Doing = false, s.now, ""
	s.Signature = signature.Signature{}
	s.to(fleet.Merged, reason)
	if s.p.Watch > 0 {
		s.to(fleet.Watching, "")
	}
}

func (s *step) closed(pr *fleet.PRFact) {
	by := cmp.Or(pr.By, "somebody")
	if pr.ByHonk {
		by = cmp.Or(s.ClosedBy, honk) // Who ordered it, if somebody did.
	}
	s.PR.Open, s.Doing = false, ""
	s.ClosedBy = by
	reason := "closed by " + by
	if pr.ByHonk && s.Closing != "" {
		reason = s.Closing
	}
	s.Closing = ""
	s.to(fleet.Closed, reason)
}

// honk is who Honk is among those who close.
const honk = "honk"

// finish sets what follows from the state.
func (s *step) finish() {
	if s.Closing != "" && s.Doing == "" && !s.PR.Open && !s.State.Terminal() && !s.State.Merged() {
		// It was to be closed while it was pushed.
		s.ClosedBy = cmp.Or(s.ClosedBy, honk)
		s.to(fleet.Closed, s.Closing)
		s.Closing = ""
	}
	if s.Outdated && s.Doing == "" {
		s.Outdated = false
		s.outdated()
	}
	settled := s.Settled(s.p)
	switch {
	case !settled:
		s.SettledAt = time.Time{}
	case s.SettledAt.IsZero():
		s.SettledAt = s.now
	}
	if m := s.p.Merge.Mode; s.PR.Open && m != "" && m != manifest.MergeManual && (s.State == fleet.Open || s.State == fleet.Approved) {
		s.Reason = s.mergeable()
	}
	s.Want = s.want()
	if s.f.Wait != nil && s.Want != "" && s.State != fleet.Eligible && s.State != fleet.Waiting {
		s.Wait = *s.f.Wait
	}
	if s.Want == "" {
		s.Wait = fleet.Wait{}
	}
	s.Due = s.due()
}
