package schedule_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"honk/fleet"
	"honk/fleet/ledger"
	"honk/fleet/manifest"
	"honk/fleet/schedule"
	"honk/fleet/signature"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// bench is a scheduler with one shift of n rows in two waves of ten and the
// rest.
type bench struct {
	t     *testing.T
	sched *schedule.Scheduler
	rows  []fleet.Row
	now   time.Time
}

func newBench(t *testing.T, n int, spec string, change func(int, *fleet.Row)) *bench {
	t.Helper()
	text := `apiVersion: honk/v1
kind: Shift
metadata: {name: s}
spec:
  targets: {repos: [acme/api]}
  pullRequest: {title: T}
  transform: {script: {text: "true"}}
` + spec
	if strings.Contains(spec, "prompt:") {
		text = strings.Replace(text, `  transform: {script: {text: "true"}}`+"\n", "", 1)
	}
	m, err := manifest.Parse("s", []byte(text), manifest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, sched: schedule.New(ledger.New(ledger.GitHub(), nil, time.Time{}), nil), now: noon}
	for i := range n {
		r := fleet.Row{Key: fleet.Key{Shift: "s", Repo: fmt.Sprintf("acme/r%02d", i)}, Place: i, State: fleet.Eligible, Want: fleet.ActRun}
		if i >= 10 {
			r.Wave = 1
		}
		if change != nil {
			change(i, &r)
		}
		b.rows = append(b.rows, r)
	}
	shift := fleet.Shift{Name: "s", Phase: fleet.PhaseRunning}
	if err := b.sched.Add(shift, m, b.rows); err != nil {
		t.Fatal(err)
	}
	return b
}

// set changes a row.
func (b *bench) set(i int, change func(*fleet.Row)) {
	change(&b.rows[i])
	b.sched.Put(&b.rows[i])
}

func (b *bench) shift(change func(*fleet.Shift)) {
	s, _ := b.sched.Shift("s")
	change(&s)
	b.sched.SetShift(s)
}

func (b *bench) waits() string {
	kinds := map[string]int{}
	for _, w := range b.sched.Waits(b.now) {
		kinds[string(w.Wait.Kind)+": "+w.Wait.Reason]++
	}
	return fmt.Sprint(kinds)
}

const twoWaves = `  rollout:
    waves:
      - {name: canary, count: 10, gate: {maxCIFailPercent: 20, soak: 1h, approve: true}}
      - {name: rest, percent: 100}
`

func merged(r *fleet.Row) {
	r.State, r.Want, r.SettledAt, r.CI.State = fleet.Merged, "", noon, fleet.ChecksPassed
}

func TestSchedule_gate(t *testing.T) {
	t.Parallel()
	b := newBench(t, 30, twoWaves, nil)
	d := b.sched.Schedule(b.now)
	if len(d.Grants) != 8 {
		t.Fatalf("%d grants, want one for each worker", len(d.Grants))
	}
	for _, g := range d.Grants {
		if g.Act != fleet.ActRun || g.Key.Repo >= "acme/r10" {
			t.Errorf("grant %+v of the second wave", g)
		}
	}
	for i := range 7 {
		b.set(i, merged)
	}
	if d := b.sched.Schedule(b.now); len(d.Starts) > 0 || !strings.Contains(b.sched.GateReason("s", b.now), "7 of 10 targets") {
		t.Errorf("starts %+v, gate %q", d.Starts, b.sched.GateReason("s", b.now))
	}
	for i := 7; i < 10; i++ {
		b.set(i, func(r *fleet.Row) { r.State, r.Want, r.CI.State = fleet.CIFailed, "", fleet.ChecksFailed })
	}
	if got := b.sched.GateReason("s", b.now); got != "3 of 10 failed, and at most 20 % may" {
		t.Errorf("gate = %q", got)
	}
	b.set(9, merged)
	d = b.sched.Schedule(b.now)
	if len(d.Starts) > 0 || !d.Next.Equal(b.now.Add(time.Hour)) {
		t.Errorf("it does not soak: %+v", d)
	}
	b.now = b.now.Add(time.Hour)
	if d := b.sched.Schedule(b.now); len(d.Starts) > 0 || !strings.Contains(b.sched.GateReason("s", b.now), "owner has not approved") {
		t.Errorf("not approved: %+v", d)
	}
	if got := b.waits(); !strings.Contains(got, "wave: wave rest has not started: the owner has not approved") {
		t.Errorf("waits = %s", got)
	}
	b.shift(func(s *fleet.Shift) { s.Approved = []string{"canary"} })
	d = b.sched.Schedule(b.now)
	if len(d.Starts) != 1 || d.Starts[0] != (schedule.Start{Shift: "s", Wave: 1, Name: "rest"}) || len(d.Grants) != 8 {
		t.Errorf("approved: %+v", d)
	}
	// What has started stays started.
	b.set(0, func(r *fleet.Row) { r.State, r.CI.State = fleet.CIFailed, fleet.ChecksFailed })
	b.sched.Schedule(b.now)
	if s, _ := b.sched.Shift("s"); s.Wave != 1 {
		t.Errorf("wave = %d", s.Wave)
	}
}

