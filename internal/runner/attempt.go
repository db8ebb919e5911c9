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
	"honk/internal/runner/disk"
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
	task    task.Task
	crew    Crew
	res     Result
	started time.Time
	// past is what earlier attempts recorded.
	past past

	seq  sync.Mutex // orders events
	next int
	base *git.Checkout
	// work is the tree that the agent changes: the base's, or another one,
	// which holds a change from before. It is nil before there is an agent.
	work  *git.Checkout
	repo  config.RepoFile
	plan  []verify.Verifier
	cache *disk.Cache
	// mounts are the repository's installed dependencies, read-only.
	mounts []sandbox.Mount
	mode   judge.Mode

	baseline *baseline
	// transcript and feedback carry the conversation over revisions.
	transcript *agent.Transcript
	feedback   string
	viewed     []string
	revision   int
	// notes are what people have added during the task, untold what of it
	// this attempt's agent has not heard yet.
	notes, untold []task.Note
}

// Run takes t to its end, from where an earlier attempt got to. It never
// returns without an honest Result: what went wrong is in Result.Err. A cause
// of ctx's end that is a *task.Error says how: with code cancelled the task is
// cancelled, with any other it failed with that code and may be tried again.
func (r *Runner) Run(ctx context.Context, t task.Task) Result {
	t.Request = r.opts.Secrets.Request(t.Request)
	a := &attempt{Runner: r, task: t, started: time.Now()}
	a.res.Status = task.StatusRunning
	if err := a.recall(ctx); err != nil {
		a.fail(ctx, err)
		return a.res // nobody knows the number of the next event
	}
	if err := a.run(ctx); err != nil {
		a.fail(ctx, err)
	}
	a.res.Usage = a.usage()
	// The end of a cancelled task is recorded all the same.
	end, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx),
		30*time.Second, errors.New("recording the outcome took 30 s"))
	defer cancel()
	if err := a.record(end, task.EventOutcome, 0, a.res.Outcome); err != nil {
		r.opts.Log.ErrorContext(end, "outcome not recorded", "error", err)
	}
	return a.res
}

// usage is what the task has consumed in all of its attempts.
func (a *attempt) usage() task.Usage {
	var u task.Usage
	if a.crew.UsageFunc != nil {
		u = a.crew.UsageFunc()
	}
	if a.transcript != nil {
		u.Steps = a.transcript.Steps
	}
	u.TotalTime = time.Since(a.started)
	return u.Add(a.past.usage)
}

func (a *attempt) run(ctx context.Context) (err error) {
	if a.crew, err = a.opts.CrewFunc(a.task); err != nil {
		return err
	}
	if err := a.checkout(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.base.Close()) }()
	if a.mode != judge.ModeOff && a.crew.Judge == nil {
		return task.Errorf(task.CodeInvalid, "changes must be judged here (mode %s) and this task has no judge; configure a model for it", a.mode)
	}
	if a.cache, err = a.openCache(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.cache.Close()) }()
	a.baseline = a.startBaseline(ctx)
	defer a.baseline.stop()
	defer func() { err = errors.Join(err, a.closeWork()) }()

	for changed := a.restore(); ; changed = false {
		if !changed {
			if err := a.change(ctx); err != nil || a.res.Status.Final() {
				return err
			}
		}
		if err := a.prove(ctx); err != nil || a.res.Status.Final() {
			return err
		}
		objection, err := a.weigh(ctx)
		if err != nil {
			return err
		}
		// First: a change may be refused with nothing that could be mended.
		if a.res.Status.Final() {
			return nil
		}
		if objection == "" {
			return a.publish(ctx)
		}
		if a.crew.Once || a.revision >= maxRevisions || objection == a.feedback {
			a.end(task.StatusVetoed, a.refusal())
			return nil
		}
		a.feedback = objection
		a.revision++
	}
}

// checkout fetches the repository and reads from its base commit, and from
// nowhere else, what decides how the task is worked on.
func (a *attempt) checkout(ctx context.Context) (err error) {
	if err := a.phase(ctx, "checkout", a.task.Request.Repo.String()); err != nil {
		return err
	}
	if err := a.fetch(ctx); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.base.Close())
		}
	}()
	a.res.BaseSHA = a.base.BaseSHA
	if err := a.record(ctx, task.EventBase, 0, task.BaseData{SHA: a.base.BaseSHA, Ref: a.base.BaseRef}); err != nil {
		return err
	}
	raw, err := fs.ReadFile(a.base.BaseFS(), repoFile)
	switch {
	case err == nil:
		if a.repo, err = config.ParseRepo(raw); err != nil {
			return fmt.Errorf("reading %s at %s: %w", repoFile, short(a.base.BaseSHA), err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	a.plan = a.crew.Proof.Plan(verify.Detect(a.base.BaseFS(), a.commands()))
	if a.mode, err = a.judgeMode(); err != nil {
		return err
	}
	if a.opts.MountsFunc != nil {
		a.mounts = a.opts.MountsFunc(a.task.Request.Repo, verify.DependencyDirs(a.base.BaseFS()))
	}
	return a.phase(ctx, "checkout", fmt.Sprintf("%s at %s, %d verifiers",
		a.task.Request.Repo, short(a.base.BaseSHA), len(a.plan)))
}

// judgeMode is what the request asks for, else the organisation's default.
// Neither it nor the repository can go below the organisation's floor, and the
// repository can make it stricter.
func (a *attempt) judgeMode() (judge.Mode, error) {
	mode := config.JudgeMode(a.opts.JudgeMode)
	if asked := config.JudgeMode(a.task.Request.Options.Judge); asked != "" {
		if !asked.Valid() {
			return "", task.Errorf(task.CodeInvalid, "the judge cannot be %q; it is one of veto, advise, off", asked)
		}
		mode = asked
	}
	mode = mode.Stricter(config.JudgeMode(a.opts.JudgeFloor)).Stricter(a.repo.Judge.Mode)
	return judge.Mode(mode), nil
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
	case ctx.Err() != nil && errors.As(context.Cause(ctx), &known):
		status := task.StatusFailed
		if known.Code == task.CodeCancelled {
			status = task.StatusCancelled
		}
		a.end(status, known.Message)
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

// record stores an event. Events of a task are numbered from 1 without gaps,
// over all of its attempts.
func (a *attempt) record(ctx context.Context, kind task.EventKind, step int, data any) error {
	if reply, ok := data.(task.ReplyData); ok {
		reply.CostUSD += a.past.usage.CostUSD
		data = reply
	}
	raw, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("encoding a %s event: %w", kind, err)
	}
	a.seq.Lock()
	defer a.seq.Unlock()
	a.next++
	return a.opts.Recorder.Record(ctx, task.Event{
		TaskID: a.task.ID, Seq: a.next, At: time.Now(), Kind: kind, Attempt: a.task.Attempt, Step: step, Data: raw,
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
