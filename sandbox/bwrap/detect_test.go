package bwrap

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"honk/internal/task"
	"honk/sandbox"
)

// A program in bubblewrap's place that says what bubblewrap says.
func fake(t *testing.T, script string) *Backend {
	t.Helper()
	program := filepath.Join(t.TempDir(), "bwrap")
	text := "#!/bin/sh\n[ \"$1\" = --help ] && exit 0\n" + script + "\n"
	if err := os.WriteFile(program, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return New(Options{Program: program, Scratch: t.TempDir()})
}

// What forbids sandboxes is said with its remedy, and nothing is left. Not
// parallel: a program cannot be run while a child of another test still has
// it open for writing.
func TestSelfTest_forbidden(t *testing.T) {
	for _, c := range []struct{ says, want string }{
		{"bwrap: Creating new namespace failed: No space left on device", "user.max_user_namespaces"},
		{"bwrap: No permissions to create new namespace, likely because of the kernel", "user namespaces"},
		{"bwrap: setting up uid map: Permission denied", "user namespaces"},
		{"bwrap: Can't mount proc on /newroot/proc: Operation not permitted", "systempaths=unconfined"},
		{"bwrap: something nobody foresaw", "something nobody foresaw"},
	} {
		b := fake(t, "echo \""+c.says+"\" >&2; exit 1")
		err := b.SelfTest(t.Context())
		if task.CodeOf(err) != task.CodeSandbox || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.says, err, c.want)
		}
		if left, _ := os.ReadDir(b.opts.Scratch); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

func TestStart_missing(t *testing.T) {
	t.Parallel()
	b := New(Options{Program: "/nonexistent/bwrap"})
	_, err := b.Start(t.Context(), sandbox.Spec{Dir: t.TempDir()})
	var e *task.Error
	if !errors.As(err, &e) || !strings.Contains(e.Message, "apt-get install bubblewrap") {
		t.Errorf("Start = %v", err)
	}
}

func TestStart_noWorkTree(t *testing.T) {
	t.Parallel()
	_, err := New(Options{Scratch: t.TempDir()}).Start(t.Context(), sandbox.Spec{Dir: "/nonexistent"})
	if task.CodeOf(err) != task.CodeSandbox {
		t.Errorf("Start = %v", err)
	}
}
