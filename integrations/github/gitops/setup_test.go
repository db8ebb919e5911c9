package gitops_test

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"honk/fleet"
	"honk/fleet/manifest"
	"honk/fleet/plan"
	"honk/fleet/target"
	"honk/integrations/github/client"
	"honk/integrations/github/event"
	"honk/integrations/github/githubtest"
	"honk/integrations/github/gitops"
	"honk/internal/postgres"
	"honk/internal/postgres/pgtest"
	"honk/internal/secret"
	"honk/internal/task"
)

const home = "acme/shifts"

// head begins a manifest of a name.
func head(name string) string {
	return "apiVersion: honk/v1\nkind: Shift\nmetadata: {name: " + name + "}\n"
}

// greet is a manifest for two repositories.
func greet(name, title string) string {
	return head(name) + `spec:
  targets: {repos: [acme/a, acme/b]}
  transform: {script: {file: run.sh}}
  pullRequest: {title: "` + title + "\"}\n"
}

// shifts stand for the fleet's.
type shifts struct {
	mu      sync.Mutex
	applied map[string]gitops.Applied
	did     []string
	// planFunc happens during each plan.
	planFunc func() error
}

func (s *shifts) Plan(_ context.Context, f gitops.File) (gitops.Planned, error) {
	m, err := manifest.Parse(f.Name, f.Data, manifest.Options{Read: func(name string) ([]byte, error) {
		if data, ok := f.Files[name]; ok {
			return data, nil
		}
		return nil, fs.ErrNotExist
	}})
	if err != nil {
		return gitops.Planned{}, err
	}
	s.mu.Lock()
	during, was := s.planFunc, s.applied[m.Metadata.Name]
	s.mu.Unlock()
	if during != nil {
		if err := during(); err != nil {
			return gitops.Planned{}, err
		}
	}
	var targets []plan.Looked
	for _, repo := range m.Spec.Targets.Repos {
		targets = append(targets, plan.Looked{Target: target.Target{Repo: repo}})
	}
	p, err := plan.New(plan.Input{Manifest: m, Targets: targets, Shift: was.Shift, Now: time.Now()})
	if err != nil {
		return gitops.Planned{}, err
	}
	var out []target.Excluded
	for _, repo := range m.Spec.Targets.Exclude.Repos {
		out = append(out, target.Excluded{Target: target.Target{Repo: repo}, Reason: "excluded by @ada | [x](http://evil)"})
	}
	return gitops.Planned{Plan: p, Excluded: out, ApplyFunc: func(_ context.Context, by string) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		now := p.Shift
		if now.Phase == fleet.PhasePlanned {
			now.Phase = fleet.PhaseRunning
		}
		s.applied[now.Name] = gitops.Applied{Shift: now, By: by}
		s.did = append(s.did, "apply "+now.Name+" by "+by)
		return nil
	}}, nil
}

func (s *shifts) All(context.Context) (all []gitops.Applied, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.applied {
		all = append(all, one)
	}
	return all, nil
}

func (s *shifts) Pause(_ context.Context, name, by string) error {
	return s.turn(name, fleet.PhasePaused, "paused by "+by)
}

func (s *shifts) Resume(_ context.Context, name, _ string) error {
	return s.turn(name, fleet.PhaseRunning, "")
}

func (s *shifts) turn(name string, to fleet.Phase, reason string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.applied[name]
	if one.Phase == to {
		return task.Errorf(task.CodeConflict, "%s is %s", name, to)
	}
	one.Phase, one.Reason = to, reason
	s.applied[name] = one
	s.did = append(s.did, string(to)+" "+name+" "+reason)
	return nil
}

// news is what was done since it was last asked.
func (s *shifts) news() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := strings.Join(s.did, "; ")
	s.did = nil
	return out
}

// bundle is the door of a forge with the repository acme/shifts, where ada can
// write and bob can read.
type bundle struct {
	*testing.T
	forge  *githubtest.Forge
	door   *gitops.Door
	shifts *shifts
	// seen are the deliveries that were handled.
	seen  int
	ahead atomic.Int64
}

