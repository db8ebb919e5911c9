// Package server runs the private PostgreSQL that Honk keeps its tasks in when
// no HONK_DATABASE_URL is set, and that tests use: one cluster in one
// directory, reachable through one Unix socket, for one Honk process.
//
// # Whose process it is
//
// PostgreSQL refuses to run as root. When Honk is root, the server runs as the
// user postgres, else nobody, and owns its cluster. The directories above it
// stay as closed as they are, HONK_DATA_DIR (0700, often below /root) among
// them: root opens the cluster's directory and hands it down as file
// descriptor 3, and the server is told that its data is in /proc/self/fd/3.
// Neither a mode nor a place had to change, and the server's user gets to see
// nothing but the cluster.
//
// # Who may connect
//
// There is no TCP. Whoever reaches the socket is trusted: it lies in a
// directory of mode 0700 that only root and the server's user can enter, and
// those could read the cluster's files anyway. Peer authentication would add
// nothing but a map from root to the role. Honk connects as a role that owns
// its database and is no superuser.
//
// # One server, never two
//
// A lock on the directory, held by the Honk process, keeps others out. When
// Honk is killed, the kernel tells the server to shut down (the parent death
// signal); should it still run at the next start, it is stopped first, as are
// the orphaned backends of a server that was killed.
package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"honk/internal/task"
)

const (
	// role owns the database of the same name and is no superuser.
	role = "honk"
	// superuser is for this package only.
	superuser = "postgres"
	port      = "5432"

	// startLimit covers recovery after a crash.
	startLimit = 5 * time.Minute
	// fastLimit is how long a fast shutdown may take, its checkpoint
	// included, before an immediate one is asked for.
	fastLimit = time.Minute
	// immediateLimit is how long that may take before the server is killed.
	immediateLimit = 10 * time.Second
	poll           = 20 * time.Millisecond

	// startingUp is PostgreSQL's answer while it recovers.
	startingUp = "57P03"
)

// Options say where a server lives and how it is set up.
type Options struct {
	// Dir holds the cluster, the server's log and the lock. It is made where
	// it is not there, and kept between starts.
	Dir string
	// Log hears about what is out of the ordinary. Required.
	Log *slog.Logger
	// Settings of PostgreSQL beyond or in place of the package's own.
	Settings map[string]string
	// Ephemeral trades safety for speed: a crash of the machine, not of Honk,
	// may corrupt it. For tests.
	Ephemeral bool
}

// Server is a running PostgreSQL. Its methods may be called concurrently.
type Server struct {
	dir, sockets string
	log          *slog.Logger
	lock         *os.File
	proc         *process

	closing   chan struct{}
	closeOnce sync.Once
	closeErr  error
	done      chan struct{}
	err       error // after done
}

// Start starts the server of a directory, which is made on the first start,
// and returns once it takes connections. ctx bounds the start only; Close
// stops the server. Errors that a person can do something about are
// *task.Error: invalid when PostgreSQL is missing, of another version or may
// not run here, conflict when another process uses the directory, unavailable
// when the server does not come up.
func Start(ctx context.Context, opts Options) (*Server, error) {
	dir, err := makeDir(opts.Dir)
	if err != nil {
		return nil, err
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, log: opts.Log, lock: lock, closing: make(chan struct{}), done: make(chan struct{})}
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, errors.New("it took too long"))
	defer cancel()
	if err := s.start(ctx, opts); err != nil {
		_ = lock.Close()
		return nil, err
	}
	go s.watch()
	return s, nil
}

// makeDir returns the directory without links in its path: its name tells one
// server from another.
func makeDir(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("finding the database's directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", task.Errorf(task.CodeInvalid,
			"making the database's directory: %w; set HONK_DATA_DIR to a directory that may be written to", err)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", fmt.Errorf("finding the database's directory: %w", err)
	}
	return dir, nil
}

