package service_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"honk/fleet"
	"honk/integrations/github/client"
	"honk/integrations/github/githubtest"
	"honk/integrations/shift/keep"
	"honk/internal/llm/llmtest"
)

// benchFleet is how many repositories a benchmark of shifts has.
func benchFleet(b *testing.B) int {
	b.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv("HONK_BENCH_FLEET"), "200"))
	if err != nil {
		b.Fatalf("HONK_BENCH_FLEET: %v", err)
	}
	return n
}

// atOnce is how many targets are worked on at once, by either.
func atOnce() int { return 2 * runtime.GOMAXPROCS(0) }

// BenchmarkFleet measures a script over many repositories up to the push,
// against a plain loop in the shell that does it in the same repositories of
// the same server: clone, script, commit, push. Honk has its queue, sandboxes,
// events and the checks that come in beside that; cold has an empty cache of
// repositories, warm that of cold.
func BenchmarkFleet(b *testing.B) {
	large := map[string]string{}
	rnd := rand.New(rand.NewPCG(1, 1))
	for n := range 800 {
		text := make([]byte, 5<<10)
		for i := range text {
			text[i] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ \n"[rnd.IntN(64)]
		}
		large[fmt.Sprintf("dir%02d/file%03d.txt", n%40, n)] = string(text)
	}
	for _, world := range []struct {
		name  string
		files map[string]string
	}{{"small", nil}, {"large", large}} {
		b.Run(world.name, func(b *testing.B) { benchWorld(b, world.files) })
	}
}

func benchWorld(b *testing.B, files map[string]string) {
	n := benchFleet(b)
	f := newBenchRun(b, n)
	for _, t := range f.targets {
		all := map[string]string{"greet.sh": "#!/bin/sh\necho hello\n"}
		maps.Copy(all, files)
		_, err := f.forge.CreateRepo(b.Context(), githubtest.NewRepo{Name: t.repo, Files: all})
		f.must(err)
	}
	_, err := f.forge.Install("acme")
	f.must(err)
	ci := f.newFleetCI()
	f.goes(ci.run)
	for b.Loop() {
		plain := f.loop()
		serve := f.serve()
		cold := f.benchShift("cold")
		warm := f.benchShift("warm")
		start := time.Now()
		if out := f.want(0, "shift", "apply", "--yes", f.path("cold.yaml")); !strings.Contains(out, fmt.Sprintf("%d NOOP", n)) {
			b.Errorf("the second pass is not nothing:\n%.500s", out)
		}
		again := time.Since(start)
		f.grow(serve)
		b.ReportMetric(float64(n)/plain.Seconds(), "plain-targets/s")
		b.ReportMetric(float64(n)/cold.Seconds(), "cold-targets/s")
		b.ReportMetric(float64(n)/warm.Seconds(), "warm-targets/s")
		b.ReportMetric(plain.Seconds()/cold.Seconds(), "x-cold")
		b.ReportMetric(plain.Seconds()/warm.Seconds(), "x-warm")
		b.ReportMetric(100*again.Seconds()/cold.Seconds(), "%-second-pass")
		b.ReportMetric(f.peak, "MB")
	}
}

// newBenchRun is a fleet without anything in it.
func newBenchRun(b *testing.B, n int) *fleetRun {
	b.Helper()
	requireSandbox(b)
	f := &fleetRun{
		stage: setStage(b, githubtest.Options{Limit: 1_000_000_000}, llmtest.Say("nobody asks this model")), dir: b.TempDir(),
		byRepo: map[string]fleetTarget{}, patience: 15 * time.Minute, began: time.Now(),
	}
	config := strings.Replace(fleetConfig, "tasks: 4", fmt.Sprint("tasks: ", atOnce()), 1)
	f.must(os.WriteFile(f.env["HONK_CONFIG"], []byte(config), 0o600))
	for i := range n {
		f.targets = append(f.targets, fleetTarget{number: i + 1, repo: fmt.Sprintf("acme/r%04d", i+1)})
	}
	return f
}

