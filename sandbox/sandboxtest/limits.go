package sandboxtest

import (
	"testing"
	"time"

	"honk/sandbox"
)

func limitCases() []testCase {
	return []testCase{
		{name: "output", run: outputFlood},
		{name: "file_size", spec: limited(sandbox.Limits{FileSize: 1 << 20}), run: fileSize},
		{name: "cpu", spec: limited(sandbox.Limits{CPUTime: time.Second}), run: cpu},
		{name: "disk", spec: limited(sandbox.Limits{Disk: 64 << 20}), run: diskFull},
		{name: "memory", spec: limited(sandbox.Limits{Memory: 256 << 20}), run: memory},
		{name: "fork_bomb", isolated: true, spec: limited(sandbox.Limits{Processes: 64}), run: forkBomb},
		{name: "temporary_space", isolated: true, spec: limited(sandbox.Limits{Disk: 64 << 20}), run: temporarySpace},
		{name: "lifetime", spec: limited(sandbox.Limits{Lifetime: 500 * time.Millisecond}), run: lifetime},
	}
}

func limited(l sandbox.Limits) sandbox.Spec { return sandbox.Spec{Limits: l} }

func outputFlood(t *testing.T, x *bundle) {
	began := time.Now()
	result := x.bash(t, "head -c 5G /dev/zero", func(c *sandbox.Command) { c.Keep = true })
	if result.Limit != "output" || result.ExitCode == 0 || time.Since(began) > 30*time.Second {
		t.Errorf("limit %q, exit %d, %v", result.Limit, result.ExitCode, result.Duration)
	}
	if n := len(result.Stdout.Bytes()); n > 64<<10 {
		t.Errorf("%d bytes came back", n)
	}
	x.usable(t)
}

func fileSize(t *testing.T, x *bundle) {
	if result := x.bash(t, "head -c 2M /dev/zero > f"); result.Limit != "file_size" {
		t.Errorf("limit %q, exit %d", result.Limit, result.ExitCode)
	}
	x.usable(t)
}

func cpu(t *testing.T, x *bundle) {
	began := time.Now()
	result := x.bash(t, "while :; do :; done", func(c *sandbox.Command) { c.Timeout = 30 * time.Second })
	if result.Limit != "cpu" || result.TimedOut {
		t.Errorf("limit %q, exit %d after %v", result.Limit, result.ExitCode, time.Since(began))
	}
}

func diskFull(t *testing.T, x *bundle) {
	fill := func() {
		t.Helper()
		began := time.Now()
		result := x.bash(t, "for i in $(seq 100000); do head -c 4M /dev/zero > f$RANDOM$i; sleep 0.01; done",
			func(c *sandbox.Command) { c.Timeout = 60 * time.Second })
		if result.Limit != "disk" || result.ExitCode == 0 {
			t.Errorf("limit %q, exit %d after %v", result.Limit, result.ExitCode, time.Since(began))
		}
	}
	// Whoever has filled it may clean up, and goes on.
	fill()
	if result := x.bash(t, "rm -f f*"); result.ExitCode != 0 || result.Limit != "" {
		t.Errorf("cleaning up: limit %q, exit %d", result.Limit, result.ExitCode)
	}
	x.usable(t)
	// Not for ever, though.
	fill()
	fill()
	_, err := x.sb.Exec(t.Context(), sandbox.Command{Args: []string{"true"}})
	infrastructure(t, "Exec over the disk limit", err)
	_, err = x.sb.Write(t.Context(), sandbox.Write{Path: "more"})
	infrastructure(t, "Write over the disk limit", err)
	if _, err := x.sb.List(t.Context(), "", 10); err != nil {
		t.Errorf("List over the disk limit: %v", err)
	}
}

func memory(t *testing.T, x *bundle) {
	result := x.bash(t, "x=$(head -c 2G /dev/zero | tr '\\0' a); echo ${#x}", func(c *sandbox.Command) { c.Timeout = 60 * time.Second })
	if result.ExitCode == 0 || result.TimedOut {
		t.Errorf("exit %d, limit %q, timed out %v", result.ExitCode, result.Limit, result.TimedOut)
	}
	if result.ExitCode == 137 && result.Limit != "memory" {
		t.Errorf("killed, limit %q", result.Limit)
	}
	x.usable(t)
}

func forkBomb(t *testing.T, x *bundle) {
	for _, script := range []string{
		"b() { b | b & }; b; sleep 1",
		"trap '' TERM; b() { trap '' TERM; setsid bash -c 'sleep 100' & b | b & }; b; wait",
	} {
		began := time.Now()
		result := x.bash(t, script, func(c *sandbox.Command) { c.Timeout = 2 * time.Second })
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%q took %v", script, took)
		}
		t.Logf("exit %d, limit %q", result.ExitCode, result.Limit)
		x.usable(t)
	}
}

func temporarySpace(t *testing.T, x *bundle) {
	result := x.bash(t, `head -c 40M /dev/zero > "$TMPDIR/f"`)
	if result.ExitCode == 0 {
		t.Error("the temporary directory holds more than a quarter of the disk limit")
	}
}

func lifetime(t *testing.T, x *bundle) {
	result := x.bash(t, "sleep 100")
	if !result.TimedOut {
		t.Errorf("%+v", result)
	}
	_, err := x.sb.Exec(t.Context(), sandbox.Command{Args: []string{"true"}})
	infrastructure(t, "Exec after the lifetime", err)
}
