package shift

import (
	"context"
	"fmt"

	"honk/internal/postgres"
)

// Alone does something while nobody else does what has the same name, and
// reports whether it did: somebody else may be at it.
func Alone(ctx context.Context, db *postgres.DB, name string, do func(context.Context) error) (done bool, err error) {
	conn, err := db.Pool().Acquire(ctx)
	if err != nil {
		return false, fmt.Errorf("waiting for a connection: %w", err)
	}
	defer conn.Release()
	if err := conn.QueryRow(ctx, tryLock, name).Scan(&done); err != nil || !done {
		return false, err
	}
	// A connection that is closed holds no lock, whatever became of it.
	defer func() { _ = conn.Conn().Close(context.WithoutCancel(ctx)) }()
	return true, do(ctx)
}

const tryLock = `SELECT pg_try_advisory_lock(hashtextextended($1, 0))`
