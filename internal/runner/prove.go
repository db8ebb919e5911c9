package runner

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"honk/internal/task"
	"honk/verify"
)

// prove runs the verifiers once more in a new sandbox, on the base commit
// plus the patch, with the base's test configuration: what the agent left in
// its own tree, and what it did to the rules, does not count.
func (a *attempt) prove(ctx context.Context) error {
	if err := a.phase(ctx, "verify", "base + patch in a new sandbox"); err != nil {
		return err
	}
	gate, err := a.proveWith(ctx, verify.TestConfig)
	if bad := new(configError); errors.As(err, &bad) {
		a.end(task.StatusVerifyFailed, bad.Error())
		return nil
	}
	if err != nil {
		return err
	}
	a.res.Gate = gate
	if gate.Passed {
		return nil
	}
	reason := strings.Join(gate.Reasons, "; ")
	if slices.ContainsFunc(a.res.Patch.Files, isConfig) {
		own, err := a.proveWith(ctx, nil)
		if err != nil {
			return err
		}
		if own.Passed {
			reason = "passes only with the change's own test configuration: " + reason
		}
	}
	a.end(task.StatusVerifyFailed, reason)
	return nil
}

func isConfig(f task.FileChange) bool {
	return verify.TestConfig(f.Path) || verify.MixedConfig(f.Path)
}

func (a *attempt) proveWith(ctx context.Context, fromBase func(string) bool) (gate verify.Gate, err error) {
	if len(a.plan) == 0 {
		return a.gate(ctx, nil, verify.Options{All: true}) // Nothing would run.
	}
	tree, err := a.opts.Git.Materialise(ctx, a.base, a.res.Patch, fromBase)
	if err != nil {
		return gate, err
	}
	defer func() { err = errors.Join(err, tree.Close()) }()
	if fromBase != nil {
		if err := a.mergeConfig(tree.Dir); err != nil {
			return gate, err
		}
	}
	// The cache is the base's, never the one the agent could write to. So
	// that it is warm, the baseline comes first.
	if _, err := a.baseline.wait(ctx); err != nil {
		return gate, err
	}
	dir, err := a.cache.Private()
	if err != nil {
		return gate, err
	}
	sb, err := a.opts.Backend.Start(ctx, a.spec(tree.Dir, dir))
	if err != nil {
		return gate, err
	}
	defer func() { err = errors.Join(err, sb.Close()) }()
	return a.gate(ctx, sb, verify.Options{Changed: paths(a.res.Patch), All: true})
}

// configError says that the change leaves a configuration file unreadable.
type configError struct{ err error }

func (e *configError) Error() string { return e.err.Error() }

func (e *configError) Unwrap() error { return e.err }

// mergeConfig gives the files in dir that mix dependencies with test
// configuration the base's configuration. Nothing runs in dir yet.
func (a *attempt) mergeConfig(dir string) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	for _, f := range a.res.Patch.Files {
		if f.Kind == task.ChangeDeleted || !verify.MixedConfig(f.Path) {
			continue
		}
		was, err := fs.ReadFile(a.base.BaseFS(), f.Path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		now, err := root.ReadFile(f.Path)
		if err != nil {
			return err
		}
		merged, err := verify.MergeConfig(f.Path, was, now)
		if err != nil {
			return &configError{err}
		}
		if err := root.WriteFile(f.Path, merged, 0o644); err != nil {
			return err
		}
	}
	return nil
}
