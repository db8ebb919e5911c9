// Package schedule decides which rows of all shifts may act now, and tells
// the others why not and until when: waves and their gates, windows, caps,
// rates, and the one budget of the forge that all shifts share.
package schedule

import (
	"cmp"
	"slices"
	"time"

	"honk/fleet"
	"honk/fleet/ledger"
	"honk/fleet/manifest"
)

// ahead is how far in the future a write may be reserved.
const ahead = 5 * time.Second

// Scheduler holds what it needs of every row of all running shifts. Its work
// grows with what wants to act, not with all rows. It is not safe for
// concurrent use.
type Scheduler struct {
	ledger *ledger.Ledger
	zone   func(owner string) *time.Location
	boards []*board
	byName map[string]*board
	// owners and repos count the open pull requests of all shifts, merging
	// the merges under way.
	owners, repos, merging map[string]int
}

// New returns a scheduler without shifts. zone returns an owner's timezone,
// nil when it is not known.
func New(l *ledger.Ledger, zone func(owner string) *time.Location) *Scheduler {
	return &Scheduler{
		ledger: l, zone: zone, byName: map[string]*board{},
		owners: map[string]int{}, repos: map[string]int{}, merging: map[string]int{},
	}
}

// Add takes a shift with all its rows in; one of the same name is replaced.
func (s *Scheduler) Add(shift fleet.Shift, m *manifest.Manifest, rows []fleet.Row) error {
	b, err := newBoard(shift, m, len(rows))
	if err != nil {
		return err
	}
	s.Remove(shift.Name)
	s.boards = append(s.boards, b)
	s.byName[shift.Name] = b
	for i := range rows {
		s.put(b, &rows[i], false)
	}
	b.sort()
	return nil
}

// Remove takes a shift out.
func (s *Scheduler) Remove(name string) {
	old := s.byName[name]
	if old == nil {
		return
	}
	for _, r := range old.slots {
		s.count(old, r, load{})
	}
	delete(s.byName, name)
	s.boards = slices.DeleteFunc(s.boards, func(b *board) bool { return b == old })
}

// SetLedger takes over what others have reserved.
func (s *Scheduler) SetLedger(l *ledger.Ledger) { s.ledger = l }

// Put takes a row in as it is now.
func (s *Scheduler) Put(row *fleet.Row) {
	if b := s.byName[row.Key.Shift]; b != nil {
		s.put(b, row, true)
	}
}

// Shift returns a shift as scheduling left it: its phase, wave and rates are
// for the store to keep with the grants.
func (s *Scheduler) Shift(name string) (fleet.Shift, bool) {
	if b := s.byName[name]; b != nil {
		return b.shift, true
	}
	return fleet.Shift{}, false
}

// SetShift takes over what a person or the store changed of a shift.
func (s *Scheduler) SetShift(shift fleet.Shift) {
	if b := s.byName[shift.Name]; b != nil {
		b.shift = shift
		b.dirty = true
	}
}

// Grant is leave for a row to act, not before At. It is given to life.Step at
// once, which stores the intent; the job that acts is due at At. Should Step
// have no use for it, Put takes it back.
type Grant struct {
	Key fleet.Key `json:"key"`
	Act fleet.Act `json:"act"`
	At  time.Time `json:"at"`
}

// Start is a wave that starts.
type Start struct {
	Shift string `json:"shift"`
	Wave  int    `json:"wave"`
	Name  string `json:"name"`
}

// Halt is a shift that stops by itself.
type Halt struct {
	Shift   string      `json:"shift"`
	Reason  string      `json:"reason"`
	Samples []fleet.Key `json:"samples"`
}

// Decision is what Schedule decided. The store keeps it in one transaction
// with the shifts and the ledger.
type Decision struct {
	Grants []Grant `json:"grants"`
	Starts []Start `json:"starts,omitempty"`
	Halts  []Halt  `json:"halts,omitempty"`
	// Next is when something may become possible by time alone; zero is when
	// only a change of a row helps.
	Next time.Time `json:"next,omitzero"`
}

func (d *Decision) next(at time.Time) {
	if !at.IsZero() && (d.Next.IsZero() || at.Before(d.Next)) {
		d.Next = at
	}
}

