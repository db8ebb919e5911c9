package life

import (
	"cmp"
	"time"

	"honk/fleet"
	"honk/fleet/signature"
)

// inState lets the facts work on the state the row is in.
func (s *step) inState() {
	switch s.State {
	case fleet.Pending:
		s.pending()
	case fleet.Eligible, fleet.Waiting:
		s.eligible()
	case fleet.Running:
		s.running()
	case fleet.BaseBroken:
		if s.f.Base != "" && s.f.Base != s.BaseSHA {
			s.again(fleet.RedoFresh, "the base moved")
		}
	case fleet.Ready, fleet.Pushed, fleet.CIPending, fleet.CIPassed:
		s.publishing()
	case fleet.CIFailed, fleet.Open, fleet.ChangesRequested, fleet.Approved, fleet.Conflicted, fleet.MergeQueued, fleet.NeedsHuman, fleet.Adopted:
		s.reviewing()
	case fleet.Merged, fleet.Watching, fleet.Regressed, fleet.RevertProposed:
		s.watching()
	case fleet.Skipped, fleet.Unreachable, fleet.NoChange, fleet.TransformFailed, fleet.VerifyFailed, fleet.Closed, fleet.Healthy, fleet.Reverted:
	}
}

func (s *step) pending() {
	t := s.f.Target
	if t == nil {
		return
	}
	s.BaseSHA = cmp.Or(t.BaseSHA, s.BaseSHA)
	switch {
	case t.OptOut:
		s.to(fleet.Skipped, "the repository has shifts: off")
	case t.Unmet != "":
		s.to(fleet.Skipped, t.Unmet)
	default:
		s.to(fleet.Eligible, "")
	}
}

func (s *step) eligible() {
	if t := s.f.Target; t != nil && !s.PR.Open {
		if t.OptOut {
			s.to(fleet.Skipped, "the repository has shifts: off")
			return
		}
		if t.Unmet != "" {
			s.to(fleet.Skipped, t.Unmet)
			return
		}
	}
	if w := s.f.Wait; w != nil && s.Doing == "" {
		s.to(fleet.Waiting, w.Reason)
		s.Wait, s.Reason = *w, w.Reason
		return
	}
	if s.f.Grant == fleet.ActRun && s.Doing == "" {
		s.run()
	}
}

// run starts a run: the intent is in the row before anything happens.
func (s *step) run() {
	s.to(fleet.Running, "")
	s.Doing, s.NotBefore = fleet.ActRun, time.Time{}
	s.TaskID, s.Residue = "", fleet.Residue{}
	kind := fleet.EffectRun
	if s.Redo == fleet.RedoRegenerate {
		kind = fleet.EffectRegenerate
		s.RebasedAt = s.now
	}
	s.emit(fleet.Effect{Kind: kind, Redo: s.Redo})
}

// again puts the row back to where it waits for a run.
func (s *step) again(redo fleet.Redo, reason string) {
	s.Redo, s.Doing, s.Stuck = redo, "", ""
	s.to(fleet.Eligible, reason)
}

func (s *step) running() {
	t := s.f.Task
	if t == nil {
		return
	}
	s.CostUSD += t.CostUSD
	s.TaskID = cmp.Or(t.ID, s.TaskID)
	s.BaseSHA, s.CacheKey = cmp.Or(t.BaseSHA, s.BaseSHA), cmp.Or(t.CacheKey, s.CacheKey)
	if t.Signature.ID != "" {
		s.Signature = t.Signature
	}
	switch t.Ending {
	case fleet.EndChanged:
		s.changed(t)
	case fleet.EndClean:
		s.clean(t.Reason)
	case fleet.EndSkip:
		s.end(fleet.Skipped, cmp.Or(t.Reason, "the transform skips it"))
	case fleet.EndHuman:
		s.stuck(cmp.Or(t.Reason, "the transform needs a person"))
	case fleet.EndRowBudget:
		s.stuck(cmp.Or(t.Reason, "the limit for one target is spent"))
	case fleet.EndBase:
		s.end(fleet.BaseBroken, cmp.Or(t.Reason, "the base is as red"))
	case fleet.EndVerify, fleet.EndFailed:
		s.broken(t)
	case fleet.EndBudget:
		s.hold(fleet.WaitBudget, "the shift's budget is spent")
	case fleet.EndCancelled:
		s.hold(fleet.WaitPaused, cmp.Or(t.Reason, "cancelled"))
	}
}