// start brings the server up, or leaves no process behind.
func (s *Server) start(ctx context.Context, opts Options) error {
	c, err := openCluster(s.dir)
	if err != nil {
		return err
	}
	defer c.close()
	bin, err := find(ctx, c.version, searchPath())
	if err != nil {
		return err
	}
	if err := c.evict(ctx, s.log); err != nil {
		return err
	}
	output, err := openLog(s.dir)
	if err != nil {
		return err
	}
	defer output.close()
	if c.version == "" {
		if err := c.init(ctx, bin, output, opts.Ephemeral); err != nil {
			return err
		}
	}
	if s.sockets, err = socketDir(s.dir, c.user); err != nil {
		return err
	}
	argv := append([]string{filepath.Join(bin, "postgres"), "-D", c.path()}, settings(s.sockets, opts)...)
	if s.proc, err = c.launch(context.WithoutCancel(ctx), argv, output.File); err != nil {
		return fmt.Errorf("starting PostgreSQL: %w", err)
	}
	if err := s.ready(ctx); err != nil {
		s.proc.stop(immediateLimit)
		_ = os.Remove(s.sockets)
		return task.Errorf(task.CodeUnavailable, "PostgreSQL in %q did not start: %w; its log %q ends: %s",
			s.dir, err, output.Name(), output.tail())
	}
	return nil
}

// ready waits until the server takes connections, and makes the role and the
// database where they are not there.
func (s *Server) ready(ctx context.Context) error {
	for {
		conn, err := pgx.Connect(ctx, s.url(superuser, superuser))
		if err == nil {
			err = provide(ctx, conn)
			return errors.Join(err, conn.Close(ctx))
		}
		if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code != startingUp {
			return err
		}
		select {
		case <-s.proc.dead:
			return errors.New(s.proc.state())
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(poll):
		}
	}
}

// provide makes the role and the database. A start that was cut short after
// the first is made up for by the next.
func provide(ctx context.Context, conn *pgx.Conn) error {
	for _, step := range []struct{ have, make string }{
		{"SELECT count(*) FROM pg_roles WHERE rolname = $1", "CREATE ROLE " + role + " LOGIN CREATEDB"},
		{"SELECT count(*) FROM pg_database WHERE datname = $1", "CREATE DATABASE " + role + " OWNER " + role},
	} {
		var n int
		if err := conn.QueryRow(ctx, step.have, role).Scan(&n); err != nil {
			return fmt.Errorf("looking for the database: %w", err)
		}
		if n > 0 {
			continue
		}
		if _, err := conn.Exec(ctx, step.make); err != nil {
			return fmt.Errorf("making the database: %w", err)
		}
	}
	return nil
}

// URL returns the postgres:// URL of the database. It is the same at every
// start of the same directory.
func (s *Server) URL() string { return s.url(role, role) }

// url names everything that the driver would otherwise take from the
// environment.
func (s *Server) url(user, database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.User(user), Path: "/" + database,
		RawQuery: url.Values{"host": {s.sockets}, "port": {port}, "sslmode": {"disable"}}.Encode(),
	}
	return u.String()
}

// Dir returns the directory the server was started in.
func (s *Server) Dir() string { return s.dir }

// PID returns the number of the server's process.
func (s *Server) PID() int { return s.proc.pid }

// Done is closed when the server has ended, by Close or by itself.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err returns why the server ended by itself: nil while it runs and after
// Close.
func (s *Server) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// watch waits for the server's end.
func (s *Server) watch() {
	<-s.proc.dead
	select {
	case <-s.closing:
	default:
		s.err = task.Errorf(task.CodeUnavailable, "PostgreSQL in %q ended (%s); its log is %q",
			s.dir, s.proc.state(), filepath.Join(s.dir, logName))
	}
	close(s.done)
}

// Close disconnects everybody, stops the server and waits for its end. It may
// be called any number of times, also after the server ended by itself.
func (s *Server) Close() error {
	s.closeOnce.Do(func() {
		close(s.closing)
		var err error
		if !s.proc.stop(fastLimit) {
			err = fmt.Errorf("stopping PostgreSQL in %q: it was slow and had to be killed; the next start recovers", s.dir)
		}
		<-s.done
		_ = os.Remove(s.sockets)
		s.closeErr = cmp.Or(err, s.lock.Close())
	})
	return s.closeErr
}
