package fleet

import (
	"slices"
	"time"

	"honk/fleet/manifest"
)

// Policy is what Step heeds of a manifest.
type Policy struct {
	Publish, OpenWhen, Rebase string
	Merge                     manifest.Merge
	// NeedsShape: only an approved shape is merged by Honk.
	NeedsShape bool
	// Watch is how long a merge is watched; 0 is not.
	Watch                   time.Duration
	Alert, Halt             bool
	Remind, Close, Escalate time.Duration
}

// PolicyOf returns the policy of a manifest.
func PolicyOf(m *manifest.Manifest) Policy {
	pr := m.Spec.PullRequest
	p := Policy{
		Publish: pr.Publish, OpenWhen: pr.OpenWhen, Rebase: pr.Rebase, Merge: m.Spec.Merge,
		NeedsShape: !m.Spec.Transform.Deterministic(),
		Remind:     pr.Stale.RemindAfter, Close: pr.Stale.CloseAfter, Escalate: pr.Reviewers.EscalateAfter,
	}
	if h := m.Spec.Health; h != nil {
		p.Watch = h.Window
		p.Alert, p.Halt = slices.Contains(h.OnFail, "alert"), slices.Contains(h.OnFail, "halt")
	}
	return p
}

// Opens reports whether pull requests are opened at all.
func (p *Policy) Opens() bool {
	return p.Publish == manifest.PublishDraft || p.Publish == manifest.PublishReady
}

// Ended reports whether nothing more happens to the row by itself: it is
// done, or only a person can go on.
func (r *Row) Ended(p *Policy) bool {
	switch r.State {
	case TransformFailed, VerifyFailed, BaseBroken:
		return true
	case NeedsHuman:
		return !r.PR.Open
	case Merged:
		return p.Watch == 0
	case Regressed:
		return !r.Reverting
	case Ready:
		return p.Publish == manifest.PublishNone
	case CIPassed, CIFailed:
		return !p.Opens() || r.State == CIFailed && !r.PR.Open
	default:
	}
	return r.State.Terminal()
}

// Settled reports whether the row says something about its wave: it has
// ended, or its checks are known.
func (r *Row) Settled(p *Policy) bool {
	return r.Ended(p) || r.CI.State == ChecksPassed || r.CI.State == ChecksFailed ||
		r.PR.Open && r.CI.State == ChecksNone || r.State.Merged() || r.State == Adopted
}
