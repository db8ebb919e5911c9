package plan

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"honk/fleet"
	"honk/fleet/manifest"
	"honk/fleet/target"
	"honk/fleet/wave"
	"honk/internal/task"
)

// maxUngated is how many targets a prompt may reach in a single wave.
const maxUngated = 20

// Looked is a target with what a look at it said.
type Looked struct {
	Target target.Target
	// Gone says why it cannot be changed, Unmet which precondition does not
	// hold.
	Gone, Unmet string
	// OptOut and NoAutomerge are what its .honk.yaml says.
	OptOut, NoAutomerge bool
	// Text is the digest of what its pull request would say.
	Text string
}

// Input is what a plan is made from.
type Input struct {
	Manifest *manifest.Manifest
	// Agent names the model and the version of the agent.
	Agent   string
	Targets []Looked
	// Shift is the shift as it is; one of generation 0 is new.
	Shift fleet.Shift
	Rows  []fleet.Row
	// Rerun: targets are resolved anew by schedule, so what is done on a base
	// that has moved is done again.
	Rerun bool
	Now   time.Time
}

// Kind is what is done with a row.
type Kind string

// The kinds of operation.
const (
	Create Kind = "CREATE"
	Update Kind = "UPDATE"
	Rebase Kind = "REBASE"
	Close  Kind = "CLOSE"
	Keep   Kind = "KEEP"
	Noop   Kind = "NOOP"
	Skip   Kind = "SKIP"
)

// Op is what is done with one row.
type Op struct {
	Kind   Kind   `json:"kind"`
	Reason string `json:"reason,omitempty"`
	// Row is the row as it is to be stored; for NOOP as it is.
	Row fleet.Row `json:"row"`
	// Order is then told to life.Step, if not empty.
	Order fleet.Order `json:"order,omitempty"`
}

// Wave is a wave with the number of its rows that run.
type Wave struct {
	Name  string         `json:"name"`
	Rows  int            `json:"rows"`
	Runs  int            `json:"runs"`
	Gate  *manifest.Gate `json:"gate,omitempty"`
	First []string       `json:"first,omitempty"`
}

// Plan is what applying a manifest means.
type Plan struct {
	// Shift is the shift as it is to be stored.
	Shift  fleet.Shift  `json:"shift"`
	Ops    []Op         `json:"ops"`
	Counts map[Kind]int `json:"counts"`
	Waves  []Wave       `json:"waves"`
	// Runs is how many transforms run; MaxUSD what they cost at most, 0 for
	// nothing or no limit; Took a guess how long publishing takes.
	Runs   int           `json:"runs"`
	MaxUSD float64       `json:"max_usd,omitempty"`
	Took   time.Duration `json:"took_ns"`
}

// Changed reports whether applying the plan does anything.
func (plan *Plan) Changed() bool { return plan.Counts[Noop] != len(plan.Ops) }

