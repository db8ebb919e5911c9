package bwrap

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"honk/internal/rmtree"

	"golang.org/x/sys/unix"
)

// scratchPrefix begins the names of private directories and cgroups.
const scratchPrefix = "honk-sandbox-"

// lock takes the lock of a private directory, which the kernel gives back when
// the worker dies, however it dies.
func lock(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("locking %q: %w", dir, err)
	}
	return f, nil
}

const (
	// sweepEvery is how often a backend looks for what killed workers left.
	sweepEvery = 15 * time.Second
	// lockedBy is the age by which a private directory has its lock, and
	// enteredBy the age by which a cgroup has its process.
	lockedBy  = 3 * time.Second
	enteredBy = time.Minute
)

// broom sweeps now and then.
type broom struct {
	mu   sync.Mutex
	last time.Time
}

func (b *broom) sweep(scratch string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if time.Since(b.last) < sweepEvery {
		return
	}
	b.last = time.Now()
	sweep(scratch)
}

// sweep removes what workers that were killed have left: private directories
// nobody locks, and cgroups nobody is in, which the kernel checks. The young
// may not be locked or entered yet; a cgroup whose directory was a dead
// worker's will never be entered.
func sweep(scratch string) {
	if scratch == "" {
		scratch = os.TempDir()
	}
	parents := slices.Concat(unifiedParents(), v1Parents("memory"), v1Parents("pids"))
	for _, dir := range stale(scratch, lockedBy) {
		f, err := lock(dir)
		if err != nil {
			continue
		}
		for _, parent := range parents {
			_ = unix.Rmdir(filepath.Join(parent, filepath.Base(dir)))
		}
		_ = rmtree.Remove(dir)
		_ = f.Close()
	}
	for _, parent := range parents {
		for _, dir := range stale(parent, enteredBy) {
			_ = unix.Rmdir(dir)
		}
	}
}

// stale are the directories of sandboxes in parent of at least an age.
func stale(parent string, age time.Duration) []string {
	dirs, _ := filepath.Glob(filepath.Join(parent, scratchPrefix+"*"))
	return slices.DeleteFunc(dirs, func(dir string) bool {
		stat, err := os.Lstat(dir)
		return err != nil || !stat.IsDir() || time.Since(stat.ModTime()) < age
	})
}
