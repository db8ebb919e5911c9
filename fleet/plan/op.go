package plan

import (
	"cmp"
	"time"

	"honk/fleet"
	"honk/fleet/manifest"
)

// planner is what the operations of one plan share.
type planner struct {
	Input
	recipe     string
	policy     fleet.Policy
	same       bool // The very manifest that is applied.
	generation int
}

// op returns what is done with a target; row is nil for a new one.
func (p *planner) op(key fleet.Key, t *Looked, row *fleet.Row) Op {
	if row == nil {
		return p.create(key, t)
	}
	next := *row
	next.Generation, next.Unmatched, next.Outdated = p.generation, false, false
	next.Owner = cmp.Or(t.Target.Owner, next.Owner)
	next.NoAutomerge = t.NoAutomerge
	switch {
	case row.State == fleet.Closed && row.ClosedBy != "honk":
		return p.kept(row, next, row.Reason+" stays closed; honk shift retry opens it again")
	case row.State == fleet.Adopted:
		return p.kept(row, next, "a person goes on with it")
	case t.OptOut && row.PR.Open:
		return Op{Kind: Close, Reason: "the repository has shifts: off", Row: next, Order: fleet.OrderClose}
	case leftOut(t) != "" && !started(row):
		return p.skip(next, t)
	case row.CacheKey != "" && CacheKey(row.BaseSHA, key.Unit, p.recipe) != row.CacheKey:
		return p.update(next, t, "the transform changed")
	case p.Rerun && p.movedUnder(row, t):
		return p.update(next, t, "the base moved")
	case row.PR.Open && p.policy.Rebase == manifest.RebaseBehind && moved(row, t):
		next.PR.Behind = true
		return Op{Kind: Rebase, Reason: "the base moved", Row: next}
	case row.PR.Open && t.Text != "" && t.Text != row.Text:
		next.Text = t.Text
		return Op{Kind: Keep, Reason: "the text of its pull request changed", Row: next, Order: fleet.OrderText}
	}
	return p.kept(row, next, "")
}

func (p *planner) create(key fleet.Key, t *Looked) Op {
	row := fleet.Row{
		Key: key, Owner: t.Target.Owner, Generation: p.generation, State: fleet.Eligible, Since: p.Now,
		CreatedAt: p.Now, BaseSHA: t.Target.BaseSHA, NoAutomerge: t.NoAutomerge, Text: t.Text, Want: fleet.ActRun,
	}
	if leftOut(t) != "" {
		return p.skip(row, t)
	}
	return Op{Kind: Create, Row: row}
}

// leftOut says why nothing is to be done with a target.
func leftOut(t *Looked) string {
	if t.OptOut {
		return "the repository has shifts: off"
	}
	return cmp.Or(t.Gone, t.Unmet)
}

// started reports whether something of a row is out in the world.
func started(row *fleet.Row) bool {
	switch row.State {
	case fleet.Pending, fleet.Eligible, fleet.Waiting, fleet.Skipped, fleet.Unreachable, fleet.NoChange:
		return row.PR.Open
	default:
	}
	return true
}

// skip leaves a row out. It is a NOOP where it was left out before.
func (p *planner) skip(row fleet.Row, t *Looked) Op {
	state := fleet.Skipped
	if t.Gone != "" && !t.OptOut {
		state = fleet.Unreachable
	}
	reason := leftOut(t)
	if row.State == state && row.Reason == reason && p.same {
		return Op{Kind: Noop, Reason: reason, Row: row}
	}
	if row.State != state {
		row.State, row.Since, row.SettledAt = state, p.Now, p.Now
	}
	row.Reason, row.Want, row.Wait = reason, "", fleet.Wait{}
	return Op{Kind: Skip, Reason: reason, Row: row}
}

// update lets a row run again. Under an open pull request the change is made
// anew there; a merged one gets another.
func (p *planner) update(row fleet.Row, t *Looked, reason string) Op {
	if leftOut(t) != "" && !row.PR.Open {
		return p.skip(row, t)
	}
	row.Redo = fleet.RedoFresh
	if row.PR.Open {
		row.Redo = fleet.RedoRegenerate
	} else {
		row.PR, row.CI = fleet.PR{}, fleet.CI{}
	}
	if row.Doing != "" {
		// The run or call under way ends first. A run that ends is of an old
		// recipe and begins again by itself.
		row.Outdated = row.Doing != fleet.ActRun
		return Op{Kind: Keep, Reason: reason + "; it waits for what is under way", Row: row}
	}
	row.State, row.Since, row.Reason = fleet.Eligible, p.Now, reason
	row.Want, row.Wait, row.Stuck = fleet.ActRun, fleet.Wait{}, ""
	row.Attempts = fleet.Attempts{}
	row.SettledAt, row.Reverting = time.Time{}, false
	row.BaseSHA = cmp.Or(t.Target.BaseSHA, row.BaseSHA)
	return Op{Kind: Update, Reason: reason, Row: row}
}

// kept is a row that goes on as it is. What a look at its target said anew,
// that it is one again or may not be merged, is stored nevertheless.
func (p *planner) kept(row *fleet.Row, next fleet.Row, reason string) Op {
	if p.same && next == *row {
		return Op{Kind: Noop, Reason: reason, Row: next}
	}
	return Op{Kind: Keep, Reason: reason, Row: next}
}

func moved(row *fleet.Row, t *Looked) bool {
	return t.Target.BaseSHA != "" && row.BaseSHA != "" && t.Target.BaseSHA != row.BaseSHA
}

// movedUnder reports whether a row that is done would be done again on the
// base as it is now.
func (p *planner) movedUnder(row *fleet.Row, t *Looked) bool {
	if !moved(row, t) && row.State != fleet.Skipped && row.State != fleet.Unreachable {
		return false
	}
	switch row.State {
	case fleet.NoChange, fleet.Healthy, fleet.Skipped, fleet.Unreachable, fleet.BaseBroken:
		return true
	case fleet.Merged:
		return p.policy.Watch == 0
	case fleet.TransformFailed, fleet.VerifyFailed:
		return p.Manifest.Spec.Transform.Deterministic()
	default:
	}
	return false
}

// unmatched is a row whose target the manifest no longer names: what is out
// in the world stays untouched, what has not begun does not begin.
func (p *planner) unmatched(row fleet.Row) Op {
	const reason = "no longer among the targets"
	was := row.Unmatched
	row.Unmatched, row.Generation = true, p.generation
	if !started(&row) && row.State != fleet.NoChange && row.State != fleet.Skipped {
		row.State, row.Since, row.SettledAt = fleet.Skipped, p.Now, p.Now
		row.Reason, row.Want, row.Wait = reason, "", fleet.Wait{}
		return Op{Kind: Skip, Reason: reason, Row: row}
	}
	if was && p.same {
		return Op{Kind: Noop, Reason: reason, Row: row}
	}
	return Op{Kind: Keep, Reason: reason, Row: row}
}
