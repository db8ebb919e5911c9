package config

import (
	"cmp"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"honk/internal/task"
)

// Org is the organisation's policy: honk.yaml, with defaults filled in.
type Org struct {
	// What is known of each model, by the name the endpoint knows it by.
	Models map[string]Model `yaml:"models"`
	// What one task may use.
	Limits Limits `yaml:"limits"`
	// What a sandbox shows and allows.
	Sandbox Sandbox `yaml:"sandbox"`
	// What the judge's verdict does.
	Judge Judge `yaml:"judge"`
	// What a change may touch.
	Policy Policy `yaml:"policy"`
	// Secrets beyond those Honk knows by itself.
	Secrets Secrets `yaml:"secrets"`
	// The operator's verify commands. The first entry whose `repo` matches
	// replaces the repository's own list.
	Verify []RepoVerify `yaml:"verify"`
	// How the service behaves.
	Service Service `yaml:"service"`
	// Who may ask in Slack, and which repository they mean.
	Slack SlackRules `yaml:"slack"`
	// What fleet shifts heed beside their manifests.
	Shifts ShiftRules `yaml:"shifts"`
}

// Model is what is known of a model.
type Model struct {
	// Price of the model. Without it only token limits bound a task, and a
	// money limit is refused.
	Price *Price `yaml:"price"`
	// Tokens the model can read. Default 128000.
	ContextWindow int `yaml:"context_window"`
	// Tokens it may write in one reply. Default 8192.
	MaxOutputTokens int `yaml:"max_output_tokens"`
	// It takes images, so that it is shown those that people attach. Default
	// false: it is told their names.
	Images bool `yaml:"images"`
	// Departures from what the endpoint is assumed to understand.
	Capabilities Capabilities `yaml:"capabilities"`
}

// Price is in US dollars per million tokens.
type Price struct {
	// Input tokens.
	Input float64 `yaml:"input"`
	// Input tokens read from the provider's cache. Default: as input.
	CachedInput *float64 `yaml:"cached_input"`
	// Output tokens.
	Output float64 `yaml:"output"`
}

// Capabilities overrides what is assumed of an endpoint. Unset means assumed.
type Capabilities struct {
	// It may be told whether to make several tool calls in one reply.
	ParallelTools *bool `yaml:"parallel_tools"`
	// It honours `strict` schemas.
	StrictSchema *bool `yaml:"strict_schema"`
	// It honours `response_format`.
	ResponseFormat *bool `yaml:"response_format"`
	// It wants its reasoning fields sent back.
	EchoReasoning *bool `yaml:"echo_reasoning"`
	// The field that caps its output: `max_tokens` or
	// `max_completion_tokens`.
	MaxTokensField string `yaml:"max_tokens_field"`
	// It accepts a temperature.
	Temperature *bool `yaml:"temperature"`
}

// Limits bounds one task.
type Limits struct {
	// Model replies, at most 250. Default 80.
	Steps int `yaml:"steps"`
	// Wall-clock time. Default 45m.
	Time time.Duration `yaml:"time"`
	// Money for model calls in US dollars, the judge's included. Default: no
	// limit.
	CostUSD float64 `yaml:"cost_usd"`
	// Input and output tokens together. Default 4000000.
	Tokens int `yaml:"tokens"`
}

// Sandbox is what sandboxes show and allow. Zero limits are the backend's.
type Sandbox struct {
	// Further directories and files of this machine.
	Mounts []Mount `yaml:"mounts"`
	// Directories put before the sandbox's PATH.
	Path []string `yaml:"path"`
	// Variables for every command. The model can read them: no secrets.
	Env map[string]string `yaml:"env"`
	// Memory of the whole sandbox, like `4GiB`.
	Memory Size `yaml:"memory"`
	// Processes and threads of the whole sandbox.
	Processes int `yaml:"processes"`
	// How much the work tree and the temporary directory may grow.
	Disk Size `yaml:"disk"`
	// Largest file a process may write.
	FileSize Size `yaml:"file_size"`
	// Processor time of one process.
	CPUTime time.Duration `yaml:"cpu_time"`
}

// Mount shows a directory or file of this machine inside sandboxes.
type Mount struct {
	// Absolute path on this machine.
	Host string `yaml:"host"`
	// Path inside: absolute, or relative to the work tree. Default: the same.
	Guest string `yaml:"guest"`
	// Whether commands may write to it. What they write is hostile.
	Writable bool `yaml:"writable"`
}

