package runner

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"honk/internal/runner/disk"
	"honk/internal/task"
	"honk/verify"
)

// baselineAge is how long a stored report of the same base and plan counts:
// its key does not know the machine's compilers, which change now and then.
const baselineAge = 24 * time.Hour

// baseline is the run of all verifiers on the base commit, made while the
// agent explores. It tells what the change broke from what was broken.
type baseline struct {
	cancel context.CancelFunc
	done   chan struct{}
	report verify.Report
	err    error
}

func (a *attempt) startBaseline(ctx context.Context) *baseline {
	ctx, cancel := context.WithCancel(ctx)
	b := &baseline{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(b.done)
		if b.report, b.err = a.baselineReport(ctx); b.err != nil {
			b.err = fmt.Errorf("verifying the base commit: %w", b.err)
		}
	}()
	return b
}

// wait returns the report as soon as there is one.
func (b *baseline) wait(ctx context.Context) (verify.Report, error) {
	select {
	case <-b.done:
		return b.report, b.err
	case <-ctx.Done():
		return verify.Report{}, context.Cause(ctx)
	}
}

// stop ends the run and returns when nothing of it is left.
func (b *baseline) stop() {
	b.cancel()
	<-b.done
}

// baselineReport returns the stored report of the same base and plan, or
// makes it.
func (a *attempt) baselineReport(ctx context.Context) (verify.Report, error) {
	if len(a.plan) == 0 {
		return verify.Report{}, nil
	}
	file, err := a.baselineFile()
	if err != nil {
		return verify.Report{}, err
	}
	var report verify.Report
	if disk.Load(file, baselineAge, &report) {
		return report, nil
	}
	report, err = a.runBaseline(ctx)
	if err != nil || !conclusive(report) {
		return report, err
	}
	return report, disk.Store(file, report)
}

func (a *attempt) runBaseline(ctx context.Context) (report verify.Report, err error) {
	tree, err := a.opts.Git.Materialise(ctx, a.base, task.Patch{Base: a.base.BaseSHA}, nil)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, tree.Close()) }()
	dir, err := a.cache.Private()
	if err != nil {
		return report, err
	}
	sb, err := a.opts.Backend.Start(ctx, a.spec(tree.Dir, dir))
	if err != nil {
		return report, err
	}
	report, err = verify.Run(ctx, sb, a.plan, verify.Options{ConfirmFailures: true})
	if err = errors.Join(err, sb.Close()); err != nil {
		return report, err
	}
	// Only now, with every process of the base commit's run dead, and before
	// any agent's work could reach it, is the cache kept.
	if err := a.cache.Keep(dir); err != nil {
		a.opts.Log.WarnContext(ctx, "build cache not kept", "error", err)
	}
	return report, nil
}

// conclusive reports whether a report would come out the same again: a tool
// that was missing may be there tomorrow.
func conclusive(r verify.Report) bool {
	for _, res := range r.Results {
		if res.Status == verify.Broken || res.Status == verify.Timeout {
			return false
		}
	}
	return true
}

// baselineFile names the stored report by what it depends on.
func (a *attempt) baselineFile() (string, error) {
	key, err := json.Marshal([]any{a.base.BaseSHA, a.plan, a.opts.Backend.Name(), a.opts.Sandbox})
	if err != nil {
		return "", err
	}
	dir := filepath.Join(a.opts.Dir, "baselines", a.repoKey())
	return filepath.Join(dir, fmt.Sprintf("%x.json", sha256.Sum256(key))), os.MkdirAll(dir, 0o700)
}
