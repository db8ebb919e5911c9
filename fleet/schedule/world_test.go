package schedule_test

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"honk/fleet"
	"honk/fleet/ledger"
	"honk/fleet/life"
	"honk/fleet/manifest"
	"honk/fleet/schedule"
	"honk/fleet/signature"
	"honk/internal/task"
)

// world is forge, workers and people, with a clock that jumps.
type world struct {
	t      *testing.T
	rng    *rand.Rand
	now    time.Time
	start  time.Time
	events events
	seq    int
	steps  int
	delay  time.Duration // Until a granted write is due.

	sched  *schedule.Scheduler
	ledger *ledger.Ledger
	shifts map[string]*shift
	rows   map[fleet.Key]*target

	ownerOpen, repoOpen map[string]int
	repoMerging         map[string]int
	writes              []time.Time
	scheduled           time.Time
	number              int
	grants              int
	eta                 map[fleet.Key]time.Time
	etaErrors           []float64
	// bound are the limits that were reached.
	bound map[string]bool
}

// shift is one of those in competition, with what the world sees of it.
type shift struct {
	m                     *manifest.Manifest
	policy                fleet.Policy
	open, checking, runs  int
	opens, pushes, merges []time.Time
	left                  int
	done                  time.Time
	estimates             []time.Duration // Guessed remaining time, by day.
	halts                 int
}

// target is a row, and what the world knows better.
type target struct {
	row      fleet.Row
	open     bool
	checking bool
	run      int // Counts runs: the end of a cancelled one is not told.
	ci       int // 0 on branches, 1 on pull requests only, 2 none.
	head     int
	fate     float64
}

type event struct {
	at  time.Time
	seq int
	do  func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at.Before(e[j].at) || e[i].at.Equal(e[j].at) && e[i].seq < e[j].seq
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	last := old[len(old)-1]
	old[len(old)-1] = event{}
	*e = old[:len(old)-1]
	return last
}

func (w *world) after(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.events, event{w.now.Add(d), w.seq, do})
}

// about returns a time of an exponential distribution around a mean.
func (w *world) about(mean time.Duration) time.Duration {
	return time.Duration(w.rng.ExpFloat64()*float64(mean)) + time.Second
}

func (w *world) chance(p float64) bool { return w.rng.Float64() < p }

// step tells a row something, does what follows and asserts the limits.
func (w *world) step(t *target, f fleet.Facts) {
	s := w.shifts[t.row.Key.Shift]
	was := t.row.Ended(&s.policy)
	row, moves, effects := life.Step(t.row, f, s.policy, w.now)
	t.row = row
	for _, m := range moves {
		if m.From == m.To || m.Cause == "" {
			w.t.Fatalf("transition %+v", m)
		}
	}
	if is := row.Ended(&s.policy); is != was {
		if is {
			s.left--
			s.done = w.now
		} else {
			s.left++
		}
	}
	for _, e := range effects {
		w.act(t, e)
	}
	w.look(t, moves)
	w.sched.Put(&t.row)
	if !t.row.Due.IsZero() {
		due := t.row.Due
		w.after(due.Sub(w.now), func() {
			if t.row.Due.Equal(due) {
				w.step(t, fleet.Facts{Cause: "timer"})
			}
		})
	}
	w.check(t)
	w.wake(time.Minute)
}

// wake schedules soon; once is enough.
func (w *world) wake(d time.Duration) {
	at := w.now.Add(d)
	if w.scheduled.After(w.now) && !at.Before(w.scheduled) {
		return
	}
	w.scheduled = at
	w.after(d, func() {
		if w.now.Equal(w.scheduled) {
			w.schedule()
		}
	})
}

func (w *world) schedule() {
	d := w.sched.Schedule(w.now)
	for _, g := range d.Grants {
		t := w.rows[g.Key]
		w.grants++
		if eta, ok := w.eta[g.Key]; ok {
			w.etaErrors = append(w.etaErrors, w.now.Sub(eta).Hours())
			delete(w.eta, g.Key)
		}
		w.delay = g.At.Sub(w.now)
		w.step(t, fleet.Facts{Cause: "schedule", Grant: g.Act})
		w.delay = 0
		if t.row.Doing != g.Act {
			w.t.Fatalf("%v was granted %s and does %q", g.Key, g.Act, t.row.Doing)
		}
	}
	for _, h := range d.Halts {
		s := w.shifts[h.Shift]
		s.halts++
		if len(h.Samples) == 0 || h.Reason == "" {
			w.t.Errorf("halt without a reason or samples: %+v", h)
		}
		w.after(2*time.Hour, func() { w.resume(h.Shift) })
	}
	if d.Next.After(w.now) {
		w.wake(d.Next.Sub(w.now))
	}
}

