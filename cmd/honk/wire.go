package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"

	"golang.org/x/term"

	"honk/agent"
	"honk/cmd/honk/console"
	"honk/internal/config"
	"honk/internal/git"
	"honk/internal/runner"
	"honk/internal/secret"
	"honk/internal/task"
	"honk/judge"
	"honk/sandbox"
	"honk/sandbox/bwrap"
	"honk/sandbox/host"
)

// house is everything a command of this machine works with, built by hand.
type house struct {
	cfg      *config.Config
	git      *git.Git
	runner   *runner.Runner
	progress *console.Progress
	tasks    *runner.Tasks
}

// newHouse builds the house for one command. It refuses to work when the
// sandbox is not tight.
func newHouse(ctx context.Context, p program, cfg *config.Config, f runFlags) (*house, error) {
	log := newLog(p)
	scanner, err := newScanner(cfg)
	if err != nil {
		return nil, err
	}
	backend, err := newBackend(p, cfg, f.sandbox)
	if err != nil {
		return nil, err
	}
	if err := backend.SelfTest(ctx); err != nil {
		return nil, task.Errorf(task.CodeInvalid, "%w", err) // the machine is set up wrongly
	}
	if _, err := checkDataDir(cfg); err != nil {
		return nil, err
	}
	tasks, err := runner.OpenTasks(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	g, err := git.New(git.Options{Dir: cfg.DataDir, TasksDir: tasks.Dir(), Log: log})
	if err != nil {
		return nil, errors.Join(err, tasks.Close())
	}
	show := console.NewProgress(p.stderr, isTerminal(p.stderr) && p.env["TERM"] != "dumb", scanner)
	h := &house{cfg: cfg, git: g, progress: show, tasks: tasks}
	h.runner = runner.New(runner.Options{
		Forge:    &localForge{git: g},
		Git:      g,
		Backend:  backend,
		Recorder: show,
		CrewFunc: func(task.Task) (runner.Crew, error) {
			return newCrew(cfg, f, show.Notice, log)
		},
		Publish:    f.publish == "branch",
		JudgeMode:  judgeMode(cfg, f.judge),
		JudgeFloor: judge.Mode(cfg.Org.Judge.Floor),
		Policy:     newPolicy(cfg),
		Secrets:    scanner,
		Sandbox:    sandboxSpec(cfg),
		VerifyFunc: cfg.Org.VerifyFor,
		MountsFunc: installed,
		Dir:        cfg.DataDir,
		TasksDir:   tasks.Dir(),
		Log:        log,
	})
	go show.Tick(ctx)
	return h, nil
}

// newLog is for operators: a person who runs one task sees what is degraded,
// the rest is shown as progress.
func newLog(p program) *slog.Logger {
	return slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// newScanner knows every secret this process holds.
func newScanner(cfg *config.Config) (*secret.Scanner, error) {
	var patterns []string
	for _, p := range cfg.Org.Secrets.Patterns {
		patterns = append(patterns, p.Regex)
	}
	return secret.New(cfg.Known(), patterns)
}

func newBackend(p program, cfg *config.Config, name string) (sandbox.Backend, error) {
	if name == "" {
		name = cfg.Sandbox
	}
	tools := sandbox.DetectTools(p.env)
	tools.Path = append(slices.Clone(cfg.Org.Sandbox.Path), tools.Path...)
	switch name {
	case "bwrap":
		return bwrap.New(bwrap.Options{Tools: tools}), nil
	case "host":
		fmt.Fprintln(p.stderr, "WARNING: --sandbox host isolates nothing: what the model and the repository run can read and change everything you can.")
		return host.New(host.Options{Tools: tools}), nil
	}
	return nil, task.Errorf(task.CodeInvalid, "sandbox %q is not available; use bwrap, or host for no isolation at all", name)
}

func sandboxSpec(cfg *config.Config) sandbox.Spec {
	s := cfg.Org.Sandbox
	spec := sandbox.Spec{Env: s.Env, Limits: sandbox.Limits{
		CPUTime: s.CPUTime, Memory: int64(s.Memory), Processes: s.Processes,
		FileSize: int64(s.FileSize), Disk: int64(s.Disk),
	}}
	for _, m := range s.Mounts {
		spec.Mounts = append(spec.Mounts, sandbox.Mount(m))
	}
	return spec
}

func judgeMode(cfg *config.Config, asked string) judge.Mode {
	mode := cfg.Org.Judge.Mode
	if asked != "" {
		mode = config.JudgeMode(asked)
	}
	return judge.Mode(mode.Stricter(cfg.Org.Judge.Floor))
}

func newPolicy(cfg *config.Config) judge.Policy {
	p := cfg.Org.Policy
	return judge.Policy{
		AllowProtected: p.AllowProtected, MaxFiles: p.MaxFiles, MaxLines: p.MaxLines, Registries: p.Registries,
	}
}

// newCrew engages agent and judge on one ledger.
func newCrew(cfg *config.Config, f runFlags, notice func(string), log *slog.Logger) (runner.Crew, error) {
	limits := cfg.Org.Limits
	if f.maxCost > 0 {
		limits.CostUSD = f.maxCost
	}
	if f.maxSteps > 0 {
		limits.Steps = f.maxSteps
	}
	if f.timeout > 0 {
		limits.Time = f.timeout
	}
	m, err := newModels(cfg, limits, notice, log)
	if err != nil {
		return runner.Crew{}, err
	}
	worker := agent.New(m.agent, agent.Options{
		Limits: agent.Limits{
			Steps: limits.Steps, Time: limits.Time,
			ContextWindow: m.known.ContextWindow, MaxTokens: m.known.MaxOutputTokens,
		},
		SpentFunc:  func() (float64, float64) { return m.usage().CostUSD, limits.CostUSD },
		WrapUpFunc: m.agent.WrapUp,
		Log:        log,
	})
	return runner.Crew{Agent: worker, Judge: m.judge, UsageFunc: m.usage}, nil
}
