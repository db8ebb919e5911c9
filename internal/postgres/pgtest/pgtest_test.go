package pgtest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"honk/internal/postgres/pgtest"
)

func migrate(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "CREATE TABLE goose (name text); INSERT INTO goose VALUES ('migrated')")
	return err
}

func TestNew(t *testing.T) {
	t.Parallel()
	for i := range 4 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			url := pgtest.New(t, migrate, "a key")
			conn, err := pgx.Connect(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(t.Context())
			// What one test adds, no other sees.
			if _, err := conn.Exec(t.Context(), "INSERT INTO goose VALUES ('added')"); err != nil {
				t.Fatal(err)
			}
			var n int
			if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM goose").Scan(&n); err != nil || n != 2 {
				t.Errorf("%d rows, %v; want 2", n, err)
			}
		})
	}
}

func TestNew_gone(t *testing.T) {
	var url string
	t.Run("uses a database", func(t *testing.T) { url = pgtest.New(t, migrate, "another key") })
	if url == "" {
		t.Skip("no PostgreSQL")
	}
	if conn, err := pgx.Connect(t.Context(), url); err == nil {
		conn.Close(t.Context())
		t.Error("the database outlives its test")
	}
}

// TestHelper is the process that others kill.
func TestHelper(t *testing.T) {
	if os.Getenv("PGTEST_HELPER") == "" {
		t.Skip("for TestServer_killed")
	}
	s := pgtest.Server(t)
	fmt.Fprintf(os.Stdout, "%d %s\n", s.PID(), s.Dir())
	<-t.Context().Done()
}

func TestServer_killed(t *testing.T) {
	t.Parallel()
	pgtest.New(t, migrate, "a key") // or there is no PostgreSQL
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHelper$", "-test.v")
	cmd.Env = append(os.Environ(), "PGTEST_HELPER=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	var dir string
	for line := ""; pid == 0; {
		one := make([]byte, 1)
		if _, err := out.Read(one); err != nil {
			t.Fatalf("the helper said %q: %v", line, err)
		}
		if line += string(one); strings.HasSuffix(line, "\n") {
			_, _ = fmt.Sscanf(line, "%d %s", &pid, &dir)
			line = ""
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	await(t, "the server's end", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
	await(t, "the directory's end", func() bool {
		_, err := os.Stat(filepath.Join(dir, "data"))
		return os.IsNotExist(err)
	})
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(20 * time.Second); !ok(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
