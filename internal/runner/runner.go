// Package runner takes one task through the house: checkout, sandbox, agent,
// verification, checks, judge, publishing. It knows no forge, no queue and no
// model, only the interfaces it owns.
package runner

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"

	"honk/agent"
	"honk/internal/config"
	"honk/internal/git"
	"honk/internal/secret"
	"honk/internal/task"
	"honk/judge"
	"honk/sandbox"
	"honk/verify"
)

// Agent makes the change. agent.Agent is the one that asks a model; a script
// that rewrites files is another.
type Agent interface {
	// Run works on in.Sandbox until it is done or has a reason not to be. An
	// error means that it could not work at all (no model, no sandbox); what
	// it did until then stays in the work tree.
	Run(ctx context.Context, in agent.Input) (agent.Result, error)
}

// Forge is where repositories come from and changes go to.
type Forge interface {
	// Checkout fetches the task's repository at ref, which may be another
	// than the request's, and fills a work tree.
	Checkout(ctx context.Context, t task.Task, ref string) (*git.Checkout, error)
	// Publish puts a verified, judged change where people find it. It is
	// idempotent by branch. The error's code is conflict when somebody else
	// has written to the branch.
	Publish(ctx context.Context, p Publication) (task.PullRequest, error)
}

// Publication is a change on its way out.
type Publication struct {
	Task     task.Task
	Checkout *git.Checkout
	Patch    task.Patch
	Branch   string
	// Onto says that Branch is there already, with Patch.Base as its head;
	// Over, unless empty, that it is at a commit of ours which gives way.
	Onto bool
	Over string
	// BaseRef is the branch that the change was made for and goes to; with
	// Onto it is Branch.
	BaseRef string
	// Title is a pull request's, at most 70 characters, and Message the whole
	// commit message. Both are made by code from the request.
	Title   string
	Message string
	// Result is the evidence, with what the task has consumed so far.
	Result Result
}

// Recorder keeps the events of tasks.
type Recorder interface {
	// Record returns once the event is safe; an error stops the task.
	Record(ctx context.Context, e task.Event) error
	// Recall returns the events that earlier attempts at a task recorded, in
	// order, nil when there are none.
	Recall(ctx context.Context, id task.ID) ([]task.Event, error)
}

// Crew is the agent and the judge of one task, on one budget.
type Crew struct {
	Agent Agent
	// Judge is nil when there is none to ask, which only mode off allows.
	Judge *judge.Judge
	// Once says that the agent does the same whenever it is asked: it works
	// on nothing but the base, and an objection ends the task.
	Once bool
	// Proof is how its change is proven beyond what is configured.
	Proof verify.Proof
	// UsageFunc returns what both have consumed so far.
	UsageFunc func() task.Usage
}

// Options says what a Runner works with. The interfaces, Git, CrewFunc, Secrets,
// Dir and Log are required.
type Options struct {
	Forge    Forge
	Git      *git.Git
	Backend  sandbox.Backend
	Recorder Recorder
	// CrewFunc engages the crew of a task, with the model that its request
	// asks for.
	CrewFunc func(t task.Task) (Crew, error)
	// Publish says whether a finished change goes to Forge.Publish or ends
	// as a patch.
	Publish bool
	// JudgeMode is what counts where the request says nothing, JudgeFloor
	// what neither request nor repository can go below.
	JudgeMode, JudgeFloor judge.Mode
	Policy                judge.Policy
	Secrets               *secret.Scanner
	// Sandbox is the sandbox policy of the organisation: mounts, environment
	// and limits.
	Sandbox sandbox.Spec
	// VerifyFunc returns the operator's verify commands for a repository.
	VerifyFunc func(task.Repo) []config.Verify
	// MountsFunc returns what is shown of a repository's installed
	// dependencies, given the directories they could be in.
	MountsFunc func(repo task.Repo, dirs []string) []sandbox.Mount
	// InboxFunc returns what people have added to the request of a running
	// task since it was last asked. It is asked before each step of the agent;
	// what it returned is recorded and not asked for again. Nil means nothing.
	InboxFunc func(ctx context.Context, id task.ID) ([]task.Note, error)
	// Dir is where caches and baselines are kept, TasksDir what this process
	// owns of it, see OpenTasks; empty means tasks below Dir, which fits where
	// no other process cleans up.
	Dir, TasksDir string
	Log           *slog.Logger
}

// Runner runs tasks. It is safe for concurrent use.
type Runner struct {
	opts Options
}

// New returns a Runner.
func New(opts Options) *Runner {
	opts.TasksDir = cmp.Or(opts.TasksDir, filepath.Join(opts.Dir, "tasks"))
	return &Runner{opts: opts}
}

// Result is how a task ended, with the evidence.
type Result struct {
	task.Outcome
	Patch  task.Patch      `json:"patch"`
	Gate   verify.Gate     `json:"gate"`
	Checks []judge.Finding `json:"checks"`
	// Verdict is the zero value when the judge was never asked.
	Verdict judge.Verdict `json:"verdict"`
	Branch  string        `json:"branch,omitempty"`
	// Outputs is the agent's object for the shift that asked. It comes out of
	// the sandbox and is hostile.
	Outputs json.RawMessage `json:"outputs,omitempty"`
}
