package sandboxtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"honk/sandbox"

	"github.com/google/go-cmp/cmp"
)

func execCases() []testCase {
	return []testCase{
		{name: "results", run: results},
		{name: "environment", spec: sandbox.Spec{Env: map[string]string{"SPEC": "1"}}, run: environment},
		{name: "output_is_cut", run: outputCut},
		{name: "merge", run: merge},
		{name: "no_input", run: noInput},
		{name: "timeout", run: timeout},
		{name: "cancelled", run: cancelled},
		{name: "concurrent", run: concurrent},
		{name: "directory_out_is_refused", run: directoryOut},
	}
}

func results(t *testing.T, x *bundle) {
	x.put(t, "sub/f", "")
	x.put(t, "noexec", "")
	for _, c := range []struct {
		cmd    sandbox.Command
		code   int
		stdout string
	}{
		{sandbox.Command{Args: []string{"true"}}, 0, ""},
		{sandbox.Command{Args: []string{"sh", "-c", "exit 3"}}, 3, ""},
		{sandbox.Command{Args: []string{"sh", "-c", "kill -9 $$"}}, 137, ""},
		{sandbox.Command{Args: []string{"no-such-program"}}, 127, ""},
		{sandbox.Command{Args: []string{"./noexec"}}, 126, ""},
		{sandbox.Command{}, 127, ""},
		{sandbox.Command{Args: []string{"ls"}, Dir: "sub"}, 0, "f\n"},
		{sandbox.Command{Args: []string{"sh", "-c", "echo $A"}, Env: map[string]string{"A": "b"}}, 0, "b\n"},
	} {
		got, err := x.sb.Exec(t.Context(), c.cmd)
		if err != nil || got.ExitCode != c.code || string(got.Stdout.Bytes()) != c.stdout {
			t.Errorf("Exec(%q) = %d, %q, %v; want %d, %q", c.cmd.Args, got.ExitCode, got.Stdout.Bytes(), err, c.code, c.stdout)
		}
	}
}

func environment(t *testing.T, x *bundle) {
	got := map[string]string{}
	for line := range strings.Lines(string(x.bash(t, "env").Stdout.Bytes())) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		got[key] = value
	}
	want := sandbox.BaseEnv()
	want["SPEC"] = "1"
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s=%q, want %q", key, got[key], value)
		}
	}
	for _, key := range []string{"PATH", "HOME", "TMPDIR"} {
		if got[key] == "" || got[key] == os.Getenv(key) && key == "HOME" {
			t.Errorf("%s=%q", key, got[key])
		}
	}
	if _, ok := got["HONK_SANDBOXTEST_SECRET"]; ok {
		t.Error("the worker's environment is inside")
	}
	if out := x.bash(t, `touch "$HOME/f" "$TMPDIR/f" && pwd`); string(out.Stdout.Bytes()) != x.sb.Root()+"\n" || out.ExitCode != 0 {
		t.Errorf("exit %d, %q", out.ExitCode, out.Stdout.Bytes())
	}
}

func outputCut(t *testing.T, x *bundle) {
	result := x.bash(t, "seq 1 20000; seq 1 3 >&2", func(c *sandbox.Command) { c.MaxOutput, c.Keep = 1000, true })
	out := result.Stdout
	if len(out.Bytes()) > 1000 || !bytes.HasPrefix(out.Head, []byte("1\n2\n")) || !bytes.HasSuffix(out.Tail, []byte("\n20000\n")) {
		t.Errorf("head %.20q, tail %.20q", out.Head, out.Tail)
	}
	if !bytes.HasSuffix(out.Head, []byte("\n")) {
		t.Errorf("head ends in the middle of a line: %q", out.Head)
	}
	lines := bytes.Count(out.Bytes(), []byte("\n"))
	if lines+out.OmittedLines != 20000 {
		t.Errorf("%d lines and %d omitted, want 20000", lines, out.OmittedLines)
	}
	whole := x.bash(t, "wc -c < "+out.File+"; sha256sum < "+out.File)
	want := x.bash(t, "seq 1 20000 > f; wc -c < f; sha256sum < f; rm f")
	if diff := cmp.Diff(string(want.Stdout.Bytes()), string(whole.Stdout.Bytes())); diff != "" || out.File == "" {
		t.Errorf("kept file %q (-want +got):\n%s", out.File, diff)
	}
	if strings.HasPrefix(out.File, x.sb.Root()+"/") {
		t.Errorf("kept file %q is in the work tree", out.File)
	}
	if string(result.Stderr.Bytes()) != "1\n2\n3\n" || result.Stderr.Truncated() || result.Stderr.File != "" {
		t.Errorf("standard error: %+v", result.Stderr)
	}
}