// plainLoop takes names and tokens, and does to each repository what the shift
// does.
const plainLoop = `
one() {
	dir=$(mktemp -d) && cd "$dir" &&
	git clone -q --depth 1 "http://x-access-token:$2@${GIT_URL#http://}/$1.git" r && cd r &&
	sh "$SCRIPT" && git checkout -q -b plain && git add -A &&
	git -c user.name=x -c user.email=x@example.com commit -q -m Stamp && git push -q origin plain
	cd / && rm -rf "$dir"
}
export -f one
xargs -P "$AT_ONCE" -L 1 bash -c 'one "$0" "$1" || exit 255'
`

const benchScript = `sed -i 's/echo hello$/echo hello, world/' greet.sh && echo %s >stamp` + "\n"

// loop is how long the plain loop takes.
func (f *fleetRun) loop() time.Duration {
	f.Helper()
	app, err := client.New(client.Options{AppID: f.forge.AppID(), PrivateKey: f.forge.PrivateKey(), APIURL: f.forge.APIURL()})
	f.must(err)
	var names strings.Builder
	for _, t := range f.targets {
		owner, name, _ := strings.Cut(t.repo, "/")
		session, err := app.Open(f.Context(), owner, name, client.ForPublish())
		f.must(err)
		fmt.Fprintln(&names, t.repo, session.Token().Reveal())
	}
	f.write("plain.sh", fmt.Sprintf(benchScript, "plain"))
	cmd := exec.CommandContext(f.Context(), "bash", "-c", plainLoop)
	cmd.Stdin = strings.NewReader(names.String())
	cmd.Env = append(os.Environ(), "GIT_URL="+f.env["HONK_GITHUB_GIT_URL"], "SCRIPT="+f.path("plain.sh"), fmt.Sprint("AT_ONCE=", atOnce()),
		"HOME="+f.dir, "TMPDIR="+f.dir, "GIT_CONFIG_NOSYSTEM=1")
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		f.Fatalf("the plain loop: %v\n%.2000s", err, out)
	}
	took := time.Since(start)
	f.pushed("plain")
	return took
}

// pushed reports whether all targets have a branch that ends in a name.
func (f *fleetRun) pushed(name string) {
	f.Helper()
	for _, t := range f.targets {
		branches, err := f.forge.Branches(f.Context(), t.repo)
		f.must(err)
		found := 0
		for branch := range branches {
			if strings.HasSuffix(branch, name) {
				found++
			}
		}
		if found != 1 {
			f.Fatalf("%s has %d branches %s: %v", t.repo, found, name, branches)
		}
	}
}

// benchShift is how long a shift takes from the command to the last push.
func (f *fleetRun) benchShift(name string) time.Duration {
	f.Helper()
	f.write(name+".yaml", fmt.Sprintf(`apiVersion: honk/v1
kind: Shift
metadata: {name: %s}
spec:
  targets: {github: [{org: acme}], limit: 2000}
  transform: {script: {text: %q}}
  rollout:
    order: name
    waves: [{name: all, percent: 100}]
    limits: {workers: 32, prsPerHour: 500, burst: 500, pendingCI: 2000, openPRs: 2000, perOwnerOpen: 2000}
  pullRequest: {publish: branch, title: Stamp}
`, name, fmt.Sprintf(benchScript, name)))
	var mu sync.Mutex
	left, done := len(f.targets), make(chan struct{})
	f.onPush = func(p fleetPush) {
		mu.Lock()
		defer mu.Unlock()
		if strings.HasSuffix(p.Ref, "-"+name) {
			if left--; left == 0 {
				close(done)
			}
		}
	}
	start := time.Now()
	f.want(0, "shift", "apply", "--yes", f.path(name+".yaml"))
	select {
	case <-done:
	case <-time.After(f.patience):
		out, _ := f.honk("shift", "status", name)
		f.Fatalf("the shift %s has not pushed all within %s:\n%.3000s", name, f.patience, out)
	}
	took := time.Since(start)
	f.pushed(name)
	f.await("the checks are taken in", func() bool {
		return f.count("SELECT count(*) FROM deliveries WHERE handled_at IS NULL") == 0
	})
	return took
}

