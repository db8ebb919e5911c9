package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"honk/internal/rmtree"
)

// tasksDir is where the directories of running tasks lie, below the data
// directory.
const tasksDir = "tasks"

// Tasks is a process's hold on the directory of running tasks.
type Tasks struct {
	lock *os.File
}

// OpenTasks takes hold of the tasks of a data directory until Close or the
// end of the process, however it ends. Whoever comes when nobody else holds
// them removes what killed processes left behind.
func OpenTasks(dir string) (*Tasks, error) {
	tasks := filepath.Join(dir, tasksDir)
	if err := os.MkdirAll(tasks, 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, tasksDir+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	t := &Tasks{lock: lock}
	if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
		if err := sweep(tasks); err != nil {
			return nil, errors.Join(fmt.Errorf("removing what killed tasks left behind: %w", err), t.Close())
		}
	}
	// Another process may sweep between the two locks: this one has made
	// nothing yet.
	if err := flock(lock, syscall.LOCK_SH); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// Close lets go.
func (t *Tasks) Close() error { return t.lock.Close() }

func sweep(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, rmtree.Remove(filepath.Join(dir, e.Name())))
	}
	return err
}

// flock waits for a lock; signals of the runtime interrupt the wait.
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
