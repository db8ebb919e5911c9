package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"honk/cmd/honk/parts"
	"honk/internal/config"
	"honk/internal/git"
	"honk/internal/task"
)

func newDoctorCommand(p program) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check git, sandbox, model and configuration, each with its remedy",
		Args:  args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return doctor(cmd.Context(), p)
		},
	}
}

// ailment is one line of the doctor: what was looked at, and what is wrong.
type ailment struct {
	name string
	// checkFunc returns what is well, or an error that names the remedy.
	checkFunc func(ctx context.Context) (string, error)
}

func doctor(ctx context.Context, p program) error {
	cfg, err := config.Load(p.env)
	checks := []ailment{{"configuration", func(context.Context) (string, error) { return "read", err }}}
	if err == nil {
		checks = append(checks,
			ailment{"data directory", func(context.Context) (string, error) { return parts.DataDir(cfg) }},
			ailment{"git", func(context.Context) (string, error) { return checkGit(p, cfg) }},
			ailment{"sandbox", func(ctx context.Context) (string, error) { return checkSandbox(ctx, p, cfg) }},
			ailment{"model", func(ctx context.Context) (string, error) { return checkModel(ctx, p, cfg) }},
		)
	}
	ill := false
	for _, c := range checks {
		well, err := c.checkFunc(ctx)
		if err != nil {
			ill = true
			fmt.Fprintf(p.stdout, "✗ %s: %s\n", c.name, strings.TrimSpace(indent(err.Error())))
			continue
		}
		fmt.Fprintf(p.stdout, "✓ %s: %s\n", c.name, well)
	}
	if ill {
		return exitError(exitUsage)
	}
	return nil
}

func checkGit(p program, cfg *config.Config) (string, error) {
	_, err := git.New(git.Options{Dir: cfg.DataDir, Log: newLog(p)})
	return "found, new enough", err
}

func checkSandbox(ctx context.Context, p program, cfg *config.Config) (string, error) {
	backend, err := parts.Backend(p.env, p.stderr, cfg, "")
	if err != nil {
		return "", err
	}
	if err := backend.SelfTest(ctx); err != nil {
		return "", err
	}
	if !backend.Isolates() {
		return "host: no isolation at all; use bwrap for anything you did not write", nil
	}
	return backend.Name() + ": no escape probe got out", nil
}

func checkModel(ctx context.Context, p program, cfg *config.Config) (string, error) {
	if err := cfg.LLM.Require(); err != nil {
		return "", err
	}
	client, err := parts.NewClient(cfg, cfg.LLM.Model, newLog(p))
	if err != nil {
		return "", err
	}
	if err := client.Probe(ctx); err != nil {
		return "", task.Errorf(task.CodeUnavailable, "%s at %s: %w", cfg.LLM.Model, cfg.LLM.BaseURL, err)
	}
	return cfg.LLM.Model + " at " + cfg.LLM.BaseURL + " answers and calls tools", nil
}