func TestSchedule_stop(t *testing.T) {
	t.Parallel()
	fail := func(cause string) func(*fleet.Row) {
		return func(r *fleet.Row) {
			r.State, r.Want, r.SettledAt, r.Signature = fleet.TransformFailed, "", noon, signature.Of("error: "+cause)
		}
	}
	tests := map[string]struct {
		rows   func(i int) func(*fleet.Row)
		reason string
	}{
		"all well": {func(int) func(*fleet.Row) { return merged }, ""},
		"too few to tell": {func(i int) func(*fleet.Row) {
			return map[bool]func(*fleet.Row){true: fail(fmt.Sprint('a' + i)), false: func(*fleet.Row) {}}[i < 3]
		}, ""},
		"a third fails": {func(i int) func(*fleet.Row) {
			if i%3 == 0 {
				return fail(string(rune('a' + i)))
			}
			return merged
		}, "failed"},
		"one cause": {func(i int) func(*fleet.Row) {
			if i < 5 {
				return fail("out of memory")
			}
			return func(*fleet.Row) {}
		}, "5 targets fail with one cause"},
		"broken bases do not count": {func(int) func(*fleet.Row) {
			return func(r *fleet.Row) { r.State, r.Want, r.SettledAt = fleet.BaseBroken, "", noon }
		}, ""},
		"reverted": {func(i int) func(*fleet.Row) {
			if i == 19 {
				return func(r *fleet.Row) { r.State, r.Want, r.SettledAt = fleet.Reverted, "", noon }
			}
			return merged
		}, "were taken back"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 30, "  rollout: {waves: [{name: all, percent: 100}]}\n", nil)
			for i := range 20 {
				b.set(i, tt.rows(i))
			}
			d := b.sched.Schedule(b.now)
			if tt.reason == "" {
				if len(d.Halts) > 0 {
					t.Fatalf("halts: %+v", d.Halts)
				}
				return
			}
			if len(d.Halts) != 1 || !strings.Contains(d.Halts[0].Reason, tt.reason) || len(d.Halts[0].Samples) == 0 || len(d.Grants) > 0 {
				t.Fatalf("decision = %+v, want a halt for %q", d, tt.reason)
			}
			if s, _ := b.sched.Shift("s"); s.Phase != fleet.PhaseHalted || s.Reason == "" {
				t.Errorf("shift = %+v", s)
			}
			if d := b.sched.Schedule(b.now); len(d.Grants)+len(d.Halts) > 0 {
				t.Errorf("a halted shift acts: %+v", d)
			}
			b.now = b.now.Add(time.Hour)
			b.shift(func(s *fleet.Shift) { s.Phase, s.ResumedAt = fleet.PhaseRunning, b.now })
			if d := b.sched.Schedule(b.now); len(d.Halts) > 0 || len(d.Grants) == 0 {
				t.Errorf("after a person resumed it: %+v", d)
			}
		})
	}
}

func TestSchedule_caps(t *testing.T) {
	t.Parallel()
	push := func(r *fleet.Row) { r.State, r.Want = fleet.Ready, fleet.ActPush }
	tests := map[string]struct {
		limits string
		rows   func(i int, r *fleet.Row)
		grants int
		wait   string
	}{
		"pushes": {"burst: 4", func(_ int, r *fleet.Row) { push(r) }, 4, "limit: 60 pushes an hour"},
		"open": {"openPRs: 7, burst: 50", func(i int, r *fleet.Row) {
			if push(r); i < 5 {
				r.State, r.Want, r.PR = fleet.Open, "", fleet.PR{Number: 1, Open: true}
			}
		}, 2, "limit: 7 of 7 pull requests are open"},
		"checks": {"pendingCI: 3, burst: 50", func(i int, r *fleet.Row) {
			if push(r); i == 0 {
				r.State, r.Want = fleet.CIPending, ""
			}
		}, 2, "limit: 3 of 3 pull requests await their checks"},
		"owners":       {"perOwnerOpen: 2, burst: 50", func(i int, r *fleet.Row) { push(r); r.Owner = fmt.Sprint("team-", i%2) }, 4, "limit: 2 of 2 pull requests are open for team-1"},
		"repositories": {"burst: 50", func(_ int, r *fleet.Row) { push(r); r.Key.Unit = r.Key.Repo; r.Key.Repo = "acme/mono" }, 1, "limit: 1 of 1 pull requests are open in acme/mono"},
		"workers":      {"workers: 3", func(int, *fleet.Row) {}, 3, "limit: 3 of 3 workers are busy"},
		"merges":       {"workers: 3", func(_ int, r *fleet.Row) { r.State, r.Want = fleet.MergeQueued, fleet.ActMerge }, 1, "limit: 40 merges an hour"},
		"not before":   {"workers: 3", func(_ int, r *fleet.Row) { r.NotBefore = noon.Add(time.Hour) }, 0, "limit: tried again later"},
		"windows":      {"workers: 3}\n    windows: [{from: \"09:00\", to: \"11:00\"}", func(_ int, r *fleet.Row) { r.State, r.Want = fleet.CIPassed, fleet.ActOpen }, 0, "window: outside the window"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			closing := "}\n"
			if strings.Contains(tt.limits, "windows") {
				closing = "]\n"
			}
			b := newBench(t, 20, "  rollout:\n    waves: [{name: all, percent: 100}]\n    limits: {"+tt.limits+closing, func(i int, r *fleet.Row) { r.Wave = 0; tt.rows(i, r) })
			d := b.sched.Schedule(b.now)
			if len(d.Grants) != tt.grants {
				t.Errorf("%d grants, want %d", len(d.Grants), tt.grants)
			}
			if got := b.waits(); !strings.Contains(got, tt.wait) {
				t.Errorf("waits = %s, want %q", got, tt.wait)
			}
			for i := 1; i < len(d.Grants); i++ {
				if d.Grants[i].Act != fleet.ActRun && d.Grants[i].At.Sub(d.Grants[i-1].At) < time.Second {
					t.Errorf("two writes at %v and %v", d.Grants[i-1].At, d.Grants[i].At)
				}
			}
			if again := b.sched.Schedule(b.now); len(again.Grants) > 0 {
				t.Errorf("granted once more: %+v", again.Grants)
			}
		})
	}
}