// Judge is what the judge's verdict does.
type Judge struct {
	// `veto` blocks, `advise` delivers with the verdict, `off` asks nobody.
	// Default `veto`.
	Mode JudgeMode `yaml:"mode"`
	// The mildest mode that a request may ask for. Default `off`.
	Floor JudgeMode `yaml:"floor"`
}

// Policy is what a change may touch.
type Policy struct {
	// Globs of protected files that changes may touch nevertheless.
	AllowProtected []string `yaml:"allow_protected"`
	// Files of one change; beyond it a person decides. Default 30.
	MaxFiles int `yaml:"max_files"`
	// Added and removed lines of one change; beyond it a person decides.
	// Default 1500.
	MaxLines int `yaml:"max_lines"`
	// Hosts that new dependencies may come from beside the ecosystems'
	// public registries.
	Registries []string `yaml:"registries"`
}

// Secrets describes secrets that Honk cannot know by itself.
type Secrets struct {
	// Patterns of the organisation's own secrets. A match never leaves.
	Patterns []Pattern `yaml:"patterns"`
}

// Pattern recognises a kind of secret.
type Pattern struct {
	// What findings call it.
	Name string `yaml:"name"`
	// Regular expression in Go's syntax.
	Regex string `yaml:"regex"`
}

// RepoVerify is the operator's verify commands for some repositories.
type RepoVerify struct {
	// Glob over `owner/name`; `**` matches all.
	Repo string `yaml:"repo"`
	// What to run. A command replaces what would be detected of its kind in
	// its directory.
	Commands []Verify `yaml:"commands"`
}

// Verify is one verify command.
type Verify struct {
	// Unique name. Default: the command's first line.
	Name string `yaml:"name"`
	// `format`, `build`, `lint` or `test`. Default `test`.
	Kind string `yaml:"kind"`
	// Command line for bash.
	Run string `yaml:"run"`
	// Directory it runs in, relative to the root.
	Dir string `yaml:"dir"`
	// How long it may take, at most 1h. Default 10m.
	Timeout time.Duration `yaml:"timeout"`
}

// VerifyFor returns the operator's verify commands for a repository, nil when
// there are none.
func (o Org) VerifyFor(repo task.Repo) []Verify {
	for _, rule := range o.Verify {
		if ok, err := doublestar.Match(rule.Repo, repo.String()); ok && err == nil {
			return rule.Commands
		}
	}
	return nil
}

// fill puts defaults where nothing is set. It runs after parsing, so that a
// section with every line commented out means the defaults too.
func (o *Org) fill() {
	for name, m := range o.Models {
		m.ContextWindow = cmp.Or(m.ContextWindow, 128_000)
		m.MaxOutputTokens = cmp.Or(m.MaxOutputTokens, 8192)
		if m.Price != nil && m.Price.CachedInput == nil {
			m.Price.CachedInput = &m.Price.Input
		}
		o.Models[name] = m
	}
	o.Limits.Steps = cmp.Or(o.Limits.Steps, 80)
	o.Limits.Time = cmp.Or(o.Limits.Time, 45*time.Minute)
	o.Limits.Tokens = cmp.Or(o.Limits.Tokens, 4_000_000)
	for i := range o.Sandbox.Mounts {
		m := &o.Sandbox.Mounts[i]
		m.Guest = cmp.Or(m.Guest, m.Host)
	}
	o.Judge.Mode = cmp.Or(o.Judge.Mode, JudgeVeto)
	o.Judge.Floor = cmp.Or(o.Judge.Floor, JudgeOff)
	o.Policy.MaxFiles = cmp.Or(o.Policy.MaxFiles, 30)
	o.Policy.MaxLines = cmp.Or(o.Policy.MaxLines, 1500)
	for _, rule := range o.Verify {
		fillVerify(rule.Commands)
	}
	o.Service.fill()
	o.Slack.fill()
	o.Shifts.fill()
}

func fillVerify(commands []Verify) {
	for i := range commands {
		v := &commands[i]
		line, _, _ := strings.Cut(strings.TrimSpace(v.Run), "\n")
		v.Name = cmp.Or(v.Name, line)
		v.Kind = cmp.Or(v.Kind, "test")
		v.Timeout = cmp.Or(v.Timeout, 10*time.Minute)
	}
}
