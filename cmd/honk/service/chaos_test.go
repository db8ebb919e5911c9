package service_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"honk/integrations/github/githubtest"
)

// chaosSize is how much happens. Plain go test has a little of it, make chaos
// all.
type chaosSize struct {
	seed uint64
	// tasks over repos, workers killed, restarts of PostgreSQL: the first in
	// order, the others by force.
	tasks, repos, kills, restarts int
	// gap is the longest time between two requests, calm the shortest between
	// two disasters, patience how long all may take.
	gap, calm, patience time.Duration
	// trouble is the part of the requests to the forge that meet a fault.
	trouble float64
}

func sizeOfChaos(t *testing.T) chaosSize {
	t.Helper()
	number := func(name string, otherwise int) int {
		n, err := strconv.Atoi(cmp.Or(os.Getenv(name), strconv.Itoa(otherwise)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n
	}
	z := chaosSize{
		seed: uint64(number("CHAOS_SEED", rand.IntN(1_000_000))), tasks: number("CHAOS_TASKS", 12),
		kills: number("CHAOS_KILLS", 1), restarts: number("CHAOS_RESTARTS", 0),
		gap: 300 * time.Millisecond, calm: 2 * time.Second, patience: 2 * time.Minute, trouble: 0.03,
	}
	z.repos = min(8, max(2, z.tasks/6))
	if z.tasks > 50 {
		z.gap, z.calm, z.patience = 600*time.Millisecond, 5*time.Second, 12*time.Minute
	}
	return z
}

// TestChaos has many people ask for things while workers are killed, the
// database goes away, and the forge fails, limits, repeats and forgets. In the
// end everybody must have got exactly one true answer, and nothing may be left
// lying about.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs services for minutes")
	}
	if os.Getenv("CHAOS_TASKS") == "" {
		t.Skip("it takes minutes of a quiet machine; run make chaos")
	}
	t.Parallel()
	if _, err := exec.LookPath("bwrap"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	c := newChaos(t, sizeOfChaos(t))
	t.Logf("CHAOS_SEED=%d", c.seed)
	c.populate()
	c.launch("serve")
	c.launch("work")
	c.forge.Fault(c.trouble.decide)

	asked := make(chan error, 1)
	go func() { asked <- c.askAll() }()
	for _, strike := range c.plan() {
		c.rest(c.calm + c.upTo(c.calm))
		strike()
	}
	if err := <-asked; err != nil {
		t.Fatal(err)
	}
	// Whatever webhooks are still missing is found by the next to start.
	c.kill("serve")
	c.settle()
	c.forge.Fault(nil)
	c.finish()

	c.checkForge()
	c.checkDatabase()
	c.checkMachine()
	t.Logf("\n%s", c.table())
	if t.Failed() || os.Getenv("CHAOS_EXPLAIN") != "" {
		c.explain()
		for _, p := range c.all {
			t.Log(p.out)
		}
	}
}

// plan is the order of the disasters.
func (c *chaos) plan() []func() {
	var strikes []func()
	for n := range c.kills - 1 {
		name := []string{"serve", "work"}[(n+int(c.seed))%2]
		strikes = append(strikes, func() { c.kill(name) })
	}
	for n := range c.restarts {
		strikes = append(strikes, func() { c.restartDatabase(n > 0) })
	}
	c.rnd.Shuffle(len(strikes), func(i, j int) { strikes[i], strikes[j] = strikes[j], strikes[i] })
	return strikes
}

// upTo is a time below most, by the seed.
func (c *chaos) upTo(most time.Duration) time.Duration {
	return time.Duration(c.rnd.Int64N(int64(most)))
}

// rest waits.
func (c *chaos) rest(d time.Duration) {
	select {
	case <-time.After(d):
	case <-c.Context().Done():
	}
}

// request is one thing that somebody asks for.
type request struct {
	errand
	repo   string
	number int // of the issue
	id     string
	label  bool // asked by a label
}

func repoName(n int) string { return fmt.Sprintf("acme/repo-%d", n) }

// populate makes the repositories and the people.
func (c *chaos) populate() {
	for n := range c.repos {
		_, err := c.forge.CreateRepo(c.Context(), githubtest.NewRepo{Name: repoName(n), Files: map[string]string{
			"check.sh": "#!/bin/sh\nsleep 0.05\ntest ! -e spoiled.txt || { echo 'spoiled.txt: must not be here'; exit 1; }\n",
			// Its directory is there.
			"out/000.txt": "nothing\n",
			".honk.yaml":  "verify: [{name: check, run: 'sh check.sh'}]\n",
		}})
		c.must(err)
		c.must(c.forge.SetPermission(repoName(n), "ada", "write"))
	}
	_, err := c.forge.Install("acme")
	c.must(err)
	for n := range c.tasks {
		e := draw(c.rnd)
		if n == 0 {
			e = errands[0]
		}
		r := &request{errand: e, repo: repoName(c.rnd.IntN(c.repos)), id: fmt.Sprintf("%03d", n+1), label: n%7 == 6}
		r.number, err = c.forge.OpenIssue("ada", r.repo, "Job "+r.id+": "+r.word, "It is time for it.")
		c.must(err)
		c.requests = append(c.requests, r)
	}
}

// askAll asks for everything, one after the other. Some webhooks are lost.
func (c *chaos) askAll() error {
	rnd := rand.New(rand.NewPCG(c.seed, 2))
	for _, r := range c.requests {
		c.rest(time.Duration(rnd.Int64N(int64(c.gap))))
		if rnd.IntN(8) == 0 {
			c.forge.DropDeliveries(1)
		}
		at := githubtest.At{Login: "ada", Repo: r.repo, Number: r.number}
		if r.label {
			if err := c.forge.Label(at, "honk"); err != nil {
				return err
			}
			continue
		}
		if _, err := c.forge.Comment(at, "/honk job "+r.id+": "+r.word); err != nil {
			return err
		}
	}
	return nil
}

// kill ends a process as the kernel does when memory is short, and starts it
// again after a moment.
func (c *chaos) kill(name string) {
	p := c.running[name]
	c.must(p.cmd.Process.Kill())
	<-p.done
	p.done <- nil
	c.killed = append(c.killed, time.Now())
	c.rest(c.upTo(2 * time.Second))
	c.launch(name)
}

// launch starts a process.
func (c *chaos) launch(name string) {
	if name == "serve" {
		c.running[name] = c.serve()
	} else {
		c.running[name] = c.start(name)
	}
	c.all = append(c.all, c.running[name])
}

// stop ends a process in order.
func (c *chaos) stop(name string) {
	c.Helper()
	if err := c.running[name].stop(syscall.SIGTERM); err != nil {
		c.Errorf("honk %s did not stop in order: %v", name, err)
	}
}

// settle waits until there is nothing left to do, under fire.
func (c *chaos) settle() {
	deadline, told := time.Now().Add(c.patience), time.Now()
	for {
		left := c.pending()
		if left == "" || time.Since(told) > 10*time.Second {
			told = time.Now()
			c.Logf("after %s: %s", time.Since(c.began).Round(time.Second), cmp.Or(left, "all is done"))
		}
		if left == "" {
			return
		}
		if time.Now().After(deadline) {
			c.Errorf("after %s there is still something to do: %s", c.patience, left)
			return
		}
		c.rest(200 * time.Millisecond)
	}
}

// finish lets the next start of each process clean up after the dead, and
// stops both.
func (c *chaos) finish() {
	c.stop("serve")
	c.launch("serve")
	c.await("the tokens of the dead are revoked", func() bool {
		n, err := c.count("SELECT count(*) FROM tokens WHERE worker NOT IN (SELECT id FROM workers)")
		return err == nil && n == 0
	})
	c.stop("work")
	c.stop("serve")
	c.wall = time.Since(c.began)
}

// scratch is where the processes make private directories.
func (c *chaos) scratch() string { return filepath.Join(c.env["HOME"], "scratch") }
