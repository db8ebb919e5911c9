package runner_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"honk/internal/runner"
)

// What a killed process left goes as soon as nobody works any more, and not
// before.
func TestOpenTasks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := runner.OpenTasks(dir)
	if err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(dir, "tasks", "task-1")
	if err := os.MkdirAll(filepath.Join(left, "read-only", "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(left, "read-only"), 0o500); err != nil {
		t.Fatal(err)
	}
	second, err := runner.OpenTasks(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); err != nil {
		t.Errorf("a running task lost its directory: %v", err)
	}
	if err := errors.Join(first.Close(), second.Close()); err != nil {
		t.Fatal(err)
	}
	third, err := runner.OpenTasks(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", left, err)
	}
}
