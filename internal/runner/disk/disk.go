// Package disk is what the runner keeps on the machine's disk: build caches,
// and the directories of running tasks, which go when their process has gone.
package disk

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock takes the lock of a file, until unlock or the end of the process.
func lock(path string, how int) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(f, how); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// flock takes a lock; signals of the runtime interrupt the wait for it.
func flock(f *os.File, how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("locking %q: %w", f.Name(), err)
		}
	}
}
