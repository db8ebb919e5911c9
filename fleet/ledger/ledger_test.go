package ledger_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"honk/fleet/ledger"
)

var start = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// However it is asked, no window ever holds more than the forge allows, nor
// more of the shifts' than their share.
func TestLedger_neverMore(t *testing.T) {
	t.Parallel()
	limits := ledger.GitHub()
	l := ledger.New(limits, nil, time.Time{})
	rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // A seed makes it repeat.
	now := start
	var all []ledger.Entry
	refused := 0
	for range 5000 {
		now = now.Add(time.Duration(rng.IntN(3000)) * time.Millisecond)
		cost := ledger.Cost{Points: 5 + rng.IntN(20), Content: rng.IntN(3)}
		lane := ledger.Lane(rng.IntN(4))
		at, ok := l.Reserve(now, lane, cost, 5*time.Second)
		if at.Before(now) {
			t.Fatalf("Reserve() = %v, before %v", at, now)
		}
		if !ok {
			refused++
			continue
		}
		all = append(all, ledger.Entry{At: at, Cost: cost, Lane: lane})
		check(t, limits, all)
	}
	if refused == 0 || len(all) < 1000 {
		t.Errorf("%d refused of %d", refused, len(all))
	}
}

func check(t *testing.T, limits ledger.Limits, all []ledger.Entry) {
	t.Helper()
	last := all[len(all)-1].At
	var minute, shifts, hour, hourShifts int
	var points int
	for _, e := range slices.Backward(all) {
		age := last.Sub(e.At)
		if age >= time.Hour {
			break
		}
		hour += e.Cost.Content
		if e.Lane != ledger.LaneReply {
			hourShifts += e.Cost.Content
		}
		if age >= time.Minute {
			continue
		}
		minute += e.Cost.Content
		points += e.Cost.Points
		if e.Lane != ledger.LaneReply {
			shifts += e.Cost.Content
		}
	}
	if minute > limits.ContentPerMinute || hour > limits.ContentPerHour || points > limits.PointsPerMinute {
		t.Fatalf("%d and %d points in a minute, %d in an hour", minute, points, hour)
	}
	if shifts > limits.ContentPerMinute*8/10 || hourShifts > limits.ContentPerHour*8/10 {
		t.Fatalf("shifts: %d in a minute, %d in an hour", shifts, hourShifts)
	}
	if n := len(all); n > 1 && last.Sub(all[n-2].At) < limits.Spacing {
		t.Fatalf("%v between two writes", last.Sub(all[n-2].At))
	}
}

func TestLedger_lanes(t *testing.T) {
	t.Parallel()
	l := ledger.New(ledger.GitHub(), nil, time.Time{})
	cost := ledger.Cost{Points: 5, Content: 1}
	now := start
	fill := func(lane ledger.Lane) (n int) {
		for {
			at, ok := l.Reserve(now, lane, cost, 2*time.Second)
			if !ok {
				if at.Sub(now) < time.Minute {
					now = now.Add(10 * time.Second)
					continue
				}
				return n
			}
			now = at
			n++
		}
	}
	// An hour's 500: 350 ordinary, then room for 25 urgent ones, 25 merges
	// and 100 answers to people.
	got := [4]int{fill(ledger.LaneOrdinary), fill(ledger.LaneUrgent), fill(ledger.LaneMerge), fill(ledger.LaneReply)}
	if want := [4]int{350, 25, 25, 100}; got != want {
		t.Errorf("ordinary, urgent, merges, replies = %v, want %v", got, want)
	}
}

func TestLedger_pause(t *testing.T) {
	t.Parallel()
	l := ledger.New(ledger.GitHub(), nil, time.Time{})
	l.Pause(start.Add(time.Minute))
	l.Pause(start)
	for _, lane := range []ledger.Lane{ledger.LaneReply, ledger.LaneOrdinary} {
		if at := l.Next(start, lane, ledger.Cost{Points: 1}); !at.Equal(start.Add(time.Minute)) {
			t.Errorf("lane %d: Next() = %v", lane, at)
		}
	}
	if !l.Paused(start).Equal(start.Add(time.Minute)) || !l.Paused(start.Add(time.Hour)).IsZero() {
		t.Error("Paused() is wrong")
	}
	again := ledger.New(ledger.GitHub(), l.Entries(start), l.Paused(start))
	if !again.Paused(start).Equal(l.Paused(start)) {
		t.Error("a stored ledger forgets the pause")
	}
}
