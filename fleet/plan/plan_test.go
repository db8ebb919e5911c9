package plan_test

import (
	"flag"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/fleet"
	"honk/fleet/life"
	"honk/fleet/manifest"
	"honk/fleet/plan"
	"honk/fleet/target"
)

var now = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

var slow = flag.Bool("slow", false, "hold the figures of docs/performance.md")

func mustManifest(t *testing.T, change ...string) *manifest.Manifest {
	t.Helper()
	text := strings.NewReplacer(change...).Replace(`apiVersion: honk/v1
kind: Shift
metadata: {name: s}
spec:
  targets: {repos: [acme/a], limit: 20000}
  transform: {script: {text: "rm x"}}
  pullRequest: {title: Remove x}
`)
	m, err := manifest.Parse("shift.yaml", []byte(text), manifest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func looked(names ...string) []plan.Looked {
	var all []plan.Looked
	for _, name := range names {
		all = append(all, plan.Looked{Target: target.Target{Repo: "acme/" + name, BaseSHA: "base1"}, Text: "text1"})
	}
	return all
}

func mustPlan(t *testing.T, in plan.Input) *plan.Plan {
	t.Helper()
	in.Now = now
	p, err := plan.New(in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// applied returns the rows of a plan as the store would hold them.
func applied(p *plan.Plan) []fleet.Row {
	var rows []fleet.Row
	for _, op := range p.Ops {
		rows = append(rows, op.Row)
	}
	return rows
}

func kinds(p *plan.Plan) string {
	var all []string
	for _, op := range p.Ops {
		all = append(all, strings.TrimPrefix(op.Row.Key.Repo, "acme/")+" "+string(op.Kind))
	}
	return strings.Join(all, ", ")
}

// inState returns the rows of a first generation that ran, in a state.
func inState(m *manifest.Manifest, p *plan.Plan, change func(*fleet.Row)) []fleet.Row {
	rows := applied(p)
	for i := range rows {
		rows[i].CacheKey = plan.CacheKey("base1", "", plan.Recipe(m, ""))
		change(&rows[i])
	}
	return rows
}

func TestNew_sameBytes(t *testing.T) {
	t.Parallel()
	m := mustManifest(t)
	first := mustPlan(t, plan.Input{Manifest: m, Targets: looked("a", "b")})
	if got, want := kinds(first), "a CREATE, b CREATE"; len(got) != len(want) || first.Runs != 2 || first.Shift.Generation != 1 {
		t.Errorf("first = %s, %+v", got, first.Shift)
	}
	second := mustPlan(t, plan.Input{Manifest: m, Targets: looked("a", "b"), Shift: first.Shift, Rows: applied(first)})
	if second.Changed() || second.Counts[plan.Noop] != 2 || second.Shift.Generation != 1 {
		t.Errorf("the same bytes again: %s, %+v", kinds(second), second.Shift)
	}
	if diff := cmp.Diff(applied(first), applied(second)); diff != "" {
		t.Errorf("rows changed:\n%s", diff)
	}
}

func TestNew_generations(t *testing.T) {
	t.Parallel()
	open := func(r *fleet.Row) {
		r.State, r.PR, r.Text = fleet.Open, fleet.PR{Number: 7, Open: true}, "text1"
	}
	state := func(s fleet.State) func(*fleet.Row) { return func(r *fleet.Row) { r.State = s } }
	tests := map[string]struct {
		was     func(*fleet.Row)
		change  []string
		targets []plan.Looked
		rerun   bool
		kind    plan.Kind
		state   fleet.State
		order   fleet.Order
		redo    fleet.Redo
	}{
		"another title":        {was: open, change: []string{"Remove x", "Take x out"}, kind: plan.Keep, state: fleet.Open},
		"another text":         {was: open, change: []string{"Remove x", "Take x out"}, targets: []plan.Looked{{Target: target.Target{Repo: "acme/a", BaseSHA: "base1"}, Text: "text2"}}, kind: plan.Keep, state: fleet.Open, order: fleet.OrderText},
		"another script":       {was: open, change: []string{"rm x", "rm y"}, kind: plan.Update, state: fleet.Eligible, redo: fleet.RedoRegenerate},
		"another, merged":      {was: state(fleet.Healthy), change: []string{"rm x", "rm y"}, kind: plan.Update, state: fleet.Eligible},
		"other rollout":        {was: state(fleet.Healthy), change: []string{"spec:", "spec:\n  rollout: {seed: 3}"}, kind: plan.Keep, state: fleet.Healthy},
		"closed by a person":   {was: func(r *fleet.Row) { r.State, r.ClosedBy = fleet.Closed, "ada" }, change: []string{"rm x", "rm y"}, kind: plan.Keep, state: fleet.Closed},
		"closed by Honk":       {was: func(r *fleet.Row) { r.State, r.ClosedBy = fleet.Closed, "honk" }, change: []string{"rm x", "rm y"}, kind: plan.Update, state: fleet.Eligible},
		"adopted":              {was: state(fleet.Adopted), change: []string{"rm x", "rm y"}, kind: plan.Keep, state: fleet.Adopted},
		"opted out, open":      {was: open, targets: []plan.Looked{{Target: target.Target{Repo: "acme/a", BaseSHA: "base1"}, OptOut: true}}, kind: plan.Close, state: fleet.Open, order: fleet.OrderClose},
		"opted out, waiting":   {was: func(r *fleet.Row) { r.State, r.CacheKey = fleet.Waiting, "" }, targets: []plan.Looked{{Target: target.Target{Repo: "acme/a"}, OptOut: true}}, kind: plan.Skip, state: fleet.Skipped},
		"archived":             {was: func(r *fleet.Row) { r.State, r.CacheKey = fleet.Waiting, "" }, targets: []plan.Looked{{Target: target.Target{Repo: "acme/a"}, Gone: "archived"}}, kind: plan.Skip, state: fleet.Unreachable},
		"moved, no change":     {was: state(fleet.NoChange), targets: []plan.Looked{{Target: target.Target{Repo: "acme/a", BaseSHA: "base2"}}}, rerun: true, kind: plan.Update, state: fleet.Eligible},
		"moved, no rerun":      {was: state(fleet.NoChange), targets: []plan.Looked{{Target: target.Target{Repo: "acme/a", BaseSHA: "base2"}}}, kind: plan.Noop, state: fleet.NoChange},
		"not moved":            {was: state(fleet.NoChange), targets: looked("a"), rerun: true, kind: plan.Noop, state: fleet.NoChange},
		"moved, merged":        {was: state(fleet.Merged), targets: []plan.Looked{{Target: target.Target{Repo: "acme/a", BaseSHA: "base2"}}}, rerun: true, kind: plan.Update, state: fleet.Eligible},
		"moved under open":     {was: open, targets: []plan.Looked{{Target: target.Target{Repo: "acme/a", BaseSHA: "base2"}, Text: "text1"}}, rerun: true, kind: plan.Noop, state: fleet.Open},
		"unmatched, open":      {was: open, targets: looked("b"), kind: plan.Keep, state: fleet.Open},
		"unmatched, waiting":   {was: func(r *fleet.Row) { r.State, r.CacheKey = fleet.Waiting, "" }, targets: looked("b"), kind: plan.Skip, state: fleet.Skipped},
		"matches again":        {was: func(r *fleet.Row) { open(r); r.Unmatched = true }, rerun: true, kind: plan.Keep, state: fleet.Open},
		"not to be merged now": {was: open, targets: []plan.Looked{{Target: target.Target{Repo: "acme/a", BaseSHA: "base1"}, NoAutomerge: true}}, kind: plan.Keep, state: fleet.Open},
		"never ran":            {was: func(r *fleet.Row) { r.State, r.CacheKey = fleet.Waiting, "" }, change: []string{"rm x", "rm y"}, kind: plan.Keep, state: fleet.Waiting},
		"in another case":      {was: open, targets: []plan.Looked{{Target: target.Target{Repo: "Acme/A", BaseSHA: "base1"}, Text: "text1"}}, kind: plan.Noop, state: fleet.Open},
		"under way":            {was: func(r *fleet.Row) { r.State, r.Doing = fleet.Running, fleet.ActRun }, change: []string{"rm x", "rm y"}, kind: plan.Keep, state: fleet.Running},
		"skipped, matches":     {was: func(r *fleet.Row) { r.State, r.CacheKey = fleet.Skipped, "" }, targets: looked("a"), rerun: true, kind: plan.Update, state: fleet.Eligible},
		"reverted stays":       {was: state(fleet.Reverted), targets: []plan.Looked{{Target: target.Target{Repo: "acme/a", BaseSHA: "base2"}}}, rerun: true, kind: plan.Noop, state: fleet.Reverted},
		"script failed, rerun": {was: state(fleet.TransformFailed), targets: []plan.Looked{{Target: target.Target{Repo: "acme/a", BaseSHA: "base2"}}}, rerun: true, kind: plan.Update, state: fleet.Eligible},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := mustManifest(t)
			first := mustPlan(t, plan.Input{Manifest: m, Targets: looked("a")})
			rows := inState(m, first, tt.was)
			targets := tt.targets
			if targets == nil {
				targets = looked("a")
			}
			next := mustPlan(t, plan.Input{Manifest: mustManifest(t, tt.change...), Targets: targets, Shift: first.Shift, Rows: rows, Rerun: tt.rerun})
			for _, op := range next.Ops {
				if op.Row.Key.Repo != "acme/a" {
					continue
				}
				if op.Kind != tt.kind || op.Row.State != tt.state || op.Order != tt.order || op.Row.Redo != tt.redo {
					t.Errorf("op = %s %s %q %q (%s), want %s %s %q %q", op.Kind, op.Row.State, op.Order, op.Row.Redo, op.Reason, tt.kind, tt.state, tt.order, tt.redo)
				}
				if want := 1 + len(tt.change)/2; op.Row.Generation != want {
					t.Errorf("generation %d, want %d", op.Row.Generation, want)
				}
			}
		})
	}
}

func TestNew_recipe(t *testing.T) {
	t.Parallel()
	base := plan.Recipe(mustManifest(t), "m1")
	if plan.Recipe(mustManifest(t, "Remove x", "Other"), "m1") != base || plan.Recipe(mustManifest(t), "m2") != base {
		t.Error("a title, or the agent of a script, changes the recipe")
	}
	for _, change := range [][]string{{"rm x", "rm y"}, {"spec:", "spec:\n  params: {a: b}"}, {"spec:", "spec:\n  scope: {maxFiles: 3}"}, {"spec:", "spec:\n  verify: {auto: false}"}} {
		if plan.Recipe(mustManifest(t, change...), "m1") == base {
			t.Errorf("%q does not change the recipe", change)
		}
	}
	prompt := mustManifest(t, "script", "prompt")
	if plan.Recipe(prompt, "m1") == plan.Recipe(prompt, "m2") {
		t.Error("the agent of a prompt does not change the recipe")
	}
}

func TestNew_promptNeedsWaves(t *testing.T) {
	t.Parallel()
	names := make([]string, 21)
	for i := range names {
		names[i] = fmt.Sprint("r", i)
	}
	one := mustManifest(t, "script", "prompt", "spec:", "spec:\n  rollout: {waves: [{name: all, percent: 100}]}")
	if _, err := plan.New(plan.Input{Manifest: one, Targets: looked(names...)}); err == nil || !strings.Contains(err.Error(), "add a wave") {
		t.Errorf("21 targets in one wave: %v", err)
	}
	mustPlan(t, plan.Input{Manifest: one, Targets: looked(names[:20]...)})
	p := mustPlan(t, plan.Input{Manifest: mustManifest(t, "script", "prompt"), Targets: looked(names...)})
	if got := fmt.Sprint(p.Waves[0].Rows, p.Waves[1].Rows, p.Waves[2].Rows); got != "5 0 16" {
		t.Errorf("default waves = %s", got)
	}
}

// Ten thousand targets are planned, again and again, in seconds.
func TestNew_large(t *testing.T) {
	t.Parallel()
	const n = 10_000
	targets := make([]plan.Looked, n)
	for i := range targets {
		targets[i] = plan.Looked{Target: target.Target{
			Repo: fmt.Sprintf("acme/repository-%d", i), BaseSHA: fmt.Sprintf("%040d", i), Owner: fmt.Sprint("team-", i%300),
			Traits: []string{fmt.Sprint("build ", i%7), fmt.Sprint("size ", i%4)},
		}}
	}
	m := mustManifest(t)
	began := time.Now()
	first := mustPlan(t, plan.Input{Manifest: m, Targets: targets})
	rows := applied(first)
	for i := range rows {
		rows[i].CacheKey = plan.CacheKey(rows[i].BaseSHA, "", first.Shift.Recipe)
	}
	second := mustPlan(t, plan.Input{Manifest: mustManifest(t, "rm x", "rm y"), Targets: targets, Shift: first.Shift, Rows: rows})
	took := time.Since(began)
	if len(second.Ops) != n || second.Counts[plan.Update] != n {
		t.Errorf("counts = %v", second.Counts)
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	t.Logf("two plans of %d targets took %v, %d MiB of heap", n, took.Round(time.Millisecond), mem.HeapInuse>>20)
	if took > 10*time.Second && *slow {
		t.Errorf("two plans took %v", took)
	}
}

// What a plan orders, Step carries out.
func TestNew_orders(t *testing.T) {
	t.Parallel()
	m := mustManifest(t)
	first := mustPlan(t, plan.Input{Manifest: m, Targets: looked("a")})
	rows := inState(m, first, func(r *fleet.Row) { r.State, r.PR = fleet.Open, fleet.PR{Number: 7, Open: true} })
	out := looked("a")
	out[0].OptOut = true
	op := mustPlan(t, plan.Input{Manifest: m, Targets: out, Shift: first.Shift, Rows: rows}).Ops[0]
	row, _, _ := life.Step(op.Row, fleet.Facts{Order: op.Order, OrderReason: op.Reason}, fleet.PolicyOf(m), now)
	if row.Want != fleet.ActClose || row.Closing != op.Reason {
		t.Errorf("row = %+v", row)
	}
}