// resume is a person who restarts a shift.
func (w *world) resume(name string) {
	s, _ := w.sched.Shift(name)
	s.Phase, s.Reason, s.ResumedAt = fleet.PhaseRunning, "", w.now
	w.sched.SetShift(s)
	w.wake(time.Second)
}

// tell is a fact that reaches the row later, if it still makes sense then.
func (w *world) tell(d time.Duration, t *target, f func() (fleet.Facts, bool)) {
	w.after(d, func() {
		if facts, ok := f(); ok {
			w.step(t, facts)
		}
	})
}

// act does an effect.
func (w *world) act(t *target, e fleet.Effect) {
	s := w.shifts[t.row.Key.Shift]
	switch e.Kind {
	case fleet.EffectRun, fleet.EffectRegenerate:
		t.run++
		s.runs++
		run := t.run
		w.tell(min(w.about(5*time.Minute), 15*time.Minute), t, func() (fleet.Facts, bool) {
			if run != t.run {
				return fleet.Facts{}, false
			}
			t.run++
			s.runs--
			return fleet.Facts{Cause: "task", Task: w.ran(e.Redo)}, true
		})
	case fleet.EffectCancel:
		t.run++
		s.runs--
	case fleet.EffectPush, fleet.EffectOpen, fleet.EffectReady, fleet.EffectUpdate, fleet.EffectMerge, fleet.EffectClose,
		fleet.EffectRemind, fleet.EffectEscalate, fleet.EffectRevert:
		w.write(t, e)
	case fleet.EffectHalt:
		shift, _ := w.sched.Shift(t.row.Key.Shift)
		if shift.Phase == fleet.PhaseRunning {
			shift.Phase, shift.Reason = fleet.PhaseHalted, e.Text
			w.sched.SetShift(shift)
			s.halts++
			w.after(time.Hour, func() { w.resume(shift.Name) })
		}
		fallthrough
	case fleet.EffectAlert:
		w.tell(w.about(time.Hour), t, func() (fleet.Facts, bool) {
			return fleet.Facts{Cause: "person", Actor: "ada", Order: fleet.OrderRevert}, t.row.State == fleet.Regressed
		})
	case fleet.EffectSnooze:
		w.ledger.Pause(e.Until)
	}
}

// ran is how a run ends.
func (w *world) ran(redo fleet.Redo) *fleet.TaskFact {
	f := &fleet.TaskFact{ID: task.ID(fmt.Sprint(w.seq)), BaseSHA: fmt.Sprint("base", w.seq), CostUSD: 0.1}
	switch p := w.rng.Float64(); {
	case p < 0.80 || redo != fleet.RedoFresh && p < 0.95:
		f.Ending = fleet.EndChanged
		f.Change = fleet.Change{Patch: "p", Shape: "s", Exact: "e", Lines: 3 + w.rng.IntN(250)}
	case p < 0.87:
		f.Ending = fleet.EndClean
	case p < 0.90:
		f.Ending = fleet.EndSkip
	case p < 0.95:
		f.Ending = fleet.EndFailed
		f.Signature = signature.Of(fmt.Sprintf("error: cause %c", 'a'+rune(w.rng.IntN(26))))
	case p < 0.97:
		f.Ending = fleet.EndVerify
		f.Signature = signature.Of(fmt.Sprintf("FAIL: test %c", 'a'+rune(w.rng.IntN(26))))
	case p < 0.98:
		f.Ending = fleet.EndBase
	case p < 0.99:
		f.Ending = fleet.EndHuman
	default:
		f.Ending = fleet.EndCancelled
	}
	return f
}

