package life

import (
	"cmp"
	"fmt"
	"time"

	"honk/fleet"
	"honk/fleet/manifest"
	"honk/internal/task"
)

// reviewed returns the state that the reviews alone make.
func (s *step) reviewed() fleet.State {
	switch s.PR.Review {
	case fleet.ReviewApproved:
		return fleet.Approved
	case fleet.ReviewChanges:
		return fleet.ChangesRequested
	}
	return fleet.Open
}

// reviewing leads an open pull request to its end.
func (s *step) reviewing() {
	if s.State == fleet.CIFailed && !s.PR.Open {
		// On the branch only: green again, it may be opened.
		s.checked(fleet.CIPassed, fleet.CIPending)
		return
	}
	if !s.PR.Open {
		return
	}
	if s.housekeeping() || s.State == fleet.Adopted || s.State == fleet.NeedsHuman {
		return
	}
	if d := s.f.Done; d != nil && d.Act == fleet.ActMerge && s.Doing == fleet.ActMerge {
		s.PR.MergeSHA = d.SHA
		s.merged("merged by " + honk)
		return
	}
	if s.f.Grant == fleet.ActRun && s.Want == fleet.ActRun && s.Doing == "" {
		s.Redo = fleet.RedoRegenerate
		s.run()
		return
	}
	if s.State == fleet.Conflicted && s.NotBefore.After(s.now) {
		return // A run on the new base failed, and is tried again.
	}
	state, reason := s.place()
	if s.Doing == fleet.ActMerge && state != fleet.MergeQueued {
		return // What becomes of the merge is known first.
	}
	s.to(state, reason)
	if s.State == fleet.MergeQueued {
		s.granted(fleet.ActMerge, fleet.EffectMerge)
	}
}

// place returns the state that pull request, checks and reviews make together.
func (s *step) place() (fleet.State, string) {
	switch {
	case s.PR.Conflicted, s.State == fleet.Conflicted && s.Redo == fleet.RedoRegenerate && s.Attempts.Conflict > 0:
		return fleet.Conflicted, "it conflicts with the base"
	case s.CI.State == fleet.ChecksFailed:
		if c := s.f.Checks; c != nil && c.Reason != "" {
			return fleet.CIFailed, c.Reason
		}
		return fleet.CIFailed, "checks are red"
	case s.mergeable() == "":
		return fleet.MergeQueued, ""
	}
	return s.reviewed(), ""
}

// Unmergeable returns why Honk does not merge a row by itself as it is now,
// empty when it does.
func Unmergeable(row *fleet.Row, policy fleet.Policy) string {
	s := &step{Row: *row, f: &fleet.Facts{}, p: &policy}
	switch {
	case !row.PR.Open:
		return "its pull request is not open"
	case row.Unmatched:
		return "it is no longer among the targets"
	case row.PR.Conflicted:
		return "it conflicts with the base"
	}
	return s.mergeable()
}

// mergeable returns why Honk does not merge the row by itself, empty when it
// does.
func (s *step) mergeable() string {
	m := s.p.Merge
	switch {
	case m.Mode == manifest.MergeManual || m.Mode == "":
		return "people merge"
	case s.Closing != "":
		return s.Closing
	case s.PR.Draft:
		return "it is a draft"
	case s.PR.Blocked != "":
		return s.PR.Blocked
	case s.PR.Pushed != "" && s.PR.HeadSHA != s.PR.Pushed:
		return "its head is not what the shift pushed"
	case s.CI.State != fleet.ChecksPassed:
		return "checks are not green"
	case s.CI.Green < m.MinChecks:
		return fmt.Sprintf("%d of at least %d required checks are green", s.CI.Green, m.MinChecks)
	case s.PR.Review == fleet.ReviewChanges:
		return "changes are requested"
	case m.Mode == manifest.MergeOnApproval && s.PR.Review != fleet.ReviewApproved:
		return "nobody has approved it"
	case s.Change.Lines > m.MaxLines:
		return fmt.Sprintf("it has %d lines, and Honk merges %d", s.Change.Lines, m.MaxLines)
	case s.Change.Findings:
		return "the checks of the diff found something"
	case s.NoAutomerge:
		return "the repository has shifts: no_automerge"
	case m.Mode == manifest.MergeAuto && s.p.NeedsShape && !s.Change.Approved:
		return "nobody has approved its cluster"
	}
	return ""
}

// housekeeping does the small acts on an open pull request and reports
// whether it did one.
func (s *step) housekeeping() bool {
	for _, act := range []struct {
		act  fleet.Act
		kind fleet.EffectKind
	}{
		{fleet.ActReady, fleet.EffectReady},
		{fleet.ActUpdate, fleet.EffectUpdate},
		{fleet.ActClose, fleet.EffectClose},
		{fleet.ActRemind, fleet.EffectRemind},
		{fleet.ActEscalate, fleet.EffectEscalate},
	} {
		if s.granted(act.act, act.kind) {
			return true
		}
	}
	d := s.f.Done
	if d == nil || s.Doing != d.Act {
		return false
	}
	switch d.Act {
	case fleet.ActReady:
		s.PR.Draft, s.PR.Readied = false, true
	case fleet.ActUpdate:
		s.TextStale = false
	case fleet.ActRemind:
		s.RemindedAt = s.now
	case fleet.ActEscalate:
		s.EscalatedAt = s.now
	case fleet.ActClose:
		s.closed(&fleet.PRFact{ByHonk: true})
		return true
	case fleet.ActRun, fleet.ActPush, fleet.ActOpen, fleet.ActMerge, fleet.ActRevert:
		return false
	}
	s.Doing = ""
	s.Attempts.Forge = 0
	return false
}

