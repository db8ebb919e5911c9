package main

import (
	"context"

	"github.com/spf13/cobra"

	"honk/cmd/honk/tasks"
	"honk/internal/postgres"
	"honk/internal/task"
)

func newTaskCommand(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "task",
		Short: "Look at the service's tasks, cancel and retry them",
		Args:  args(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var asJSON bool
	var status string
	list := taskCommand(p, "list", "The latest tasks", cobra.NoArgs, func(ctx context.Context, t *tasks.Tasks, _ []string) error {
		return t.List(ctx, task.Status(status))
	})
	list.Flags().StringVar(&status, "status", "", "only those in this `STATUS`, for example running")
	show := taskCommand(p, "show ID", "One task and how it ended", cobra.ExactArgs(1), func(ctx context.Context, t *tasks.Tasks, a []string) error {
		return t.Show(ctx, task.ID(a[0]), asJSON)
	})
	show.Flags().BoolVar(&asJSON, "json", false, "print exactly one JSON object on standard output")
	cmd.AddCommand(list, show,
		taskCommand(p, "cancel ID", "Stop a task; its patch is kept", cobra.ExactArgs(1), func(ctx context.Context, t *tasks.Tasks, a []string) error {
			return t.Cancel(ctx, task.ID(a[0]))
		}),
		taskCommand(p, "retry ID", "Ask for the same once more", cobra.ExactArgs(1), func(ctx context.Context, t *tasks.Tasks, a []string) error {
			return t.Retry(ctx, task.ID(a[0]))
		}),
		taskCommand(p, "logs ID", "What a task did, step by step", cobra.ExactArgs(1), func(ctx context.Context, t *tasks.Tasks, a []string) error {
			return t.Logs(ctx, task.ID(a[0]))
		}),
	)
	return cmd
}

// taskCommand is a command on the service's database.
func taskCommand(p program, use, short string, check cobra.PositionalArgs, do func(context.Context, *tasks.Tasks, []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: args(check),
		RunE: func(cmd *cobra.Command, words []string) error {
			return withDatabase(cmd.Context(), p, func(db *postgres.DB) error {
				return do(cmd.Context(), &tasks.Tasks{DB: db, Out: p.stdout, User: p.env["USER"], Log: newLog(p)}, words)
			})
		},
	}
}
