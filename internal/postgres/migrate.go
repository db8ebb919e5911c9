package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"honk/migrations"
)

// Migrate brings the schema to this version, under a lock, and returns how
// many steps that took. Several processes may call it at once. The tables of
// the queue's jobs are package queue's to migrate.
func (db *DB) Migrate(ctx context.Context) (steps int, err error) {
	p, done, err := db.provider()
	if err != nil {
		return 0, err
	}
	defer done()
	applied, err := p.Up(ctx)
	if err != nil {
		return len(applied), fmt.Errorf("migrating the database: %w", err)
	}
	return len(applied), nil
}

// Pending returns how many migrations the schema lacks.
func (db *DB) Pending(ctx context.Context) (int, error) {
	p, done, err := db.provider()
	if err != nil {
		return 0, err
	}
	defer done()
	status, err := p.Status(ctx)
	if err != nil {
		return 0, fmt.Errorf("reading the schema's version: %w", err)
	}
	pending := 0
	for _, s := range status {
		if s.State == goose.StatePending {
			pending++
		}
	}
	return pending, nil
}

func (db *DB) provider() (p *goose.Provider, done func(), err error) {
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, nil, fmt.Errorf("preparing migrations: %w", err)
	}
	conns := stdlib.OpenDBFromPool(db.pool)
	p, err = goose.NewProvider(goose.DialectPostgres, conns, migrations.Files, goose.WithSessionLocker(locker))
	if err != nil {
		return nil, nil, fmt.Errorf("preparing migrations: %w", err)
	}
	// Closing what goose was given leaves the pool open.
	return p, func() { _ = conns.Close() }, nil
}
