package plan_test

import (
	"fmt"
	"testing"

	"honk/fleet/manifest"
	"honk/fleet/plan"
	"honk/fleet/target"
)

// BenchmarkPlan plans ten thousand targets: the first time, and anew over the
// rows that are there, with another script.
func BenchmarkPlan(b *testing.B) {
	const size = 10_000
	targets := make([]plan.Looked, size)
	for i := range targets {
		targets[i] = plan.Looked{Target: target.Target{
			Repo: fmt.Sprintf("acme/repository-%d", i), BaseSHA: fmt.Sprintf("%040d", i), Owner: fmt.Sprint("team-", i%300),
			Traits: []string{fmt.Sprint("build ", i%7), fmt.Sprint("size ", i%4)},
		}}
	}
	parse := func(script string) *manifest.Manifest {
		m, err := manifest.Parse("shift.yaml", []byte(fmt.Sprintf(`apiVersion: honk/v1
kind: Shift
metadata: {name: s}
spec:
  targets: {repos: [acme/a], limit: 20000}
  transform: {script: {text: %q}}
  pullRequest: {title: Remove x}
`, script)), manifest.Options{})
		if err != nil {
			b.Fatal(err)
		}
		return m
	}
	in := plan.Input{Manifest: parse("rm x"), Targets: targets, Now: now}
	first, err := plan.New(in)
	if err != nil {
		b.Fatal(err)
	}
	again := plan.Input{Manifest: parse("rm y"), Targets: targets, Shift: first.Shift, Rows: applied(first), Now: now}
	for name, in := range map[string]plan.Input{"first": in, "again": again} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if p, err := plan.New(in); err != nil || len(p.Ops) != size {
					b.Fatal(err)
				}
			}
		})
	}
}
