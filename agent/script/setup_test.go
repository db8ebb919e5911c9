package script_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"honk/agent"
	"honk/agent/script"
	"honk/internal/task"
	"honk/sandbox"
	"honk/sandbox/bwrap"
	"honk/sandbox/guest"
	"honk/sandbox/host"
)

func TestMain(m *testing.M) {
	if guest.Main() {
		return
	}
	os.Exit(m.Run())
}

// bundle is a repository in a sandbox.
type bundle struct {
	dir    string
	sb     sandbox.Sandbox
	in     agent.Input
	events []task.ToolData
}

// setup starts a sandbox of bubblewrap where this machine can have one, else
// one that isolates nothing.
func setup(t testing.TB) *bundle {
	t.Helper()
	return setupIn(t, bwrap.New(bwrap.Options{}), host.New(host.Options{}))
}

// setupIn starts a sandbox of the first backend that works.
func setupIn(t testing.TB, backends ...sandbox.Backend) *bundle {
	t.Helper()
	b := &bundle{dir: t.TempDir()}
	for name, text := range map[string]string{"a.txt": "old\n", "unit/b.txt": "old\n"} {
		path := filepath.Join(b.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b.git(t.Context(), t, "init", "-q")
	b.git(t.Context(), t, "add", "-A")
	b.git(t.Context(), t, "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "base")
	spec := sandbox.Spec{Label: "test", Dir: b.dir}
	var err error
	for _, backend := range backends {
		if b.sb, err = backend.Start(t.Context(), spec); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.sb.Close(); err != nil {
			t.Error(err)
		}
	})
	b.in = agent.Input{
		TaskID: "01TEST", Sandbox: b.sb,
		DiffFunc: func(ctx context.Context) (p task.Patch, err error) {
			for line := range strings.Lines(b.git(ctx, t, "status", "--porcelain", "-uall")) {
				p.Files = append(p.Files, task.FileChange{Path: strings.TrimSpace(line[3:])})
				p.Diff = append(p.Diff, line...)
			}
			return p, nil
		},
		RecordFunc: func(_ context.Context, kind task.EventKind, _ int, data any) error {
			d, ok := data.(task.ToolData)
			if kind != task.EventTool || !ok {
				t.Errorf("got an event of kind %q with %T", kind, data)
			}
			b.events = append(b.events, d)
			return nil
		},
	}
	return b
}

func (b *bundle) git(ctx context.Context, t testing.TB, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = b.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// changed are the paths that differ from the base.
func (b *bundle) changed(t testing.TB) (paths []string) {
	t.Helper()
	p, err := b.in.DiffFunc(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range p.Files {
		paths = append(paths, f.Path)
	}
	return paths
}

// run runs a script that must be possible to run.
func (b *bundle) run(t testing.TB, opts script.Options) agent.Result {
	t.Helper()
	a, err := script.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	res, err := a.Run(t.Context(), b.in)
	if err != nil {
		t.Fatalf("running: %v (result %+v)", err, res)
	}
	return res
}
