package life

import (
	"time"

	"honk/fleet"
	"honk/fleet/manifest"
)

// want returns the act that the row needs leave for.
func (s *step) want() fleet.Act {
	if s.Doing != "" {
		return ""
	}
	if s.Unmatched {
		return s.wantUnmatched()
	}
	switch s.State {
	case fleet.Eligible, fleet.Waiting:
		return fleet.ActRun
	case fleet.Ready:
		if s.p.Publish != manifest.PublishNone {
			return fleet.ActPush
		}
	case fleet.Pushed:
		if s.p.Opens() && s.p.OpenWhen == manifest.OpenPushed {
			return fleet.ActOpen
		}
	case fleet.CIPending:
		if s.p.Opens() && s.CI.State == fleet.ChecksNone {
			return fleet.ActOpen
		}
	case fleet.CIPassed:
		if s.p.Opens() {
			return fleet.ActOpen
		}
	case fleet.Regressed:
		if s.Reverting {
			return fleet.ActRevert
		}
	case fleet.NeedsHuman, fleet.CIFailed, fleet.Open, fleet.ChangesRequested, fleet.Approved, fleet.Conflicted, fleet.MergeQueued:
		if s.PR.Open {
			return s.wantOpen()
		}
	case fleet.Pending, fleet.Skipped, fleet.Unreachable, fleet.Running, fleet.NoChange, fleet.TransformFailed, fleet.VerifyFailed, fleet.BaseBroken, fleet.Merged,
		fleet.Adopted, fleet.Closed, fleet.Watching, fleet.Healthy, fleet.RevertProposed, fleet.Reverted:
	}
	return ""
}

// wantUnmatched returns what a row wants whose target is none any more: it
// stays as it is, but for what a person orders.
func (s *step) wantUnmatched() fleet.Act {
	switch {
	case s.PR.Open && s.Closing != "" && s.State != fleet.Adopted:
		return fleet.ActClose
	case s.State == fleet.Regressed && s.Reverting:
		return fleet.ActRevert
	}
	return ""
}

// wantOpen returns what a row with an open pull request wants.
func (s *step) wantOpen() fleet.Act {
	due := func(after time.Duration, since ...time.Time) bool {
		return after > 0 && !latest(since...).IsZero() && !s.now.Before(latest(since...).Add(after))
	}
	switch {
	case s.Closing != "":
		return fleet.ActClose
	case s.State == fleet.MergeQueued:
		return fleet.ActMerge
	case s.State == fleet.NeedsHuman:
	case s.State == fleet.Conflicted && s.p.Rebase != manifest.RebaseNever && s.Attempts.Conflict < maxConflict:
		return fleet.ActRun
	case s.PR.Draft && !s.PR.Readied && s.p.Publish == manifest.PublishReady && s.CI.State == fleet.ChecksPassed:
		return fleet.ActReady
	case s.TextStale:
		return fleet.ActUpdate
	case s.PR.Behind && s.p.Rebase == manifest.RebaseBehind && due(rebaseEvery, s.RebasedAt, s.OpenedAt):
		return fleet.ActRun
	}
	switch {
	case due(s.p.Close, s.ActiveAt):
		return fleet.ActClose
	case s.PR.Review == "" && due(s.p.Escalate, s.ActiveAt, s.EscalatedAt):
		return fleet.ActEscalate
	case due(s.p.Remind, s.ActiveAt, s.RemindedAt):
		return fleet.ActRemind
	case s.TextStale:
		return fleet.ActUpdate
	}
	return ""
}

func latest(times ...time.Time) time.Time {
	var last time.Time
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// due returns when the row changes by itself; zero is never.
func (s *step) due() time.Time {
	var due time.Time
	add := func(at time.Time) {
		if at.After(s.now) && (due.IsZero() || at.Before(due)) {
			due = at
		}
	}
	if s.Doing != "" {
		return time.Time{}
	}
	if s.awaitsCheck() {
		add(s.CI.Since.Add(noChecks))
	}
	switch {
	case s.State == fleet.Watching:
		add(s.MergedAt.Add(s.p.Watch))
	case s.PR.Open && s.State != fleet.Adopted && s.State != fleet.Running:
		if s.p.Close > 0 {
			add(s.ActiveAt.Add(s.p.Close))
		}
		if s.p.Remind > 0 {
			add(latest(s.ActiveAt, s.RemindedAt).Add(s.p.Remind))
		}
		if s.p.Escalate > 0 && s.PR.Review == "" {
			add(latest(s.ActiveAt, s.EscalatedAt).Add(s.p.Escalate))
		}
		if s.PR.Behind && s.p.Rebase == manifest.RebaseBehind {
			add(latest(s.RebasedAt, s.OpenedAt).Add(rebaseEvery))
		}
	}
	return due
}
