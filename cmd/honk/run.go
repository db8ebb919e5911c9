package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"honk/cmd/honk/console"
	"honk/cmd/honk/parts"
	"honk/internal/config"
	"honk/internal/runner"
	"honk/internal/task"
	"honk/judge"
)

// runFlags are the flags of honk run.
type runFlags struct {
	repo, base string
	publish    string
	sandbox    string
	judge      string
	model      string
	maxSteps   int
	maxCost    float64
	timeout    time.Duration
	json       bool
	// showDiff prints the diff of a published change, too.
	showDiff bool
}

func newRunCommand(p program) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run [flags] PROMPT",
		Short: "Make one change to a repository, no server and no database",
		Long: `Make one change to a repository: check it out in a sandbox, let the model
change it, prove the change with the repository's own checks, hold it against
the request, and print the diff or leave it on a branch of its own.

The base is a commit: uncommitted changes are neither used nor touched.

Exit codes: 0 delivered or no change needed, 1 internal error, 2 usage or
configuration, 10 verification failed, 11 vetoed, 12 budget exhausted, 13 the
agent is blocked, 14 model unavailable, 130 cancelled.`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			return runTask(cmd.Context(), p, f, strings.Join(words, " "))
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.repo, "repo", ".", "`PATH`, URL or owner/name of the repository")
	flags.StringVar(&f.base, "base", "", "branch, tag or commit to start from (default the repository's HEAD)")
	flags.StringVar(&f.publish, "publish", "none", "what becomes of the change: none prints the diff, branch leaves honk/<id>-<slug> in the repository, pr opens a pull request by the GitHub App")
	addSandboxFlag(cmd, &f.sandbox)
	flags.StringVar(&f.judge, "judge", "", "what the judge may do: veto, advise or off (default from honk.yaml, else veto)")
	flags.StringVar(&f.model, "model", "", "name of the model (default HONK_LLM_MODEL)")
	flags.IntVar(&f.maxSteps, "max-steps", 0, "most replies of the model (default from honk.yaml, else 80)")
	flags.Float64Var(&f.maxCost, "max-cost", 0, "most money to spend, in `USD` (needs the model's price in honk.yaml)")
	flags.DurationVar(&f.timeout, "timeout", 0, "most time for the agent (default from honk.yaml, else 45m)")
	flags.BoolVar(&f.json, "json", false, "print exactly one JSON object on standard output")
	return cmd
}

// maxSteps is the hard limit of --max-steps.
const maxSteps = 250

func addSandboxFlag(cmd *cobra.Command, value *string) {
	cmd.Flags().StringVar(value, "sandbox", "", "where commands run: bwrap, or host for no isolation at all (default HONK_SANDBOX, else bwrap)")
}

// check refuses flag values that mean nothing.
func (f runFlags) check(prompt string) error {
	switch {
	case strings.TrimSpace(prompt) == "":
		return task.Errorf(task.CodeInvalid, "the prompt is empty; say what to change, as in: honk run \"fix the failing test\"")
	case f.publish != "none" && f.publish != "branch" && f.publish != "pr":
		return task.Errorf(task.CodeInvalid, "--publish %q is none of none, branch, pr", f.publish)
	case f.judge != "" && f.judge != string(judge.ModeVeto) && f.judge != string(judge.ModeAdvise) && f.judge != string(judge.ModeOff):
		return task.Errorf(task.CodeInvalid, "--judge %q is none of veto, advise, off", f.judge)
	case f.maxSteps < 0 || f.maxSteps > maxSteps:
		return task.Errorf(task.CodeInvalid, "--max-steps %d is not between 1 and %d", f.maxSteps, maxSteps)
	case f.maxCost < 0:
		return task.Errorf(task.CodeInvalid, "--max-cost %g is less than nothing", f.maxCost)
	case f.timeout < 0:
		return task.Errorf(task.CodeInvalid, "--timeout %s is less than nothing", f.timeout)
	}
	return nil
}

// limits are the organisation's with what the command line says of them.
func (f runFlags) limits(limits config.Limits) config.Limits {
	if f.maxCost > 0 {
		limits.CostUSD = f.maxCost
	}
	if f.maxSteps > 0 {
		limits.Steps = f.maxSteps
	}
	if f.timeout > 0 {
		limits.Time = f.timeout
	}
	return limits
}

// runTask makes one task of the command line and reports how it ended.
func runTask(ctx context.Context, p program, f runFlags, prompt string) (err error) {
	if err := f.check(prompt); err != nil {
		return err
	}
	cfg, err := config.Load(p.env)
	if err != nil {
		return err
	}
	cfg.LLM.Model = cmp.Or(f.model, cfg.LLM.Model)
	if err := cfg.LLM.Require(); err != nil {
		return err
	}
	h, err := newHouse(ctx, p, cfg, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close(ctx)) }()
	repo, err := h.repo(ctx, f.repo)
	if err != nil {
		return err
	}
	if f.publish == "branch" && repo.Host != localHost {
		return task.Errorf(task.CodeInvalid, "--publish branch leaves the branch in a repository of this machine; clone %s first, or use --publish pr", repo)
	}
	if f.publish == "pr" && repo.Host == localHost {
		return task.Errorf(task.CodeInvalid, "--publish pr opens a pull request at GitHub; name the repository there, as in --repo acme/%s", repo.Name)
	}
	if err := parts.Reach(ctx, cfg, newLog(p)); err != nil {
		return err
	}
	h.warnDirty(ctx, repo)
	id := task.NewID(time.Now())
	res := h.runner.Run(ctx, task.Task{
		ID:        id,
		CreatedAt: time.Now(),
		Status:    task.StatusRunning,
		Request: task.Request{
			Source: task.SourceCLI, DeliveryID: string(id), Repo: repo,
			Ref: f.base, Prompt: prompt, Actor: task.Actor{Login: p.env["USER"]},
		},
	})
	h.progress.Close()
	report(p, f, id, res)
	if code := exitOf(res.Outcome); code != exitOK {
		return exitError(code)
	}
	return nil
}

// report prints the result: one JSON object, or the diff on standard output
// and the rest on standard error.
func report(p program, f runFlags, id task.ID, res runner.Result) {
	if f.json {
		printJSON(p.stdout, newRunOutput(id, res))
		return
	}
	fmt.Fprint(p.stderr, "\n"+console.Headline(res)+"\n")
	if f.publish == "none" || f.showDiff || res.Status != task.StatusDelivered {
		// What was not delivered is kept in sight: nothing of the work is
		// lost.
		_, _ = p.stdout.Write(res.Patch.Diff)
	}
}
