package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"honk/internal/llm"
	"honk/internal/task"
	"honk/judge"
)

// weigh holds the proven change against the rules and the request. It
// returns what the agent is told to mend, "" when nothing is objected to. An
// objection that no agent can meet ends the task.
func (a *attempt) weigh(ctx context.Context) (objection string, err error) {
	if err := a.phase(ctx, "judge", "checks"); err != nil {
		return "", err
	}
	a.res.Checks = judge.Check(judge.CheckInput{
		Patch:   a.res.Patch,
		Base:    a.base.BaseFS(),
		Prompt:  a.task.Request.Prompt,
		Policy:  a.opts.Policy,
		Secrets: a.opts.Secrets,
		Viewed:  a.viewed,
		Gate:    a.res.Gate,
	})
	if err := a.record(ctx, task.EventChecks, 0, a.res.Checks); err != nil {
		return "", err
	}
	switch judge.Worst(a.res.Checks) {
	case judge.Veto, judge.Revise:
		a.res.Verdict = judge.Verdict{Decision: judge.NotJudged, Summary: "stopped by the deterministic checks"}
		return judge.Feedback(a.res.Verdict, a.res.Checks), nil
	case judge.Human:
		a.end(task.StatusVetoed, "a person must allow this change: "+a.refusal())
		return a.res.Summary, nil
	case judge.Flag:
	}
	return a.ask(ctx)
}

// ask puts the change before the judge.
func (a *attempt) ask(ctx context.Context) (objection string, err error) {
	if a.mode == judge.ModeOff {
		a.res.Verdict = judge.Verdict{Decision: judge.NotJudged, Summary: "the judge is off"}
		return "", a.record(ctx, task.EventVerdict, 0, a.res.Verdict)
	}
	if v, ok := a.recalled(); ok {
		a.res.Verdict = v
		return "", errors.Join(a.phase(ctx, "judge", "the verdict of an earlier attempt"), a.record(ctx, task.EventVerdict, 0, v))
	}
	if err := a.phase(ctx, "judge", string(a.mode)); err != nil {
		return "", err
	}
	verdict := a.crew.Judge.Evaluate(ctx, judge.Input{
		Repo:     a.task.Request.Repo.String(),
		Prompt:   a.task.Request.Prompt,
		Context:  slices.Concat(a.task.Request.Context, a.notes),
		Patch:    a.res.Patch,
		Gate:     a.res.Gate,
		Findings: a.res.Checks,
	})
	if err := ctx.Err(); err != nil {
		return "", err
	}
	repeated := verdict.Same(a.res.Verdict)
	a.res.Verdict = verdict
	if err := a.record(ctx, task.EventVerdict, 0, verdict); err != nil {
		return "", err
	}
	switch {
	case verdict.Decision == judge.DecisionError:
		// Fail closed, in every mode: an unjudged change is not delivered.
		if verdict.Err == nil {
			a.end(task.StatusVetoed, verdict.Summary)
			return verdict.Summary, nil
		}
		return "", unjudged(verdict)
	case verdict.Decision == judge.Approve, a.mode == judge.ModeAdvise:
		return "", nil
	case verdict.Decision == judge.Reject, repeated:
		a.end(task.StatusVetoed, a.refusal())
	}
	return judge.Feedback(verdict, a.res.Checks), nil
}

// unjudged is the error of a judge that gave no verdict.
func unjudged(v judge.Verdict) error {
	if llm.ClassOf(v.Err) == llm.ClassBudget {
		return v.Err
	}
	return &task.Error{
		Code: task.CodeUnavailable, Message: v.Summary + "; the patch is kept, try again later", Cause: v.Err,
	}
}

// refusal says to a person why a change is held back: what the checks found,
// else what the judge wants mended.
func (a *attempt) refusal() string {
	var why []string
	for _, f := range judge.Blocking(a.res.Checks) {
		if f.File != "" {
			f.Message = f.File + ": " + f.Message
		}
		why = append(why, f.Message)
	}
	if len(why) == 0 {
		why = append([]string{a.res.Verdict.Summary}, a.res.Verdict.Revisions...)
	}
	if more := len(why) - 4; more > 0 {
		why = append(why[:4], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(why, "; ")
}
