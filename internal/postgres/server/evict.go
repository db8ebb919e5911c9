package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"honk/internal/task"
)

// pidFile is PostgreSQL's note of who serves a cluster.
const pidFile = "postmaster.pid"

// evict ends what still runs on the cluster. We hold the lock, so it belongs
// to a Honk that was killed: a server that has not heard of it yet, or the
// backends of a server that was killed too. Then the note of its number goes:
// another process may have the number by now, and PostgreSQL would not start.
func (c *cluster) evict(ctx context.Context, log *slog.Logger) error {
	if c.file == nil {
		return nil
	}
	running, err := c.running()
	for _, try := range []struct {
		signal syscall.Signal
		limit  time.Duration
	}{{syscall.SIGINT, fastLimit}, {syscall.SIGQUIT, immediateLimit}, {syscall.SIGKILL, immediateLimit}} {
		if err != nil || len(running) == 0 {
			break
		}
		log.WarnContext(ctx, "stopping a killed honk's postgres", "pid", running[0], "signal", try.signal.String())
		if main := c.noted(); try.signal == syscall.SIGINT && slices.Contains(running, main) {
			_ = syscall.Kill(main, try.signal) // ends its backends
		} else {
			for _, pid := range running {
				_ = syscall.Kill(pid, try.signal)
			}
		}
		running, err = c.awaitEnd(ctx, try.limit)
	}
	if err != nil {
		return fmt.Errorf("looking for an earlier server: %w", err)
	}
	if len(running) > 0 {
		return task.Errorf(task.CodeConflict,
			"process %d still serves the database in %q and does not end; stop it", running[0], c.dir)
	}
	if err := os.Remove(filepath.Join(c.data(), pidFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing an earlier server's note: %w", err)
	}
	return nil
}

// awaitEnd waits until nothing runs on the cluster, or returns what still
// does.
func (c *cluster) awaitEnd(ctx context.Context, limit time.Duration) ([]int, error) {
	end := time.After(limit)
	for {
		running, err := c.running()
		if err != nil || len(running) == 0 {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-end:
			return running, nil
		case <-time.After(poll):
		}
	}
}

// running returns the processes of PostgreSQL's whose working directory the
// cluster is.
func (c *cluster) running() ([]int, error) {
	self, err := c.file.Stat()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	noted := c.noted()
	var found []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		proc := filepath.Join("/proc", e.Name())
		name, err := os.ReadFile(filepath.Join(proc, "comm"))
		if err != nil || strings.TrimSpace(string(name)) != "postgres" || zombie(proc) {
			continue
		}
		cwd, err := os.Stat(filepath.Join(proc, "cwd"))
		switch {
		case err == nil && os.SameFile(cwd, self):
			found = append(found, pid)
		case errors.Is(err, fs.ErrPermission) && pid == noted && sameOwner(proc, self):
			// Root in a container may not look into other users' processes.
			found = append(found, pid)
		}
	}
	return found, nil
}

// zombie reports whether a process has ended and only waits for its parent to
// take note.
func zombie(proc string) bool {
	stat, err := os.ReadFile(filepath.Join(proc, "stat"))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

// sameOwner reports whether a process runs as the cluster's user.
func sameOwner(proc string, cluster fs.FileInfo) bool {
	info, err := os.Stat(proc)
	return err == nil && ownerOf(info) == ownerOf(cluster)
}

// noted returns the number of the server that PostgreSQL left a note of, 0
// when there is none.
func (c *cluster) noted() int {
	root, err := os.OpenRoot(c.data())
	if err != nil {
		return 0
	}
	defer root.Close()
	f, err := root.Open(pidFile)
	if err != nil {
		return 0
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Scan()
	pid, _ := strconv.Atoi(strings.TrimSpace(lines.Text()))
	return pid
}
