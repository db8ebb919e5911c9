package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"honk/internal/config"
	"honk/internal/postgres"
	"honk/internal/postgres/server"
	"honk/internal/task"
	"honk/queue"
)

// maxConns bounds a process's connections, which a small database has few of.
const maxConns = 24

// database is where a process keeps its tasks: somebody else's server, or a
// private one that lives as long as the process.
type database struct {
	*postgres.DB
	private *server.Server
	note    string
}

// openDatabase opens the database and brings its schema to this version.
func openDatabase(ctx context.Context, cfg *config.Config, log *slog.Logger) (d *database, err error) {
	d = &database{}
	url := cfg.DatabaseURL.Reveal()
	if url == "" {
		if url, err = d.startPrivate(ctx, cfg, log); err != nil {
			return nil, err
		}
	}
	if d.DB, err = postgres.Open(ctx, url, maxConns); err != nil {
		return nil, errors.Join(err, d.close())
	}
	steps, err := queue.Migrate(ctx, d.DB)
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	if steps > 0 {
		log.InfoContext(ctx, "database migrated", "steps", steps)
	}
	return d, nil
}

func (d *database) startPrivate(ctx context.Context, cfg *config.Config, log *slog.Logger) (string, error) {
	var err error
	d.private, err = server.Start(ctx, server.Options{Dir: filepath.Join(cfg.DataDir, "postgres"), Log: log})
	if err != nil {
		return "", err
	}
	// For honk task and honk doctor, which are processes of their own.
	d.note = noteFile(cfg)
	if err := os.WriteFile(d.note, []byte(d.private.URL()+"\n"), 0o600); err != nil {
		return "", errors.Join(fmt.Errorf("noting where the private database is: %w", err), d.private.Close())
	}
	log.InfoContext(ctx, "private database started", "dir", d.private.Dir())
	return d.private.URL(), nil
}

func noteFile(cfg *config.Config) string { return filepath.Join(cfg.DataDir, "database.url") }

// died is closed when a private database ends by itself.
func (d *database) died() <-chan struct{} {
	if d.private == nil {
		return nil
	}
	return d.private.Done()
}

// close closes the connections, then the private server.
func (d *database) close() error {
	if d.DB != nil {
		d.Close()
	}
	if d.private == nil {
		return nil
	}
	return errors.Join(os.Remove(d.note), d.private.Close())
}

// Open opens the database for a command that looks at the service from
// outside: the configured one, or the private one of a running honk serve.
func Open(ctx context.Context, cfg *config.Config) (*postgres.DB, error) {
	url := cfg.DatabaseURL.Reveal()
	if url != "" {
		return postgres.Open(ctx, url, 2)
	}
	raw, err := os.ReadFile(noteFile(cfg))
	if err != nil {
		return nil, noService(cfg, err)
	}
	db, err := postgres.Open(ctx, strings.TrimSpace(string(raw)), 2)
	if err != nil {
		return nil, noService(cfg, err)
	}
	return db, nil
}

func noService(cfg *config.Config, cause error) error {
	return task.Errorf(task.CodeInvalid,
		"no honk serve runs with the data directory %q; start it, set HONK_DATA_DIR to its directory, or HONK_DATABASE_URL to its database: %w",
		cfg.DataDir, cause)
}