// watching leads a merge to its end.
func (s *step) watching() {
	if s.granted(fleet.ActRevert, fleet.EffectRevert) {
		return
	}
	if d := s.f.Done; d != nil && d.Act == fleet.ActRevert && s.Doing == fleet.ActRevert {
		s.Doing, s.Reverting = "", false
		s.PR.Revert = d.Number
		s.to(fleet.RevertProposed, "")
		return
	}
	if h := s.f.Health; h != nil && !h.OK && s.State == fleet.Watching {
		reason := cmp.Or(h.Reason, "it is not healthy after the merge")
		s.to(fleet.Regressed, reason)
		if s.p.Alert {
			s.emit(fleet.Effect{Kind: fleet.EffectAlert, Text: reason})
		}
		if s.p.Halt {
			s.emit(fleet.Effect{Kind: fleet.EffectHalt, Text: reason})
		}
		return
	}
	switch {
	case s.State == fleet.Watching && !s.now.Before(s.MergedAt.Add(s.p.Watch)):
		s.to(fleet.Healthy, "")
	case s.State == fleet.RevertProposed && s.f.PR != nil && s.f.PR.Revert == task.PullRequestMerged:
		s.to(fleet.Reverted, "taken back")
	case s.State == fleet.RevertProposed && s.f.PR != nil && s.f.PR.Revert == task.PullRequestClosed:
		s.to(fleet.Regressed, "the revert was closed")
	}
}

// order does what a person wants.
func (s *step) order() {
	reason := cmp.Or(s.f.OrderReason, "ordered by "+cmp.Or(s.f.Actor, "somebody"))
	switch s.f.Order {
	case fleet.OrderApprove:
		s.Change.Approved = s.Change.Shape != ""
	case fleet.OrderText:
		s.TextStale = s.PR.Open
	case fleet.OrderClose:
		s.closing(reason)
	case fleet.OrderRevert:
		if s.State == fleet.Watching || s.State == fleet.Merged || s.State == fleet.Healthy {
			s.to(fleet.Regressed, reason)
		}
		s.Reverting = s.State == fleet.Regressed
	case fleet.OrderRetry:
		s.retry(reason)
	}
}

// closing ends a row whose pull request is open by closing that, one without
// at once, or once what is under way at the forge has ended.
func (s *step) closing(reason string) {
	switch {
	case s.PR.Open && s.State != fleet.Adopted:
		if s.State == fleet.Running {
			s.stopRun()
			s.to(fleet.Open, reason)
		}
		s.Closing, s.ClosedBy = reason, s.f.Actor
	case s.PR.Open || s.State.Terminal() || s.State.Merged():
	case s.Doing == fleet.ActOpen || s.Doing == fleet.ActPush:
		s.Closing, s.ClosedBy = reason, s.f.Actor
	default:
		s.stopRun()
		s.ClosedBy = cmp.Or(s.f.Actor, honk)
		s.to(fleet.Closed, reason)
	}
}

// retry redoes the step that failed, and only that.
func (s *step) retry(reason string) {
	if s.Doing != "" {
		return
	}
	s.Urgent, s.NotBefore, s.Attempts = true, time.Time{}, fleet.Attempts{}
	switch s.State {
	case fleet.Closed:
		s.PR, s.CI, s.ClosedBy, s.Closing = fleet.PR{}, fleet.CI{}, "", ""
		s.again(fleet.RedoFresh, reason)
	case fleet.NeedsHuman:
		s.retryStuck(reason)
	case fleet.TransformFailed, fleet.VerifyFailed, fleet.BaseBroken, fleet.NoChange:
		s.again(fleet.RedoFresh, reason)
	case fleet.Skipped, fleet.Unreachable:
		s.to(fleet.Pending, reason)
	case fleet.CIFailed, fleet.Conflicted:
		redo := fleet.RedoFresh
		if s.PR.Open {
			redo = fleet.RedoRegenerate
		}
		s.again(redo, reason)
	case fleet.Pending, fleet.Eligible, fleet.Waiting, fleet.Running, fleet.Ready, fleet.Pushed, fleet.CIPending, fleet.CIPassed, fleet.Open, fleet.ChangesRequested, fleet.Approved,
		fleet.MergeQueued, fleet.Merged, fleet.Adopted, fleet.Watching, fleet.Healthy, fleet.Regressed, fleet.RevertProposed, fleet.Reverted:
		s.PR.Blocked = ""
	}
}

// retryStuck goes back to where the act that failed is wanted.
func (s *step) retryStuck(reason string) {
	stuck := s.Stuck
	s.Stuck = ""
	switch {
	case stuck == fleet.ActPush:
		s.to(fleet.Ready, reason)
	case stuck == fleet.ActOpen && s.CI.State == fleet.ChecksPassed:
		s.to(fleet.CIPassed, reason)
	case stuck == fleet.ActOpen:
		s.to(fleet.Pushed, reason)
	case s.PR.Open && stuck != fleet.ActRun:
		s.to(s.reviewed(), reason)
	case s.PR.Open:
		s.again(fleet.RedoRegenerate, reason)
	default:
		s.again(fleet.RedoFresh, reason)
	}
}
