package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"path"
	"time"

	"honk/agent"
	"honk/fleet/target"
	"honk/integrations/shift"
	"honk/internal/runner"
	"honk/internal/secret"
	"honk/sandbox"
)

const (
	// firstTime bounds each of the commands that come first.
	firstTime = 2 * time.Minute
	// maxUnitFiles is in how many files of a repository units are looked for,
	// maxTested how much of a file is tested, in bytes.
	maxUnitFiles = 200_000
	maxTested    = 1 << 20
)

// shiftAgent makes the change of a shift's task: by its script or container,
// or by the agent that it wraps.
type shiftAgent struct {
	runner.Agent
	job    shift.Job
	images images
	// resumed: the work tree holds the change of the run before, if that still
	// fits the base.
	resumed bool
	log     *slog.Logger
}

// programmed reports whether a program makes the change, and no model.
func (a shiftAgent) programmed() bool { return len(a.job.Script) > 0 || a.job.Container != nil }

// Run implements runner.Agent.
func (a shiftAgent) Run(ctx context.Context, in agent.Input) (agent.Result, error) {
	res, err := a.run(ctx, in)
	if err != nil && res.Exit == "" {
		res = agent.Result{Exit: agent.ExitFailed, Reason: err.Error()}
	}
	return res, err
}

func (a shiftAgent) run(ctx context.Context, in agent.Input) (res agent.Result, err error) {
	if a.resumed && in.Feedback == "" {
		// What has been paid for is verified on the moved base, not made anew.
		patch, err := in.DiffFunc(ctx)
		if err != nil {
			return res, err
		}
		if !patch.Empty() {
			return agent.Result{Exit: agent.ExitDone, Summary: "The change of the run before, on the base as it is now."}, nil
		}
	}
	dirs, unmet, err := a.dirs(ctx, in.Sandbox)
	if err != nil {
		return res, err
	}
	if len(dirs) == 0 {
		return agent.Result{Exit: agent.ExitNoChange, Reason: "skip: " + unmet, Summary: "skip: " + unmet}, nil
	}
	if !a.programmed() {
		return a.Agent.Run(ctx, in)
	}
	for _, dir := range dirs {
		got, err := a.transform(ctx, in, dir)
		if err != nil {
			return res, err
		}
		switch {
		case got.Exit != agent.ExitDone && got.Exit != agent.ExitNoChange:
			return got, nil
		case res.Exit == "" || got.Exit == agent.ExitDone:
			got.Outputs = joined(res.Outputs, got.Outputs)
			res = got
		}
	}
	return res, nil
}

// joined are the outputs of two units, the later ones first where both say
// something.
func joined(a, b json.RawMessage) json.RawMessage {
	all := map[string]any{}
	for _, one := range []json.RawMessage{a, b} {
		// They were read as objects before.
		var values map[string]any
		if json.Unmarshal(one, &values) == nil {
			maps.Copy(all, values)
		}
	}
	raw, err := json.Marshal(all)
	if err != nil || len(all) == 0 {
		return nil
	}
	return raw
}

// dirs returns where the change is to be made: the places for which the
// preconditions hold. unmet says why there is none.
func (a shiftAgent) dirs(ctx context.Context, sb sandbox.Sandbox) (dirs []string, unmet string, err error) {
	places := []string{a.job.Dir}
	if a.job.RootAt != "" {
		list, err := sb.List(ctx, "", maxUnitFiles)
		if err != nil {
			return nil, "", err
		}
		if places = target.Units(a.job.RootAt, list.Paths); len(places) == 0 {
			return nil, "nothing in it matches " + a.job.RootAt, nil
		}
	}
	tests, err := target.NewPreconditions(a.job.Tests)
	if err != nil {
		return nil, "", err
	}
	for _, dir := range places {
		why, err := first(ctx, sb, tests, dir)
		if err != nil {
			return nil, "", err
		}
		if why == "" {
			dirs = append(dirs, dir)
		} else {
			unmet = why
		}
	}
	return dirs, unmet, nil
}

// first says which precondition does not hold in a directory.
func first(ctx context.Context, sb sandbox.Sandbox, tests *target.Preconditions, dir string) (string, error) {
	answer, err := tests.Check(dir, func(name string) ([]byte, bool, error) {
		f, err := sb.Read(ctx, name, maxTested)
		if isDir := new(sandbox.PathError); errors.As(err, &isDir) {
			return nil, true, nil // Something that is no plain file.
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil, false, nil
		}
		return f.Data, err == nil, err
	})
	if err != nil || answer.Reason != "" {
		return answer.Reason, err
	}
	for _, args := range answer.Run {
		res, err := sb.Exec(ctx, sandbox.Command{Args: args, Dir: dir, Timeout: firstTime})
		if err != nil {
			return "", fmt.Errorf("testing whether %q ends with 0: %w", args, err)
		}
		if res.ExitCode != 0 {
			return secret.Clean(path.Base(args[0]), 80) + " does not end with 0", nil
		}
	}
	return "", nil
}
