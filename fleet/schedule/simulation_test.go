package schedule_test

import (
	"container/heap"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"honk/fleet"
	"honk/fleet/ledger"
	"honk/fleet/manifest"
	"honk/fleet/schedule"
	"honk/fleet/wave"
)

var (
	simTargets = flag.Int("sim.targets", 10_000, "how many targets the simulation has")
	simSeed    = flag.Uint64("sim.seed", 1, "seed of the simulation")
)

const simDays = 40

// simShifts are in competition for one budget; the share is of all targets.
var simShifts = []struct {
	share int
	yaml  string
}{
	{50, `apiVersion: honk/v1
kind: Shift
metadata: {name: script-auto}
spec:
  targets: {repos: [acme/api], limit: 20000}
  transform: {script: {text: "true"}}
  rollout:
    waves:
      - {name: canary, count: 20, gate: {mergedPercent: 50, maxCIFailPercent: 60, soak: 2h, approve: true}}
      - {name: early, percent: 10, gate: {maxCIFailPercent: 60, soak: 1d}}
      - {name: rest, percent: 100}
    limits: {workers: 40, openPRs: 400, pendingCI: 60, prsPerHour: 250, burst: 60, perOwnerOpen: 5}
  pullRequest: {title: Script, stale: {remindAfter: 2d, closeAfter: 4d}, reviewers: {escalateAfter: 1d}}
  merge: {mode: auto, perHour: 120}
`},
	{30, `apiVersion: honk/v1
kind: Shift
metadata: {name: script-manual}
spec:
  targets: {repos: [acme/api], limit: 20000}
  transform: {script: {text: "true"}}
  rollout:
    waves:
      - {name: canary, count: 20, gate: {minHealthyPercent: 60, soak: 2h}}
      - {name: rest, percent: 100}
    limits: {workers: 16, openPRs: 400, pendingCI: 40, prsPerHour: 150, burst: 40, perOwnerOpen: 5}
    windows: [{days: [mon, tue, wed, thu, fri], from: "07:00", to: "18:00", for: [open, merge]}]
  pullRequest: {title: Script, rebase: behind, stale: {remindAfter: 2d, closeAfter: 4d}}
  health: {window: 1d}
`},
	{20, `apiVersion: honk/v1
kind: Shift
metadata: {name: prompt}
spec:
  targets: {repos: [acme/api], limit: 20000}
  transform: {prompt: {text: Do it}}
  rollout:
    limits: {workers: 24, openPRs: 300, pendingCI: 15, prsPerHour: 120, burst: 20, perOwnerOpen: 5}
  pullRequest: {title: Prompt, publish: ready, stale: {closeAfter: 4d}}
  merge: {mode: on_approval, perHour: 20}
`},
}

func newWorld(t *testing.T, targets int, seed uint64) *world {
	start := time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)
	w := &world{
		t: t, rng: rand.New(rand.NewPCG(seed, 7)), now: start, start: start, //nolint:gosec // A seed makes it repeat.
		ledger: ledger.New(ledger.GitHub(), nil, time.Time{}), shifts: map[string]*shift{},
		rows: map[fleet.Key]*target{}, ownerOpen: map[string]int{}, repoOpen: map[string]int{},
		repoMerging: map[string]int{}, eta: map[fleet.Key]time.Time{}, bound: map[string]bool{},
	}
	w.sched = schedule.New(w.ledger, nil)
	repos := targets * 2 / 3
	for _, c := range simShifts {
		m, err := manifest.Parse("shift.yaml", []byte(c.yaml), manifest.Options{})
		if err != nil {
			t.Fatal(err)
		}
		n := targets * c.share / 100
		s := &shift{m: m, policy: fleet.PolicyOf(m), left: n}
		w.shifts[m.Metadata.Name] = s
		members := make([]wave.Member, n)
		for i, repo := range w.rng.Perm(repos)[:n] {
			members[i] = wave.Member{Repo: fmt.Sprintf("acme/r%d", repo), Owner: fmt.Sprintf("team-%d", repo%max(repos/20, 1))}
		}
		waves := m.Spec.Rollout.Waves
		if len(waves) == 0 {
			waves = wave.Default(n)
		}
		in, place := wave.Assign(m.Spec.Rollout, waves, 7, members)
		rows := make([]fleet.Row, n)
		for i, member := range members {
			rows[i] = fleet.Row{
				Key: fleet.Key{Shift: m.Metadata.Name, Repo: member.Repo}, Owner: member.Owner,
				Wave: in[i], Place: place[i], State: fleet.Pending, Since: start, CreatedAt: start,
			}
			ci := []int{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2}[w.rng.IntN(20)]
			w.rows[rows[i].Key] = &target{row: rows[i], ci: ci}
		}
		shift := fleet.Shift{Name: m.Metadata.Name, Generation: 1, Phase: fleet.PhaseRunning, Approved: []string{"canary"}}
		if err := w.sched.Add(shift, m, rows); err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			target := w.rows[rows[i].Key]
			w.after(time.Duration(i)*100*time.Millisecond, func() {
				f := &fleet.TargetFact{BaseSHA: "base"}
				switch p := w.rng.Float64(); {
				case p < 0.01:
					f.Gone = "archived"
				case p < 0.02:
					f.OptOut = true
				case p < 0.04:
					f.Unmet = "go.mod does not exist"
				}
				f.NoAutomerge = w.chance(0.02)
				w.step(target, fleet.Facts{Cause: "look", Target: f})
			})
		}
	}
	return w
}

