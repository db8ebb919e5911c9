package main

import (
	"github.com/spf13/cobra"

	"honk/cmd/honk/demo"
)

func newDemoCommand(p program) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show a whole task on this machine with no account and no key",
		Long: `Run honk serve with a private PostgreSQL beside a stand-in for GitHub on this
machine, ask for a change by a comment there, and show what happens until the
pull request. The model is a recording unless HONK_LLM_BASE_URL (with
HONK_LLM_MODEL) names a real one; all but model and forge is real. Nothing else
of what HONK_ variables and honk.yaml say gets in, and nothing stays but what
it names at the end.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			end, err := demo.Run(cmd.Context(), demo.Options{Env: p.env, Out: p.stdout})
			if err != nil {
				return err
			}
			if code := exitOf(end); code != exitOK {
				return exitError(code)
			}
			return nil
		},
	}
}
