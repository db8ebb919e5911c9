package service_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"honk/fleet"
	"honk/integrations/github/githubtest"
	"honk/integrations/shift"
	"honk/internal/llm/llmtest"
)

// fleetConfig is of an organisation whose forge allows more than GitHub does,
// as a GitHub Enterprise Server may.
const fleetConfig = `
service: {tasks: 4, grace: 5s}
shifts: {budget: {minute_points: 100000, minute_content: 20000, hour_content: 100000, spacing: 1ms}}
`

// fleetRun is a shift over a fleet of repositories.
type fleetRun struct {
	*stage
	targets []fleetTarget
	byRepo  map[string]fleetTarget
	// dir is where the manifest is.
	dir     string
	openPRs int
	// patience is how long all may take.
	patience time.Duration
	began    time.Time
	// killed are the tasks that ran when honk serve was killed.
	killed map[string]bool
	peak   float64 // in MB
	// onPush is told of what is pushed.
	onPush func(fleetPush)
}

// fleetSize is how many repositories there are: few in plain go test, all in
// make acceptance.
func fleetSize(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv("HONK_FLEET"), "20"))
	if err != nil {
		t.Fatalf("HONK_FLEET: %v", err)
	}
	return n
}

func newFleet(t *testing.T, size int, steps ...llmtest.Step) *fleetRun {
	t.Helper()
	requireSandbox(t)
	if len(steps) == 0 {
		steps = []llmtest.Step{{Text: "nobody asks this model"}}
	}
	f := &fleetRun{
		stage: setStage(t, githubtest.Options{Limit: 1_000_000}, steps...), dir: t.TempDir(), byRepo: map[string]fleetTarget{},
		openPRs: max(6, min(60, size/4)), patience: 10*time.Minute + time.Duration(size)*8*time.Second,
		began: time.Now(), killed: map[string]bool{},
	}
	f.must(os.WriteFile(f.env["HONK_CONFIG"], []byte(fleetConfig), 0o600))
	return f
}

// TestFleet takes a script over a whole fleet, of which a part fails, hangs,
// moves, or is taken over by people, while honk serve is killed twice. In the
// end each target must be where it belongs, done once.
func TestFleet(t *testing.T) {
	if testing.Short() {
		t.Skip("what fails is tried again for minutes")
	}
	t.Parallel()
	f := newFleet(t, fleetSize(t))
	f.targets = targets(fleetSize(t))
	for _, one := range f.targets {
		f.byRepo[one.repo] = one
	}
	f.populate()
	f.write("shift.yaml", f.manifest())
	f.write("fleet.sh", fleetScript())
	ci, people := f.newFleetCI(), &fleetPeople{f: f, done: map[string]bool{}}
	f.goes(ci.run)
	serve := f.serve()
	f.plan()
	f.want(0, "shift", "apply", "--yes", f.path("shift.yaml"))
	f.goes(people.run)
	var limited atomic.Int64
	f.forge.Fault(fleetTrouble(&limited))

	f.canary()
	serve = f.kill(serve, len(f.targets)/4)
	serve = f.kill(serve, len(f.targets)/2)
	f.settle()
	f.forge.Fault(nil)
	took := time.Since(f.began)
	f.grow(serve)

	if people.open() > f.openPRs {
		t.Errorf("%d pull requests were open at once, and %d may be", people.open(), f.openPRs)
	}
	f.checkRows()
	f.checkStatus()
	f.checkOnce()
	f.checkForge()
	f.complete()
	f.must(serve.stop(syscall.SIGTERM))
	t.Logf("%d targets in %s, %.1f a minute; at most %d of %d pull requests open; %d requests limited; honk serve took %.0f MB at most",
		len(f.targets), took.Round(time.Second), float64(len(f.targets))/took.Minutes(), people.open(), f.openPRs, limited.Load(), f.peak)
}

// fleetTrouble limits a part of the forge's API for a moment, and counts.
func fleetTrouble(met *atomic.Int64) func(r *httpRequest) *githubtest.Fault {
	decide := githubtest.Random(7, 0.002, githubtest.SecondaryLimit(time.Second), githubtest.SecondaryLimit(2*time.Second))
	return func(r *httpRequest) *githubtest.Fault {
		if strings.HasPrefix(r.URL.Path, "/git/") {
			return nil
		}
		fault := decide(r)
		if fault != nil {
			met.Add(1)
		}
		return fault
	}
}

func (f *fleetRun) path(name string) string { return filepath.Join(f.dir, name) }

func (f *fleetRun) write(name, text string) {
	f.Helper()
	f.must(os.WriteFile(f.path(name), []byte(text), 0o600))
}

// honk runs a command of the operator's.
func (f *fleetRun) honk(args ...string) (out string, code int) {
	f.Helper()
	path, err := binary()
	f.must(err)
	cmd := exec.CommandContext(context.WithoutCancel(f.Context()), path, args...)
	for key, value := range f.env {
		cmd.Env = append(cmd.Env, key+"="+value)
	}
	var said strings.Builder
	cmd.Stderr = &said
	stdout, err := cmd.Output()
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(stdout) + said.String(), ended.ExitCode()
	}
	f.must(err)
	return string(stdout), 0
}

// want runs a command that must end with a code.
func (f *fleetRun) want(code int, args ...string) string {
	f.Helper()
	out, got := f.honk(args...)
	if got != code {
		f.Errorf("honk %s ended with %d, want %d:\n%.2000s", strings.Join(args, " "), got, code, out)
	}
	return out
}

// status is how the shift stands.
func (f *fleetRun) status() (r shift.Report) {
	f.Helper()
	out, code := f.honk("shift", "status", "--json", "fleet", "--fail-on", "halted")
	if code != 0 {
		f.Fatalf("honk shift status ended with %d: %.2000s", code, out)
	}
	f.must(json.Unmarshal([]byte(out), &r))
	return r
}

