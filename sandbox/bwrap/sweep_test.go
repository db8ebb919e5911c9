package bwrap

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"honk/sandbox"
	"honk/sandbox/sandboxtest"
)

// What a killed worker left is removed, its cgroup with it; what a living one
// has is not.
func TestStart_sweeps(t *testing.T) {
	t.Parallel()
	sandboxtest.Need(t, New(Options{}))
	scratch := t.TempDir()
	old := time.Now().Add(-time.Hour)
	dead := scratchPrefix + "dead" + rand.Text()
	for _, name := range []string{dead, scratchPrefix + "living", scratchPrefix + "young"} {
		dir := filepath.Join(scratch, name)
		if err := os.MkdirAll(filepath.Join(dir, "home"), 0o755); err != nil {
			t.Fatal(err)
		}
		if name == scratchPrefix+"young" {
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
	// Young, but its directory is not.
	group := newCgroup(dead, sandbox.Limits{}.WithDefaults())
	sb, err := New(Options{Scratch: scratch}).Start(t.Context(), sandbox.Spec{Label: "x", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := sb.Close(); err != nil {
		t.Error(err)
	}
	if group != nil {
		for _, dir := range group.dirs {
			if _, err := os.Stat(dir); err == nil {
				t.Errorf("the cgroup %q of a dead worker is left", dir)
			}
		}
	}
	left, err := os.ReadDir(scratch)
	if err != nil || len(left) != 2 || left[0].Name() != scratchPrefix+"living" || left[1].Name() != scratchPrefix+"young" {
		t.Errorf("left %v, %v; want the living and the young", left, err)
	}
}
