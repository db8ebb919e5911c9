package bwrap

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

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

// sweep removes what workers that were killed have left in scratch. Young
// directories may not be locked yet.
func sweep(scratch string) {
	if scratch == "" {
		scratch = os.TempDir()
	}
	dirs, _ := filepath.Glob(filepath.Join(scratch, scratchPrefix+"*"))
	for _, dir := range dirs {
		stat, err := os.Lstat(dir)
		if err != nil || !stat.IsDir() || time.Since(stat.ModTime()) < time.Minute {
			continue
		}
		f, err := lock(dir)
		if err != nil {
			continue
		}
		for _, parent := range slices.Concat(unifiedParents(), v1Parents("memory"), v1Parents("pids")) {
			_ = unix.Rmdir(filepath.Join(parent, filepath.Base(dir)))
		}
		_ = os.RemoveAll(dir)
		_ = f.Close()
	}
}
