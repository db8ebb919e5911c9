package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"honk/cmd/honk/service"
	"honk/internal/config"
	"honk/internal/postgres"
	"honk/queue"
)

func newServeCommand(p program) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Take webhooks in and work on what they ask for",
		Long: `Take GitHub's webhooks in at /webhooks/github and work on what they ask for, in
one process, until it is told to stop. Without HONK_DATABASE_URL a private
PostgreSQL is started below the data directory.

/healthz says that the process lives, /readyz that it can take work in.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runService(cmd.Context(), p, config.Need{Webhooks: true})
		},
	}
}

func newWorkCommand(p program) *cobra.Command {
	return &cobra.Command{
		Use:   "work",
		Short: "Work on tasks only, beside a honk serve",
		Long: `Work on the tasks in the database at HONK_DATABASE_URL until told to stop. Any
number of processes on any number of machines may do so beside honk serve.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runService(cmd.Context(), p, config.Need{SharedDatabase: true})
		},
	}
}

func newMigrateCommand(p program) *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database to this version",
		Long: `Bring the database to this version. honk serve and honk work do so by
themselves when they start; this is for those who want it done before.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withDatabase(cmd.Context(), p, func(db *postgres.DB) error {
				steps, err := queue.Migrate(cmd.Context(), db)
				if err != nil {
					return err
				}
				fmt.Fprintf(p.stdout, "%d steps made; the database is up to date\n", steps)
				return nil
			})
		},
	}
}

// withDatabase opens the service's database for one command.
func withDatabase(ctx context.Context, p program, do func(db *postgres.DB) error) error {
	cfg, err := config.Load(p.env)
	if err != nil {
		return err
	}
	db, err := service.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer db.Close()
	return do(db)
}

func runService(ctx context.Context, p program, need config.Need) error {
	return service.Run(ctx, service.Options{
		Env: p.env, Need: need, Warn: p.stderr,
		Log: slog.New(slog.NewTextHandler(p.stderr, nil)),
	})
}