func setup(t *testing.T, dir string, files map[string]string) *bundle {
	t.Helper()
	b := &bundle{T: t, shifts: &shifts{applied: map[string]gitops.Applied{}}}
	var err error
	sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(sink.Close)
	b.forge, err = githubtest.New(githubtest.Options{
		Dir: t.TempDir(), WebhookURL: sink.URL, WebhookSecret: "s",
		NowFunc: func() time.Time { return time.Now().Add(time.Duration(b.ahead.Load()) * time.Second) },
	})
	b.must(err)
	b.must(b.forge.Start(t.Context()))
	t.Cleanup(func() { _ = b.forge.Close() })
	_, err = b.forge.CreateRepo(t.Context(), githubtest.NewRepo{Name: home, Files: files})
	b.must(err)
	b.must(b.forge.SetPermission(home, "ada", "write"))
	b.must(b.forge.SetPermission(home, "bob", "read"))
	_, err = b.forge.Install("acme")
	b.must(err)
	b.door = b.newDoor(dir)
	return b
}

// newDoor is the door of one process.
func (b *bundle) newDoor(dir string) *gitops.Door {
	b.Helper()
	log := slog.New(slog.DiscardHandler)
	db, err := postgres.Open(b.Context(), pgtest.New(b.T, migrate, "gitops"), 8)
	b.must(err)
	b.Cleanup(db.Close)
	app, err := client.New(client.Options{AppID: b.forge.AppID(), PrivateKey: b.forge.PrivateKey(), APIURL: b.forge.APIURL(), Log: log})
	b.must(err)
	secrets, err := secret.New(nil, nil)
	b.must(err)
	return gitops.New(gitops.Options{App: app, DB: db, Shifts: b.shifts, Repo: home, Dir: dir, Secrets: secrets, Log: log})
}

func migrate(ctx context.Context, url string) error {
	db, err := postgres.Open(ctx, url, 4)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Migrate(ctx)
	return err
}

func (b *bundle) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// events are the webhooks that have not been handled.
func (b *bundle) events() (list []event.Event) {
	b.Helper()
	b.must(b.forge.WaitDeliveries(b.Context()))
	all := b.forge.Deliveries()
	for _, d := range all[b.seen:] {
		if d.Lost || !event.Wanted(d.Event, event.Action(d.Payload)) {
			continue
		}
		e, err := event.Parse(d.Event, d.Payload)
		b.must(err)
		list = append(list, e)
	}
	b.seen = len(all)
	return list
}

// handle handles each webhook twice, both at once.
func (b *bundle) handle() {
	b.Helper()
	for _, e := range b.events() {
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				if _, err := b.door.Handle(b.Context(), e); err != nil {
					b.Errorf("%s %s: %v", e.Name, e.Action, err)
				}
			})
		}
		all.Wait()
	}
}

// push commits to a branch as somebody; nil removes a file.
func (b *bundle) push(login, branch string, files map[string]string, remove ...string) {
	b.Helper()
	b.ahead.Add(2)
	_, err := b.forge.Commit(b.Context(), githubtest.Change{Repo: home, Branch: branch, Login: login, Files: files, Remove: remove})
	b.must(err)
}

// pull opens a pull request of files.
func (b *bundle) pull(login, branch string, files map[string]string, remove ...string) githubtest.At {
	b.Helper()
	b.push(login, branch, files, remove...)
	n, err := b.forge.OpenPull(b.Context(), login, home, githubtest.NewPull{Title: "T", Head: branch})
	b.must(err)
	return githubtest.At{Login: login, Repo: home, Number: n}
}

// comments are the bodies on a pull request.
func (b *bundle) comments(at githubtest.At) (list []string) {
	b.Helper()
	all, err := b.forge.Comments(at.Repo, at.Number)
	b.must(err)
	for _, c := range all {
		if c.Login != b.forge.BotLogin() {
			b.Errorf("a comment by %s", c.Login)
		}
		list = append(list, c.Body)
	}
	return list
}

// says checks the one comment on a pull request.
func (b *bundle) says(at githubtest.At, want ...string) string {
	b.Helper()
	list := b.comments(at)
	if len(list) != 1 {
		b.Fatalf("%d comments on #%d, want one:\n%s", len(list), at.Number, strings.Join(list, "\n----\n"))
	}
	for _, text := range want {
		if !strings.Contains(list[0], text) {
			b.Errorf("#%d does not say %q:\n%s", at.Number, text, list[0])
		}
	}
	return list[0]
}

func (b *bundle) did(want string) {
	b.Helper()
	if got := b.shifts.news(); got != want {
		b.Errorf("did %q, want %q", got, want)
	}
}