// daily writes down what is guessed, and tells the rows why they wait.
func (w *world) daily() {
	for name, s := range w.shifts {
		done, left := w.sched.Estimate(name, w.now)
		if left != s.left {
			w.t.Fatalf("%s: %d rows left, the scheduler counts %d", name, s.left, left)
		}
		s.estimates = append(s.estimates, done.Sub(w.now))
	}
	for i, wait := range w.sched.Waits(w.now) {
		if wait.Wait.Reason == "" || wait.Wait.Kind == "" {
			w.t.Fatalf("waits without a reason: %+v", wait)
		}
		if i%7 == 0 && !wait.Wait.ETA.IsZero() {
			w.eta[wait.Key] = wait.Wait.ETA
		}
		if t := w.rows[wait.Key]; t.row.Want == fleet.ActRun && t.row.Wait != wait.Wait {
			w.step(t, fleet.Facts{Cause: "schedule", Wait: &wait.Wait})
		}
	}
	w.after(24*time.Hour, w.daily)
}

func TestSimulation(t *testing.T) {
	t.Parallel()
	began := time.Now()
	w := newWorld(t, *simTargets, *simSeed)
	w.after(24*time.Hour, w.daily)
	end := w.start.Add(simDays * 24 * time.Hour)
	for w.events.Len() > 0 {
		e := heap.Pop(&w.events).(event)
		if e.at.After(end) {
			break
		}
		w.now = e.at
		e.do()
	}
	states, stuck := map[fleet.State]int{}, 0
	for _, target := range w.rows {
		states[target.row.State]++
		policy := w.shifts[target.row.Key.Shift].policy
		if !target.row.Ended(&policy) {
			if stuck++; stuck <= 5 {
				t.Errorf("%v has not ended: %+v", target.row.Key, target.row)
			}
		}
	}
	if stuck > 0 {
		t.Errorf("%d rows have not ended", stuck)
	}
	for _, state := range []fleet.State{fleet.Merged, fleet.Healthy, fleet.Closed, fleet.Skipped, fleet.Unreachable, fleet.NoChange} {
		if states[state] == 0 && *simTargets >= 1000 {
			t.Errorf("no row ended in %s", state)
		}
	}
	t.Logf("%d targets, %d events, %d grants, %d writes in %v: %v", *simTargets, w.steps, w.grants, len(w.writes), time.Since(began).Round(time.Millisecond), states)
	for _, name := range []string{"workers", "openPRs", "pendingCI", "perOwnerOpen", "perRepoOpen", "merges in a repository", "writes in an hour"} {
		if !w.bound[name] && *simTargets >= 10_000 {
			t.Errorf("the limit of %s was never reached, so it was not put to the test", name)
		}
	}
	w.report()
}

// report prints how good the guesses were.
func (w *world) report() {
	for name, s := range w.shifts {
		text := ""
		for day, guess := range s.estimates {
			actual := s.done.Sub(w.start.Add(time.Duration(day+1) * 24 * time.Hour))
			if actual < 12*time.Hour {
				break
			}
			if day%3 == 0 {
				text += fmt.Sprintf(" day %d %+.0f%%", day+1, 100*(guess.Hours()-actual.Hours())/actual.Hours())
			}
		}
		w.t.Logf("%s: done after %.1f days, %d halts; ETA error:%s", name, s.done.Sub(w.start).Hours()/24, s.halts, text)
	}
	slices.SortFunc(w.etaErrors, func(a, b float64) int {
		if math.Abs(a) < math.Abs(b) {
			return -1
		}
		return 1
	})
	if n := len(w.etaErrors); n > 0 {
		w.t.Logf("ETA of %d waiting rows: half within %.1f h, nine tenths within %.1f h", n, math.Abs(w.etaErrors[n/2]), math.Abs(w.etaErrors[n*9/10]))
	}
}