// BenchmarkFleetMemory measures honk serve with a shift of ten thousand
// targets, of which each waits for something.
func BenchmarkFleetMemory(b *testing.B) {
	const size = 10_000
	f := newBenchRun(b, 0)
	f.storeFleet(size)
	for b.Loop() {
		serve := f.serve()
		start := time.Now()
		if out := f.want(0, "shift", "status", "--json", "large", "--fail-on", "halted"); !strings.Contains(out, fmt.Sprintf(`"total": %d`, size)) {
			b.Errorf("the status is\n%.500s", out)
		}
		b.ReportMetric(ms(time.Since(start)), "ms-status")
		before := cpu(b, serve.cmd.Process.Pid)
		<-time.After(idleTime)
		b.ReportMetric(100*(cpu(b, serve.cmd.Process.Pid)-before).Seconds()/idleTime.Seconds(), "%-cpu")
		b.ReportMetric(memory(b, serve.cmd.Process.Pid, "VmHWM"), "MB")
		f.must(serve.stop(syscall.SIGTERM))
	}
}

// storeFleet stores a shift as it is in its midst: the first wave has open
// pull requests, the others wait for it.
func (f *fleetRun) storeFleet(size int) {
	f.Helper()
	manifest := keep.File{Name: "large.yaml", Data: []byte(`apiVersion: honk/v1
kind: Shift
metadata: {name: large}
spec:
  targets: {github: [{org: acme}], limit: 20000}
  transform: {script: {text: "true"}}
  rollout:
    waves: [{name: canary, count: 50, gate: {mergedPercent: 100, approve: true}}, {name: rest, percent: 100}]
  pullRequest: {title: Do nothing}
`)}
	store := keep.New(keep.Options{DB: f.db, Agent: "scripted"})
	m, err := store.Parse(manifest)
	f.must(err)
	f.must(store.In(f.Context(), func(k *keep.Tx) error {
		shift := fleet.Shift{Name: "large", Digest: m.Digest, Generation: 1, Phase: fleet.PhaseRunning}
		if err := k.PutManifest(f.Context(), shift, manifest, "ada"); err != nil {
			return err
		}
		var changes []keep.Change
		for n := range size {
			row := fleet.Row{
				Key: fleet.Key{Shift: "large", Repo: fmt.Sprintf("acme/service-number-%05d", n)}, Owner: fmt.Sprint("team-", n%100), Generation: 1,
				Place: n, State: fleet.Eligible, Want: fleet.ActRun, Since: time.Now(), CreatedAt: time.Now(), BaseSHA: strings.Repeat("a", 40),
			}
			if n >= 50 {
				row.Wave = 1
			} else {
				row.State, row.Want, row.OpenedAt, row.SettledAt = fleet.Open, "", time.Now(), time.Now()
				row.PR = fleet.PR{Branch: "honk/x", HeadSHA: strings.Repeat("b", 40), Number: 1, URL: "https://github.example/acme/x/pull/1", Open: true}
				row.CI = fleet.CI{State: fleet.ChecksPassed, Green: 1, Since: time.Now()}
			}
			changes = append(changes, keep.Change{Row: row})
		}
		return k.PutRows(f.Context(), changes...)
	}))
}

// cpu is how much of the processors a process has had.
func cpu(b *testing.B, pid int) time.Duration {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), ") ")
	fields := strings.Fields(rest)
	sum := 0
	for _, ticks := range fields[11:13] {
		n, err := strconv.Atoi(ticks)
		if err != nil {
			b.Fatal(err)
		}
		sum += n
	}
	return time.Duration(sum) * 10 * time.Millisecond
}
