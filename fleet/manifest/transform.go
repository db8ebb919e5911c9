package manifest

import "time"

// Transform is the change: exactly one of its kinds.
type Transform struct {
	Container *Container `yaml:"container" doc:"A program in an image."`
	Script    *Script    `yaml:"script" doc:"A script, run in the sandbox."`
	Prompt    *Prompt    `yaml:"prompt" doc:"A request to the agent."`
	Revert    *Revert    `yaml:"revert" doc:"Takes back what another shift merged."`
}

// The kinds of transform.
const (
	KindContainer = "container"
	KindScript    = "script"
	KindPrompt    = "prompt"
	KindRevert    = "revert"
)

// Container is a program in an image, which a digest pins.
type Container struct {
	Image   string            `yaml:"image" req:"true" pattern:"[^\\s@]+@sha256:[0-9a-f]{64}" form:"an image with its digest, as registry.example/name@sha256:..." doc:"Image with its digest."`
	Command []string          `yaml:"command" doc:"Command in place of the image's own."`
	Env     map[string]string `yaml:"env" doc:"Further variables; never secrets."`
	Network string            `yaml:"network" default:"none" enum:"none|full" doc:"Network of the sandbox."`
	Timeout time.Duration     `yaml:"timeout" default:"15m" doc:"Longest time for a target."`
}

// Script is run in the sandbox: exactly one of file and text.
type Script struct {
	File    string        `yaml:"file" doc:"File with the script, beside the manifest."`
	Text    string        `yaml:"text" doc:"The script itself."`
	Network string        `yaml:"network" default:"none" enum:"none|full" doc:"Network of the sandbox."`
	Timeout time.Duration `yaml:"timeout" default:"15m" doc:"Longest time for a target."`
}

// Prompt is a request to the agent: exactly one of file and text.
type Prompt struct {
	File   string `yaml:"file" doc:"File with the request, beside the manifest."`
	Text   string `yaml:"text" doc:"The request itself."`
	Limits Limits `yaml:"limits" doc:"What may be spent."`
}

// Limits is what a prompt may spend. 0 is what is configured.
type Limits struct {
	MaxSteps      int           `yaml:"maxSteps" min:"1" max:"1000" doc:"Most steps for a target."`
	Timeout       time.Duration `yaml:"timeout" default:"30m" doc:"Longest time for a target."`
	CostPerTarget float64       `yaml:"costPerTarget" min:"0" doc:"Most US dollars for a target."`
	CostTotal     float64       `yaml:"costTotal" min:"0" doc:"Most US dollars for the shift."`
}

// Revert takes back what another shift merged.
type Revert struct {
	Shift string   `yaml:"shift" req:"true" pattern:"[a-z0-9-]{1,40}" form:"the name of a shift" doc:"Name of the shift."`
	Waves []string `yaml:"waves" doc:"Only these waves of it."`
}

// Kind returns which transform it is; empty when there is none.
func (t Transform) Kind() string {
	switch {
	case t.Container != nil:
		return KindContainer
	case t.Script != nil:
		return KindScript
	case t.Prompt != nil:
		return KindPrompt
	case t.Revert != nil:
		return KindRevert
	}
	return ""
}

// Deterministic reports whether a replay gives the same patch.
func (t Transform) Deterministic() bool { return t.Prompt == nil }

// kinds returns all that are given; one is right.
func (t Transform) kinds() []string {
	var found []string
	for name, given := range map[string]bool{
		KindContainer: t.Container != nil, KindScript: t.Script != nil,
		KindPrompt: t.Prompt != nil, KindRevert: t.Revert != nil,
	} {
		if given {
			found = append(found, name)
		}
	}
	return found
}
