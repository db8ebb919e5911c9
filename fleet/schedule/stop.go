package schedule

import (
	"fmt"
	"strings"
	"time"

	"honk/fleet"
)

const (
	// fewest is how many settled rows a share is said of.
	fewest = 10
	// maxSamples is how many rows are named.
	maxSamples = 3
)

// countsForStop reports whether a row's end says something about the shift:
// a broken base, flakes and infrastructure do not.
func countsForStop(row *fleet.Row) bool {
	return row.State != fleet.BaseBroken && row.State != fleet.Skipped && row.State != fleet.Unreachable
}

// recent is what the last settled rows say together.
type recent struct {
	seen, failed, merged, reverted int
	failures, reverts              []fleet.Key
	causes                         map[string][]fleet.Key
}

// halt stops the shift when its last settled rows say so.
func (b *board) halt() (Halt, bool) {
	if !b.dirty {
		return Halt{}, false
	}
	b.dirty = false
	stop, s := b.m.Spec.Rollout.Stop, b.recent()
	reason, samples := "", s.failures
	least := min(fewest, stop.Window)
	for cause, keys := range s.causes {
		if len(keys) >= stop.SameSignature {
			reason, samples = fmt.Sprintf("%d targets fail with one cause, %s", len(keys), cause), keys
		}
	}
	switch {
	case reason != "":
	case s.seen >= least && s.failed*100 > stop.FailPercent*s.seen:
		reason = fmt.Sprintf("%d of the last %d targets failed", s.failed, s.seen)
	case s.merged >= least && s.reverted*100 > stop.RevertedPercent*s.merged:
		reason, samples = fmt.Sprintf("%d of the last %d merges were taken back or are not healthy", s.reverted, s.merged), s.reverts
	default:
		return Halt{}, false
	}
	samples = samples[:min(len(samples), maxSamples)]
	reason += ", for example " + named(samples)
	b.shift.Phase, b.shift.Reason = fleet.PhaseHalted, reason
	b.shift.ResumedAt = time.Time{}
	return Halt{Shift: b.shift.Name, Reason: reason, Samples: samples}, true
}

// named lists targets without their shift.
func named(keys []fleet.Key) string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = strings.TrimPrefix(k.String(), k.Shift+"/")
	}
	return strings.Join(names, ", ")
}

// recent looks at the last settled rows, the latest first. Rows that went on
// are passed over.
func (b *board) recent() recent {
	s := recent{causes: map[string][]fleet.Key{}}
	window := b.m.Spec.Rollout.Stop.Window
	for i := len(b.settled) - 1; i >= 0 && s.seen < window; i-- {
		e := b.settled[i]
		if !e.at.After(b.shift.ResumedAt) {
			break
		}
		if !e.at.Equal(e.row.settledAt) {
			continue
		}
		s.seen++
		switch e.row.state {
		case fleet.Regressed, fleet.RevertProposed, fleet.Reverted:
			s.reverted++
			s.reverts = append(s.reverts, e.row.key)
		default:
		}
		if e.row.state.Merged() {
			s.merged++
		}
		if e.row.mark.failed {
			s.failed++
			s.failures = append(s.failures, e.row.key)
			if cause := e.row.signature; cause != "" {
				s.causes[cause] = append(s.causes[cause], e.row.key)
			}
		}
	}
	if len(b.settled) > 64*window {
		b.settled = append([]settled(nil), b.settled[len(b.settled)-32*window:]...)
	}
	return s
}
