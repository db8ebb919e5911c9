// Package manifest reads the file that describes a fleet shift: which
// repositories, which change, how fast, who answers. What is wrong is told all
// at once, each with file, line and remedy; what comes out is complete and
// valid. It does no I/O: files that a manifest names are read by a function of
// the caller.
package manifest

import (
	"time"

	"honk/fleet/strict"
)

// Manifest is a shift as it was written, with defaults filled in.
type Manifest struct {
	APIVersion string   `yaml:"apiVersion" req:"true" enum:"honk/v1" doc:"Version of this format."`
	Kind       string   `yaml:"kind" req:"true" enum:"Shift" doc:"Kind of document."`
	Metadata   Metadata `yaml:"metadata" req:"true" doc:"What the shift is called and why it is."`
	Spec       Spec     `yaml:"spec" req:"true" doc:"What the shift does."`

	// Digest is of the manifest's bytes and of all files it names: the same
	// digest is the same shift.
	Digest string `yaml:"-"`
}

// Metadata names a shift.
type Metadata struct {
	Name   string            `yaml:"name" req:"true" pattern:"[a-z0-9-]{1,40}" form:"1 to 40 lower-case letters, digits and dashes" doc:"Name of the shift, never used again."`
	Labels map[string]string `yaml:"labels" doc:"Labels for finding shifts."`
	Why    string            `yaml:"why" doc:"Page that says why; linked from each pull request."`
}

// Spec is what a shift does.
type Spec struct {
	Owner       string            `yaml:"owner" doc:"Team or person that is alerted and may pause and approve. Default: who applied."`
	Suspend     bool              `yaml:"suspend" doc:"Holds the shift before anything is done."`
	Params      map[string]string `yaml:"params" doc:"Values for templates (.params) and transforms (SHIFT_PARAM_*)."`
	Targets     Targets           `yaml:"targets" req:"true" doc:"Which repositories: one source or more."`
	Transform   Transform         `yaml:"transform" req:"true" doc:"The change: exactly one of container, script, prompt, revert."`
	Scope       Scope             `yaml:"scope" doc:"Which files the change may touch, and how much."`
	Verify      Verify            `yaml:"verify" doc:"How the change is proven."`
	Schedule    *Schedule         `yaml:"schedule" doc:"When targets are resolved anew."`
	Rollout     Rollout           `yaml:"rollout" doc:"How fast."`
	PullRequest PullRequest       `yaml:"pullRequest" req:"true" doc:"What is published, and its text."`
	Merge       Merge             `yaml:"merge" doc:"Who merges."`
	Health      *Health           `yaml:"health" doc:"What is watched after a merge."`
}

// Scope limits a change.
type Scope struct {
	Allow    []string `yaml:"allow" doc:"Globs of the paths that may change. Default: all."`
	Deny     []string `yaml:"deny" doc:"Globs of the paths that may not."`
	MaxFiles int      `yaml:"maxFiles" min:"1" doc:"Most files of a change."`
	MaxLines int      `yaml:"maxLines" min:"1" doc:"Most added and removed lines of a change."`
}

// Verify says how a change is proven.
type Verify struct {
	Auto     bool     `yaml:"auto" default:"true" doc:"Run what is detected in the repository."`
	Run      []string `yaml:"run" max:"20" doc:"Further commands."`
	Baseline bool     `yaml:"baseline" default:"true" doc:"Only what is red and not red on the base counts."`
	Judge    string   `yaml:"judge" enum:"off|advise|veto" doc:"Whether a judge holds the change against the prompt. Default: off, for prompt veto."`
}

// Schedule says when targets are resolved anew, and for how long.
type Schedule struct {
	Cron     string `yaml:"cron" req:"true" doc:"Five fields: minute, hour, day of month, month, day of week."`
	Timezone string `yaml:"timezone" default:"UTC" doc:"IANA name."`
	Until    string `yaml:"until" default:"done" doc:"done, forever or a date as 2026-12-31."`
}

// Merge says who merges.
type Merge struct {
	Mode      string `yaml:"mode" default:"manual" enum:"manual|on_approval|auto" doc:"Who merges: people, Honk once approved, or Honk once green."`
	Method    string `yaml:"method" default:"squash" enum:"merge|squash|rebase" doc:"How."`
	MinChecks int    `yaml:"minChecks" default:"1" min:"1" max:"100" doc:"Fewest green required checks; zero checks are never green."`
	MaxLines  int    `yaml:"maxLines" default:"200" min:"1" doc:"Most changed lines that Honk merges."`
	PerHour   int    `yaml:"perHour" default:"40" min:"1" max:"10000" doc:"Most merges in an hour."`
}

// The modes of Merge.
const (
	MergeManual     = "manual"
	MergeOnApproval = "on_approval"
	MergeAuto       = "auto"
)

// Health says what is watched after a merge.
type Health struct {
	Webhook bool          `yaml:"webhook" doc:"Health is told by webhook."`
	Window  time.Duration `yaml:"window" default:"48h" doc:"How long a merge is watched."`
	OnFail  []string      `yaml:"onFail" default:"alert|halt" enum:"alert|halt" doc:"What an unhealthy merge causes."`
}

// Schema returns the JSON schema of a manifest.
func Schema() []byte { return strict.Schema("Shift", &Manifest{}) }
