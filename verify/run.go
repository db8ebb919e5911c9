package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"honk/internal/task"
	"honk/sandbox"
	"honk/verify/plan"
)

const (
	defaultTimeout = 10 * time.Minute
	defaultTotal   = 20 * time.Minute
)

// Options narrows and bounds a run. The zero value runs the whole plan.
type Options struct {
	// Only names the verifiers to run; empty means all.
	Only []string
	// Changed are the changed paths, relative to the root. The verifiers of
	// the nearest markers run, the tests of what changed first.
	Changed []string
	// All goes on to all tests after the changed code's have failed.
	All bool
	// AllowVanished lets tests go that ran on the base: they were asked to
	// be removed.
	AllowVanished bool
	// ConfirmFailures runs failed tests once more, alone. It is for the base
	// commit, where a flake must not excuse a real failure.
	ConfirmFailures bool
	// Timeout is for one verifier (10 minutes), Total for all (20).
	Timeout time.Duration
	Total   time.Duration
	// ProgressFunc, if set, is called with nil when a verifier starts and
	// with its result when it has ended.
	ProgressFunc func(Verifier, *Result)
}

// Run runs the plan in the sandbox. What a verifier did is in the report; an
// error is the sandbox's, the context's or an unknown name in opts.Only, and
// the report then holds what ran before.
func Run(ctx context.Context, sb sandbox.Sandbox, verifiers []Verifier, opts Options) (Report, error) {
	var report Report
	verifiers, err := choose(verifiers, opts)
	if err != nil {
		return report, err
	}
	if opts.Timeout == 0 {
		opts.Timeout = defaultTimeout
	}
	if opts.Total == 0 {
		opts.Total = defaultTotal
	}
	r := runner{sb: sb, opts: opts}
	end := time.Now().Add(opts.Total)
	for _, v := range verifiers {
		if opts.ProgressFunc != nil {
			opts.ProgressFunc(v, nil)
		}
		left := time.Until(end)
		if left <= 0 {
			res := newResult(v)
			res.Status, res.Reason = Timeout, fmt.Sprintf("not started: all verifiers together may take %s", opts.Total)
			report.Results = append(report.Results, res)
			continue
		}
		res, err := r.verifier(ctx, v, left)
		if err != nil {
			return report, fmt.Errorf("running verifier %q: %w", v.Name, err)
		}
		report.Results = append(report.Results, res)
		if opts.ProgressFunc != nil {
			opts.ProgressFunc(v, &res)
		}
	}
	return report, nil
}

// Check runs the plan, holds the report against the base's and runs tests
// that seem to be newly failing once or twice more, alone.
func Check(ctx context.Context, sb sandbox.Sandbox, verifiers []Verifier, base Report, opts Options) (Gate, error) {
	head, err := Run(ctx, sb, verifiers, opts)
	if err != nil {
		return Gate{}, err
	}
	var how []CompareOption
	if opts.AllowVanished {
		how = append(how, AllowVanished())
	}
	gate := Compare(base, head, how...)
	flaky, err := Recheck(ctx, sb, verifiers, gate.New, 2)
	if err != nil || len(flaky) == 0 {
		return gate, err
	}
	return Compare(base, head, append(how, Flaky(flaky...))...), nil
}

// choose picks the verifiers that opts asks for.
func choose(verifiers []Verifier, opts Options) ([]Verifier, error) {
	if len(opts.Only) > 0 {
		var out []Verifier
		known := make([]string, len(verifiers))
		for i, v := range verifiers {
			known[i] = v.Name
			if slices.Contains(opts.Only, v.Name) {
				out = append(out, v)
			}
		}
		for _, name := range opts.Only {
			if !slices.Contains(known, name) {
				return nil, task.Errorf(task.CodeInvalid, "unknown verifier %q: there are %q", name, known)
			}
		}
		return out, nil
	}
	near := nearest(verifiers, opts.Changed)
	if len(near) == 0 {
		return verifiers, nil
	}
	return slices.DeleteFunc(slices.Clone(verifiers), func(v Verifier) bool { return !near[v.Dir] && !v.Always }), nil
}

