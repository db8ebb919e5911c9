package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"honk/internal/postgres/server"
	"honk/internal/task"
)

// options are for a server in dir whose data nobody will miss.
func options(dir string) server.Options {
	return server.Options{Dir: dir, Log: slog.New(slog.DiscardHandler), Ephemeral: true}
}

// mustStart starts a server, or skips the test where there is no PostgreSQL.
func mustStart(t *testing.T, dir string) *server.Server {
	t.Helper()
	s, err := server.Start(t.Context(), options(dir))
	if task.CodeOf(err) == task.CodeInvalid && strings.Contains(err.Error(), "not installed") && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// query runs a query that returns one text.
func query(t *testing.T, url, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var text string
	if err := conn.QueryRow(t.Context(), sql).Scan(&text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return text
}

const recall = "SELECT holds FROM nest"

// makeNest leaves something to find again.
func makeNest(t *testing.T, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "CREATE TABLE nest AS SELECT 'an egg' AS holds"); err != nil {
		t.Fatal(err)
	}
}

// gone reports whether a process has ended, be it that nobody took note yet.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) || strings.Contains(string(stat), ") Z ")
}

func await(t *testing.T, done <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatalf("waited in vain for %s", what)
	}
}

func TestStart_keepsData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustStart(t, dir)
	url := s.URL()
	makeNest(t, url)
	for name, want := range map[string]string{
		"listen_addresses": "", "fsync": "off", "server_encoding": "UTF8", "lc_collate": "C",
		"timezone": "UTC", "is_superuser": "off", "max_connections": "100",
	} {
		if got := query(t, url, "SELECT current_setting('"+name+"')"); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	pid := s.PID()
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if !gone(pid) {
		t.Errorf("process %d outlives Close", pid)
	}
	await(t, s.Done(), "Done")
	if err := s.Err(); err != nil {
		t.Errorf("Err after Close: %v", err)
	}

	again := mustStart(t, dir)
	if again.URL() != url {
		t.Errorf("URL is %q, was %q", again.URL(), url)
	}
	if got := query(t, again.URL(), recall); got != "an egg" {
		t.Errorf("got %q", got)
	}
}

func TestStart_settings(t *testing.T) {
	t.Parallel()
	mustStart(t, t.TempDir()).Close()
	opts := options(t.TempDir())
	opts.Ephemeral = false
	opts.Settings = map[string]string{"max_connections": "23"}
	s, err := server.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, want := range map[string]string{"max_connections": "23", "fsync": "on", "full_page_writes": "on"} {
		if got := query(t, s.URL(), "SELECT current_setting('"+name+"')"); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestStart_unprivileged(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	dir := t.TempDir()
	closed := filepath.Join(dir, "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	s := mustStart(t, filepath.Join(closed, "postgres"))
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.PID()))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(status), "\nUid:\t0") || !strings.Contains(string(status), "\nGroups:\t \n") {
		t.Errorf("the server runs as root or with its groups: %s", status)
	}
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", s.PID()))
	if err != nil || strings.Contains(string(environ), "HOME=") {
		t.Errorf("the server has our environment: %q, %v", environ, err)
	}
	if info, err := os.Stat(closed); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory above was opened: %v, %v", info.Mode(), err)
	}
	makeNest(t, s.URL())
	if got := query(t, s.URL(), recall); got != "an egg" {
		t.Errorf("got %q", got)
	}
}

func TestStart_longPath(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 30), "a name with spaces & more")
	s := mustStart(t, dir)
	if got := query(t, s.URL(), "SELECT 'here'"); got != "here" {
		t.Errorf("got %q", got)
	}
}

func TestStart_taken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustStart(t, dir)
	_, err := server.Start(t.Context(), options(dir))
	if task.CodeOf(err) != task.CodeConflict || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("the second start: %v", err)
	}
}

func TestStart_afterServerKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustStart(t, dir)
	makeNest(t, s.URL())
	// A client in the middle of something keeps its backend alive.
	conn, err := pgx.Connect(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	busy := make(chan error, 1)
	go func() {
		defer conn.Close(t.Context())
		_, err := conn.Exec(t.Context(), "DO $$ BEGIN LOOP NULL; END LOOP; END $$")
		busy <- err
	}()
	if err := syscall.Kill(s.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, s.Done(), "the server's end")
	if err := s.Err(); task.CodeOf(err) != task.CodeUnavailable || !strings.Contains(err.Error(), "killed") {
		t.Errorf("Err is %v", err)
	}
	if err := s.Close(); err != nil {
		t.Logf("Close: %v", err)
	}

	again := mustStart(t, dir)
	if got := query(t, again.URL(), recall); got != "an egg" {
		t.Errorf("got %q", got)
	}
	if err := <-busy; err == nil {
		t.Error("the orphaned backend was left running")
	}
}

