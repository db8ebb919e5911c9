package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"honk/internal/rmtree"
)

// tasksDir is where every process has a directory for its running tasks,
// below the data directory.
const tasksDir = "tasks"

// Tasks is this process's directory for what lives no longer than a task. It
// is locked, and the kernel gives the lock back however the process ends.
type Tasks struct {
	dir  string
	lock *os.File
}

// OpenTasks makes a directory of this process's own below the data directory
// dir, and removes those of processes that have ended without Close.
func OpenTasks(dir string) (*Tasks, error) {
	all := filepath.Join(dir, tasksDir)
	if err := os.MkdirAll(all, 0o700); err != nil {
		return nil, fmt.Errorf("making the task directory: %w", err)
	}
	t, dead, err := enter(all, filepath.Join(dir, tasksDir+".lock"))
	if err != nil {
		return nil, fmt.Errorf("making the task directory: %w", err)
	}
	for _, d := range dead {
		err = errors.Join(err, d.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("removing what killed tasks left behind: %w", err), t.Close())
	}
	return t, nil
}

// enter makes and locks a directory in all, and locks those that nobody holds.
// One process does so at a time, hence no directory is taken for a dead one's
// before its maker could lock it.
func enter(all, turn string) (own *Tasks, dead []*Tasks, err error) {
	unlock, err := lock(turn, syscall.LOCK_EX)
	if err != nil {
		return nil, nil, err
	}
	defer unlock()
	entries, err := os.ReadDir(all)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		if d, err := hold(filepath.Join(all, e.Name())); err == nil {
			dead = append(dead, d)
		}
	}
	dir, err := os.MkdirTemp(all, "")
	if err != nil {
		return nil, nil, err
	}
	own, err = hold(dir)
	return own, dead, err
}

// hold locks a directory that nobody holds.
func hold(dir string) (*Tasks, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := flock(f, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Tasks{dir: dir, lock: f}, nil
}

// Dir is the directory.
func (t *Tasks) Dir() string { return t.dir }

// Close removes the directory and lets go of it.
func (t *Tasks) Close() error { return errors.Join(rmtree.Remove(t.dir), t.lock.Close()) }