// New returns the plan of a manifest. Its work grows with the targets and
// rows.
func New(in Input) (*Plan, error) {
	waves := in.Manifest.Spec.Rollout.Waves
	if len(waves) == 0 {
		waves = wave.Default(len(in.Targets))
	}
	if in.Manifest.Spec.Transform.Prompt != nil && len(waves) < 2 && len(in.Targets) > maxUngated {
		return nil, task.Errorf(task.CodeInvalid,
			"a prompt would reach %d targets in a single wave; at most %d may be, add a wave with a gate to spec.rollout.waves",
			len(in.Targets), maxUngated)
	}
	p := &planner{Input: in, recipe: Recipe(in.Manifest, in.Agent), policy: fleet.PolicyOf(in.Manifest)}
	p.same = in.Shift.Generation > 0 && in.Shift.Digest == in.Manifest.Digest
	plan := &Plan{Shift: p.shift(), Counts: map[Kind]int{}, Ops: make([]Op, 0, len(in.Targets))}
	p.generation = plan.Shift.Generation

	old := make(map[fleet.Key]*fleet.Row, len(in.Rows))
	for i := range in.Rows {
		old[folded(in.Rows[i].Key)] = &in.Rows[i]
	}
	members := make([]wave.Member, len(in.Targets))
	for i, t := range in.Targets {
		members[i] = wave.Member{Repo: t.Target.Repo, Unit: t.Target.Unit, Owner: t.Target.Owner, Traits: t.Target.Traits}
	}
	seed := wave.Seed(in.Manifest.Metadata.Name, in.Manifest.Spec.Rollout.Seed)
	in2wave, place := wave.Assign(in.Manifest.Spec.Rollout, waves, seed, members)
	seen := make(map[fleet.Key]bool, len(in.Targets))
	for i := range in.Targets {
		t := &in.Targets[i]
		key := fleet.Key{Shift: in.Manifest.Metadata.Name, Repo: t.Target.Repo, Unit: t.Target.Unit}
		if seen[folded(key)] {
			continue
		}
		seen[folded(key)] = true
		row, known := old[folded(key)]
		op := p.op(key, t, row)
		if !known || !p.same {
			op.Row.Wave, op.Row.Place = in2wave[i], place[i]
		}
		plan.Ops = append(plan.Ops, op)
	}
	for i := range in.Rows {
		if !seen[folded(in.Rows[i].Key)] {
			plan.Ops = append(plan.Ops, p.unmatched(in.Rows[i]))
		}
	}
	plan.sum(in.Manifest, waves)
	return plan, nil
}

// folded is the key of a row by which it is found: a forge takes a name in any
// case for the same.
func folded(key fleet.Key) fleet.Key {
	key.Repo = strings.ToLower(key.Repo)
	return key
}

// shift returns the shift as it will be. Another recipe begins with the
// canary again.
func (p *planner) shift() fleet.Shift {
	s := p.Shift
	if p.same {
		return s
	}
	if s.Recipe != p.recipe {
		s.Wave, s.Approved, s.GateSince = 0, nil, time.Time{}
	}
	s.Name, s.Digest, s.Recipe = p.Manifest.Metadata.Name, p.Manifest.Digest, p.recipe
	s.Generation++
	s.CleanSince = time.Time{}
	if s.Phase == "" || s.Phase == fleet.PhaseCompleted {
		s.Phase = fleet.PhasePlanned
	}
	if p.Manifest.Spec.Suspend {
		s.Phase, s.Reason = fleet.PhasePaused, "spec.suspend"
	}
	return s
}

// sum counts and guesses.
func (plan *Plan) sum(m *manifest.Manifest, waves []manifest.Wave) {
	plan.Waves = make([]Wave, len(waves))
	for i, w := range waves {
		plan.Waves[i] = Wave{Name: w.Name, Gate: w.Gate}
	}
	slices.SortFunc(plan.Ops, func(a, b Op) int {
		return cmp.Or(cmp.Compare(a.Row.Wave, b.Row.Wave), cmp.Compare(a.Row.Place, b.Row.Place),
			cmp.Compare(a.Row.Key.Repo, b.Row.Key.Repo), cmp.Compare(a.Row.Key.Unit, b.Row.Key.Unit))
	})
	for i := range plan.Ops {
		op := &plan.Ops[i]
		plan.Counts[op.Kind]++
		w := &plan.Waves[min(op.Row.Wave, len(waves)-1)]
		w.Rows++
		if op.Kind == Create || op.Kind == Update || op.Kind == Rebase {
			plan.Runs++
			w.Runs++
			if len(w.First) < 5 {
				w.First = append(w.First, op.Row.Key.Repo)
			}
		}
	}
	if prompt := m.Spec.Transform.Prompt; prompt != nil {
		plan.MaxUSD = float64(plan.Runs) * prompt.Limits.CostPerTarget
		if total := prompt.Limits.CostTotal; total > 0 && (plan.MaxUSD == 0 || total < plan.MaxUSD) {
			plan.MaxUSD = total
		}
	}
	hours := float64(plan.Runs) / float64(m.Spec.Rollout.Limits.PRsPerHour)
	plan.Took = time.Duration(hours * float64(time.Hour))
	for _, w := range waves {
		if w.Gate != nil {
			plan.Took += w.Gate.Soak
		}
	}
}
