package manifest

import "time"

// PullRequest is what is published, and its text.
type PullRequest struct {
	Publish   string    `yaml:"publish" enum:"none|branch|draft|ready" doc:"What is published. Default: ready, for prompt draft."`
	OpenWhen  string    `yaml:"openWhen" enum:"pushed|green" doc:"When the pull request is opened. Default: green, for prompt pushed."`
	Title     string    `yaml:"title" req:"true" doc:"Title, a template."`
	Body      Body      `yaml:"body" doc:"Text before the evidence, a template."`
	Labels    []string  `yaml:"labels" max:"20" doc:"Labels."`
	Reviewers Reviewers `yaml:"reviewers" doc:"Who is asked."`
	Rebase    string    `yaml:"rebase" default:"conflicted" enum:"conflicted|behind|never" doc:"When the change is made anew on a moved base."`
	Stale     Stale     `yaml:"stale" doc:"What becomes of a pull request nobody looks at."`
}

// The values of Publish.
const (
	PublishNone   = "none"
	PublishBranch = "branch"
	PublishDraft  = "draft"
	PublishReady  = "ready"
)

// The values of OpenWhen.
const (
	OpenPushed = "pushed"
	OpenGreen  = "green"
)

// The values of Rebase.
const (
	RebaseConflicted = "conflicted"
	RebaseBehind     = "behind"
	RebaseNever      = "never"
)

// Body is the text of a pull request: at most one of file and text.
type Body struct {
	File string `yaml:"file" doc:"File with the text, beside the manifest."`
	Text string `yaml:"text" doc:"The text itself."`
}

// Reviewers says who is asked for a review.
type Reviewers struct {
	From          []string      `yaml:"from" default:"codeowners" enum:"codeowners|owner" doc:"Where they come from."`
	Max           int           `yaml:"max" default:"2" min:"1" max:"10" doc:"Most of them."`
	EscalateAfter time.Duration `yaml:"escalateAfter" doc:"One more is asked after so long without an answer."`
}

// Stale says what becomes of a pull request nobody looks at. 0 is never.
type Stale struct {
	RemindAfter time.Duration `yaml:"remindAfter" doc:"A reminder after so long."`
	CloseAfter  time.Duration `yaml:"closeAfter" doc:"Closed after so long."`
}