// outdated makes anew what an old transform has made, as a plan would have
// done had nothing been under way.
func (s *step) outdated() {
	switch s.State {
	case fleet.Closed, fleet.Adopted, fleet.Unreachable, fleet.Eligible, fleet.Waiting, fleet.Running:
		return
	default:
	}
	redo := fleet.RedoFresh
	switch {
	case s.PR.Open:
		redo = fleet.RedoRegenerate
	case s.PR.Number != 0:
		s.PR, s.CI = fleet.PR{}, fleet.CI{}
	}
	s.Attempts, s.Reverting = fleet.Attempts{}, false
	s.again(redo, "the transform changed")
}

// end is the end of a run that leaves no change. Under an open pull request
// it is people's to say what becomes of that.
func (s *step) end(state fleet.State, reason string) {
	if s.PR.Open {
		s.stuck(reason)
		return
	}
	s.to(state, reason)
}

// stuck hands the row to a person.
func (s *step) stuck(reason string) {
	s.Stuck = fleet.ActRun
	s.to(fleet.NeedsHuman, reason)
}

// hold puts a run off that nobody failed.
func (s *step) hold(kind fleet.WaitKind, reason string) {
	s.Doing = ""
	s.to(fleet.Waiting, reason)
	s.Wait = fleet.Wait{Kind: kind, Reason: reason}
}

// changed is the end of a run that made a change.
func (s *step) changed(t *fleet.TaskFact) {
	approved := s.Change.Approved && s.Change.Exact == t.Change.Exact && t.Change.Exact != ""
	s.Change = t.Change
	s.Change.Approved = s.Change.Approved || approved
	s.Signature = signature.Signature{}
	s.Attempts.Transform = 0
	if s.Redo == fleet.RedoFresh {
		s.Attempts.Reapply = 0
	}
	s.to(fleet.Ready, "")
	if p := t.Published; p != nil {
		s.pushed(p.HeadSHA, p.Branch)
		if p.Number > 0 && !s.PR.Open {
			s.opened(p.Number, p.URL, t.Draft)
		}
	}
}

// clean is the end of a run that found nothing to change.
func (s *step) clean(reason string) {
	s.Signature = signature.Signature{}
	s.Change = fleet.Change{}
	if !s.PR.Open {
		s.to(fleet.NoChange, reason)
		return
	}
	// The base has the change already: the pull request has no purpose.
	s.Closing = "the base has the change already"
	s.to(fleet.Open, s.Closing)
}

// broken is a run that failed: again a few times, then a person's.
func (s *step) broken(t *fleet.TaskFact) {
	reason := cmp.Or(t.Reason, "the transform failed")
	switch {
	case s.Redo == fleet.RedoReapply && !s.PR.Open:
		s.again(fleet.RedoFresh, "the patch does not hold on the moved base")
	case s.PR.Open:
		if s.Attempts.Conflict++; s.Attempts.Conflict >= maxConflict {
			s.stuck(reason)
			return
		}
		s.NotBefore = s.now.Add(backoff(s.Attempts.Conflict))
		s.to(fleet.Conflicted, reason)
	case t.Ending == fleet.EndVerify:
		s.Stuck = fleet.ActRun
		s.to(fleet.VerifyFailed, reason)
	default:
		if s.Attempts.Transform++; s.Attempts.Transform >= maxTransform {
			s.Stuck = fleet.ActRun
			s.to(fleet.TransformFailed, reason)
			return
		}
		s.NotBefore = s.now.Add(backoff(s.Attempts.Transform))
		s.again(s.Redo, reason)
	}
}

// backoff returns how long to wait after the nth failure: a minute, then four
// times as long each, an hour at most.
func backoff(n int) time.Duration {
	wait := time.Minute
	for range min(n-1, 4) {
		wait *= 4
	}
	return min(wait, time.Hour)
}