func merge(t *testing.T, x *bundle) {
	result := x.bash(t, "echo 1; echo 2 >&2; echo 3", func(c *sandbox.Command) { c.Merge = true })
	if got := string(result.Stdout.Bytes()); got != "1\n2\n3\n" {
		t.Errorf("%q", got)
	}
}

func noInput(t *testing.T, x *bundle) {
	if result := x.bash(t, "cat; read x; echo $?; test -t 0 || echo no terminal"); string(result.Stdout.Bytes()) != "1\nno terminal\n" {
		t.Errorf("%q", result.Stdout.Bytes())
	}
}

func timeout(t *testing.T, x *bundle) {
	for _, script := range []string{
		"echo started; sleep 100",
		"trap '' TERM; echo started; while :; do sleep 0.1; done",
		"echo started; sleep 100 & sleep 100 & wait",
		"echo started; (setsid sleep 100 &); sleep 100",
	} {
		began := time.Now()
		result := x.bash(t, script, func(c *sandbox.Command) { c.Timeout = 300 * time.Millisecond })
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%q took %v", script, took)
		}
		if !result.TimedOut || result.ExitCode == 0 || string(result.Stdout.Bytes()) != "started\n" {
			t.Errorf("%q: %+v %q", script, result, result.Stdout.Bytes())
		}
	}
	x.usable(t)
}

func cancelled(t *testing.T, x *bundle) {
	why := errors.New("nobody wants it any more")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(100*time.Millisecond, func() { cancel(why) })
	began := time.Now()
	if _, err := x.sb.Exec(ctx, sandbox.Command{Args: []string{"sleep", "100"}}); !errors.Is(err, why) {
		t.Errorf("Exec = %v, want the cause", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	x.usable(t)
}

// concurrent commands do not end each other's processes.
func concurrent(t *testing.T, x *bundle) {
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			name := fmt.Sprintf("f%d", i)
			if _, err := x.sb.Write(t.Context(), sandbox.Write{Path: name, Data: []byte(name)}); err != nil {
				t.Error(err)
			}
			// A child of an orphan answers through a file.
			result, err := x.sb.Exec(t.Context(), sandbox.Command{Args: []string{"bash", "-c", fmt.Sprintf(
				"mkfifo p%[1]d; (setsid bash -c 'sleep 0.%[1]d; cat f%[1]d > p%[1]d' &); cat p%[1]d; (sleep 100 &)", i)}})
			if err != nil || string(result.Stdout.Bytes()) != name {
				t.Errorf("%d: %q, %v", i, result.Stdout.Bytes(), err)
			}
			if f, err := x.sb.Read(t.Context(), name, 10); err != nil || string(f.Data) != name {
				t.Errorf("%d: read %q, %v", i, f.Data, err)
			}
		})
	}
	group.Wait()
}

func directoryOut(t *testing.T, x *bundle) {
	x.link(t, x.outside, "link")
	for _, dir := range []string{"..", "/", "link"} {
		_, err := x.sb.Exec(t.Context(), sandbox.Command{Args: []string{"true"}, Dir: dir})
		refused(t, "Exec in "+dir, err)
	}
}
