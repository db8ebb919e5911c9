package shift_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"honk/fleet"
	"honk/fleet/ledger"
	"honk/fleet/plan"
	"honk/fleet/target"
	"honk/integrations/shift"
	"honk/integrations/shift/keep"
	"honk/internal/postgres"
	"honk/internal/postgres/pgtest"
	"honk/internal/runner"
	"honk/internal/task"
	"honk/queue"
)

// forge is where repositories are that cannot do anything but be looked at.
type forge struct {
	shift.Forge
	mu sync.Mutex
	// limited is how often a look is answered by a limit.
	limited int
}

func (f *forge) Repo(_ context.Context, repo string) (task.Listing, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.limited > 0 {
		f.limited--
		return task.Listing{}, &task.Error{Code: task.CodeRateLimited, Message: "wait", After: time.Millisecond}
	}
	var owner, name string
	if _, err := fmt.Sscanf(repo, "acme/%s", &name); err == nil {
		owner = "acme"
	}
	return task.Listing{Repo: task.Repo{Host: "forge.example", Owner: owner, Name: name, URL: "https://forge.example/" + repo}, DefaultBranch: "main"}, nil
}

func (f *forge) Head(context.Context, string, string) (string, error) {
	return "1111111111111111111111111111111111111111", nil
}

func (f *forge) File(context.Context, string, string, string) ([]byte, bool, error) {
	return nil, false, nil
}

// house is several processes on one database.
type house struct {
	testing.TB
	db    *postgres.DB
	forge *forge
	doors []*shift.Door
}

func newHouse(t testing.TB, processes int) *house {
	t.Helper()
	h := &house{TB: t, forge: &forge{}}
	url := pgtest.New(t, func(ctx context.Context, url string) error {
		db, err := postgres.Open(ctx, url, 2)
		if err != nil {
			return err
		}
		defer db.Close()
		_, err = queue.Migrate(ctx, db)
		return err
	}, "ticks")
	var err error
	h.db, err = postgres.Open(t.Context(), url, 10)
	h.must(err)
	t.Cleanup(h.db.Close)
	q, err := queue.New(h.db, slog.New(slog.DiscardHandler))
	h.must(err)
	for range processes {
		h.doors = append(h.doors, shift.New(shift.Options{
			DB: h.db, Queue: q, Forge: h.forge, Agent: "scripted", Limits: ledger.GitHub(), Poll: time.Hour,
			Log: slog.New(slog.DiscardHandler),
		}))
	}
	return h
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) apply(text string) {
	h.Helper()
	p, err := h.doors[0].Plan(h.Context(), keep.File{Name: "shift.yaml", Data: []byte(text)})
	h.must(err)
	_, err = h.doors[0].Apply(h.Context(), p, "ada")
	h.must(err)
}

// tick has all processes tick at once.
func (h *house) tick() {
	h.Helper()
	var all sync.WaitGroup
	errs := make([]error, len(h.doors))
	for i, d := range h.doors {
		all.Go(func() { errs[i] = d.Tick(h.Context()) })
	}
	all.Wait()
	for _, err := range errs {
		h.must(err)
	}
}

// rows returns the rows of the shift by state.
func (h *house) rows() map[fleet.State][]fleet.Row {
	h.Helper()
	rows, err := h.doors[0].Rows(h.Context(), "s")
	h.must(err)
	by := map[fleet.State][]fleet.Row{}
	for _, row := range rows {
		by[row.State] = append(by[row.State], row)
	}
	return by
}

// end ends the run of a row, as the worker that told of it.
func (h *house) end(d *shift.Door, row fleet.Row) {
	h.Helper()
	rec, err := h.db.Task(h.Context(), row.TaskID)
	h.must(err)
	rec.Status = task.StatusNoChange
	_, err = d.Notify(h.Context(), task.Notice{Kind: task.NoticeTask}, runner.View{
		Task: rec.Task, Result: &runner.Result{Outcome: task.Outcome{Status: task.StatusNoChange, BaseSHA: "1111"}},
	})
	h.must(err)
}

const manyTargets = `apiVersion: honk/v1
kind: Shift
metadata: {name: s}
spec:
  targets: {repos: [acme/a, acme/b, acme/c, acme/d, acme/e, acme/f, acme/g, acme/h, acme/i, acme/j, acme/k, acme/l]}
  transform: {script: {text: "true"}}
  rollout: {limits: {workers: 3}}
  pullRequest: {title: T}
`

