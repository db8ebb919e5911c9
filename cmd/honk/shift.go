package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"honk/cmd/honk/service"
	"honk/cmd/honk/shifts"
	"honk/integrations/shift/order"
	"honk/internal/config"
	"honk/internal/task"
)

// exitShift is the exit code of a status that it was asked to fail on.
const exitShift = 10

func newShiftCommand(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "shift",
		Short: "One change over many repositories",
		Args:  args(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, c := range []struct {
		use, short string
		check      cobra.PositionalArgs
		do         func(context.Context, *shifts.Shifts, []string) error
	}{
		{"pause NAME", "Hold a shift: nothing of it acts any more", cobra.ExactArgs(1), func(ctx context.Context, s *shifts.Shifts, a []string) error {
			return s.Pause(ctx, a[0])
		}},
		{"resume NAME", "Let a paused or halted shift go on", cobra.ExactArgs(1), func(ctx context.Context, s *shifts.Shifts, a []string) error {
			return s.Resume(ctx, a[0])
		}},
		{"approve NAME [WAVE|SHAPE]", "Approve what comes after a wave, or the changes of one shape", cobra.RangeArgs(1, 2), func(ctx context.Context, s *shifts.Shifts, a []string) error {
			return s.Approve(ctx, a[0], strings.Join(a[1:], ""))
		}},
		{"logs NAME OWNER/NAME", "What became of a target, step by step", cobra.ExactArgs(2), func(ctx context.Context, s *shifts.Shifts, a []string) error {
			return s.Logs(ctx, a[0], a[1])
		}},
		{"close NAME [OWNER/NAME]", "Close the pull requests of a shift and end its targets", cobra.RangeArgs(1, 2), func(ctx context.Context, s *shifts.Shifts, a []string) error {
			return s.Close(ctx, a[0], strings.Join(a[1:], ""))
		}},
	} {
		cmd.AddCommand(shiftCommand(p, c.use, c.short, c.check, c.do))
	}
	cmd.AddCommand(newShiftPlan(p), newShiftApply(p), newShiftStatus(p), newShiftRetry(p))
	return cmd
}

// shiftCommand is a command on the service's shifts.
func shiftCommand(p program, use, short string, check cobra.PositionalArgs, do func(context.Context, *shifts.Shifts, []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: args(check),
		RunE: func(cmd *cobra.Command, words []string) error {
			cfg, err := config.Load(p.env)
			if err != nil {
				return err
			}
			door, done, err := service.OpenShifts(cmd.Context(), cfg, newLog(p))
			if err != nil {
				return err
			}
			defer done()
			return do(cmd.Context(), &shifts.Shifts{Door: door, In: p.stdin, Out: p.stdout, Err: p.stderr, User: p.env["USER"]}, words)
		},
	}
}

func newShiftPlan(p program) *cobra.Command {
	var asJSON bool
	var sample int
	cmd := shiftCommand(p, "plan FILE", "What applying a manifest would do", cobra.ExactArgs(1), func(ctx context.Context, s *shifts.Shifts, a []string) error {
		if s.JSON = asJSON; sample < 0 {
			return task.Errorf(task.CodeInvalid, "--sample %d is no number of targets", sample)
		}
		return s.Plan(ctx, a[0], sample)
	})
	cmd.Flags().IntVar(&sample, "sample", 0, "make the change for `N` targets by way of honk serve, verify it, push nothing, and show what comes of it; with as many as there are, it says what is left to change")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print exactly one JSON object on standard output")
	return cmd
}

func newShiftApply(p program) *cobra.Command {
	var asJSON, yes bool
	cmd := shiftCommand(p, "apply FILE", "Do what a manifest says", cobra.ExactArgs(1), func(ctx context.Context, s *shifts.Shifts, a []string) error {
		if s.JSON = asJSON; asJSON && !yes {
			return task.Errorf(task.CodeInvalid, "--json asks nobody: add --yes")
		}
		return s.Apply(ctx, a[0], yes)
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the plan as exactly one JSON object on standard output")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func newShiftStatus(p program) *cobra.Command {
	var asJSON bool
	var look shifts.Look
	cmd := shiftCommand(p, "status [NAME]", "How a shift stands, or all of them", cobra.MaximumNArgs(1), func(ctx context.Context, s *shifts.Shifts, a []string) error {
		if s.JSON = asJSON; asJSON && look.Watch {
			return task.Errorf(task.CodeInvalid, "--json prints once: leave --watch out")
		}
		if len(a) == 0 {
			if look != (shifts.Look{}) {
				return task.Errorf(task.CodeInvalid, "--watch and --fail-on are about one shift: name it")
			}
			return s.All(ctx)
		}
		failed, err := s.Status(ctx, a[0], look)
		if err == nil && len(failed) > 0 {
			fmt.Fprintf(p.stderr, "honk: %s has %s\n", a[0], strings.Join(failed, ", "))
			return exitError(exitShift)
		}
		return err
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "print exactly one JSON object on standard output")
	cmd.Flags().BoolVar(&look.Watch, "watch", false, "show it again until nothing is left to do")
	cmd.Flags().StringVar(&look.FailOn, "fail-on", "", "end with 10 on any of these `NAMES`: buckets, states, failed, halted, incomplete, residual, stuck; red>3 allows three (default failed,regressed,halted)")
	return cmd
}

func newShiftRetry(p program) *cobra.Command {
	var which order.Which
	cmd := shiftCommand(p, "retry NAME [OWNER/NAME]", "Do once more what failed", cobra.RangeArgs(1, 2), func(ctx context.Context, s *shifts.Shifts, a []string) error {
		which.Repo = strings.Join(a[1:], "")
		given := 0
		for _, is := range []bool{which.Repo != "", which.Signature != "", which.All} {
			if is {
				given++
			}
		}
		if given != 1 {
			return task.Errorf(task.CodeInvalid, "name one repository, --signature or --all")
		}
		return s.Retry(ctx, a[0], which)
	})
	cmd.Flags().StringVar(&which.Signature, "signature", "", "all targets that fail with this `SIGNATURE`")
	cmd.Flags().BoolVar(&which.All, "all", false, "all targets that failed")
	return cmd
}
