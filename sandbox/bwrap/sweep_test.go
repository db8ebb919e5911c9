package bwrap

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"honk/sandbox"
	"honk/sandbox/sandboxtest"
)

// What a killed worker left is removed, what a living one has is not.
func TestStart_sweeps(t *testing.T) {
	t.Parallel()
	sandboxtest.Need(t, New(Options{}))
	scratch := t.TempDir()
	old := time.Now().Add(-time.Hour)
	for _, name := range []string{"dead", "living", "young"} {
		dir := filepath.Join(scratch, scratchPrefix+name)
		if err := os.MkdirAll(filepath.Join(dir, "home"), 0o755); err != nil {
			t.Fatal(err)
		}
		if name == "young" {
			continue
		}
		if err := os.Chtimes(dir, old, old); err != nil {
			t.Fatal(err)
		}
	}
	living, err := lock(filepath.Join(scratch, scratchPrefix+"living"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = living.Close() }()
	sb, err := New(Options{Scratch: scratch}).Start(t.Context(), sandbox.Spec{Label: "x", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := sb.Close(); err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(scratch)
	if err != nil || len(left) != 2 || left[0].Name() != scratchPrefix+"living" || left[1].Name() != scratchPrefix+"young" {
		t.Errorf("left %v, %v; want the living and the young", left, err)
	}
}
