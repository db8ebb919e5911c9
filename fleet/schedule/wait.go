package schedule

import (
	"cmp"
	"slices"
	"time"

	"honk/fleet"
)

// rateOver is over how many of the last ended rows the pace is taken.
const rateOver = 256

// Waiting is a row that may not act, with the reason and the expected time.
type Waiting struct {
	Key  fleet.Key  `json:"key"`
	Act  fleet.Act  `json:"act"`
	Wait fleet.Wait `json:"wait"`
}

// Waits returns why every row that wants to act may not do so now. Its work
// grows with the rows that want to; it takes nothing.
func (s *Scheduler) Waits(now time.Time) []Waiting {
	var all []Waiting
	for _, b := range s.boards {
		pace, gate := b.pace(now), cmp.Or(s.GateReason(b.shift.Name, now), "next in turn")
		for _, act := range fleet.Acts() {
			at := s.ledgerNext(act, now)
			for i, r := range b.queues[act] {
				h := s.check(b, r, now)
				if h.kind == "" {
					h = hold{kind: fleet.WaitLimit, format: "next in turn", again: now}
					if at.After(now) {
						h = hold{kind: fleet.WaitBudget, format: "the forge allows no more just now", again: at}
					}
				}
				if h.kind == fleet.WaitWave && r.wave == b.shift.Wave+1 {
					h.format += ": " + gate
				}
				all = append(all, Waiting{r.key, act, fleet.Wait{Kind: h.kind, Reason: h.String(), ETA: b.eta(&h, i, pace, now)}})
			}
		}
	}
	return all
}

func (s *Scheduler) ledgerNext(act fleet.Act, now time.Time) time.Time {
	cost := costs[act]
	if cost.Points == 0 {
		return now
	}
	return s.ledger.Next(now, laneOf(&slot{want: act}), cost)
}

// eta guesses when the row at a place in its queue may act: what is before it
// goes at the shift's pace. A paused row has none.
func (b *board) eta(h *hold, place int, pace float64, now time.Time) time.Time {
	if h.kind == fleet.WaitPaused || h.kind == fleet.WaitBudget && h.again.IsZero() {
		return time.Time{}
	}
	from := now
	if h.again.After(now) {
		from = h.again
	}
	if pace <= 0 {
		return time.Time{}
	}
	if h.again.IsZero() {
		place++ // Something must end first.
	}
	return from.Add(time.Duration(float64(place) / pace * float64(time.Hour)))
}

// pace is how many rows end in an hour: as many as lately, or as the limits
// allow while nothing has ended.
func (b *board) pace(now time.Time) float64 {
	ends := b.ends[max(0, len(b.ends)-rateOver):]
	if len(ends) < 5 {
		return float64(b.m.Spec.Rollout.Limits.PRsPerHour)
	}
	return float64(len(ends)) / max(now.Sub(ends[0]).Hours(), 0.1)
}

// cycle is how long nineteen of twenty pull requests take from open to end;
// a day while too few have ended.
func (b *board) cycle() time.Duration {
	if len(b.cycles) < 20 {
		return 24 * time.Hour
	}
	sorted := slices.Sorted(slices.Values(b.cycles[max(0, len(b.cycles)-4*rateOver):]))
	return sorted[len(sorted)*19/20]
}

// Estimate guesses when a shift is done and says how many rows are left.
func (s *Scheduler) Estimate(name string, now time.Time) (done time.Time, left int) {
	b := s.byName[name]
	if b == nil {
		return time.Time{}, 0
	}
	waiting := float64(b.left - b.open)
	return now.Add(time.Duration(waiting / b.pace(now) * float64(time.Hour))).Add(b.cycle()), b.left
}

// GateReason says why the next wave of a shift has not started; empty when
// there is none or it may.
func (s *Scheduler) GateReason(name string, now time.Time) string {
	b := s.byName[name]
	if b == nil || b.shift.Wave >= len(b.waves)-1 {
		return ""
	}
	copied := *b // The gate's memory is Schedule's.
	reason, _ := copied.gate(now)
	return reason
}
