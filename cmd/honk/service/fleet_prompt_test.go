package service_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"honk/fleet"
	"honk/fleet/status"
	"honk/internal/llm"
	"honk/internal/llm/llmtest"
)

// promptConfig gives the model a price: each of its replies costs two cents.
const promptConfig = fleetConfig + `
models: {scripted: {price: {input: 1, output: 1}}}
`

const promptManifest = `apiVersion: honk/v1
kind: Shift
metadata: {name: fleet}
spec:
  targets: {github: [{org: acme}]}
  transform: {prompt: {text: let greet.sh greet the world, limits: {costPerTarget: 0.50, costTotal: %s}}}
  rollout:
    order: name
    waves:
    - {name: canary, count: 3, gate: {approve: true}}
    - {name: rest, percent: 100}
    limits: {workers: 2, prsPerHour: 500, burst: 500, perOwnerOpen: 100}
    stop: {window: 1000, failPercent: 95, sameSignature: 1000}
  pullRequest: {title: Greet the world}
`

// promptTargets are thirty repositories with what the agent makes of each.
func promptTargets() []fleetTarget {
	check := func(says string) map[string]string {
		return map[string]string{
			".honk.yaml": "verify: [{name: check, run: 'sh check.sh'}]\n",
			"check.sh":   "test ! -e spoiled.txt || { echo \"" + says + "\"; exit 1; }\n",
		}
	}
	plain := fate{name: "plain", state: fleet.Open, bucket: status.Green, runs: 1}
	order := slices.Repeat([]fate{plain}, 3)
	for _, some := range []struct {
		fate
		count int
	}{
		{fate{name: "greedy", state: fleet.NeedsHuman, bucket: status.NoPR, runs: 1}, 2},
		{fate{name: "keep", state: fleet.NoChange, bucket: status.NoPR, runs: 1}, 3},
		{fate{name: "ask", state: fleet.NeedsHuman, bucket: status.NoPR, runs: 1}, 3},
		{fate{name: "offend", state: fleet.NeedsHuman, bucket: status.NoPR, runs: 1}, 2},
		{fate{name: "spoil", files: check("FAIL: 3 of 17 tests in /src/$(cat number).sh"), state: fleet.VerifyFailed, bucket: status.NoPR, runs: 1}, 3},
		{fate{name: "spoilt", files: check("error: module $(cat number) is missing"), state: fleet.VerifyFailed, bucket: status.NoPR, runs: 1}, 2},
		{plain, 12},
	} {
		order = append(order, slices.Repeat([]fate{some.fate}, some.count)...)
	}
	var all []fleetTarget
	for n, f := range order {
		t := fleetTarget{fate: f, number: n + 1, repo: fmt.Sprintf("acme/r%04d", n+1)}
		t.files = map[string]string{"kind": "kind-" + f.name + "\n", "number": fmt.Sprintln(n + 1)}
		maps.Copy(t.files, f.files)
		all = append(all, t)
	}
	return all
}

// kindLine is what the agent finds in a repository.
var kindLine = regexp.MustCompile(`kind-([a-z]+)`)

// fleetModel is a model that does what the repository it looks at is for.
func fleetModel(_ context.Context, req llm.Request) (llm.Response, error) {
	kind, turn, offends := "", 0, false
	for _, m := range req.Messages {
		if found := kindLine.FindStringSubmatch(m.Content); found != nil {
			kind = found[1]
		}
		offends = offends || strings.Contains(m.Content, "offend.txt")
		if m.Role == llm.RoleAssistant {
			turn++
		}
	}
	var step llmtest.Step
	switch {
	case llmtest.Structured(req) && offends:
		step = llmtest.Answer(fleetVerdict("offend.txt:1", "unsafe"))
	case llmtest.Structured(req):
		step = llmtest.Answer(fleetVerdict("greet.sh:2", "ok"))
	case req.ForceTool == "finish":
		step = llmtest.Use("finish", map[string]any{"summary": "It is not done.", "status": "done"})
	default:
		step = llmtest.Use(fleetTurn(turn, kind))
	}
	step.Usage = llm.Usage{InputTokens: 19_900, OutputTokens: 100}
	return replyWith(req, step)
}