// TestHelper is the process that TestStart_afterParentKilled kills.
func TestHelper(t *testing.T) {
	dir := os.Getenv("SERVER_HELPER_DIR")
	if dir == "" {
		t.Skip("for TestStart_afterParentKilled")
	}
	s, err := server.Start(t.Context(), options(dir))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(os.Stdout, "pid", s.PID())
	<-t.Context().Done()
}

func TestStart_afterParentKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustStart(t, dir)
	makeNest(t, s.URL())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, stopped := range []bool{false, true} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHelper$", "-test.v")
		cmd.Env = append(os.Environ(), "SERVER_HELPER_DIR="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		pid := 0
		for lines := bufio.NewScanner(out); pid == 0 && lines.Scan(); {
			_, _ = fmt.Sscanf(lines.Text(), "pid %d", &pid)
		}
		if pid == 0 {
			t.Fatal("the helper did not start a server")
		}
		if stopped {
			// The server does not hear of its parent's end, as if the kernel
			// had not told it.
			if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if stopped {
			time.AfterFunc(200*time.Millisecond, func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
		}
		again := mustStart(t, dir)
		if !gone(pid) {
			t.Errorf("stopped=%v: two servers at once", stopped)
		}
		if got := query(t, again.URL(), recall); got != "an egg" {
			t.Errorf("stopped=%v: got %q", stopped, got)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStart_staleNote(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustStart(t, dir)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// After a power failure the number may be that of any process.
	note := fmt.Sprintf("%d\n%s/data\n1\n5432\n/tmp\n\n", os.Getppid(), dir)
	if err := os.WriteFile(filepath.Join(dir, "data/postmaster.pid"), []byte(note), 0o600); err != nil {
		t.Fatal(err)
	}
	query(t, mustStart(t, dir).URL(), "SELECT 'here'")
}

func TestStart_cutShort(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "data.new/base"), 0o700); err != nil {
		t.Fatal(err)
	}
	query(t, mustStart(t, dir).URL(), "SELECT 'here'")
}

func TestStart_badSetting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustStart(t, dir).Close()
	opts := options(dir)
	opts.Settings = map[string]string{"shared_buffers": "a lot"}
	_, err := server.Start(t.Context(), opts)
	if task.CodeOf(err) != task.CodeUnavailable || !strings.Contains(err.Error(), `"shared_buffers": "a lot"`) {
		t.Errorf("got %v; want the log's words", err)
	}
	mustStart(t, dir)
}

func TestStart_cancelled(t *testing.T) {
	t.Parallel()
	mustStart(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := server.Start(ctx, options(t.TempDir())); err == nil {
		t.Error("started for somebody who had gone")
	}
}

func TestStart_notACluster(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(data, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	_, err := server.Start(t.Context(), options(dir))
	if task.CodeOf(err) != task.CodeInvalid || !strings.Contains(err.Error(), "no PostgreSQL cluster") {
		t.Errorf("got %v", err)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	programs := func(major string) string {
		bin := t.TempDir()
		script := "#!/bin/sh\necho 'postgres (PostgreSQL) " + major + ".4 (Debian)'\n"
		for _, name := range []string{"initdb", "postgres"} {
			if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		return bin
	}
	newer, older, none := programs("17"), programs("14"), t.TempDir()
	for _, tt := range []struct {
		name, version string
		path          []string
		want, problem string
	}{
		{"first", "", []string{none, newer, older}, newer, ""},
		{"fitting", "14", []string{newer, older}, older, ""},
		{"missing", "", []string{none, "/nowhere"}, "", "apt install postgresql"},
		{"other version", "13", []string{newer, older}, "", "made by PostgreSQL 13, but 17 is installed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := server.Find(t.Context(), tt.version, tt.path)
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if tt.problem == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if task.CodeOf(err) != task.CodeInvalid || !strings.Contains(err.Error(), tt.problem) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %q in one line", err, tt.problem)
			}
		})
	}
}
