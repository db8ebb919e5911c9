package main

import (
	"github.com/spf13/cobra"

	"honk/cmd/honk/doctor"
)

func newDoctorCommand(p program) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check what Honk works with, each with its remedy",
		Long: `Look at configuration, data directory, git, sandbox, model, database and, when
they are configured, the GitHub App and the Slack app: one line each. ✓ is well,
✗ comes with what to do about it, – is worth knowing.

Exit codes: 0 all is well, 2 something is not.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			well, err := doctor.Run(cmd.Context(), doctor.Options{Env: p.env, Out: p.stdout, Log: newLog(p)})
			if err == nil && !well {
				err = exitError(exitUsage)
			}
			return err
		},
	}
}
