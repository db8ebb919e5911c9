package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"honk/internal/config"
	"honk/internal/task"
)

// program is what a command has of the outside world.
type program struct {
	args           []string
	env            map[string]string
	stdin          io.Reader
	stdout, stderr io.Writer
}

// environ turns os.Environ's form into a map. Variables that hold secrets
// leave the process, so that no child can inherit them.
func environ(list []string) map[string]string {
	env := make(map[string]string, len(list))
	for _, kv := range list {
		name, value, _ := strings.Cut(kv, "=")
		env[name] = value
	}
	for _, name := range config.SecretNames() {
		// Unsetenv fails for malformed names only; these are constants.
		_ = os.Unsetenv(name)
	}
	return env
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, p program) int {
	root := newRoot(p)
	root.SetArgs(p.args)
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if done, ok := errors.AsType[exitError](err); ok {
		return int(done)
	}
	if ctx.Err() != nil {
		// Whatever the interrupt broke first is not the reason.
		err = task.Errorf(task.CodeCancelled, "cancelled")
	}
	code, message := exitCodeOf(err), err.Error()
	if wantsJSON(p.args) {
		printJSON(p.stdout, failure(cmd.Name(), err))
	}
	for line := range strings.SplitSeq(message, "\n") {
		fmt.Fprintf(p.stderr, "honk: %s\n", line)
	}
	return code
}

func newRoot(p program) *cobra.Command {
	root := &cobra.Command{
		Use:           "honk",
		Short:         "A background coding agent that your team hosts itself",
		Long:          "Honk takes a request for a change to a verified, judged commit on its own\nbranch, or to an honest reason why there is none.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
	}
	root.SetFlagErrorFunc(usageError)
	root.AddCommand(
		newRunCommand(p),
		newVerifyCommand(p),
		newJudgeCommand(p),
		newServeCommand(p),
		newWorkCommand(p),
		newTaskCommand(p),
		newShiftCommand(p),
		newMigrateCommand(p),
		newDemoCommand(p),
		newDoctorCommand(p),
		newVersionCommand(p),
	)
	return root
}

// usageError names the command whose help answers the question.
func usageError(cmd *cobra.Command, err error) error {
	return task.Errorf(task.CodeInvalid, "%w; see '%s --help'", err, cmd.CommandPath())
}

// args wraps a cobra argument check, so that its refusal reads like the others.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, got []string) error {
		if err := check(cmd, got); err != nil {
			return usageError(cmd, err)
		}
		return nil
	}
}

// wantsJSON looks for --json in a command line that may not even parse: who
// asked for one JSON object gets one for a wrong flag, too.
func wantsJSON(args []string) bool {
	for _, a := range args {
		switch a {
		case "--":
			return false
		case "--json", "--json=true":
			return true
		}
	}
	return false
}

func printJSON(w io.Writer, v any) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	// A reader that has gone away cannot be told so.
	_ = enc.Encode(v)
}
