package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"honk/agent"
	"honk/internal/config"
	"honk/internal/git"
	"honk/internal/llm"
	"honk/internal/task"
	"honk/judge"
	"honk/sandbox"
	"honk/verify"
)

// maxRevisions is how often a change goes back to the agent because a check
// or the judge objects. The same objection twice stops earlier.
const maxRevisions = 2

// repoFile is what a repository tells Honk, always at its base commit.
const repoFile = ".honk.yaml"

// attempt is one try at one task. Its methods are the phases; each leaves
// what the next one needs.
type attempt struct {
	*Runner
	task task.Task
	crew Crew
	res  Result

	seq   sync.Mutex // orders events
	next  int
	base  *git.Checkout
	repo  config.RepoFile
	plan  []verify.Verifier
	cache *cache
	// mounts are the repository's installed dependencies, read-only.
	mounts []sandbox.Mount
	mode   judge.Mode

	baseline *baseline
	// transcript and feedback carry the conversation over revisions.
	transcript *agent.Transcript
	feedback   string
	viewed     []string
}

// Run takes t to its end. It never returns without an honest Result: what
// went wrong is in Result.Err.
func (r *Runner) Run(ctx context.Context, t task.Task) Result {
	started := time.Now()
	a := &attempt{Runner: r, task: t}
	a.res.Status = task.StatusRunning
	if err := a.run(ctx); err != nil {
		a.fail(ctx, err)
	}
	if a.crew.UsageFunc != nil {
		a.res.Usage = a.crew.UsageFunc()
	}
	if a.transcript != nil {
		a.res.Usage.Steps = a.transcript.Steps
	}
	a.res.Usage.TotalTime = time.Since(started)
	// The end of a cancelled task is recorded all the same.
	end, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx),
		30*time.Second, errors.New("recording the outcome took 30 s"))
	defer cancel()
	if err := a.record(end, task.EventOutcome, 0, a.res.Outcome); err != nil {
		r.opts.Log.ErrorContext(end, "outcome not recorded", "error", err)
	}
	return a.res
}

func (a *attempt) run(ctx context.Context) (err error) {
	if a.crew, err = a.opts.CrewFunc(a.task); err != nil {
		return err
	}
	if err := a.checkout(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.base.Close()) }()
	if a.cache, err = a.openCache(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.cache.close()) }()
	a.baseline = a.startBaseline(ctx)
	defer a.baseline.stop()

	for revision := 0; ; revision++ {
		if err := a.change(ctx); err != nil || a.res.Status.Final() {
			return err
		}
		if err := a.prove(ctx); err != nil || a.res.Status.Final() {
			return err
		}
		objection, err := a.weigh(ctx)
		if err != nil {
			return err
		}
		if objection == "" {
			return a.publish(ctx)
		}
		if a.res.Status.Final() {
			return nil
		}
		if revision == maxRevisions || objection == a.feedback {
			a.end(task.StatusVetoed, a.refusal())
			return nil
		}
		a.feedback = objection
	}
}

// checkout fetches the repository and reads from its base commit, and from
// nowhere else, what decides how the task is worked on.
func (a *attempt) checkout(ctx context.Context) (err error) {
	if err := a.phase(ctx, "checkout", a.task.Request.Repo.String()); err != nil {
		return err
	}
	a.base, err = a.opts.Forge.Checkout(ctx, a.task.Request.Repo, a.task.Request.Ref)
	if err != nil {
		return err
	}
	a.res.BaseSHA = a.base.BaseSHA
	raw, err := fs.ReadFile(a.base.BaseFS(), repoFile)
	switch {
	case err == nil:
		if a.repo, err = config.ParseRepo(raw); err != nil {
			return fmt.Errorf("reading %s at %s: %w", repoFile, short(a.base.BaseSHA), err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	a.plan = verify.Detect(a.base.BaseFS(), a.commands())
	// A repository can make its judge stricter, never milder.
	a.mode = judge.Mode(config.JudgeMode(a.opts.JudgeMode).Stricter(a.repo.Judge.Mode))
	if a.opts.MountsFunc != nil {
		a.mounts = a.opts.MountsFunc(a.task.Request.Repo, verify.DependencyDirs(a.base.BaseFS()))
	}
	return a.phase(ctx, "checkout", fmt.Sprintf("%s at %s, %d verifiers",
		a.task.Request.Repo, short(a.base.BaseSHA), len(a.plan)))
}

// commands are the configured verifiers: the operator's, then the
// repository's own at the base commit.
func (a *attempt) commands() []verify.Command {
	configured := a.repo.Verify
	if a.opts.VerifyFunc != nil {
		if own := a.opts.VerifyFunc(a.task.Request.Repo); len(own) > 0 {
			configured = own
		}
	}
	out := make([]verify.Command, len(configured))
	for i, c := range configured {
		out[i] = verify.Command(c)
	}
	return out
}

// fail turns an error into the outcome that a person reads.
func (a *attempt) fail(ctx context.Context, err error) {
	var known *task.Error
	switch {
	case ctx.Err() != nil:
		a.end(task.StatusCancelled, "The task was cancelled.")
		known = task.Errorf(task.CodeCancelled, "cancelled")
	case errors.As(err, &known):
		a.end(task.StatusFailed, known.Message)
	case llm.ClassOf(err) == llm.ClassBudget:
		a.end(task.StatusBudgetExhausted, err.Error())
		known = task.Errorf(task.CodeBudget, "%w", err)
	case llm.ClassOf(err) != "":
		a.end(task.StatusFailed, err.Error())
		known = task.Errorf(task.CodeUnavailable, "%w", err)
	default:
		a.end(task.StatusFailed, err.Error())
		known = task.Errorf(task.CodeInternal, "%w", err)
	}
	a.res.Err = known
	a.opts.Log.DebugContext(ctx, "task failed", "task_id", a.task.ID, "error", err)
}

func (a *attempt) end(status task.Status, summary string) {
	a.res.Status, a.res.Summary = status, summary
}

func (a *attempt) phase(ctx context.Context, name, detail string) error {
	return a.record(ctx, task.EventPhase, 0, task.PhaseData{Phase: name, Detail: detail})
}

// record stores an event. Events of a task are numbered from 1 without gaps.
func (a *attempt) record(ctx context.Context, kind task.EventKind, step int, data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("encoding a %s event: %w", kind, err)
	}
	a.seq.Lock()
	defer a.seq.Unlock()
	a.next++
	return a.opts.Recorder.Record(ctx, task.Event{
		TaskID: a.task.ID, Seq: a.next, At: time.Now(), Kind: kind, Step: step, Data: raw,
	})
}

// spec is the sandbox of one phase over a work tree and a private copy of the
// build caches.
func (a *attempt) spec(dir, cacheDir string) sandbox.Spec {
	spec := a.opts.Sandbox
	spec.Label = string(a.task.ID)
	spec.Dir = dir
	guest := cacheGuest
	if !a.opts.Backend.Isolates() {
		guest = cacheDir
	}
	spec.Mounts = append(slices.Clone(spec.Mounts), sandbox.Mount{Host: cacheDir, Guest: guest, Writable: true})
	for _, m := range a.mounts {
		// What the operator shows in its place counts.
		if !slices.ContainsFunc(spec.Mounts, func(o sandbox.Mount) bool { return o.Guest == m.Guest }) {
			spec.Mounts = append(spec.Mounts, m)
		}
	}
	env := verify.CacheEnv(guest)
	maps.Copy(env, spec.Env)
	spec.Env = env
	return spec
}

func short(sha string) string { return sha[:min(len(sha), 12)] }
