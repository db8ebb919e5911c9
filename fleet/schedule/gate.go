package schedule

import (
	"fmt"
	"slices"
	"time"

	"honk/fleet"
)

// enough is the share of a wave, in percent, that must have settled before
// its gate is looked at.
const enough = 80

// mark is what a row says about its wave.
type mark struct {
	none bool
	// settled: it says something; idle: it settled without a change.
	settled, idle bool
	failed        bool
	merged        bool
	healthy, sick bool
}

// tally sums the marks of a wave.
type tally struct{ total, settled, idle, failed, merged, healthy, sick int }

func markOf(row *fleet.Row, p *fleet.Policy) mark {
	m := mark{settled: row.Settled(p) || row.Unmatched, merged: row.State.Merged()}
	switch row.State {
	case fleet.Skipped, fleet.Unreachable, fleet.NoChange, fleet.BaseBroken:
		m.idle = true
	case fleet.TransformFailed, fleet.VerifyFailed, fleet.CIFailed:
		m.failed = true
	case fleet.Healthy:
		m.healthy = true
	case fleet.Regressed, fleet.RevertProposed, fleet.Reverted:
		m.sick = true
	default:
	}
	if row.CI.State == fleet.ChecksFailed && !m.merged {
		m.failed = true
	}
	if row.Unmatched && !m.merged && !m.failed {
		m.idle = true // Nothing more comes of it.
	}
	return m
}

// tally adds or takes away what a row says about its wave.
func (b *board) tally(r *slot, sign int) {
	if r.mark.none {
		return
	}
	t := &b.tallies[r.wave]
	t.total += sign
	for _, part := range []struct {
		is    bool
		count *int
	}{
		{r.mark.settled, &t.settled},
		{r.mark.idle, &t.idle},
		{r.mark.failed, &t.failed},
		{r.mark.merged, &t.merged},
		{r.mark.healthy, &t.healthy},
		{r.mark.sick, &t.sick},
	} {
		if part.is {
			*part.count += sign
		}
	}
}

// start lets the waves start whose gate before them holds.
func (b *board) start(now time.Time, d *Decision) []Start {
	var starts []Start
	for b.shift.Wave < len(b.waves)-1 {
		reason, again := b.gate(now)
		if reason != "" {
			d.next(again)
			break
		}
		b.shift.Wave++
		b.shift.GateSince = time.Time{}
		starts = append(starts, Start{Shift: b.shift.Name, Wave: b.shift.Wave, Name: b.waves[b.shift.Wave].Name})
	}
	return starts
}

// gate returns why the wave after the current one may not start, empty when
// it may, and when the time alone may help.
func (b *board) gate(now time.Time) (reason string, again time.Time) {
	w, t := b.waves[b.shift.Wave], b.tallies[b.shift.Wave]
	if reason := b.holds(t); reason != "" {
		b.shift.GateSince = time.Time{}
		return reason, time.Time{}
	}
	if b.shift.GateSince.IsZero() {
		b.shift.GateSince = now
	}
	if w.Gate == nil {
		return "", time.Time{}
	}
	if end := b.shift.GateSince.Add(w.Gate.Soak); now.Before(end) {
		return "wave " + w.Name + " soaks until " + end.UTC().Format(time.DateTime), end
	}
	if w.Gate.Approve && !slices.Contains(b.shift.Approved, w.Name) {
		return "the owner has not approved what comes after wave " + w.Name, time.Time{}
	}
	return "", time.Time{}
}

// holds returns what of a gate's figures does not hold.
func (b *board) holds(t tally) string {
	w := b.waves[b.shift.Wave]
	if t.settled*100 < t.total*enough {
		return fmt.Sprintf("%d of %d targets of wave %s have settled", t.settled, t.total, w.Name)
	}
	changed := t.settled - t.idle
	if w.Gate == nil || changed <= 0 {
		return ""
	}
	g := w.Gate
	if p := g.MergedPercent; p != nil && t.merged*100 < *p*changed {
		return fmt.Sprintf("%d of %d are merged, and %d %% must be", t.merged, changed, *p)
	}
	if p := g.MaxCIFailPercent; p != nil && t.failed*100 > *p*changed {
		return fmt.Sprintf("%d of %d failed, and at most %d %% may", t.failed, changed, *p)
	}
	if p := g.MinHealthyPercent; p != nil && t.merged > 0 && t.healthy*100 < *p*t.merged {
		return fmt.Sprintf("%d of %d merged are healthy, and %d %% must be", t.healthy, t.merged, *p)
	}
	return ""
}
