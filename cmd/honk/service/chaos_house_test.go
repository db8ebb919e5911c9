package service_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"honk/integrations/github/githubtest"
	"honk/internal/postgres"
	"honk/internal/postgres/pgtest"
	"honk/internal/postgres/server"
)

// chaos is a stage on which things break.
type chaos struct {
	*stage
	chaosSize
	rnd      *rand.Rand
	requests []*request
	trouble  *trouble
	running  map[string]*process
	all      []*process
	killed   []time.Time
	outages  []time.Time
	database *server.Server
	began    time.Time
	wall     time.Duration

	mu      sync.Mutex
	sandbox map[string]bool // the names of all sandboxes seen
}

const chaosConfig = `
judge: {mode: veto}
service: {edit_every: 200ms, grace: 5s, tasks: 4, repository_tasks: 3}
`

func newChaos(t *testing.T, size chaosSize) *chaos {
	t.Helper()
	if _, err := binary(); err != nil {
		t.Fatal(err)
	}
	c := &chaos{
		chaosSize: size, rnd: rand.New(rand.NewPCG(size.seed, size.seed)), running: map[string]*process{},
		trouble: newTrouble(size.seed, size.trouble), began: time.Now(), sandbox: map[string]bool{},
	}
	c.stage = setStage(t, githubtest.Options{Repeat: 3}, chaosModel(size.seed))
	c.must(os.WriteFile(c.env["HONK_CONFIG"], []byte(chaosConfig), 0o600))
	c.must(os.Mkdir(c.scratch(), 0o700))
	c.env["TMPDIR"] = c.scratch()
	go c.watch()
	if size.restarts == 0 {
		return c
	}
	c.database = pgtest.Server(t)
	c.env["HONK_DATABASE_URL"] = c.database.URL()
	c.must(migrate(t.Context(), c.database.URL()))
	var err error
	c.db, err = postgres.Open(t.Context(), c.database.URL(), 4)
	c.must(err)
	t.Cleanup(c.db.Close)
	return c
}

// watch notes the names of the sandboxes, which their cgroups share.
func (c *chaos) watch() {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-c.Context().Done():
			return
		case <-tick.C:
		}
		entries, _ := os.ReadDir(c.scratch())
		c.mu.Lock()
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), "honk-sandbox-") {
				c.sandbox[e.Name()] = true
			}
		}
		c.mu.Unlock()
	}
}

// restartDatabase restarts PostgreSQL, in order or by force.
func (c *chaos) restartDatabase(force bool) {
	c.outages = append(c.outages, time.Now())
	if force {
		c.must(syscall.Kill(c.database.PID(), syscall.SIGKILL))
		<-c.database.Done()
	}
	c.must(c.database.Close())
	c.rest(c.upTo(3 * time.Second))
	s, err := server.Start(c.Context(), server.Options{
		Dir: c.database.Dir(), Ephemeral: true, Log: slog.New(slog.DiscardHandler),
	})
	c.must(err)
	c.database = s
	c.Cleanup(func() { _ = s.Close() })
}

// count asks the database for a number.
func (c *chaos) count(sql string, args ...any) (n int, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), 10*time.Second)
	defer cancel()
	err = c.db.Pool().QueryRow(ctx, sql, args...).Scan(&n)
	return n, err
}

// rows asks the database for rows as text.
func (c *chaos) rows(sql string) (out []string, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), 10*time.Second)
	defer cancel()
	rows, err := c.db.Pool().Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, rows.Err()
}

// trouble is what goes wrong with the forge, counted.
type trouble struct {
	api, git func(*http.Request) *githubtest.Fault
	names    map[*githubtest.Fault]string

	mu sync.Mutex
	// met counts the faults by name; lost the tokens whose making was not
	// answered.
	met  map[string]int
	lost int
}

func newTrouble(seed uint64, part float64) *trouble {
	names := map[*githubtest.Fault]string{}
	called := func(name string, f *githubtest.Fault) *githubtest.Fault {
		names[f] = name
		return f
	}
	both := []*githubtest.Fault{
		called("502 before the effect", githubtest.BadGateway(false)),
		called("502 after the effect", githubtest.BadGateway(true)),
		called("dropped before the effect", githubtest.Dropped(false)),
		called("dropped after the effect", githubtest.Dropped(true)),
		called("slow", githubtest.Slow(400*time.Millisecond)),
	}
	api := append([]*githubtest.Fault{
		called("secondary limit, 1 s", githubtest.SecondaryLimit(time.Second)),
		called("secondary limit, 2 s", githubtest.SecondaryLimit(2*time.Second)),
	}, both...)
	return &trouble{
		api: githubtest.Random(seed, part, api...), git: githubtest.Random(seed+1, part, both...),
		names: names, met: map[string]int{},
	}
}

func (t *trouble) decide(r *http.Request) *githubtest.Fault {
	kind, where := t.api, "API: "
	if strings.HasPrefix(r.URL.Path, "/git/") {
		kind, where = t.git, "git: "
	}
	f := kind(r)
	if f == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.met[where+t.names[f]]++
	if f.After && strings.HasSuffix(r.URL.Path, "/access_tokens") {
		t.lost++
	}
	return f
}

// ours are the processes of this machine that speak of a text: in their
// arguments, directory or environment.
func ours(texts ...string) (found []string) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		arguments, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		environment, _ := os.ReadFile(filepath.Join(dir, "environ"))
		place, _ := os.Readlink(filepath.Join(dir, "cwd"))
		if filepath.Base(dir) == fmt.Sprint(os.Getpid()) {
			continue
		}
		for _, text := range texts {
			if strings.Contains(string(arguments)+"\x00"+string(environment)+"\x00"+place, text) {
				found = append(found, filepath.Base(dir)+" "+strings.ReplaceAll(string(arguments), "\x00", " "))
				break
			}
		}
	}
	return found
}
