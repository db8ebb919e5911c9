// Package sandboxtest holds every sandbox backend to the contract of package
// sandbox: what files and commands do, what limits stop, what is dead
// afterwards, and, for backends that isolate, what cannot be reached.
package sandboxtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"honk/sandbox"
	"honk/sandbox/guest"
)

// orphanVar tells a test binary to start a sandbox in a directory and wait to
// be killed.
const orphanVar = "HONK_SANDBOXTEST_ORPHAN"

// Canary is in the environment of every test that Main runs, and must be
// nowhere inside.
const Canary = "canary-5e1f9d0c7b"

// Main is the TestMain of a backend's package: it also plays the guest, and
// the worker that is killed.
func Main(m *testing.M, b sandbox.Backend) {
	if guest.Main() {
		return
	}
	if dir := os.Getenv(orphanVar); dir != "" {
		if err := orphan(b, dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if err := os.Setenv("HONK_SANDBOXTEST_SECRET", Canary); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func orphan(b sandbox.Backend, dir string) error {
	sb, err := b.Start(context.Background(), sandbox.Spec{Label: "orphan", Dir: dir})
	if err != nil {
		return err
	}
	_, err = sb.Exec(context.Background(), sandbox.Command{Args: []string{"sh", "-c", hold("pulse")}})
	return err
}

// Need skips a test where this machine cannot have a sandbox of the backend:
// no bubblewrap, no user namespaces. In CI (CI=true) it fails instead.
func Need(t testing.TB, b sandbox.Backend) {
	t.Helper()
	sb, err := b.Start(t.Context(), sandbox.Spec{Label: "need", Dir: t.TempDir()})
	switch {
	case err == nil:
		if err := sb.Close(); err != nil {
			t.Fatal(err)
		}
	case os.Getenv("CI") == "true":
		t.Fatal(err)
	default:
		t.Skip(err)
	}
}

// Run runs the suite; its cases of isolation only for a backend that isolates.
func Run(t *testing.T, b sandbox.Backend) {
	t.Helper()
	Need(t, b)
	for _, c := range []struct {
		name  string
		cases []testCase
	}{
		{"files", fileCases()},
		{"exec", execCases()},
		{"limits", limitCases()},
		{"death", deathCases()},
		{"isolation", isolationCases()},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, tc := range c.cases {
				if tc.isolated && !b.Isolates() {
					continue
				}
				t.Run(tc.name, func(t *testing.T) {
					t.Parallel()
					tc.run(t, newBundle(t, b, tc.spec))
				})
			}
		})
	}
}

// testCase is one demand on a backend.
type testCase struct {
	name     string
	isolated bool
	spec     sandbox.Spec
	run      func(t *testing.T, x *bundle)
}

// bundle is a sandbox under test. Around it lie dir, its work tree, and
// outside, a directory it must not reach.
type bundle struct {
	b       sandbox.Backend
	sb      sandbox.Sandbox
	dir     string
	outside string
}

func newBundle(t *testing.T, b sandbox.Backend, spec sandbox.Spec) *bundle {
	t.Helper()
	top := t.TempDir()
	x := &bundle{b: b, dir: filepath.Join(top, "work"), outside: filepath.Join(top, "outside")}
	for _, dir := range []string{x.dir, x.outside} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	x.put(t, filepath.Join(x.outside, "secret"), "outside")
	spec.Label, spec.Dir = "test", x.dir
	sb, err := b.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	x.sb = sb
	t.Cleanup(func() {
		if err := sb.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return x
}

// put writes a file on the host.
func (x *bundle) put(t *testing.T, file, text string) {
	t.Helper()
	if !filepath.IsAbs(file) {
		file = filepath.Join(x.dir, file)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// link makes a symlink in the work tree.
func (x *bundle) link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, filepath.Join(x.dir, name)); err != nil {
		t.Fatal(err)
	}
}

// bash runs a script and returns its result.
func (x *bundle) bash(t *testing.T, script string, mend ...func(*sandbox.Command)) sandbox.ExecResult {
	t.Helper()
	cmd := sandbox.Command{Args: []string{"bash", "-c", script}}
	for _, m := range mend {
		m(&cmd)
	}
	result, err := x.sb.Exec(t.Context(), cmd)
	if err != nil {
		t.Fatalf("Exec(%q): %v", script, err)
	}
	return result
}

// usable fails the test when the sandbox does not work any more.
func (x *bundle) usable(t *testing.T) {
	t.Helper()
	if got := string(x.bash(t, "echo alive").Stdout.Bytes()); got != "alive\n" {
		t.Errorf("the sandbox does not work any more: %q", got)
	}
}
