package schedule

import (
	"cmp"
	"slices"
	"time"

	"honk/fleet"
	"honk/fleet/manifest"
	"honk/fleet/wave"
	"honk/fleet/window"
)

// board is a shift with what matters of its rows.
type board struct {
	shift   fleet.Shift
	m       *manifest.Manifest
	policy  fleet.Policy
	waves   []manifest.Wave
	windows window.Set
	slots   map[fleet.Key]*slot
	// queues are the rows that want an act: urgent ones first, then by wave
	// and place.
	queues map[fleet.Act][]*slot
	// running, open and pending are the rows under the caps.
	running, open, pending int
	// repush counts the queued pushes to what is open already.
	repush  int
	tallies []tally
	settled []settled
	// dirty: something settled since halt looked.
	dirty bool
	// served counts the grants, for fairness.
	served int
	left   int
	// ends is when the last rows ended, cycles how long their pull requests
	// were open.
	ends   []time.Time
	cycles []time.Duration
}

// slot is what matters of a row.
type slot struct {
	key         fleet.Key
	owner       string
	wave, place int
	state       fleet.State
	want        fleet.Act
	urgent      bool
	notBefore   time.Time
	settledAt   time.Time
	signature   string
	mark        mark
	load        load
	ended       bool
	// unchecked: no check ran on its branch.
	unchecked bool
}

// load is what a row counts for under the caps.
type load struct{ running, open, pending, merging bool }

// settled is a row that settled at a time; the row may have moved on since.
type settled struct {
	at  time.Time
	row *slot
}

func newBoard(shift fleet.Shift, m *manifest.Manifest, n int) (*board, error) {
	windows, err := window.New(m.Spec.Rollout.Windows)
	if err != nil {
		return nil, err
	}
	waves := m.Spec.Rollout.Waves
	if len(waves) == 0 {
		waves = wave.Default(n)
	}
	return &board{
		shift: shift, m: m, policy: fleet.PolicyOf(m), waves: waves, windows: windows,
		slots: make(map[fleet.Key]*slot, n), queues: map[fleet.Act][]*slot{},
		tallies: make([]tally, len(waves)), dirty: true,
	}, nil
}

// put takes a row in. The queues are in order afterwards if sorted is asked
// for.
func (s *Scheduler) put(b *board, row *fleet.Row, sorted bool) {
	r := b.slots[row.Key]
	if r == nil {
		r = &slot{key: row.Key, mark: mark{none: true}}
		b.slots[row.Key] = r
		b.left++
	}
	b.unqueue(r)
	b.tally(r, -1)
	r.owner, r.wave, r.place, r.state = row.Owner, min(row.Wave, len(b.waves)-1), row.Place, row.State
	r.want, r.urgent, r.notBefore = row.Want, row.Urgent, row.NotBefore
	r.signature, r.unchecked = row.Signature.ID, row.CI.State == fleet.ChecksNone
	r.mark = markOf(row, &b.policy)
	b.tally(r, +1)
	if !row.SettledAt.Equal(r.settledAt) {
		r.settledAt = row.SettledAt
		if !row.SettledAt.IsZero() && countsForStop(row) {
			b.settled = append(b.settled, settled{row.SettledAt, r})
		}
	}
	b.dirty = b.dirty || !row.SettledAt.IsZero()
	if ended := row.Ended(&b.policy); ended && !r.ended && !row.OpenedAt.IsZero() {
		if b.cycles = append(b.cycles, row.Since.Sub(row.OpenedAt)); len(b.cycles) > 8*rateOver {
			b.cycles = append([]time.Duration(nil), b.cycles[4*rateOver:]...)
		}
	}
	b.end(r, row.Ended(&b.policy), row.Since)
	s.count(b, r, load{
		running: row.State == fleet.Running,
		open:    b.policy.Opens() && row.AwaitsReview(), pending: row.PendingCI(), merging: row.Doing == fleet.ActMerge,
	})
	if r.want == "" {
		return
	}
	b.repush += repush(r)
	q := b.queues[r.want]
	if !sorted {
		b.queues[r.want] = append(q, r)
		return
	}
	at, _ := slices.BinarySearchFunc(q, r, before)
	b.queues[r.want] = slices.Insert(q, at, r)
}

// end notes that a row ended, or goes on after all.
func (b *board) end(r *slot, ended bool, at time.Time) {
	if ended == r.ended {
		return
	}
	r.ended = ended
	if !ended {
		b.left++
		return
	}
	b.left--
	if b.ends = append(b.ends, at); len(b.ends) > 4*rateOver {
		b.ends = append([]time.Time(nil), b.ends[len(b.ends)-rateOver:]...)
	}
}

// before orders a queue.
func before(a, b *slot) int {
	urgent := 0
	if a.urgent != b.urgent {
		if urgent = 1; a.urgent {
			urgent = -1
		}
	}
	return cmp.Or(urgent, cmp.Compare(a.wave, b.wave), cmp.Compare(a.place, b.place),
		cmp.Compare(a.key.Repo, b.key.Repo), cmp.Compare(a.key.Unit, b.key.Unit))
}

func repush(r *slot) int { return diff(false, r.want == fleet.ActPush && r.load.open) }

func (b *board) sort() {
	for _, q := range b.queues {
		slices.SortFunc(q, before)
	}
	slices.SortStableFunc(b.settled, func(a, b settled) int { return a.at.Compare(b.at) })
}

// unqueue takes a row out of the queue it is in.
func (b *board) unqueue(r *slot) {
	if r.want == "" {
		return
	}
	q := b.queues[r.want]
	if at, ok := slices.BinarySearchFunc(q, r, before); ok && q[at] == r {
		b.repush -= repush(r)
		b.queues[r.want] = slices.Delete(q, at, at+1)
	}
}

// count moves a row from what it counted for to a new load.
func (s *Scheduler) count(b *board, r *slot, l load) {
	old := r.load
	r.load = l
	b.running += diff(old.running, l.running)
	b.open += diff(old.open, l.open)
	b.pending += diff(old.pending, l.pending)
	add(s.owners, r.owner, diff(old.open, l.open))
	add(s.repos, r.key.Repo, diff(old.open, l.open))
	add(s.merging, r.key.Repo, diff(old.merging, l.merging))
}

func diff(was, is bool) int {
	switch {
	case is && !was:
		return 1
	case was && !is:
		return -1
	}
	return 0
}

func add(m map[string]int, key string, n int) {
	if n == 0 || key == "" {
		return
	}
	if m[key] += n; m[key] == 0 {
		delete(m, key)
	}
}
