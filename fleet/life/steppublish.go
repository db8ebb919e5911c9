package life

import (
	"cmp"
	"time"

	"honk/fleet"
	"honk/fleet/manifest"
)

// publishing leads a change from its patch to an open pull request.
func (s *step) publishing() {
	if t := s.f.Target; t != nil && t.OptOut && s.State == fleet.Ready && !s.PR.Open && s.Doing == "" {
		s.to(fleet.Skipped, "the repository has shifts: off")
		return
	}
	if s.granted(fleet.ActPush, fleet.EffectPush) || s.granted(fleet.ActOpen, fleet.EffectOpen) {
		return
	}
	if d := s.f.Done; d != nil && s.Doing == d.Act {
		switch d.Act {
		case fleet.ActPush:
			s.pushed(d.SHA, d.Branch)
		case fleet.ActOpen:
			s.opened(d.Number, d.URL, d.Draft)
		case fleet.ActRun, fleet.ActReady, fleet.ActUpdate, fleet.ActMerge, fleet.ActClose, fleet.ActRemind, fleet.ActEscalate, fleet.ActRevert:
		}
		return
	}
	if s.Doing != "" {
		return // What the checks say is looked at once the act has ended.
	}
	switch s.State {
	case fleet.Pushed:
		if !s.p.Opens() || s.p.OpenWhen == manifest.OpenGreen {
			s.to(fleet.CIPending, "")
		}
	case fleet.CIPending, fleet.CIPassed:
		s.checked(fleet.CIPassed, fleet.CIPending)
		if s.State == fleet.CIPending && s.CI.State == fleet.ChecksNone && !s.p.Opens() {
			s.to(fleet.CIPassed, "no check runs on the branch")
		}
	default:
	}
}

// checked goes to where the checks lead.
func (s *step) checked(passed, running fleet.State) {
	switch s.CI.State {
	case fleet.ChecksPassed:
		s.to(passed, "")
	case fleet.ChecksFailed:
		reason := "checks are red"
		if c := s.f.Checks; c != nil {
			reason = cmp.Or(c.Reason, reason)
		}
		s.to(fleet.CIFailed, reason)
	case fleet.ChecksRunning:
		s.to(running, "")
	case fleet.ChecksNone:
	}
}

// granted takes leave for an act that the row wants: the intent is stored
// before the forge is called.
func (s *step) granted(act fleet.Act, kind fleet.EffectKind) bool {
	if s.f.Grant != act || s.Want != act || s.Doing != "" {
		return false
	}
	s.Doing, s.NotBefore, s.Wait = act, time.Time{}, fleet.Wait{}
	if act == fleet.ActClose && s.Closing == "" {
		s.Closing = "nobody looked at it for " + s.p.Close.String()
	}
	s.emit(fleet.Effect{Kind: kind, Draft: kind == fleet.EffectOpen && s.asDraft(), Text: s.Closing})
	return true
}

// asDraft reports whether the pull request is opened as a draft: because the
// manifest says so, or because its checks are not known yet.
func (s *step) asDraft() bool {
	return s.p.Publish == manifest.PublishDraft ||
		s.p.OpenWhen == manifest.OpenGreen && s.CI.State != fleet.ChecksPassed
}

// pushed notes the new head; its checks are not known.
func (s *step) pushed(sha, branch string) {
	s.Doing = ""
	s.Attempts.Forge = 0
	s.PR.HeadSHA, s.PR.Pushed, s.PR.Branch = sha, sha, cmp.Or(branch, s.PR.Branch)
	s.PR.Conflicted, s.PR.Behind, s.PR.Blocked = false, false, ""
	s.CI = fleet.CI{Since: s.now}
	s.Redo = fleet.RedoFresh
	s.to(fleet.Pushed, "")
	if s.PR.Open {
		s.Attempts.Conflict = 0
		s.to(fleet.Open, "")
	}
}

func (s *step) opened(number int, url string, draft bool) {
	s.Doing = ""
	s.Attempts.Forge = 0
	s.PR.Number, s.PR.URL, s.PR.Draft, s.PR.Readied, s.PR.Open = number, url, draft, !draft, true
	s.OpenedAt, s.ActiveAt = s.now, s.now
	s.TextStale = false
	if s.CI.State == fleet.ChecksNone {
		// Some run their checks on pull requests only.
		s.CI = fleet.CI{Since: s.now}
	}
	s.to(fleet.Open, "")
}

// failed is an outward act that did not come off.
func (s *step) failed(d *fleet.DoneFact) {
	s.Doing = ""
	if s.State == fleet.Running {
		return // A run ends in a TaskFact.
	}
	switch d.Fail {
	case fleet.FailLimited:
		s.NotBefore = d.Until
		s.emit(fleet.Effect{Kind: fleet.EffectSnooze, Until: d.Until})
	case fleet.FailGone:
		s.PR.Open = false
		s.to(fleet.Unreachable, cmp.Or(d.Reason, "archived or out of reach"))
	case fleet.FailForeign:
		s.Closing = ""
		s.to(fleet.Adopted, cmp.Or(d.Reason, "somebody pushed to the branch"))
	case fleet.FailMoved, fleet.FailConflict:
		s.moved(d)
	case fleet.FailRefused:
		if d.Act == fleet.ActMerge {
			s.PR.Blocked = cmp.Or(d.Reason, "the forge refuses to merge")
			s.to(s.reviewed(), s.PR.Blocked)
			return
		}
		s.Stuck = d.Act
		s.to(fleet.NeedsHuman, cmp.Or(d.Reason, "the forge refuses"))
	case fleet.FailBroken:
		if s.Attempts.Forge++; s.Attempts.Forge >= maxForge {
			s.Attempts.Forge = 0
			s.Stuck = d.Act
			s.to(fleet.NeedsHuman, cmp.Or(d.Reason, "the forge fails again and again"))
			return
		}
		s.NotBefore = s.now.Add(backoff(s.Attempts.Forge))
	}
}

// moved is a push whose base moved, or a merge whose head or base did.
func (s *step) moved(d *fleet.DoneFact) {
	switch {
	case d.Act == fleet.ActPush && (d.Fail == fleet.FailConflict || s.Attempts.Reapply < maxReapply):
		s.Attempts.Reapply++
		redo := fleet.RedoReapply
		if s.PR.Open {
			redo = fleet.RedoRegenerate
		}
		s.BaseSHA = cmp.Or(d.SHA, s.BaseSHA)
		s.again(redo, "the base moved")
	case d.Act == fleet.ActMerge && d.Fail == fleet.FailConflict:
		s.PR.Conflicted = true
		s.to(fleet.Conflicted, cmp.Or(d.Reason, "it conflicts with the base"))
	case d.Act == fleet.ActMerge:
		s.CI = fleet.CI{Since: s.now}
		s.PR.HeadSHA = cmp.Or(d.SHA, s.PR.HeadSHA)
		s.to(s.reviewed(), "the head moved")
	default:
		s.NotBefore = s.now.Add(time.Minute)
	}
}
