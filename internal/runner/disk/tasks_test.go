package disk_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"honk/internal/runner/disk"
)

// holder names the variable that makes a test process hold a task directory.
const holder = "HONK_TEST_TASKS"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holder); dir != "" {
		tasks, err := disk.OpenTasks(dir)
		if err != nil {
			fmt.Fprintln(os.Stdout, err)
			os.Exit(1)
		}
		fmt.Fprintln(os.Stdout, tasks.Dir())
		_, _ = os.Stdin.Read(make([]byte, 1))
		return
	}
	os.Exit(m.Run())
}

// hold starts a process that holds a task directory until it is killed.
func hold(t *testing.T, data string) (dir string, kill func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), holder+"="+data)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close() })
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the process says nothing")
	}
	return lines.Text(), func() {
		cancel()
		_ = cmd.Wait()
	}
}

func open(t *testing.T, data string) *disk.Tasks {
	t.Helper()
	tasks, err := disk.OpenTasks(data)
	if err != nil {
		t.Fatal(err)
	}
	return tasks
}

func there(dir string) bool {
	_, err := os.Stat(dir)
	return !errors.Is(err, fs.ErrNotExist)
}

// What a killed process left goes with the next start, although others run,
// and those keep what is theirs.
func TestOpenTasks_killed(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	living, _ := hold(t, data)
	dead, kill := hold(t, data)
	for _, dir := range []string{living, dead} {
		if err := os.MkdirAll(filepath.Join(dir, "task-1", "read-only", "sub"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, "task-1", "read-only"), 0o500); err != nil {
			t.Fatal(err)
		}
	}
	first := open(t, data)
	if !there(dead) {
		t.Fatalf("%s is gone while its process lives", dead)
	}
	kill()
	second := open(t, data)
	if there(dead) {
		t.Errorf("%s is still there", dead)
	}
	for _, dir := range []string{living, first.Dir(), second.Dir()} {
		if !there(dir) {
			t.Errorf("%s is gone while its process lives", dir)
		}
	}
	if err := errors.Join(first.Close(), second.Close()); err != nil {
		t.Error(err)
	}
	if there(first.Dir()) || there(second.Dir()) {
		t.Error("Close leaves the directory")
	}
}

// Of many that start at once none removes what another has just made.
func TestOpenTasks_race(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				tasks, err := disk.OpenTasks(data)
				if err != nil {
					t.Error(err)
					return
				}
				if !there(tasks.Dir()) {
					t.Errorf("%s was taken for a dead process's", tasks.Dir())
				}
				if err := tasks.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if left, err := os.ReadDir(filepath.Join(data, "tasks")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
