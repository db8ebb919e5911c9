package bwrap_test

import (
	"os/exec"
	"strings"
	"testing"

	"honk/sandbox"
	"honk/sandbox/bwrap"
)

func newSandbox(b *testing.B) sandbox.Sandbox {
	b.Helper()
	sb, err := bwrap.New(bwrap.Options{}).Start(b.Context(), sandbox.Spec{Label: "bench", Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = sb.Close() })
	return sb
}

func BenchmarkExec_plain(b *testing.B) {
	for b.Loop() {
		if err := exec.CommandContext(b.Context(), "/bin/bash", "-c", "true").Run(); err != nil {
			b.Fatal(err)
		}
	}
}

// Less than 10 ms more than plain is the goal.
func BenchmarkExec_bwrap(b *testing.B) {
	sb := newSandbox(b)
	for b.Loop() {
		if r, err := sb.Exec(b.Context(), sandbox.Command{Args: []string{"/bin/bash", "-c", "true"}}); err != nil || r.ExitCode != 0 {
			b.Fatal(r, err)
		}
	}
}

// Less than 1 ms is the goal.
func BenchmarkRead(b *testing.B) {
	sb := newSandbox(b)
	data := []byte(strings.Repeat("sixteen letters.", 1024))
	if _, err := sb.Write(b.Context(), sandbox.Write{Path: "f", Data: data}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if f, err := sb.Read(b.Context(), "f", 1<<20); err != nil || len(f.Data) != len(data) {
			b.Fatal(err)
		}
	}
}

func BenchmarkStart(b *testing.B) {
	backend := bwrap.New(bwrap.Options{})
	dir := b.TempDir()
	for b.Loop() {
		sb, err := backend.Start(b.Context(), sandbox.Spec{Label: "bench", Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		if err := sb.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSelfTest(b *testing.B) {
	backend := bwrap.New(bwrap.Options{})
	for b.Loop() {
		if err := backend.SelfTest(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
