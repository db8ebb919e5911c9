package bwrap

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

// sweep removes what workers that were killed have left: private directories
// nobody locks, and cgroups nobody is in, which the kernel checks. The young
// may not be locked or entered yet.
func sweep(scratch string) {
	if scratch == "" {
		scratch = os.TempDir()
	}
	for _, dir := range stale(scratch) {
		f, err := lock(dir)
		if err != nil {
			continue
		}
		_ = rmtree.Remove(dir)
		_ = f.Close()
	}
	for _, parent := range slices.Concat(unifiedParents(), v1Parents("memory"), v1Parents("pids")) {
		for _, dir := range stale(parent) {
			_ = unix.Rmdir(dir)
		}
	}
}

// stale are the directories of sandboxes in parent that are not young.
func stale(parent string) []string {
	dirs, _ := filepath.Glob(filepath.Join(parent, scratchPrefix+"*"))
	return slices.DeleteFunc(dirs, func(dir string) bool {
		stat, err := os.Lstat(dir)
		return err != nil || !stat.IsDir() || time.Since(stat.ModTime()) < time.Minute
	})
}
