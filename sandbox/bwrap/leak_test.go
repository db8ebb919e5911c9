package bwrap

import (
	"os"
	"testing"

	"honk/sandbox"
	"honk/sandbox/sandboxtest"
)

// A worker lives for months: no sandbox may cost it a file descriptor. Not
// parallel: it counts those of the process.
func TestClose_leaksNothing(t *testing.T) {
	sandboxtest.Need(t, New(Options{}))
	b := New(Options{Scratch: t.TempDir()})
	count := func() int {
		sb, err := b.Start(t.Context(), sandbox.Spec{Label: "leak", Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		if err := sb.Close(); err != nil {
			t.Fatal(err)
		}
		fds, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(fds)
	}
	first := count()
	for range 5 {
		if n := count(); n > first {
			t.Fatalf("%d open files after %d", n, first)
		}
	}
	if left, err := os.ReadDir(b.opts.Scratch); err != nil || len(left) > 0 {
		t.Errorf("left in scratch: %v, %v", left, err)
	}
}
