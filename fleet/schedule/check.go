package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"honk/fleet"
	"honk/fleet/window"
)

// hold is why a row may not act. It is cheap to make: most are never read.
type hold struct {
	kind fleet.WaitKind
	// format says it, with name, n and of for its verbs.
	format string
	name   string
	n, of  int
	// again is when time alone may help; zero is when it does not.
	again time.Time
}

func (h *hold) String() string {
	return strings.NewReplacer("{name}", h.name, "{n}", strconv.Itoa(h.n), "{of}", strconv.Itoa(h.of)).Replace(h.format)
}

// check returns why a row may not do what it wants, a hold without a kind when
// it may.
func (s *Scheduler) check(b *board, r *slot, now time.Time) hold {
	if h := s.checkShift(b, r.want, now); h.kind != "" {
		return h
	}
	h, _ := s.checkRow(b, r, now)
	return h
}

// checkShift returns why no row of a shift may do an act.
func (s *Scheduler) checkShift(b *board, act fleet.Act, now time.Time) hold {
	switch b.shift.Phase {
	case fleet.PhaseRunning:
	case fleet.PhaseHalted:
		if act != fleet.ActRevert {
			return hold{kind: fleet.WaitPaused, format: "halted: {name}", name: b.shift.Reason}
		}
	case fleet.PhasePlanned, fleet.PhasePaused, fleet.PhaseCompleted:
		return hold{kind: fleet.WaitPaused, format: "the shift is {name}", name: string(b.shift.Phase)}
	}
	limits := b.m.Spec.Rollout.Limits
	switch act {
	case fleet.ActRun:
		return b.checkRuns()
	case fleet.ActPush:
		if next := b.shift.Pushes.Next(now, limits.PRsPerHour, limits.Burst); next.After(now) {
			return hold{kind: fleet.WaitLimit, again: next, format: "{of} pushes an hour", of: limits.PRsPerHour}
		}
		if b.pending >= limits.PendingCI {
			return hold{kind: fleet.WaitLimit, format: "{n} of {of} pull requests await their checks", n: b.pending, of: limits.PendingCI}
		}
	case fleet.ActOpen:
		if next := b.shift.Opens.Next(now, limits.PRsPerHour, limits.Burst); next.After(now) {
			return hold{kind: fleet.WaitLimit, again: next, format: "{of} pull requests an hour", of: limits.PRsPerHour}
		}
	case fleet.ActMerge:
		if next := b.shift.Merges.Next(now, b.m.Spec.Merge.PerHour, 1); next.After(now) {
			return hold{kind: fleet.WaitLimit, again: next, format: "{of} merges an hour", of: b.m.Spec.Merge.PerHour}
		}
	case fleet.ActReady, fleet.ActUpdate, fleet.ActClose, fleet.ActRemind, fleet.ActEscalate, fleet.ActRevert:
	}
	return hold{}
}

// checkRow returns why a row may not do what it wants where its shift may.
// all says that no row behind it in the queue may either.
func (s *Scheduler) checkRow(b *board, r *slot, now time.Time) (h hold, all bool) {
	if r.notBefore.After(now) {
		return hold{kind: fleet.WaitLimit, format: "tried again later", again: r.notBefore}, false
	}
	switch r.want {
	case fleet.ActRun:
		if r.wave > b.shift.Wave {
			// Urgent rows come before the waves, so a later one of them says
			// nothing of those behind it.
			return hold{
				kind: fleet.WaitWave, format: "wave {name} has not started", name: b.waves[r.wave].Name,
			}, !r.urgent
		}
	case fleet.ActPush:
		return s.checkPush(b, r)
	case fleet.ActMerge:
		if s.merging[r.key.Repo] > 0 {
			return hold{kind: fleet.WaitLimit, format: "another merge in {name}", name: r.key.Repo}, false
		}
		return s.checkWindow(b, r, window.Merge, now), false
	case fleet.ActOpen:
		// Where no check ran on the branch, opening may start them.
		if pending := b.m.Spec.Rollout.Limits.PendingCI; r.unchecked && b.pending >= pending {
			return hold{kind: fleet.WaitLimit, format: "{n} of {of} pull requests await their checks", n: b.pending, of: pending}, false
		}
		return s.checkWindow(b, r, window.Open, now), false
	case fleet.ActReady, fleet.ActUpdate, fleet.ActClose, fleet.ActRemind, fleet.ActEscalate:
		return s.checkWindow(b, r, window.Open, now), false
	case fleet.ActRevert:
	}
	return hold{}, false
}

// checkRuns looks at workers and the budget.
func (b *board) checkRuns() hold {
	limits := b.m.Spec.Rollout.Limits
	if b.running >= limits.Workers {
		return hold{kind: fleet.WaitLimit, format: "{n} of {of} workers are busy", n: b.running, of: limits.Workers}
	}
	p := b.m.Spec.Transform.Prompt
	if p == nil || p.Limits.CostTotal <= 0 {
		return hold{}
	}
	l := p.Limits
	if b.shift.SpentUSD >= l.CostTotal || b.shift.SpentUSD+float64(b.running+1)*l.CostPerTarget > l.CostTotal {
		return hold{
			kind: fleet.WaitBudget, format: "{name} dollars are spent or taken",
			name: fmt.Sprintf("%.2f of %.2f", b.shift.SpentUSD, l.CostTotal),
		}
	}
	return hold{}
}

// checkPush looks at the caps: what is pushed will be opened, so it takes its
// place among the open pull requests from here on.
func (s *Scheduler) checkPush(b *board, r *slot) (hold, bool) {
	limits := b.m.Spec.Rollout.Limits
	if r.load.open || !b.policy.Opens() {
		return hold{}, false
	}
	if b.open >= limits.OpenPRs {
		// Those that are open already may still be pushed to.
		return hold{kind: fleet.WaitLimit, format: "{n} of {of} pull requests are open", n: b.open, of: limits.OpenPRs}, b.repush == 0
	}
	if n := s.repos[r.key.Repo]; n >= limits.PerRepoOpen {
		return hold{kind: fleet.WaitLimit, format: "{n} of {of} pull requests are open in {name}", n: n, of: limits.PerRepoOpen, name: r.key.Repo}, false
	}
	if n := s.owners[r.owner]; r.owner != "" && n >= limits.PerOwnerOpen {
		return hold{kind: fleet.WaitLimit, format: "{n} of {of} pull requests are open for {name}", n: n, of: limits.PerOwnerOpen, name: r.owner}, false
	}
	return hold{}, false
}

func (s *Scheduler) checkWindow(b *board, r *slot, act window.Act, now time.Time) hold {
	var zone *time.Location
	if s.zone != nil {
		zone = s.zone(r.owner)
	}
	next := b.windows.Next(act, now, zone)
	if next.Equal(now) {
		// What is granted may be done a moment later: the window is still
		// open then.
		if next = b.windows.Next(act, now.Add(ahead), zone); next.Equal(now.Add(ahead)) {
			return hold{}
		}
	}
	return hold{kind: fleet.WaitWindow, format: "outside the window", again: next}
}