// plan must say what all targets would do.
func (f *fleetRun) plan() {
	f.Helper()
	out := f.want(0, "shift", "plan", f.path("shift.yaml"))
	skips := 0
	for _, t := range f.targets {
		if t.runs == 0 {
			skips++
		}
	}
	for _, want := range []string{
		fmt.Sprintf(`(?m)^%d targets: %d CREATE %d SKIP$`, len(f.targets), len(f.targets)-skips, skips),
		fmt.Sprintf(`(?m)^wave canary: %d targets, %d run, then its gate$`, canaries, canaries),
		`(?m)^OUT +acme/gone .*archived`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			f.Fatalf("the plan lacks %q:\n%s", want, out)
		}
	}
	if n := f.count("SELECT count(*) FROM tasks"); n != 0 {
		f.Errorf("the plan made %d tasks", n)
	}
}

// canary waits at the gate, lets it be seen that nothing else has started,
// and opens it.
func (f *fleetRun) canary() {
	f.Helper()
	f.until("the canary waits for approval", func() bool {
		return strings.Contains(f.status().Gate, "the owner has not approved")
	})
	<-time.After(5 * time.Second) // a few ticks
	for _, repo := range f.texts("SELECT DISTINCT r.owner || '/' || r.name FROM tasks t JOIN repositories r ON r.id = t.repo_id") {
		if f.byRepo[repo].number > canaries {
			f.Errorf("%s has started before the gate", repo)
		}
	}
	for _, t := range f.targets[canaries:] {
		pulls, err := f.forge.Pulls(t.repo)
		f.must(err)
		if len(pulls) > 0 {
			f.Errorf("%s has a pull request before the gate", t.repo)
		}
	}
	f.want(0, "shift", "approve", "fleet")
}

// kill ends honk serve without a word once so many tasks have ended, and
// starts it anew.
func (f *fleetRun) kill(p *process, after int) *process {
	f.Helper()
	f.until(fmt.Sprintf("%d tasks have ended", after), func() bool {
		return f.count("SELECT count(*) FROM tasks WHERE finished_at IS NOT NULL") >= after
	})
	f.grow(p)
	f.must(p.cmd.Process.Kill())
	<-p.done
	p.done <- nil
	for _, id := range f.texts("SELECT id FROM tasks WHERE status = 'running'") {
		f.killed[id] = true
	}
	<-time.After(time.Second)
	return f.serve()
}

// grow notes how much memory a process took at most.
func (f *fleetRun) grow(p *process) { f.peak = max(f.peak, memory(f, p.cmd.Process.Pid, "VmHWM")) }

// settle waits until each target is in the state that its fate is.
func (f *fleetRun) settle() {
	f.Helper()
	told := time.Now()
	f.until("all targets have ended", func() bool {
		r := f.status()
		wrong := f.wrong(r)
		if time.Since(told) > 30*time.Second {
			told = time.Now()
			f.Logf("after %s: %v, %d not there yet, as: %.200s", time.Since(f.began).Round(time.Second), r.States, len(wrong), strings.Join(wrong, "; "))
		}
		return len(wrong) == 0
	})
}

// wrong says which rows are not where their fate is.
func (f *fleetRun) wrong(r shift.Report) (all []string) {
	for _, row := range r.Rows {
		if t := f.byRepo[row.Key.Repo]; row.State != t.state {
			all = append(all, fmt.Sprintf("%s (%s) is %s: %s %s, want %s", row.Key.Repo, t.name, row.State, row.Reason, row.Wait.Reason, t.state))
		}
	}
	return all
}

// until waits until ok holds, and says what is wrong when it never does.
func (f *fleetRun) until(what string, ok func() bool) {
	f.Helper()
	deadline, pause := f.began.Add(f.patience), 500*time.Millisecond
	for !ok() {
		if time.Now().After(deadline) {
			r := f.status()
			f.Fatalf("%s: not within %s: %s %s, gate %q\n%s", what, f.patience, r.Shift.Phase, r.Shift.Reason, r.Gate, strings.Join(f.wrong(r), "\n"))
		}
		<-time.After(pause)
		pause = min(2*pause, 5*time.Second)
	}
}

// complete ends by hand what cannot end by itself.
func (f *fleetRun) complete() {
	f.Helper()
	f.want(10, "shift", "status", "fleet", "--fail-on", "incomplete")
	for _, t := range f.targets {
		if t.name == "adopted" {
			f.must(f.forge.CloseIssue(f.Context(), githubtest.At{Login: "ada", Repo: t.repo, Number: 1}))
		}
	}
	f.want(0, "shift", "close", "fleet")
	f.until("the shift is completed", func() bool { return f.status().Shift.Phase == fleet.PhaseCompleted })
	f.want(0, "shift", "status", "fleet", "--fail-on", "incomplete,failed,red")
}

// count asks the database for a number.
func (f *fleetRun) count(sql string) (n int) {
	f.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(f.Context()), 10*time.Second)
	defer cancel()
	f.must(f.db.Pool().QueryRow(ctx, sql).Scan(&n))
	return n
}

// texts asks the database for texts.
func (f *fleetRun) texts(sql string) (out []string) {
	f.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(f.Context()), 30*time.Second)
	defer cancel()
	rows, err := f.db.Pool().Query(ctx, sql)
	f.must(err)
	defer rows.Close()
	for rows.Next() {
		var text string
		f.must(rows.Scan(&text))
		out = append(out, text)
	}
	f.must(rows.Err())
	slices.Sort(out)
	return out
}