// Schedule decides which rows may act now. A granted row is counted as acting
// from here on; Put says how it went on.
func (s *Scheduler) Schedule(now time.Time) Decision {
	var d Decision
	for _, b := range s.boards {
		if b.shift.Phase != fleet.PhaseRunning {
			continue
		}
		if halt, ok := b.halt(); ok {
			d.Halts = append(d.Halts, halt)
			continue
		}
		d.Starts = append(d.Starts, b.start(now, &d)...)
	}
	for _, act := range fleet.Acts() {
		s.grant(act, now, &d)
	}
	return d
}

// cursor walks the rows of a shift that want one act.
type cursor struct {
	*board
	queue []*slot
}

// grant lets the shifts take turns, the one that got least first, until
// nothing of an act is possible any more.
func (s *Scheduler) grant(act fleet.Act, now time.Time, d *Decision) {
	var live []*cursor
	for _, b := range s.boards {
		if q := b.queues[act]; len(q) > 0 {
			live = append(live, &cursor{b, slices.Clone(q)})
		}
	}
	for len(live) > 0 {
		slices.SortStableFunc(live, func(a, b *cursor) int { return cmp.Compare(a.served, b.served) })
		kept := live[:0]
		for i, c := range live {
			more, full := s.take(c, act, now, d)
			if full {
				return
			}
			if more {
				kept = append(kept, live[i])
			}
		}
		live = kept
	}
}

// take grants the act to the next row of a shift that may; more says that
// there may be another, full that the forge's budget is spent.
func (s *Scheduler) take(c *cursor, act fleet.Act, now time.Time, d *Decision) (more, full bool) {
	if wait := s.checkShift(c.board, act, now); wait.kind != "" {
		d.next(wait.again)
		return false, false
	}
	for len(c.queue) > 0 {
		r := c.queue[0]
		wait, all := s.checkRow(c.board, r, now)
		if wait.kind != "" {
			d.next(wait.again)
			if all {
				return false, false
			}
			c.queue = c.queue[1:]
			continue
		}
		at := now
		if cost := costs[act]; cost.Points > 0 {
			var ok bool
			if at, ok = s.ledger.Reserve(now, laneOf(r), cost, ahead); !ok {
				d.next(at.Add(-ahead))
				return false, true
			}
		}
		c.queue = c.queue[1:]
		s.granted(c.board, r, at)
		d.Grants = append(d.Grants, Grant{Key: r.key, Act: act, At: at})
		return true, false
	}
	return false, false
}

// granted counts a row as acting.
func (s *Scheduler) granted(b *board, r *slot, now time.Time) {
	b.unqueue(r)
	l := r.load
	limits := b.m.Spec.Rollout.Limits
	switch r.want {
	case fleet.ActRun:
		l.running = true
	case fleet.ActPush:
		l.pending, l.open = true, b.policy.Opens()
		b.shift.Pushes = b.shift.Pushes.Take(now, limits.PRsPerHour)
	case fleet.ActOpen:
		l.open, l.pending = true, l.pending || r.unchecked
		b.shift.Opens = b.shift.Opens.Take(now, limits.PRsPerHour)
	case fleet.ActMerge:
		l.merging = true
		b.shift.Merges = b.shift.Merges.Take(now, b.m.Spec.Merge.PerHour)
	case fleet.ActReady, fleet.ActUpdate, fleet.ActClose, fleet.ActRemind, fleet.ActEscalate, fleet.ActRevert:
	}
	b.served++
	r.want = ""
	s.count(b, r, l)
}

// costs is what an act costs of the forge's budget; a run costs nothing.
var costs = map[fleet.Act]ledger.Cost{
	fleet.ActPush:     {Points: 5, Content: 1},
	fleet.ActOpen:     {Points: 15, Content: 1},
	fleet.ActReady:    {Points: 5, Content: 1},
	fleet.ActUpdate:   {Points: 5, Content: 1},
	fleet.ActMerge:    {Points: 5, Content: 1},
	fleet.ActClose:    {Points: 5, Content: 1},
	fleet.ActRemind:   {Points: 5, Content: 1},
	fleet.ActEscalate: {Points: 5, Content: 1},
	fleet.ActRevert:   {Points: 15, Content: 2},
}

// laneOf returns the lane of what a row wants.
func laneOf(r *slot) ledger.Lane {
	switch {
	case r.want == fleet.ActMerge || r.want == fleet.ActRevert:
		return ledger.LaneMerge
	case r.urgent:
		return ledger.LaneUrgent
	}
	return ledger.LaneOrdinary
}
