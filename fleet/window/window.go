// Package window answers when something may be done in a week that has hours
// for it.
package window

import (
	"fmt"
	"time"

	"honk/fleet/manifest"
)

// Act is what a window is for.
type Act string

// The acts.
const (
	Open  Act = "open"
	Merge Act = "merge"
)

// Set is the windows of a shift. The zero Set is always open.
type Set struct{ spans []span }

// span is a window with its names looked up.
type span struct {
	days     [7]bool
	from, to int // Minutes of the day.
	zone     *time.Location
	acts     map[Act]bool
}

// days are the names of the days as time counts them.
var days = map[string]time.Weekday{
	"sun": time.Sunday, "mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday,
	"thu": time.Thursday, "fri": time.Friday, "sat": time.Saturday,
}

// New prepares the windows of a valid manifest.
func New(windows []manifest.Window) (Set, error) {
	var set Set
	for _, w := range windows {
		s := span{from: minutes(w.From), to: minutes(w.To), acts: map[Act]bool{}}
		for _, day := range w.Days {
			s.days[days[day]] = true
		}
		if len(w.Days) == 0 {
			s.days = [7]bool{true, true, true, true, true, true, true}
		}
		if w.Timezone != manifest.TimezoneOwner {
			zone, err := time.LoadLocation(w.Timezone)
			if err != nil {
				return Set{}, fmt.Errorf("loading timezone %q: %w", w.Timezone, err)
			}
			s.zone = zone
		}
		for _, act := range w.For {
			s.acts[Act(act)] = true
		}
		set.spans = append(set.spans, s)
	}
	return set, nil
}

// minutes reads a valid time of day, 24:00 included.
func minutes(clock string) int {
	digit := func(i int) int { return int(clock[i] - '0') }
	return (digit(0)*10+digit(1))*60 + digit(3)*10 + digit(4)
}

// Next returns when the act may be done: now itself while a window for it is
// open or none is for it, else the next opening. owner is the zone of the
// target's owner, nil for UTC. The zero time means never.
func (s Set) Next(act Act, now time.Time, owner *time.Location) time.Time {
	var next time.Time
	bound := false
	for _, w := range s.spans {
		if !w.acts[act] {
			continue
		}
		bound = true
		if at := w.next(now, owner); !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if !bound {
		return now
	}
	return next
}

// next looks at today and a week ahead; the clock may jump in between.
func (w span) next(now time.Time, owner *time.Location) time.Time {
	zone := w.zone
	if zone == nil {
		zone = owner
	}
	if zone == nil {
		zone = time.UTC
	}
	local := now.In(zone)
	for ahead := range 8 {
		year, month, day := local.AddDate(0, 0, ahead).Date()
		opens := time.Date(year, month, day, 0, w.from, 0, 0, zone)
		closes := time.Date(year, month, day, 0, w.to, 0, 0, zone)
		if !w.days[opens.Weekday()] || !now.Before(closes) {
			continue
		}
		if now.Before(opens) {
			return opens
		}
		return now
	}
	return time.Time{}
}
