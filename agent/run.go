// Package agent lets a model change a checkout: the loop, its limits, stuck
// detection, the transcript and what is masked of it.
package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"honk/internal/llm"
	"honk/internal/task"
	"honk/sandbox"
	"honk/verify"
)

// Input is what a run works on.
type Input struct {
	TaskID task.ID
	Repo   string
	Prompt string
	// Context is the conversation around the request: a record, not orders.
	Context []task.Note
	// Images belong to the request; what cannot be shown is left out.
	Images []task.Image
	// Instructions are the repository's own (AGENTS.md, CLAUDE.md) at the
	// base commit, by path: data of the repository.
	Instructions map[string]string
	// Tree lists the files of the base commit, whose name Base is.
	Base string
	Tree []string
	// Verifiers names the detected verifiers with their commands.
	Verifiers []verify.Verifier
	// Sandbox was started from Spec.
	Sandbox sandbox.Sandbox
	Spec    sandbox.Spec
	// VerifyFunc runs the verifiers of these names (all when empty) on the
	// work tree as it is now and holds them against the base.
	VerifyFunc func(ctx context.Context, only []string) (verify.Gate, error)
	// DiffFunc returns the change so far.
	DiffFunc func(ctx context.Context) (task.Patch, error)
	// RecordFunc stores an event before the next model call; errors end the run.
	RecordFunc func(ctx context.Context, kind task.EventKind, step int, data any) error
	// InboxFunc returns what people have added to the request since it was
	// last asked; the loop asks before each step. Nil means nothing.
	InboxFunc func(ctx context.Context) ([]task.Note, error)
	// Resume is the transcript of an earlier run of the same task, nil when
	// it is lost, and Feedback why it goes on (a judge's revisions, a failed
	// gate).
	Resume   *Transcript
	Feedback string
}

// Exit says how a run ended.
type Exit string

// The ends of a run.
const (
	ExitDone         Exit = "done"
	ExitNoChange     Exit = "no_change"
	ExitBlocked      Exit = "blocked"
	ExitVerifyFailed Exit = "verify_failed"
	ExitBudget       Exit = "budget_exhausted"
	ExitFailed       Exit = "failed"
	ExitCancelled    Exit = "cancelled"
)

// Result is what a run leaves beside the changed work tree.
type Result struct {
	Exit Exit
	// Summary is the agent's own account: shown to people, never to the
	// judge.
	Summary string
	// Reason says why the exit is not done, in one line for a person; empty
	// where Summary tells it, as a model's does of no_change and blocked.
	Reason string
	// Outputs is an object for the shift that asked, nil without one.
	Outputs json.RawMessage
	// Usage is this run's, without earlier ones of the same task.
	Usage      task.Usage
	Transcript *Transcript
	// Viewed are the paths the model saw lines of or wrote, in all runs of the
	// task, sorted. A changed file that is not among them was changed blindly.
	Viewed []string
}

// Limits bounds all runs of a task together. Zero means the default.
type Limits struct {
	// Steps counts model replies: default 80, at most 250. One more is
	// allowed to end the task.
	Steps int
	// Time is wall-clock: default 45 minutes.
	Time time.Duration
	// ContextWindow is the model's, in tokens: default 128,000.
	ContextWindow int
	// MaxTokens is the output cap of one reply: default 8,192.
	MaxTokens int
	// RepairRounds is how often a failing verification is handed back in one
	// run: default 3.
	RepairRounds int
}

func (l Limits) withDefaults() Limits {
	l.Steps = min(cmp.Or(l.Steps, 80), 250)
	l.Time = cmp.Or(l.Time, 45*time.Minute)
	l.ContextWindow = cmp.Or(l.ContextWindow, 128_000)
	l.MaxTokens = cmp.Or(l.MaxTokens, 8192)
	l.RepairRounds = cmp.Or(l.RepairRounds, 3)
	return l
}

// Transcript is the conversation, able to be continued.
type Transcript struct {
	Messages []llm.Message `json:"messages"`
	// Steps counts replies over all runs of the task.
	Steps int `json:"steps"`
	// PromptVersion is the version of the prompt templates.
	PromptVersion string `json:"prompt_version"`
	// Elapsed is how long all runs of the task have taken.
	Elapsed time.Duration `json:"elapsed_ns"`
	// Compactions counts how often the conversation was shortened.
	Compactions int `json:"compactions,omitempty"`
	// Viewed holds the hash of each file as the model last saw it, by path.
	Viewed map[string]string `json:"viewed,omitempty"`
	// Shown are the changed paths the model saw in a diff.
	Shown []string `json:"shown,omitempty"`
}
