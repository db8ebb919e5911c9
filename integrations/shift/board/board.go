// Package board is what one process remembers of all running shifts between
// ticks, so that a tick reads what has changed and no more.
package board

import (
	"context"
	"reflect"
	"sync"
	"time"

	"honk/fleet"
	"honk/fleet/ledger"
	"honk/fleet/schedule"
	"honk/integrations/shift/keep"
)

const (
	// overdue is how long after its time an act is taken for lost. Its
	// delivery has the same ID as before, so it is stored once.
	overdue = time.Minute
	// maxPolls is how many rows one tick looks at, at the forge.
	maxPolls = 20
)

// Board knows the rows of running shifts. It is not safe for concurrent use,
// but for Doubt.
type Board struct {
	// Scheduler decides over the rows.
	Scheduler *schedule.Scheduler
	zone      func(owner string) *time.Location
	// digests are of the manifests of the shifts in it.
	digests map[string]string
	rows    map[fleet.Key]*glance
	// changed is the last change that is known.
	changed int64

	mu sync.Mutex
	// doubts are rows that may not have done what they were granted.
	doubts map[fleet.Key]bool
}

// glance is what matters of a row beside what the scheduler knows.
type glance struct {
	doing     fleet.Act
	notBefore time.Time
	// out: something of it is at the forge, looked is when that was looked at.
	out    bool
	looked time.Time
	// over: nothing is left to do.
	over bool
}

// New returns a Board that knows nothing yet.
func New(zone func(owner string) *time.Location) *Board {
	return &Board{zone: zone, digests: map[string]string{}, rows: map[fleet.Key]*glance{}, doubts: map[fleet.Key]bool{}}
}

// Doubt has a row looked at anew before the next decision.
func (b *Board) Doubt(key fleet.Key) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.doubts[key] = true
}

// Update takes in all that has changed.
func (b *Board) Update(ctx context.Context, k *keep.Tx, works []*keep.Work, l *ledger.Ledger) (err error) {
	if b.Scheduler == nil {
		b.Scheduler = schedule.New(l, b.zone)
		if b.changed, err = k.LastChange(ctx); err != nil {
			return err
		}
	}
	b.Scheduler.SetLedger(l)
	running := map[string]bool{}
	for _, w := range works {
		running[w.Name] = true
		if err := b.enter(ctx, k, w); err != nil {
			return err
		}
	}
	b.leave(running)
	rows, last, err := k.Changed(ctx, b.changed)
	if err != nil {
		return err
	}
	b.changed = last
	for i := range rows {
		b.put(&rows[i])
	}
	return b.settle(ctx, k)
}

// enter takes a shift in, with all its rows where they are not known.
func (b *Board) enter(ctx context.Context, k *keep.Tx, w *keep.Work) error {
	if b.digests[w.Name] == w.Digest {
		if known, _ := b.Scheduler.Shift(w.Name); !reflect.DeepEqual(known, w.Shift) {
			b.Scheduler.SetShift(w.Shift)
		}
		return nil
	}
	rows, err := k.Rows(ctx, w.Name)
	if err != nil {
		return err
	}
	if err := b.Scheduler.Add(w.Shift, w.Manifest, rows); err != nil {
		return err
	}
	b.digests[w.Name] = w.Digest
	for i := range rows {
		b.glance(&rows[i])
	}
	return nil
}

// leave lets go of the shifts that do not run.
func (b *Board) leave(running map[string]bool) {
	for name := range b.digests {
		if running[name] {
			continue
		}
		b.Scheduler.Remove(name)
		delete(b.digests, name)
		for key := range b.rows {
			if key.Shift == name {
				delete(b.rows, key)
			}
		}
	}
}

// settle looks at the rows in doubt.
func (b *Board) settle(ctx context.Context, k *keep.Tx) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key := range b.doubts {
		row, err := k.Row(ctx, key)
		if err != nil {
			return err
		}
		b.put(&row)
	}
	clear(b.doubts)
	return nil
}

// put takes a row in as it is now.
func (b *Board) put(row *fleet.Row) {
	if b.digests[row.Key.Shift] == "" {
		return
	}
	b.Scheduler.Put(row)
	b.glance(row)
}

func (b *Board) glance(row *fleet.Row) {
	g := b.rows[row.Key]
	if g == nil {
		g = &glance{}
		b.rows[row.Key] = g
	}
	g.doing, g.notBefore = row.Doing, row.NotBefore
	g.over = row.Unmatched || row.State.Terminal() || row.State == fleet.Merged
	g.out = false
	if row.PR.HeadSHA == "" || row.Doing != "" {
		return
	}
	switch row.State {
	case fleet.Pushed, fleet.CIPending, fleet.CIFailed, fleet.RevertProposed:
		g.out = true
	default:
		g.out = row.PR.Open
	}
}

// Unseen returns rows that nobody has looked at, at the forge, for a while.
func (b *Board) Unseen(now time.Time, every time.Duration) (keys []fleet.Key) {
	for key, g := range b.rows {
		if len(keys) == maxPolls {
			break
		}
		if g.looked.IsZero() {
			g.looked = now
		}
		if g.out && now.Sub(g.looked) > every {
			g.looked = now
			keys = append(keys, key)
		}
	}
	return keys
}

// Lost returns the rows whose act should have ended by now.
func (b *Board) Lost(ctx context.Context, k *keep.Tx) (rows []fleet.Row, err error) {
	for key, g := range b.rows {
		if g.doing == "" || g.doing == fleet.ActRun || k.Now.Sub(g.notBefore) <= overdue {
			continue
		}
		row, err := k.Row(ctx, key)
		if err != nil {
			return nil, err
		}
		g.notBefore = k.Now
		rows = append(rows, row)
	}
	return rows, nil
}

// Finished reports whether nothing of a shift is left to do. One that looks
// for its targets again and again takes its time to be sure.
func (b *Board) Finished(w *keep.Work, now time.Time) bool {
	if s := w.Manifest.Spec.Schedule; s != nil {
		return s.Until == "done" && w.Complete(now)
	}
	for key, g := range b.rows {
		if key.Shift == w.Name && !g.over {
			return false
		}
	}
	return true
}
