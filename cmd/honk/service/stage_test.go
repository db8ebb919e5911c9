package service_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"honk/integrations/github/githubtest"
	"honk/internal/llm/llmtest"
	"honk/internal/postgres"
	"honk/internal/postgres/pgtest"
	"honk/queue"
	"honk/sandbox/guest"
)

const (
	// patience is how long what must happen is waited for.
	patience = time.Minute
	// secret signs the webhooks.
	secret = "webhook-secret-8d1f"
	apiKey = "sk-test-5f0a7c31e9d24b68"
	// orgFile is the organisation's honk.yaml, with times that tests can wait
	// for.
	orgFile = "service: {edit_every: 100ms, grace: 5s, follow_up: {quiet: 1s, longest: 3s}}\n"
)

// binary is the honk under test: the real program, built once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "honk-service-test-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "honk")
	cmd := exec.CommandContext(context.Background(), "go", "build", "-o", path, "honk/cmd/honk")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building honk: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	if guest.Main() {
		return // this process is a sandbox's supervisor
	}
	// Tests mostly wait for other processes, more of them than there are
	// processors.
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(max(6, runtime.GOMAXPROCS(0)))); err != nil {
		panic(err)
	}
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// stage is a forge, a model and the database that honk processes work on.
type stage struct {
	testing.TB

	forge *githubtest.Forge
	model *llmtest.Server
	// gate stands before the model.
	gate  *gate
	clock *clock
	env   map[string]string
	db    *postgres.DB
	addr  string
	// started are the processes so far.
	started []*process
}

// clock is the forge's: it counts whole seconds only, and what people do there
// is told apart by them.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load()) * time.Second) }

// tick lets time pass between two acts of people.
func (c *clock) tick() { c.ahead.Add(2) }

// newStage sets the stage; script is the model's.
func newStage(t testing.TB, script string) *stage {
	t.Helper()
	steps, err := llmtest.Parse([]byte(spell(script)))
	if err != nil {
		t.Fatal(err)
	}
	return setStage(t, githubtest.Options{}, steps...)
}

// setStage sets the stage with a forge of its own kind and a model of steps.
func setStage(t testing.TB, kind githubtest.Options, steps ...llmtest.Step) *stage {
	t.Helper()
	s := &stage{TB: t, clock: &clock{}}
	var err error
	s.addr = freeAddr(t)
	kind.Dir, kind.WebhookURL, kind.WebhookSecret = t.TempDir(), "http://"+s.addr+"/webhooks/github", secret
	kind.NowFunc = s.clock.now
	s.forge, err = githubtest.New(kind)
	s.must(err)
	s.must(s.forge.Start(t.Context()))
	t.Cleanup(func() { _ = s.forge.Close() })
	s.model = llmtest.NewServer(steps...)
	s.model.Key = apiKey
	s.gate = &gate{next: s.model}
	web := httptest.NewServer(s.gate)
	t.Cleanup(web.Close)
	t.Cleanup(s.gate.release)

	dir := t.TempDir()
	key, config := filepath.Join(dir, "key.pem"), filepath.Join(dir, "honk.yaml")
	s.must(os.WriteFile(key, s.forge.PrivateKey(), 0o600))
	s.must(os.WriteFile(config, []byte(orgFile), 0o600))
	url := pgtest.New(t, migrate, "service")
	s.db, err = postgres.Open(t.Context(), url, 4)
	s.must(err)
	t.Cleanup(s.db.Close)
	s.env = map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": dir, "USER": "operator",
		"HONK_DATA_DIR": filepath.Join(dir, "data"), "HONK_CONFIG": config, "HONK_DATABASE_URL": url,
		"HONK_LISTEN": s.addr, "HONK_LLM_BASE_URL": web.URL + "/v1", "HONK_LLM_API_KEY": apiKey, "HONK_LLM_MODEL": "scripted",
		"HONK_GITHUB_APP_ID": fmt.Sprint(s.forge.AppID()), "HONK_GITHUB_PRIVATE_KEY_FILE": key,
		"HONK_GITHUB_WEBHOOK_SECRET": secret,
		"HONK_HEALTH_SECRET":         secret,
		"HONK_GITHUB_API_URL":        strings.TrimSuffix(s.forge.APIURL(), "/"), "HONK_GITHUB_GIT_URL": strings.TrimSuffix(s.forge.GitURL(), "/"),
	}
	return s
}

func (s *stage) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func migrate(ctx context.Context, url string) error {
	db, err := postgres.Open(ctx, url, 4)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = queue.Migrate(ctx, db)
	return err
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// process is a running honk.
type process struct {
	cmd  *exec.Cmd
	out  *buffer
	done chan error
}

// buffer is written to by a process and read by the test.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start starts honk with some arguments. It is ended with the test.
func (s *stage) start(args ...string) *process {
	s.Helper()
	path, err := binary()
	s.must(err)
	p := &process{out: &buffer{}, done: make(chan error, 1)}
	p.cmd = exec.CommandContext(context.WithoutCancel(s.Context()), path, args...)
	for k, v := range s.env {
		p.cmd.Env = append(p.cmd.Env, k+"="+v)
	}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	s.must(p.cmd.Start())
	s.started = append(s.started, p)
	go func() { p.done <- p.cmd.Wait() }()
	s.Cleanup(func() {
		p.stop(syscall.SIGTERM)
		if s.Failed() {
			s.Logf("honk %s:\n%s", strings.Join(args, " "), p.out)
		}
	})
	return p
}

// lives returns an error once the process has ended.
func (p *process) lives() error {
	select {
	case err := <-p.done:
		p.done <- err
		return fmt.Errorf("it has ended: %w\n%s", err, p.out)
	default:
		return nil
	}
}

// stop sends a signal and waits for the end.
func (p *process) stop(signal syscall.Signal) error {
	_ = p.cmd.Process.Signal(signal)
	select {
	case err := <-p.done:
		p.done <- err
		return err
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		return fmt.Errorf("it did not end within %s", patience)
	}
}

// serve starts honk serve and waits until it is ready.
func (s *stage) serve() *process {
	s.Helper()
	p := s.start("serve")
	s.await("honk serve is ready", func() bool {
		req, err := http.NewRequestWithContext(s.Context(), http.MethodGet, "http://"+s.addr+"/readyz", nil)
		s.must(err)
		resp, err := new(http.Client).Do(req)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return p
}

// await waits until ok holds.
func (s *stage) await(what string, ok func() bool) {
	s.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			s.Fatalf("%s: not within %s", what, patience)
		case <-tick.C:
		}
	}
}
