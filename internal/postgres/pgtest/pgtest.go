// Package pgtest gives tests a real PostgreSQL: HONK_TEST_DATABASE_URL when
// it is set, whose role may create databases, else a private server, one for
// all tests of a process. Where there is none, tests are skipped, with CI=true
// they fail.
package pgtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"honk/internal/postgres/server"
	"honk/internal/task"
	"honk/migrations"
)

// cleanUpLimit bounds what is done after a test.
const cleanUpLimit = 30 * time.Second

// shared is the server of all tests of this process. Nothing tells a library
// when the last test is over: the watchdog stops it with the process.
var shared = sync.OnceValues(func() (*host, error) {
	ctx := context.Background()
	if u := os.Getenv("HONK_TEST_DATABASE_URL"); u != "" {
		return open(u)
	}
	s, stop, err := start(ctx)
	if err != nil {
		return nil, err
	}
	h, err := open(s.URL())
	if err != nil {
		return nil, err
	}
	h.stop = stop
	return h, nil
})

// New returns the URL of a fresh database, which is gone after the test.
// migrate makes the schema, once per process in a database that each test's is
// then a copy of; key and the migrations name that schema. migrate must have
// closed its connections when it returns.
func New(t testing.TB, migrate func(ctx context.Context, url string) error, key string) string {
	t.Helper()
	h, err := shared()
	if err != nil {
		lack(t, err)
	}
	template, err := h.template(t.Context(), key, migrate)
	if err != nil {
		t.Fatalf("making the template database: %v", err)
	}
	name := "honk_test_" + strings.ToLower(rand.Text()[:16])
	if err := h.exec(t.Context(), "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		t.Fatalf("making the test's database: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), cleanUpLimit)
		defer cancel()
		if err := h.exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("removing the test's database: %v", err)
		}
	})
	return h.url(name)
}

// Server returns a private server of the test's own, for tests that stop and
// restart it: server.Start with its Dir and Ephemeral starts it anew under the
// same URL. It is stopped and gone after the test; what the test itself
// started there it closes before.
func Server(t testing.TB) *server.Server {
	t.Helper()
	s, stop, err := start(t.Context())
	if err != nil {
		lack(t, err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("stopping PostgreSQL: %v", err)
		}
		stop()
	})
	return s
}

// lack ends a test that has no server.
func lack(t testing.TB, err error) {
	t.Helper()
	if task.CodeOf(err) == task.CodeInvalid && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	t.Fatal(err)
}

// host is a server with the templates made so far.
type host struct {
	admin *url.URL
	// stop holds the watchdog's leash, never to be called: collected as
	// garbage it would be let go.
	stop      func()
	mu        sync.Mutex
	templates map[string]bool
}

func open(admin string) (*host, error) {
	u, err := url.Parse(admin)
	if err != nil || !strings.HasPrefix(u.Scheme, "postgres") {
		return nil, fmt.Errorf("HONK_TEST_DATABASE_URL is not a postgres:// URL")
	}
	return &host{admin: u, templates: map[string]bool{}}, nil
}

// url returns the URL of another database on the server.
func (h *host) url(database string) string {
	u := *h.admin
	u.Path = "/" + database
	return u.String()
}

func (h *host) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, h.admin.String())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}

// template returns the name of the migrated database to copy. On a server that
// outlives the process it may be there already; a lock keeps processes from
// making it at once, and it gets its name only when it is complete.
func (h *host) template(ctx context.Context, key string, migrate func(context.Context, string) error) (string, error) {
	sum, err := schema(key)
	if err != nil {
		return "", err
	}
	name := "honk_template_" + sum
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.templates[name] {
		return name, nil
	}
	conn, err := pgx.Connect(ctx, h.admin.String())
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx) // and with it goes the lock
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(hashtext($1))", name); err != nil {
		return "", err
	}
	var there bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there)
	if err != nil {
		return "", err
	}
	if !there {
		if err := h.build(ctx, conn, name, migrate); err != nil {
			return "", err
		}
	}
	h.templates[name] = true
	return name, nil
}

// schema is a hash of a key and of all migrations: a server that outlives the
// process has the template of an older schema, too.
func schema(key string) (string, error) {
	sum := sha256.New()
	_, _ = io.WriteString(sum, key)
	err := fs.WalkDir(migrations.Files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := migrations.Files.ReadFile(path)
		_, _ = sum.Write(raw)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil)[:8]), err
}

func (h *host) build(ctx context.Context, conn *pgx.Conn, name string, migrate func(context.Context, string) error) error {
	unfinished := name + "_new"
	for _, sql := range []string{
		"DROP DATABASE IF EXISTS " + unfinished + " WITH (FORCE)", "CREATE DATABASE " + unfinished,
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if err := migrate(ctx, h.url(unfinished)); err != nil {
		return fmt.Errorf("migrating: %w", err)
	}
	_, err := conn.Exec(ctx, "ALTER DATABASE "+unfinished+" RENAME TO "+name)
	return err
}