// Processes that tick one after another, and by chance at once, run each
// target once; a limit of the forge's, and an answer of it that comes in
// between, lose none.
func TestTick(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 2)
	h.apply(manyTargets)
	h.forge.limited = 2
	ran := map[fleet.Key]int{}
	for round := range 60 {
		by := h.rows()
		if len(by[fleet.NoChange]) == 12 {
			break
		}
		// Of two that tick at once each may start as many as may run.
		if n := len(by[fleet.Running]); n > 2*3 {
			t.Fatalf("round %d: %d run at once", round, n)
		}
		for i, row := range by[fleet.Running] {
			ran[row.Key]++
			h.end(h.doors[i%2], row)
		}
		h.tick()
		<-time.After(2 * time.Millisecond) // What a limit asks for.
	}
	if got := h.rows(); len(got[fleet.NoChange]) != 12 {
		t.Fatalf("the rows are %v", got)
	}
	for key, n := range ran {
		if n != 1 {
			t.Errorf("%s ran %d times", key, n)
		}
	}
	if tasks, err := h.db.Tasks(t.Context(), task.StatusQueued, 100); err != nil || len(tasks) != 12 {
		t.Errorf("there are %d tasks, want 12: %v", len(tasks), err)
	}
	h.tick()
	if w, err := h.doors[0].Keep.Work(t.Context(), "s"); err != nil || w.Phase != fleet.PhaseCompleted {
		t.Errorf("the shift is %+v: %v", w, err)
	}
}

// One that ticks alone never goes over a cap, and takes in what others have
// done meanwhile.
func TestTick_cap(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 2)
	h.apply(manyTargets)
	alone := h.doors[1]
	for want := range 4 {
		h.must(alone.Tick(t.Context()))
		running := h.rows()[fleet.Running]
		if len(running) != 3 {
			t.Fatalf("%d run, want 3", len(running))
		}
		if want == 1 {
			h.must(h.doors[0].Orders.Pause(t.Context(), "s", "ada"))
			h.end(h.doors[0], running[0])
			h.must(alone.Tick(t.Context()))
			if n := len(h.rows()[fleet.Running]); n != 2 {
				t.Fatalf("%d run in a paused shift, want the 2 that are left", n)
			}
			h.must(h.doors[0].Orders.Resume(t.Context(), "s", "ada"))
			continue
		}
		for _, row := range running {
			h.end(h.doors[0], row)
		}
	}
}

// A manifest that publishes where the one before did not does so with what is
// there, without waiting for news of it; one that is applied again lets a
// completed shift go on with new targets.
func TestApply_policy(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1)
	none := strings.Replace(manyTargets, "pullRequest: {", "pullRequest: {publish: none, ", 1)
	h.apply(none)
	k := h.doors[0].Keep
	h.must(k.In(t.Context(), func(tx *keep.Tx) error {
		rows, err := tx.Rows(t.Context(), "s")
		if err != nil {
			return err
		}
		for i := range rows {
			rows[i].State, rows[i].Want = fleet.Ready, ""
			err = errors.Join(err, tx.PutRows(t.Context(), keep.Change{Row: rows[i]}))
		}
		return err
	}))
	wants := func(act fleet.Act) {
		t.Helper()
		for _, row := range h.rows()[fleet.Ready] {
			if row.Want != act {
				t.Errorf("%s wants %q, want %q", row.Key, row.Want, act)
			}
		}
	}
	h.apply(manyTargets)
	wants(fleet.ActPush)
	h.apply(none)
	wants("")

	h.must(k.In(t.Context(), func(tx *keep.Tx) error {
		w, err := tx.Work(t.Context(), "s")
		if err != nil {
			return err
		}
		s := w.Shift
		s.Phase = fleet.PhaseCompleted
		return tx.PutShift(t.Context(), s)
	}))
	p, err := h.doors[0].Plan(t.Context(), keep.File{Name: "shift.yaml", Data: []byte(none), Files: map[string][]byte{".env": []byte("x")}})
	h.must(err)
	if len(p.File.Files) != 0 {
		t.Errorf("files are stored that nobody names: %v", p.File.Files)
	}
	p.Targets = append(p.Targets, plan.Looked{Target: target.Target{Repo: "acme/new", BaseSHA: "1111"}})
	applied, err := h.doors[0].Apply(t.Context(), p, "ada")
	h.must(err)
	if applied.Shift.Phase != fleet.PhaseRunning || len(h.rows()[fleet.Eligible]) != 1 {
		t.Errorf("the shift is %s, the rows are %v", applied.Shift.Phase, h.rows())
	}
}

// A shift that is held can be closed as a whole; then nothing of it goes on.
func TestClose_held(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1)
	h.apply(manyTargets)
	d := h.doors[0]
	h.must(d.Tick(t.Context()))
	h.must(d.Orders.Pause(t.Context(), "s", "ada"))
	n, err := d.Orders.Close(t.Context(), "s", "", "ada")
	h.must(err)
	for range 3 {
		h.must(d.Tick(t.Context()))
	}
	if by := h.rows(); n != 12 || len(by[fleet.Closed]) != 12 {
		t.Errorf("%d were closed, the rows are %v", n, by)
	}
	if w, err := d.Keep.Work(t.Context(), "s"); err != nil || w.Phase != fleet.PhaseCompleted {
		t.Errorf("the shift is %+v: %v", w, err)
	}
}
