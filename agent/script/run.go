package script

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
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

// Run runs the script in in.Sandbox, or the command in its image. An error
// means that this was not possible or that the event could not be stored; how
// the program fared is in the Result.
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

func (a *Agent) run(ctx context.Context, in agent.Input) (res agent.Result, err error) {
	r, err := a.enter(ctx, in)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, r.freeFunc()) }()
	env := map[string]string{outputVar: r.outputs}
	maps.Copy(env, a.opts.Env)
	ran, err := r.sandbox.Exec(ctx, sandbox.Command{Args: r.args, Dir: a.opts.Dir, Env: env, Timeout: a.opts.Timeout})
	if bad := new(sandbox.PathError); errors.As(err, &bad) || errors.Is(err, fs.ErrNotExist) {
		return failure(fmt.Sprintf("the directory %q cannot be worked in: %s", a.opts.Dir,
			cmp.Or(bad.Reason, "it does not exist")), ""), nil
	}
	if err != nil {
		return res, fmt.Errorf("running the %s: %w", a.noun, err)
	}
	// What is looked at from here on stays as it is.
	if err := r.leaveFunc(); err != nil {
		return res, err
	}
	a.opts.Log.DebugContext(ctx, "transform ended", "kind", a.kind, "exit_code", ran.ExitCode, "limit", ran.Limit, "took", ran.Duration)
	if err := a.record(ctx, in, ran); err != nil {
		return res, err
	}
	return a.conclude(ctx, in, ran, r)
}

// record stores what the program did as the one event of the run.
func (a *Agent) record(ctx context.Context, in agent.Input, ran sandbox.ExecResult) error {
	data := task.ToolData{
		ID: a.kind, Tool: a.kind, Title: fmt.Sprintf("%s  exit %d", a.kind, ran.ExitCode),
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

// conclude turns the program's end into that of the run.
func (a *Agent) conclude(ctx context.Context, in agent.Input, ran sandbox.ExecResult, r *room) (agent.Result, error) {
	the, silent := "the "+a.noun, "the "+a.noun+" gives no reason"
	said, blamed := lastLine(ran.Stdout), lastLine(ran.Stderr)
	code := ran.ExitCode
	var res agent.Result
	switch {
	case ran.TimedOut:
		res = failure(fmt.Sprintf("%s ran out of time after %s", the, ran.Duration.Round(time.Second)), blamed)
	case ran.Limit != "":
		res = failure(the+" ran into the sandbox's limit on "+ran.Limit, blamed)
	case code == exitSkip:
		res = ended(agent.ExitNoChange, "skip: "+cmp.Or(blamed, said, silent))
	case code == exitPerson:
		res = ended(agent.ExitBlocked, "needs a person: "+cmp.Or(blamed, said, silent))
	case code > 128 && code < 128+65:
		res = failure(fmt.Sprintf("%s ended with exit status %d (%s)", the, code, syscall.Signal(code-128)), blamed)
	case code != 0 && blamed == "":
		res = failure(fmt.Sprintf("%s ended with exit status %d and gives no reason", the, code), "")
	case code != 0:
		res = failure(blamed, "")
	default:
		return a.finish(ctx, in, r, said)
	}
	res.Summary = cmp.Or(said, res.Reason)
	return res, nil
}

// finish is the end of a program that has done what it was to do.
func (a *Agent) finish(ctx context.Context, in agent.Input, r *room, said string) (agent.Result, error) {
	outputs, problem, err := r.readFunc(ctx)
	if err != nil {
		return agent.Result{}, fmt.Errorf("reading the %s's outputs: %w", a.noun, err)
	}
	if problem != "" {
		res := failure("what the "+a.noun+" wrote to $"+outputVar+" "+problem, "")
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
		res.Summary = cmp.Or(said, "The "+a.noun+" found nothing to change.")
	}
	res.Summary = cmp.Or(res.Summary, fmt.Sprintf("The %s changed %d files.", a.noun, len(patch.Files)))
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
