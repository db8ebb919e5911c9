package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"time"

	"golang.org/x/term"

	"honk/cmd/honk/console"
	"honk/cmd/honk/parts"
	"honk/cmd/honk/service"
	"honk/internal/config"
	"honk/internal/git"
	"honk/internal/runner"
	"honk/internal/task"
	"honk/judge"
)

// house is everything a command of this machine works with, built by hand.
type house struct {
	cfg      *config.Config
	git      *git.Git
	runner   *runner.Runner
	progress *console.Progress
	tasks    *runner.Tasks
	// revoke gives the forge's tokens back, nil where it has none.
	revoke func(context.Context) error
}

// close puts away what the house had in use, interrupted or not.
func (h *house) close(ctx context.Context) error {
	err := h.tasks.Close()
	if h.revoke != nil {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = errors.Join(err, h.revoke(end))
	}
	return err
}

// newHouse builds the house for one command. It refuses to work when the
// sandbox is not tight.
func newHouse(ctx context.Context, p program, cfg *config.Config, f runFlags) (*house, error) {
	log := newLog(p)
	scanner, err := parts.Scanner(cfg)
	if err != nil {
		return nil, err
	}
	backend, err := parts.Backend(p.env, p.stderr, cfg, f.sandbox)
	if err != nil {
		return nil, err
	}
	if err := backend.SelfTest(ctx); err != nil {
		return nil, task.Errorf(task.CodeInvalid, "%w", err) // the machine is set up wrongly
	}
	if _, err := parts.DataDir(cfg); err != nil {
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
	var at runner.Forge = &localForge{git: g}
	if f.publish == "pr" {
		if at, h.revoke, err = service.NewForge(cfg, g, scanner, log); err != nil {
			return nil, errors.Join(err, tasks.Close())
		}
	}
	h.runner = runner.New(runner.Options{
		Forge:    at,
		Git:      g,
		Backend:  backend,
		Recorder: show,
		CrewFunc: func(task.Task) (runner.Crew, error) {
			return parts.NewCrew(cfg, parts.Pay{Limits: f.limits(cfg.Org.Limits), NoticeFunc: show.Notice}, log)
		},
		Publish:    f.publish == "branch" || f.publish == "pr",
		JudgeMode:  parts.JudgeMode(cfg, f.judge),
		JudgeFloor: judge.Mode(cfg.Org.Judge.Floor),
		Policy:     parts.Policy(cfg),
		Secrets:    scanner,
		Sandbox:    parts.SandboxSpec(cfg),
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
