// Package postgres is what Honk remembers: tasks and their events, what the
// sources reported, what is owed to people, what was spent. It knows tables,
// not rules; package queue decides.
//
// A method called on a DB is a transaction of its own; InTx makes several
// methods one.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"honk/internal/task"
)

// connectTimeout bounds the first connection.
const connectTimeout = 10 * time.Second

// querier is what a pool and a transaction have in common.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// Store has the queries. It is part of DB and Tx.
type Store struct{ q querier }

// DB is a database. It is safe for concurrent use. The caller closes it.
type DB struct {
	Store
	pool *pgxpool.Pool
}

// Tx is a transaction of InTx.
type Tx struct {
	Store
	tx pgx.Tx
}

// Pgx returns the transaction for package queue, whose jobs are inserted in
// it.
func (tx *Tx) Pgx() pgx.Tx { return tx.tx }

// Open connects to the database at url with at most conns connections, 0 for
// pgx's default. Errors: invalid for a URL that means nothing, unavailable
// when nobody answers.
func Open(ctx context.Context, url string, conns int) (*DB, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		// The cause would show the URL, password and all.
		return nil, task.Errorf(task.CodeInvalid, "HONK_DATABASE_URL is not a usable postgres:// URL")
	}
	if conns > 0 {
		cfg.MaxConns = int32(conns)
	}
	cfg.ConnConfig.ConnectTimeout = connectTimeout
	cfg.ConnConfig.RuntimeParams["application_name"] = "honk"
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	db := &DB{Store: Store{pool}, pool: pool}
	if err := db.Ping(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return db, nil
}

// Close waits for connections in use and closes all.
func (db *DB) Close() { db.pool.Close() }

// Pool returns the connections, for package queue.
func (db *DB) Pool() *pgxpool.Pool { return db.pool }

// Ping reports whether the database answers. The error's code is unavailable.
func (db *DB) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if err := db.pool.Ping(ctx); err != nil {
		return task.Errorf(task.CodeUnavailable, "the database does not answer; check HONK_DATABASE_URL and that PostgreSQL runs: %w", err)
	}
	return nil
}

// InTx runs f in a transaction, which is committed if f returns nil.
func (db *DB) InTx(ctx context.Context, f func(tx *Tx) error) error {
	return pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		return f(&Tx{Store{tx}, tx})
	})
}

// Lock serialises transactions that take the same name, until their end.
func (tx *Tx) Lock(ctx context.Context, name string) error {
	return tx.Exec(ctx, lockName, pgx.StrictNamedArgs{"name": name})
}

const lockName = `SELECT pg_advisory_xact_lock(hashtextextended(@name, 0))`

// ErrNotFound says that a row is not there.
var ErrNotFound = errors.New("not in the database")

// ErrLeased says that another worker is at it.
var ErrLeased = errors.New("another worker is at it")

// ErrFenced says that somebody else works on the task by now.
var ErrFenced = errors.New("the task has been taken over by another worker")

// Transient reports whether the same call may succeed in a moment: the
// database is restarting, or out of connections, or two transactions met.
func Transient(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		// Connection, rollback, resources, operator's intervention.
		return slices.Contains([]string{"08", "40", "53", "57"}, pg.Code[:min(2, len(pg.Code))])
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return !errors.Is(err, context.Canceled)
	}
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	return connecting || err != nil && pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		// What pgx says of a connection that broke in a transaction before.
		err != nil && strings.HasSuffix(err.Error(), "conn closed")
}

// Persist repeats f while the database is away, for at most a while.
func Persist(ctx context.Context, most time.Duration, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for try := 1; ; try++ {
		err := f(ctx)
		if !Transient(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(min(time.Duration(try)*100*time.Millisecond, 2*time.Second)):
		}
	}
}
