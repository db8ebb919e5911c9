package sandboxtest

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"honk/sandbox"

	"golang.org/x/sys/unix"
)

func deathCases() []testCase {
	return []testCase{
		{name: "daemons_die_with_their_command", run: daemons},
		{name: "close_kills", run: closeKills},
		{name: "close_twice", run: closeTwice},
		{name: "killed_worker", run: killedWorker},
		{name: "mount_points", run: mountPoints},
	}
}

// hold is a script that keeps a pipe open in a process far away from its
// parent, and then waits.
func hold(pipe string) string { return daemon(pipe) + "; sleep 100" }

// daemon is hold without the waiting.
func daemon(pipe string) string {
	return "exec 9>" + pipe + "; echo up >&9; (setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 1; done' &)"
}

// pulse is a pipe in the work tree: whoever lives inside holds it open.
func (x *bundle) pulse(t *testing.T, dir string) *os.File {
	t.Helper()
	name := filepath.Join(dir, "pulse")
	if err := unix.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// up waits for the word of a process inside.
func up(t *testing.T, f *os.File) {
	t.Helper()
	buf := make([]byte, 3)
	deadline := time.Now().Add(20 * time.Second)
	for {
		_ = f.SetReadDeadline(deadline)
		_, err := io.ReadFull(f, buf)
		if err == nil {
			return
		}
		// Before the first writer there is an end of file.
		if !errors.Is(err, io.EOF) || time.Now().After(deadline) {
			t.Fatalf("nothing started: %v", err)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// down fails the test when the pipe is still held.
func down(t *testing.T, f *os.File) {
	t.Helper()
	_ = f.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.Copy(io.Discard, f); err != nil {
		t.Errorf("a process is still alive: %v", err)
	}
}

func daemons(t *testing.T, x *bundle) {
	for _, script := range []string{
		daemon("pulse"),
		"exec 9>pulse; echo up >&9; (sleep 100 &); (setsid sleep 100 &)",
		"exec 9>pulse; echo up >&9; sh -c 'sh -c \"sh -c \\\"sleep 100 &\\\" &\" &' & exit 0",
	} {
		_ = os.Remove(filepath.Join(x.dir, "pulse"))
		f := x.pulse(t, x.dir)
		began := time.Now()
		result := x.bash(t, script)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%q: the pipe was waited for, %v", script, took)
		}
		if result.ExitCode != 0 {
			t.Errorf("%q: exit %d: %s", script, result.ExitCode, result.Stderr.Bytes())
		}
		up(t, f)
		down(t, f)
	}
}

func closeKills(t *testing.T, x *bundle) {
	f := x.pulse(t, x.dir)
	ended := make(chan error, 1)
	go func() {
		_, err := x.sb.Exec(t.Context(), sandbox.Command{Args: []string{"sh", "-c", hold("pulse")}})
		ended <- err
	}()
	up(t, f)
	began := time.Now()
	if err := x.sb.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("Close took %v", took)
	}
	// Dead when Close returns, not some time after.
	_ = f.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if _, err := io.Copy(io.Discard, f); err != nil {
		t.Errorf("a process outlived Close: %v", err)
	}
	if err := <-ended; !errors.Is(err, sandbox.ErrClosed) {
		t.Errorf("Exec during Close = %v, want ErrClosed", err)
	}
}

func closeTwice(t *testing.T, x *bundle) {
	for range 2 {
		if err := x.sb.Close(); err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	_, execErr := x.sb.Exec(ctx, sandbox.Command{Args: []string{"true"}})
	_, readErr := x.sb.Read(ctx, "f", 1)
	_, writeErr := x.sb.Write(ctx, sandbox.Write{Path: "f"})
	_, searchErr := x.sb.Search(ctx, sandbox.Query{Pattern: "x"})
	_, listErr := x.sb.List(ctx, "", 1)
	for _, err := range []error{execErr, readErr, writeErr, searchErr, listErr} {
		if !errors.Is(err, sandbox.ErrClosed) {
			t.Errorf("after Close: %v, want ErrClosed", err)
		}
	}
}

// killedWorker kills a worker without warning; its sandbox dies with it.
func killedWorker(t *testing.T, x *bundle) {
	dir := filepath.Join(x.outside, "orphan")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f := x.pulse(t, dir)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), orphanVar+"="+dir, "TMPDIR="+x.outside)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	up(t, f)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	down(t, f)
}

func mountPoints(t *testing.T, x *bundle) {
	spec := sandbox.Spec{Label: "mounts", Dir: filepath.Join(x.outside, "tree"), Mounts: []sandbox.Mount{
		{Host: x.dir, Guest: "web/node_modules"},
	}}
	if err := os.Mkdir(spec.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	x.put(t, "module.js", "text")
	sb, err := x.b.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	result, err := sb.Exec(t.Context(), sandbox.Command{Args: []string{"cat", "web/node_modules/module.js"}})
	if err != nil || string(result.Stdout.Bytes()) != "text" {
		t.Errorf("%q %q, %v", result.Stdout.Bytes(), result.Stderr.Bytes(), err)
	}
	if err := sb.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(spec.Dir); len(left) > 0 {
		t.Errorf("left in the work tree: %v", left)
	}
	if text, _ := os.ReadFile(filepath.Join(x.dir, "module.js")); string(text) != "text" {
		t.Error("the mount's content is gone")
	}
}
