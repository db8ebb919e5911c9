// Package ledger shares out what a forge allows one identity: every write is
// reserved here first, by whoever wants it, so that the sum stays below the
// forge's limits.
package ledger

import (
	"slices"
	"time"
)

// Lane is how urgent a write is; lower ones leave room for those above.
type Lane int

// The lanes, the most urgent first.
const (
	LaneReply Lane = iota
	LaneMerge
	LaneUrgent
	LaneOrdinary
)

// shares is what the shifts together may take up to in each lane, in percent
// of the limit. Answers to people are no shift's.
var shares = [...]int{LaneReply: 100, LaneMerge: 80, LaneUrgent: 75, LaneOrdinary: 70}

// Cost is what a write costs: points of the forge, and requests that create
// content.
type Cost struct {
	Points  int `json:"points"`
	Content int `json:"content"`
}

// Entry is a reservation.
type Entry struct {
	At   time.Time `json:"at"`
	Cost Cost      `json:"cost"`
	Lane Lane      `json:"lane"`
}

// Limits is what the forge allows.
type Limits struct {
	PointsPerMinute  int
	ContentPerMinute int
	ContentPerHour   int
	// Spacing is the least time between two writes.
	Spacing time.Duration
}

// GitHub is what GitHub documents: 900 points a minute, about 80 requests a
// minute and 500 an hour that create content, a second between writes.
func GitHub() Limits {
	return Limits{PointsPerMinute: 900, ContentPerMinute: 80, ContentPerHour: 500, Spacing: time.Second}
}

// Ledger holds the reservations of one identity's last hour. It is not safe
// for concurrent use: the store locks its row.
type Ledger struct {
	limits  Limits
	entries []Entry // By time.
	paused  time.Time
}

// New returns a ledger with the reservations of the last hour, by time, and
// until when the forge wants peace.
func New(limits Limits, entries []Entry, paused time.Time) *Ledger {
	return &Ledger{limits: limits, entries: entries, paused: paused}
}

// Reserve takes a place for a write at the earliest time, and reports false
// with that time, taking nothing, when it is later than within from now.
func (l *Ledger) Reserve(now time.Time, lane Lane, cost Cost, within time.Duration) (at time.Time, ok bool) {
	at = l.Next(now, lane, cost)
	if at.Sub(now) > within {
		return at, false
	}
	l.entries = append(l.entries, Entry{At: at, Cost: cost, Lane: lane})
	if len(l.entries) > 4096 {
		l.forget(now)
	}
	return at, true
}

// Next returns the earliest time for a write, and takes nothing.
func (l *Ledger) Next(now time.Time, lane Lane, cost Cost) time.Time {
	at := now
	if l.paused.After(at) {
		at = l.paused
	}
	if n := len(l.entries); n > 0 {
		if free := l.entries[n-1].At.Add(l.limits.Spacing); free.After(at) {
			at = free
		}
	}
	share := shares[lane]
	for _, rule := range []rule{
		{time.Minute, l.limits.PointsPerMinute, cost.Points, false},
		{time.Minute, l.limits.ContentPerMinute, cost.Content, true},
		{time.Hour, l.limits.ContentPerHour, cost.Content, true},
	} {
		if free := l.free(rule, 100, false); free.After(at) {
			at = free
		}
		if share == 100 {
			continue
		}
		if free := l.free(rule, share, true); free.After(at) {
			at = free
		}
	}
	return at
}

// rule is one limit: at most cap within span.
type rule struct {
	span    time.Duration
	cap     int
	cost    int
	content bool
}

// free returns when a rule has room for its cost, counting all entries or the
// shifts' only.
func (l *Ledger) free(r rule, percent int, shifts bool) time.Time {
	if r.cost == 0 {
		return time.Time{}
	}
	room := r.cap*percent/100 - r.cost
	for _, e := range slices.Backward(l.entries) {
		if shifts && e.Lane == LaneReply {
			continue
		}
		if r.content {
			room -= e.Cost.Content
		} else {
			room -= e.Cost.Points
		}
		if room < 0 {
			return e.At.Add(r.span)
		}
		if l.entries[len(l.entries)-1].At.Sub(e.At) > r.span {
			break
		}
	}
	return time.Time{}
}

// Pause holds all writes until the forge wants to be asked again.
func (l *Ledger) Pause(until time.Time) {
	if until.After(l.paused) {
		l.paused = until
	}
}

// Paused returns until when writes are held, zero when they are not.
func (l *Ledger) Paused(now time.Time) time.Time {
	if l.paused.After(now) {
		return l.paused
	}
	return time.Time{}
}

// Entries returns the reservations since a time, for the store.
func (l *Ledger) Entries(since time.Time) []Entry {
	for i, e := range l.entries {
		if !e.At.Before(since) {
			return l.entries[i:]
		}
	}
	return nil
}

// Used returns what is reserved in the span that ends at a time.
func (l *Ledger) Used(at time.Time, span time.Duration) Cost {
	var sum Cost
	for _, e := range slices.Backward(l.entries) {
		if e.At.After(at) {
			continue
		}
		if at.Sub(e.At) >= span {
			break
		}
		sum.Points += e.Cost.Points
		sum.Content += e.Cost.Content
	}
	return sum
}

// forget drops what no limit looks at any more.
func (l *Ledger) forget(now time.Time) {
	l.entries = append([]Entry(nil), l.Entries(now.Add(-2*time.Hour))...)
}