// fleetVerdict is what the judge says of a change, by one line of it.
func fleetVerdict(line, request string) map[string]any {
	var items []map[string]any
	for id := 1; id <= 10; id++ {
		items = append(items, map[string]any{"id": id, "evidence": []string{line}, "answer": "yes", "reason": "it is so"})
	}
	return map[string]any{"summary": "it was judged", "items": items, "request": request, "revisions": []string{}}
}

func fleetTurn(turn int, kind string) (tool string, arguments map[string]any) {
	finish := func(status string) (string, map[string]any) {
		return "finish", map[string]any{"summary": "greet.sh is looked at.", "status": status}
	}
	switch {
	case turn == 0:
		return "view", map[string]any{"path": "kind"}
	case kind == "keep":
		return finish("no_change_needed")
	case kind == "ask":
		return finish("blocked")
	case kind == "greedy":
		return "bash", map[string]any{"command": fmt.Sprint("echo ", turn)}
	case turn == 1 && kind == "offend":
		return "write", map[string]any{"path": "offend.txt", "content": "it offends\n"}
	case turn == 1 && strings.HasPrefix(kind, "spoil"):
		return "write", map[string]any{"path": "spoiled.txt", "content": "it is spoiled\n"}
	case turn == 1:
		return "bash", map[string]any{"command": "sed -i 's/echo hello$/echo hello, world/' greet.sh"}
	}
	return finish("done")
}

// TestFleet_prompt takes a request to the agent over thirty repositories: in
// waves, until the money is spent, and on once there is more.
func TestFleet_prompt(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 30, llmtest.Step{Times: -1, Func: fleetModel})
	f.must(os.WriteFile(f.env["HONK_CONFIG"], []byte(promptConfig), 0o600))
	f.targets, f.patience = promptTargets(), 5*time.Minute
	for _, one := range f.targets {
		f.byRepo[one.repo] = one
	}
	f.populate()
	f.write("shift.yaml", fmt.Sprintf(promptManifest, "2"))
	ci := f.newFleetCI()
	f.goes(ci.run)
	serve := f.serve()
	if out := f.want(0, "shift", "plan", f.path("shift.yaml")); !strings.Contains(out, "30 targets: 30 CREATE\nat most $2.00") {
		t.Errorf("the plan is\n%s", out)
	}
	f.want(0, "shift", "apply", "--yes", f.path("shift.yaml"))

	f.until("the canary waits for approval", func() bool {
		return strings.Contains(f.status().Gate, "the owner has not approved")
	})
	if n := f.count("SELECT count(*) FROM tasks"); n != 3 {
		t.Errorf("%d tasks have started before the gate, want 3", n)
	}
	f.want(0, "shift", "approve", "fleet")
	f.broke()
	f.write("shift.yaml", fmt.Sprintf(promptManifest, "50"))
	f.want(0, "shift", "apply", "--yes", f.path("shift.yaml"))
	f.settle()
	f.checkRows()
	f.checkOnce()
	f.checkStatus()
	for _, row := range f.status().Rows {
		if row.CostUSD <= 0 || row.CostUSD > 0.50 {
			t.Errorf("%s cost $%.2f, want at most 0.50", row.Key.Repo, row.CostUSD)
		}
	}
	f.must(serve.stop(syscall.SIGTERM))
}

// broke waits until the money of all targets together is spent, and lets it be
// seen that nothing starts any more.
func (f *fleetRun) broke() {
	f.Helper()
	f.until("the money is spent", func() bool {
		for _, row := range f.status().Rows {
			if row.Wait.Kind == fleet.WaitBudget && f.count("SELECT count(*) FROM tasks WHERE finished_at IS NULL") == 0 {
				return strings.Contains(row.Wait.Reason, "of 2.00 dollars are spent or taken")
			}
		}
		return false
	})
	before := f.count("SELECT count(*) FROM tasks")
	<-time.After(5 * time.Second) // a few ticks
	r := f.status()
	if after := f.count("SELECT count(*) FROM tasks"); after != before || after >= len(f.targets) {
		f.Errorf("%d tasks have started, and %d more without money", before, after-before)
	}
	if r.Shift.SpentUSD > 2 || r.CostUSD > 2 {
		f.Errorf("$%.2f and $%.2f are spent of 2", r.Shift.SpentUSD, r.CostUSD)
	}
}