// write is a call of the forge: it takes a moment and may fail.
func (w *world) write(t *target, e fleet.Effect) {
	s := w.shifts[t.row.Key.Shift]
	act := fleet.Act(e.Kind)
	w.after(w.delay, func() {
		w.writes = append(w.writes, w.now)
		w.limits(t, act)
	})
	if act == fleet.ActMerge {
		w.repoMerging[t.row.Key.Repo]++
	}
	w.tell(w.delay+2*time.Second, t, func() (fleet.Facts, bool) {
		d := &fleet.DoneFact{Act: act, Draft: e.Draft}
		if act == fleet.ActMerge {
			w.repoMerging[t.row.Key.Repo]--
		}
		switch p := w.rng.Float64(); {
		case t.row.Doing != act:
			return fleet.Facts{}, false // A person was faster.
		case p < 0.004:
			d.Fail, d.Until = fleet.FailLimited, w.now.Add(time.Duration(1+w.rng.IntN(10))*time.Minute)
		case p < 0.006:
			d.Fail = fleet.FailGone
		case p < 0.012:
			d.Fail = fleet.FailBroken
		case p < 0.03 && act == fleet.ActPush:
			d.Fail = fleet.FailMoved
		case p < 0.02 && act == fleet.ActMerge:
			d.Fail = []fleet.Failure{fleet.FailConflict, fleet.FailRefused, fleet.FailMoved}[w.rng.IntN(3)]
		default:
			w.wrote(t, s, d)
		}
		if d.Fail == fleet.FailGone {
			w.closed(t)
			w.unchecked(t)
		}
		return fleet.Facts{Cause: "forge", Done: d}, true
	})
}

// wrote is a call that succeeds, and what comes of it.
func (w *world) wrote(t *target, s *shift, d *fleet.DoneFact) {
	switch d.Act {
	case fleet.ActPush:
		t.head++
		d.SHA, d.Branch = fmt.Sprint("head", t.head), "honk/"+t.row.Key.Repo
		if t.ci == 0 || t.ci == 1 && t.open {
			w.checks(t, s)
		}
	case fleet.ActOpen:
		w.number++
		d.Number = w.number
		w.opened(t, s)
		if t.ci == 1 {
			w.checks(t, s)
		}
		w.people(t)
	case fleet.ActMerge, fleet.ActClose:
		d.SHA = "merged"
		w.closed(t)
	case fleet.ActRevert:
		d.Number = 1
		w.tell(w.about(6*time.Hour), t, func() (fleet.Facts, bool) {
			return fleet.Facts{Cause: "webhook", PR: &fleet.PRFact{Revert: task.PullRequestMerged}}, true
		})
	default:
	}
}

// checks are those of a new head: they run, and end.
func (w *world) checks(t *target, s *shift) {
	head := fmt.Sprint("head", t.head)
	if !t.checking {
		t.checking = true
		s.checking++
	}
	tell := func(d time.Duration, f fleet.ChecksFact) {
		f.HeadSHA = head
		w.tell(d, t, func() (fleet.Facts, bool) {
			if fmt.Sprint("head", t.head) != head {
				return fleet.Facts{}, false
			}
			if f.State != fleet.ChecksRunning && t.checking {
				t.checking = false
				s.checking--
			}
			return fleet.Facts{Cause: "webhook", Checks: &f}, true
		})
	}
	tell(20*time.Second, fleet.ChecksFact{State: fleet.ChecksRunning})
	end := fleet.ChecksFact{State: fleet.ChecksPassed, Green: 1 + w.rng.IntN(3)}
	if w.chance(0.08) {
		end = fleet.ChecksFact{State: fleet.ChecksFailed, OnlyOld: w.chance(0.3), Signature: signature.Of(fmt.Sprintf("error: red %c", 'a'+rune(w.rng.IntN(26))))}
	}
	tell(time.Minute+min(w.about(15*time.Minute), 2*time.Hour), end)
}

func (w *world) opened(t *target, s *shift) {
	t.open = true
	s.open++
	w.ownerOpen[t.row.Owner]++
	w.repoOpen[t.row.Key.Repo]++
}

func (w *world) closed(t *target) {
	if !t.open {
		return
	}
	s := w.shifts[t.row.Key.Shift]
	t.open = false
	s.open--
	w.ownerOpen[t.row.Owner]--
	w.repoOpen[t.row.Key.Repo]--
	w.unchecked(t)
}

// unchecked ends the checks that run: nobody sees what they say.
func (w *world) unchecked(t *target) {
	if t.checking {
		t.checking = false
		w.shifts[t.row.Key.Shift].checking--
		t.head += 1000
	}
}
