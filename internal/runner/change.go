package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"honk/agent"
	"honk/internal/task"
	"honk/sandbox"
	"honk/verify"
)

// maxInstructions caps one instruction file of the repository, in bytes.
const maxInstructions = 32 << 10

// phaseChange is the phase in which the agent works.
const phaseChange = "change"

// change lets the agent work in a sandbox and takes the patch out of it once
// nothing lives in there any more.
func (a *attempt) change(ctx context.Context) (err error) {
	if err := a.phase(ctx, phaseChange, a.opts.Backend.Name()); err != nil {
		return err
	}
	a.past.verdict = nil // it was on another change
	if err := a.openWork(ctx); err != nil {
		return err
	}
	dir, err := a.cache.Private()
	if err != nil {
		return err
	}
	spec := a.spec(a.work.Dir, dir)
	sb, err := a.opts.Backend.Start(ctx, spec)
	if err != nil {
		return err
	}
	in, err := a.input(ctx, sb)
	in.Spec = spec
	if err != nil {
		return errors.Join(err, sb.Close())
	}
	res, runErr := a.crew.Agent.Run(ctx, in)
	if err := sb.Close(); err != nil {
		// The tree may still change under us: nothing of it can be used.
		return errors.Join(runErr, err)
	}
	a.transcript, a.viewed = res.Transcript, union(a.viewed, res.Viewed)
	a.res.Outputs = res.Outputs

	// The patch is stored before anything else happens, whatever the end.
	keep := context.WithoutCancel(ctx)
	patch, patchErr := a.work.Patch(keep)
	if patchErr == nil {
		a.res.Patch = patch
		patchErr = a.record(keep, task.EventPatch, 0, patch)
	}
	if runErr != nil {
		return runErr
	}
	if patchErr == nil {
		patchErr = a.record(keep, task.EventChange, 0, changeData{task.ChangeData{
			Exit: string(res.Exit), Reason: res.Reason, Summary: res.Summary, Viewed: a.viewed, Revision: a.revision,
		}, res.Outputs})
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	a.settle(res)
	if a.res.Status.Final() {
		return nil
	}
	return patchErr
}

// settle turns the agent's exit into the task's status, running when there is
// a change to prove.
func (a *attempt) settle(res agent.Result) {
	reason := res.Reason
	if reason == "" {
		reason = res.Summary
	}
	switch res.Exit {
	case agent.ExitDone:
		a.res.Summary = res.Summary
		if a.res.Patch.Empty() {
			a.end(task.StatusNoChange, reason)
		}
	case agent.ExitNoChange:
		a.end(task.StatusNoChange, reason)
	case agent.ExitBlocked:
		a.end(task.StatusBlocked, reason)
	case agent.ExitVerifyFailed:
		a.end(task.StatusVerifyFailed, reason)
	case agent.ExitBudget:
		a.end(task.StatusBudgetExhausted, reason)
		a.res.Err = task.Errorf(task.CodeBudget, "%s", reason)
	case agent.ExitCancelled:
		a.end(task.StatusCancelled, reason)
		a.res.Err = task.Errorf(task.CodeCancelled, "cancelled")
	case agent.ExitFailed:
		a.end(task.StatusFailed, reason)
		a.res.Err = task.Errorf(task.CodeStuck, "%s", reason)
	}
}

func (a *attempt) input(ctx context.Context, sb sandbox.Sandbox) (agent.Input, error) {
	tree, err := a.base.BaseFiles(ctx)
	if err != nil {
		return agent.Input{}, err
	}
	instructions, err := a.instructions()
	if err != nil {
		return agent.Input{}, err
	}
	req := a.task.Request
	return agent.Input{
		TaskID:       a.task.ID,
		Repo:         req.Repo.String(),
		Prompt:       req.Prompt,
		Context:      a.context(),
		Images:       req.Images,
		Instructions: instructions,
		Base:         a.base.BaseSHA,
		Tree:         tree,
		Verifiers:    a.plan,
		Sandbox:      sb,
		VerifyFunc: func(ctx context.Context, only []string) (verify.Gate, error) {
			return a.verifyWork(ctx, sb, only)
		},
		DiffFunc:   a.work.Patch,
		RecordFunc: a.record,
		InboxFunc:  a.inbox,
		Resume:     a.transcript,
		Feedback:   a.feedback,
	}, nil
}

// instructions are what the repository tells agents, at the base commit.
func (a *attempt) instructions() (map[string]string, error) {
	out := map[string]string{}
	for _, name := range []string{"AGENTS.md", "CLAUDE.md"} {
		raw, err := fs.ReadFile(a.base.BaseFS(), path.Clean(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s at the base commit: %w", name, err)
		}
		out[name] = string(raw[:min(len(raw), maxInstructions)])
	}
	return out, nil
}

// verifyWork runs the verifiers on the agent's work tree as it is now.
func (a *attempt) verifyWork(ctx context.Context, sb sandbox.Sandbox, only []string) (verify.Gate, error) {
	patch, err := a.work.Patch(ctx)
	if err != nil {
		return verify.Gate{}, err
	}
	gate, err := a.gate(ctx, sb, verify.Options{Only: only, Changed: paths(patch)})
	if err == nil {
		a.res.Gate = gate
	}
	return gate, err
}

// gate runs the plan in sb and holds the report against the base's.
func (a *attempt) gate(ctx context.Context, sb sandbox.Sandbox, opts verify.Options) (verify.Gate, error) {
	base, err := a.baseline.wait(ctx)
	if err != nil {
		return verify.Gate{}, err
	}
	gate, err := verify.Check(ctx, sb, a.plan, a.crew.Proof.Base(base), opts)
	if err != nil {
		return gate, err
	}
	return gate, a.record(ctx, task.EventVerify, 0, gate)
}

// union returns the sorted paths of both lists, each once.
func union(x, y []string) []string {
	out := slices.Concat(x, y)
	slices.Sort(out)
	return slices.Compact(out)
}

func paths(p task.Patch) []string {
	out := make([]string, len(p.Files))
	for i, f := range p.Files {
		out[i] = f.Path
	}
	return out
}
