package doctor

import (
	"context"
	"fmt"
	"path/filepath"

	"honk/cmd/honk/service"
	"honk/internal/postgres"
	"honk/internal/postgres/server"
	"honk/queue"
)

// database looks at where the service keeps its tasks. Who only uses honk run
// needs none.
func (h *house) database(ctx context.Context) (string, error) {
	db, err := service.Open(ctx, h.cfg)
	if err == nil {
		defer db.Close()
		where := "at HONK_DATABASE_URL"
		if h.cfg.DatabaseURL == "" {
			where = "private, of the honk serve that runs"
		}
		return schema(ctx, db, where)
	}
	if h.cfg.DatabaseURL != "" {
		return "", err
	}
	// No honk serve runs: what matters is whether one could.
	dir := filepath.Join(h.cfg.DataDir, "postgres")
	bin, version, err := server.Programs(ctx, dir)
	switch {
	case err == nil:
		return fmt.Sprintf("honk serve would start a private PostgreSQL %s (%s) in %s", version, bin, dir), nil
	case h.cfg.GitHub.AppID == 0 && ctx.Err() == nil:
		return "", note("honk serve and honk demo need one, honk run does not: " + err.Error())
	}
	return "", err
}

// schema says whether a database is of this version.
func schema(ctx context.Context, db *postgres.DB, where string) (string, error) {
	pending, err := queue.Pending(ctx, db)
	if err != nil {
		return "", err
	}
	if pending > 0 {
		return "", note(fmt.Sprintf("%s, answers; %d migrations are pending: honk serve and honk work make them "+
			"when they start, honk migrate does now", where, pending))
	}
	return where + ", answers, of this version", nil
}
