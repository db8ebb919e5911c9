package tree_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"honk/internal/git/tree"
)

// A preview is made while the sandbox lives: a directory that turns into a
// pipe between two looks at it must hold up nobody.
func TestWalk_racedDirectory(t *testing.T) {
	t.Parallel()
	work := t.TempDir()
	dir, pipe := filepath.Join(work, "d"), filepath.Join(t.TempDir(), "pipe")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	swapped, walked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(swapped)
		for ctx.Err() == nil {
			_ = unix.Renameat2(unix.AT_FDCWD, dir, unix.AT_FDCWD, pipe, unix.RENAME_EXCHANGE)
		}
	}()
	go func() {
		defer close(walked)
		for range 5_000 {
			// What it finds depends on the race; that it returns does not.
			_, _ = tree.Walk(t.Context(), work, nil, nil, nil)
		}
	}()
	select {
	case <-walked:
	case <-time.After(20 * time.Second):
		t.Error("the host waits for a pipe")
	}
	stop()
	<-swapped
}
