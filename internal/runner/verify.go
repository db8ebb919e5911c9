package runner

import (
	"context"
	"errors"
	"time"

	"honk/internal/task"
	"honk/verify"
)

// Verify runs a repository's verifiers, those named in only or all, on its
// work tree as it is: the commit it is at with what has not been committed.
// repo is a path of this machine; a bare one has only the commit. Nothing of
// the run is kept.
func (r *Runner) Verify(ctx context.Context, repo task.Repo, only []string) (report verify.Report, err error) {
	a := &attempt{Runner: r, task: task.Task{
		ID:      task.NewID(time.Now()),
		Request: task.Request{Source: task.SourceCLI, Repo: repo},
	}}
	if err := a.checkout(ctx); err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, a.base.Close()) }()
	info, err := r.opts.Git.Resolve(ctx, repo.URL)
	if err != nil {
		return report, err
	}
	patch := task.Patch{Base: a.base.BaseSHA}
	if !info.Bare {
		if patch, err = a.base.PatchOf(ctx, repo.URL); err != nil {
			return report, err
		}
	}
	tree, err := a.opts.Git.Materialise(ctx, a.base, patch, nil)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, tree.Close()) }()
	if a.cache, err = a.openCache(); err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, a.cache.Close()) }()
	dir, err := a.cache.Private()
	if err != nil {
		return report, err
	}
	sb, err := a.opts.Backend.Start(ctx, a.spec(tree.Dir, dir))
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, sb.Close()) }()
	return verify.Run(ctx, sb, a.plan, verify.Options{Only: only})
}