// nearest returns the directories of a plan that changed paths belong to,
// none when there is a path that belongs to no directory of it: the change
// could then matter to any.
func nearest(verifiers []Verifier, changed []string) map[string]bool {
	near := map[string]bool{}
	for _, file := range changed {
		best, found := "", false
		for _, v := range verifiers {
			if !v.Always && plan.Within(file, v.Dir) && (!found || len(v.Dir) > len(best)) {
				best, found = v.Dir, true
			}
		}
		if !found {
			return nil
		}
		near[best] = true
	}
	return near
}

func newResult(v Verifier) Result {
	return Result{Name: v.Name, Kind: v.Kind, Command: v.Command}
}

// verifier runs one verifier: the tests of what changed first, where they can
// be told apart, then all of them.
func (r runner) verifier(ctx context.Context, v Verifier, left time.Duration) (Result, error) {
	limit := r.opts.Timeout
	if v.Timeout > 0 {
		limit = v.Timeout
	}
	limit = min(limit, left)
	var focused *Result
	if v.Recipe != nil && v.Recipe.List != nil && len(r.opts.Changed) > 0 {
		args, err := r.goFocus(ctx, v)
		if err != nil {
			return Result{}, err
		}
		if args != nil {
			res, err := r.run(ctx, v, args, limit)
			if err != nil || res.Status == Fail && !r.opts.All {
				res.Partial = true
				return res, err
			}
			res.Partial = true
			focused = &res
		}
	}
	res, err := r.run(ctx, v, nil, limit)
	if err != nil {
		return res, err
	}
	if focused != nil && res.Status == Timeout && focused.Status != Timeout {
		focused.Reason = fmt.Sprintf("the whole suite takes longer than %s: only the tests of what changed, and of what depends on it, ran", limit)
		return *focused, nil
	}
	if r.opts.ConfirmFailures && res.Status == Fail {
		return r.confirm(ctx, v, res)
	}
	return res, nil
}

// confirm runs the failed tests of a result once more, alone, and believes
// those that pass.
func (r runner) confirm(ctx context.Context, v Verifier, res Result) (Result, error) {
	passed, err := Recheck(ctx, r.sb, []Verifier{v}, res.Findings, 1)
	if err != nil || len(passed) == 0 {
		return res, err
	}
	res.Findings = slices.DeleteFunc(res.Findings, func(f Finding) bool { return slices.Contains(passed, f.TestID) })
	res.Passed = append(res.Passed, passed...)
	res.Reason = "passed when run again: " + strings.Join(passed[:min(len(passed), 5)], ", ")
	if len(res.Findings) == 0 {
		res.Status = Pass
	}
	res.Output = outputText(res, "")
	return res, nil
}

const (
	// maxRechecks is how many failing tests can be flakes at once.
	maxRechecks    = 10
	recheckTimeout = 2 * time.Minute
)

// Recheck runs each test among findings alone, up to the given times, and
// returns the IDs of those that passed. More than ten failing tests are no
// flakes and are not run.
func Recheck(ctx context.Context, sb sandbox.Sandbox, verifiers []Verifier, findings []Finding, times int) ([]string, error) {
	tests := map[string]string{} // ID -> verifier
	for _, f := range findings {
		if f.TestID != "" {
			tests[f.TestID] = f.Verifier
		}
	}
	if len(tests) > maxRechecks {
		return nil, nil
	}
	r := runner{sb: sb, opts: Options{Timeout: recheckTimeout}}
	var passed []string
	for id, name := range tests {
		i := slices.IndexFunc(verifiers, func(v Verifier) bool { return v.Name == name })
		if i < 0 || verifiers[i].Recipe == nil || verifiers[i].Recipe.Alone == nil {
			continue
		}
		args := verifiers[i].Recipe.Alone(id)
		for range times {
			if args == nil {
				break
			}
			res, err := r.run(ctx, verifiers[i], args, recheckTimeout)
			if err != nil {
				return nil, fmt.Errorf("running test %q again: %w", id, err)
			}
			if res.Status == Pass && slices.Contains(res.Passed, id) {
				passed = append(passed, id)
				break
			}
		}
	}
	slices.Sort(passed)
	return passed, nil
}

// gone reports whether err says that a verifier's directory is not there.
func gone(err error) bool {
	var refused *sandbox.PathError
	return errors.As(err, &refused) || errors.Is(err, fs.ErrNotExist)
}
