package script

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"syscall"
	"time"

	"honk/agent"
	"honk/internal/secret"
	"honk/internal/task"
	"honk/sandbox"
)

// The exit statuses with a meaning of their own.
const (
	exitSkip   = 20
	exitPerson = 21
)

const (
	// maxReason caps a reason and a summary, in bytes.
	maxReason = 400
	// recordTime bounds the storing of the event.
	recordTime = 10 * time.Second
)

// Run puts the script into in.Sandbox and runs it there. An error means that
// this was not possible or that the event could not be stored; how the script
// fared is in the Result.
func (a *Agent) Run(ctx context.Context, in agent.Input) (agent.Result, error) {
	began := time.Now()
	res, err := a.run(ctx, in)
	switch {
	case err != nil && ctx.Err() != nil:
		res, err = agent.Result{Exit: agent.ExitCancelled, Reason: "the run was cancelled"}, nil
	case err != nil:
		res = agent.Result{Exit: agent.ExitFailed, Reason: err.Error()}
	}
	res.Usage.TotalTime = time.Since(began)
	return res, err
}

func (a *Agent) run(ctx context.Context, in agent.Input) (agent.Result, error) {
	at, err := place(ctx, in.Sandbox, a.opts.Script)
	if err != nil {
		return agent.Result{}, fmt.Errorf("putting the script into the sandbox: %w", err)
	}
	env := map[string]string{outputVar: at.outputs}
	maps.Copy(env, a.opts.Env)
	ran, err := in.Sandbox.Exec(ctx, sandbox.Command{
		Args: append(slices.Clone(a.interpreter), at.script), Dir: a.opts.Dir, Env: env, Timeout: a.opts.Timeout,
	})
	if bad := new(sandbox.PathError); errors.As(err, &bad) || errors.Is(err, fs.ErrNotExist) {
		return failure(fmt.Sprintf("the directory %q cannot be worked in: %s", a.opts.Dir,
			cmp.Or(bad.Reason, "it does not exist")), ""), nil
	}
	if err != nil {
		return agent.Result{}, fmt.Errorf("running the script: %w", err)
	}
	a.opts.Log.DebugContext(ctx, "script ended", "exit_code", ran.ExitCode, "limit", ran.Limit, "took", ran.Duration)
	if err := record(ctx, in, ran); err != nil {
		return agent.Result{}, err
	}
	return a.conclude(ctx, in, ran, at.outputs)
}

// record stores what the script did as the one event of the run.
func record(ctx context.Context, in agent.Input, ran sandbox.ExecResult) error {
	data := task.ToolData{
		ID: "script", Tool: "script", Title: fmt.Sprintf("script  exit %d", ran.ExitCode),
		Output: shown(ran), Took: ran.Duration,
		IsError: ran.ExitCode != 0 && ran.ExitCode != exitSkip && ran.ExitCode != exitPerson,
	}
	switch {
	case ran.TimedOut:
		data.IsError, data.Title = true, data.Title+", out of time"
	case ran.Limit != "":
		data.IsError, data.Title = true, data.Title+", killed: "+ran.Limit+" limit"
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	if err := in.RecordFunc(ctx, task.EventTool, 1, data); err != nil {
		return fmt.Errorf("storing an event of kind %q: %w", task.EventTool, err)
	}
	return nil
}

// conclude turns the script's end into that of the run.
func (a *Agent) conclude(ctx context.Context, in agent.Input, ran sandbox.ExecResult, file string) (agent.Result, error) {
	said, blamed := lastLine(ran.Stdout), lastLine(ran.Stderr)
	code := ran.ExitCode
	var res agent.Result
	switch {
	case ran.TimedOut:
		res = failure(fmt.Sprintf("the script ran out of time after %s", ran.Duration.Round(time.Second)), blamed)
	case ran.Limit != "":
		res = failure("the script ran into the sandbox's limit on "+ran.Limit, blamed)
	case code == exitSkip:
		res = ended(agent.ExitNoChange, "skip: "+cmp.Or(blamed, said, "the script gives no reason"))
	case code == exitPerson:
		res = ended(agent.ExitBlocked, "needs a person: "+cmp.Or(blamed, said, "the script gives no reason"))
	case code > 128 && code < 128+65:
		res = failure(fmt.Sprintf("the script ended with exit status %d (%s)", code, syscall.Signal(code-128)), blamed)
	case code != 0 && blamed == "":
		res = failure(fmt.Sprintf("the script ended with exit status %d and gives no reason", code), "")
	case code != 0:
		res = failure(blamed, "")
	default:
		return finish(ctx, in, file, said)
	}
	res.Summary = cmp.Or(said, res.Reason)
	return res, nil
}

// finish is the end of a script that has done what it was to do.
func finish(ctx context.Context, in agent.Input, file, said string) (agent.Result, error) {
	outputs, problem, err := readOutputs(ctx, in.Sandbox, file)
	if err != nil {
		return agent.Result{}, fmt.Errorf("reading the script's outputs: %w", err)
	}
	if problem != "" {
		res := failure("what the script wrote to $"+outputVar+" "+problem, "")
		res.Summary = cmp.Or(said, res.Reason)
		return res, nil
	}
	patch, err := in.DiffFunc(ctx)
	if err != nil {
		return agent.Result{}, err
	}
	res := agent.Result{Exit: agent.ExitDone, Summary: said, Outputs: outputs}
	if patch.Empty() {
		res.Exit = agent.ExitNoChange
		res.Summary = cmp.Or(said, "The script found nothing to change.")
	}
	res.Summary = cmp.Or(res.Summary, fmt.Sprintf("The script changed %d files.", len(patch.Files)))
	return res, nil
}

// failure is a run that failed, with the script's own last words if any.
func failure(what, blamed string) agent.Result {
	if blamed != "" {
		what += ": " + blamed
	}
	return ended(agent.ExitFailed, what)
}

func ended(exit agent.Exit, reason string) agent.Result {
	reason = secret.Clean(reason, maxReason)
	return agent.Result{Exit: exit, Reason: reason, Summary: reason}
}