func TestSchedule_phases(t *testing.T) {
	t.Parallel()
	for _, phase := range []fleet.Phase{fleet.PhasePlanned, fleet.PhasePaused, fleet.PhaseCompleted, fleet.PhaseHalted} {
		b := newBench(t, 12, "", func(i int, r *fleet.Row) {
			if i == 0 {
				r.State, r.Want = fleet.Regressed, fleet.ActRevert
			}
		})
		b.shift(func(s *fleet.Shift) { s.Phase, s.Reason = phase, "why" })
		want := 0
		if phase == fleet.PhaseHalted {
			want = 1 // Only what takes back.
		}
		if d := b.sched.Schedule(b.now); len(d.Grants) != want {
			t.Errorf("%s: %+v", phase, d.Grants)
		}
		if got := b.waits(); !strings.Contains(got, "paused: ") {
			t.Errorf("%s: waits = %s", phase, got)
		}
	}
}

func TestSchedule_budget(t *testing.T) {
	t.Parallel()
	b := newBench(t, 9, "  transform: {prompt: {text: x, limits: {costPerTarget: 2, costTotal: 10}}}\n", nil)
	b.shift(func(s *fleet.Shift) { s.SpentUSD = 5 })
	if d := b.sched.Schedule(b.now); len(d.Grants) != 2 {
		t.Errorf("%d runs for 5 dollars of 2 each", len(d.Grants))
	}
	if got := b.waits(); !strings.Contains(got, "budget: 5.00 of 10.00 dollars are spent or taken") {
		t.Errorf("waits = %s", got)
	}
}

func TestSchedule_urgentFirst(t *testing.T) {
	t.Parallel()
	b := newBench(t, 20, twoWaves, func(i int, r *fleet.Row) { r.Urgent = i == 9 || i == 15 })
	d := b.sched.Schedule(b.now)
	if len(d.Grants) != 8 || d.Grants[0].Key.Repo != "acme/r09" || d.Grants[1].Key.Repo != "acme/r00" {
		t.Errorf("grants = %+v", d.Grants)
	}
}

func TestSchedule_pausedIdentity(t *testing.T) {
	t.Parallel()
	b := newBench(t, 5, "", func(_ int, r *fleet.Row) { r.State, r.Want = fleet.Ready, fleet.ActPush })
	l := ledger.New(ledger.GitHub(), nil, noon.Add(10*time.Minute))
	m, err := manifest.Parse("s", []byte("apiVersion: honk/v1\nkind: Shift\nmetadata: {name: s}\nspec: {targets: {repos: [a/b]}, transform: {script: {text: x}}, pullRequest: {title: T}}\n"), manifest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b.sched = schedule.New(l, nil)
	if err := b.sched.Add(fleet.Shift{Name: "s", Phase: fleet.PhaseRunning}, m, b.rows); err != nil {
		t.Fatal(err)
	}
	d := b.sched.Schedule(b.now)
	if len(d.Grants) > 0 || d.Next.Before(noon.Add(9*time.Minute)) || d.Next.After(noon.Add(10*time.Minute)) {
		t.Errorf("decision = %+v", d)
	}
	if got := b.waits(); !strings.Contains(got, "budget: the forge allows no more just now") {
		t.Errorf("waits = %s", got)
	}
}
