package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"honk/cmd/honk/console"
	"honk/internal/config"
	"honk/internal/task"
	"honk/verify"
)

func newVerifyCommand(p program) *cobra.Command {
	var sandboxName string
	var only []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify [PATH]",
		Short: "Run the detected verifiers on a checkout",
		Long: `Detect the repository's own checks (format, build, lint, test) and run them in
a sandbox on a copy of the work tree as it is, uncommitted changes included.
Commands come from honk.yaml, else from .honk.yaml at HEAD, else from the files
at HEAD.

Exit codes: 0 all passed, 10 a check failed or could not be made, 2 usage or
configuration.`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, paths []string) error {
			path := "."
			if len(paths) == 1 {
				path = paths[0]
			}
			return verifyPath(cmd.Context(), p, verifyFlags{sandbox: sandboxName, only: only, json: asJSON}, path)
		},
	}
	addSandboxFlag(cmd, &sandboxName)
	cmd.Flags().StringSliceVar(&only, "only", nil, "names of the verifiers to run (default all)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print exactly one JSON object on standard output")
	return cmd
}

type verifyFlags struct {
	sandbox string
	only    []string
	json    bool
}

func verifyPath(ctx context.Context, p program, f verifyFlags, path string) (err error) {
	cfg, err := config.Load(p.env)
	if err != nil {
		return err
	}
	h, err := newHouse(ctx, p, cfg, runFlags{sandbox: f.sandbox})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close(ctx)) }()
	repo, err := h.repo(ctx, path)
	if err != nil {
		return err
	}
	if repo.Host != localHost {
		return task.Errorf(task.CodeInvalid, "%q is not a checkout of this machine; clone it first", path)
	}
	report, err := h.runner.Verify(ctx, repo, f.only)
	h.progress.Close()
	if err != nil {
		return err
	}
	if f.json {
		printJSON(p.stdout, report)
	} else {
		printReport(p, report)
	}
	for _, r := range report.Results {
		if r.Status != verify.Pass && r.Status != verify.Skipped {
			return exitError(exitVerifyFailed)
		}
	}
	return nil
}

func printReport(p program, report verify.Report) {
	if len(report.Results) == 0 {
		fmt.Fprintln(p.stdout, "No verifier applies: none of the known markers (go.mod, package.json, pyproject.toml,")
		fmt.Fprintln(p.stdout, "Cargo.toml, pom.xml, build.gradle, Makefile, …) is there. Name commands in .honk.yaml:")
		fmt.Fprintln(p.stdout, "verify: [{name: test, run: ./test.sh}]")
	}
	for _, r := range report.Results {
		fmt.Fprintf(p.stdout, "%-8s %s\n", r.Status, console.ResultLine(r))
		if r.Status != verify.Pass && r.Output != "" {
			fmt.Fprintf(p.stdout, "%s\n", indent(r.Output))
		}
	}
}

// indent sets text off from the line it belongs to.
func indent(text string) string {
	return "         " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n         ")
}
