package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"honk/cmd/honk/console"
	"honk/cmd/honk/parts"
	"honk/internal/config"
	"honk/internal/secret"
	"honk/internal/task"
	"honk/judge"
)

// maxDiff caps a diff that honk judge reads, in bytes.
const maxDiff = 16 << 20

// judgeOutput is the JSON object of honk judge.
type judgeOutput struct {
	Checks  []judge.Finding `json:"checks"`
	Verdict *judge.Verdict  `json:"verdict"`
	Usage   usageOutput     `json:"usage"`
}

func newJudgeCommand(p program) *cobra.Command {
	var prompt, model string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "judge --prompt REQUEST DIFF",
		Short: "Judge any diff against any request",
		Long: `Judge a git diff against the request it should meet: the deterministic checks
first, then the judge's rubric. DIFF is a file, or - for standard input.

Exit codes: 0 approved, 11 not approved, 2 usage or configuration, 14 model
unavailable or its verdict unusable.`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, files []string) error {
			return judgeDiff(cmd.Context(), p, judgeFlags{prompt: prompt, model: model, json: asJSON}, files[0])
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&prompt, "prompt", "", "the request the diff should meet (required)")
	flags.StringVar(&model, "model", "", "name of the judging model (default HONK_JUDGE_MODEL, else HONK_LLM_MODEL)")
	flags.BoolVar(&asJSON, "json", false, "print exactly one JSON object on standard output")
	return cmd
}

type judgeFlags struct {
	prompt, model string
	json          bool
}

func judgeDiff(ctx context.Context, p program, f judgeFlags, file string) error {
	if f.prompt == "" {
		return task.Errorf(task.CodeInvalid, "there is no request to judge against; say it with --prompt")
	}
	cfg, err := config.Load(p.env)
	if err != nil {
		return err
	}
	if f.model != "" {
		cfg.LLM.JudgeModel = f.model
	}
	if err := cfg.LLM.Require(); err != nil {
		return err
	}
	raw, err := readDiff(p, file)
	if err != nil {
		return err
	}
	patch, err := judge.ParsePatch(raw)
	if err != nil {
		return task.Errorf(task.CodeInvalid, "%q: %w", file, err)
	}
	scanner, err := parts.Scanner(cfg)
	if err != nil {
		return err
	}
	out := judgeOutput{Checks: judge.Check(judge.CheckInput{
		Patch: patch, Prompt: f.prompt, Policy: parts.Policy(cfg), Secrets: scanner,
	})}
	models, err := parts.NewModels(cfg, parts.Pay{
		Limits: cfg.Org.Limits, NoticeFunc: func(text string) { fmt.Fprintln(p.stderr, text) },
	}, newLog(p))
	if err != nil {
		return err
	}
	verdict := models.Judge.Evaluate(ctx, judge.Input{Prompt: f.prompt, Patch: patch, Findings: out.Checks})
	if err := ctx.Err(); err != nil {
		return err
	}
	out.Verdict, out.Usage = &verdict, newUsage(models.Usage())
	if f.json {
		printJSON(p.stdout, out)
	} else {
		printVerdict(p.stdout, scanner, out)
	}
	return verdictExit(out)
}

// verdictExit fails closed: only an approving judge over harmless findings is
// a success.
func verdictExit(out judgeOutput) error {
	switch {
	case out.Verdict.Err != nil:
		return exitError(exitModel)
	case out.Verdict.Decision == judge.Approve && len(judge.Blocking(out.Checks)) == 0:
		return nil
	}
	return exitError(exitVetoed)
}

func readDiff(p program, file string) ([]byte, error) {
	in := p.stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, task.Errorf(task.CodeInvalid, "reading the diff: %w", err)
		}
		defer f.Close()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxDiff+1))
	if err != nil {
		return nil, task.Errorf(task.CodeInvalid, "reading the diff %q: %w", file, err)
	}
	if len(raw) > maxDiff {
		return nil, task.Errorf(task.CodeInvalid, "the diff %q is larger than %d MiB; judge it in parts", file, maxDiff>>20)
	}
	return raw, nil
}

func printVerdict(w io.Writer, scanner *secret.Scanner, out judgeOutput) {
	say := func(format string, args ...any) {
		fmt.Fprintln(w, scanner.Redact(secret.Clean(fmt.Sprintf(format, args...), 1000)))
	}
	for _, line := range console.CheckLines(out.Checks) {
		say("%s", line)
	}
	for _, item := range out.Verdict.Items {
		say("%2d %-3s %s", item.ID, item.Answer, item.Reason)
	}
	say("verdict: %s: %s", out.Verdict.Decision, out.Verdict.Summary)
	for _, r := range out.Verdict.Revisions {
		say("  to mend: %s", r)
	}
}
