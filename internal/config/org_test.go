package config_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/internal/config"
	"honk/internal/task"
)

func TestParseOrg_defaults(t *testing.T) {
	t.Parallel()
	want := config.Org{
		Limits:  config.Limits{Steps: 80, Time: 45 * time.Minute, Tokens: 4_000_000},
		Judge:   config.Judge{Mode: config.JudgeVeto, Floor: config.JudgeOff},
		Policy:  config.Policy{MaxFiles: 30, MaxLines: 1500},
		Service: defaultService(),
		Slack:   defaultSlack(),
		Shifts:  defaultShifts(),
	}
	for _, in := range []string{"", "# nothing\n", "---\n", "limits:\n  # steps: 3\njudge:\npolicy:\n"} {
		got, err := config.ParseOrg("honk.yaml", []byte(in))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("ParseOrg(%q): %v (-want +got):\n%s", in, err, diff)
		}
	}
}

func defaultSlack() config.SlackRules {
	return config.SlackRules{QuestionTime: time.Hour, EditEvery: 5 * time.Second, QuietFor: time.Minute}
}

func defaultShifts() config.ShiftRules {
	return config.ShiftRules{Budget: config.ForgeBudget{MinutePoints: 900, MinuteContent: 80, HourContent: 500, Spacing: time.Second}}
}

func defaultService() config.Service {
	return config.Service{
		Tasks: 2, RepositoryTasks: 2, Grace: time.Minute, EditEvery: 30 * time.Second,
		Retention:   config.Retention{Deliveries: 168 * time.Hour, Events: 720 * time.Hour, Patches: 2160 * time.Hour},
		FollowUp:    config.FollowUp{Repairs: 2, Reviews: 5, Quiet: 3 * time.Minute, Longest: 10 * time.Minute},
		PullRequest: "draft", Label: "honk",
	}
}

func TestParseOrg_everything(t *testing.T) {
	t.Parallel()
	got, err := config.ParseOrg("honk.yaml", []byte(`
# The organisation's policy.
models:
  qwen3-coder:
    price: {input: 0.3, output: 1.2}
  gpt-5:
    price: {input: 1.25, cached_input: 0.125, output: 10}
    context_window: 400000
    max_output_tokens: 32000
    images: true
    capabilities: {temperature: false, max_tokens_field: max_completion_tokens}
limits: {steps: 40, time: 1d, cost_usd: 2.5}
sandbox:
  mounts:
    - host: /usr/local/go
    - {host: /srv/cache, guest: .cache, writable: true}
  path: [/usr/local/go/bin]
  env: {GOFLAGS: -mod=mod}
  memory: 4GiB # of 8
  processes: 512
  cpu_time: 90s
judge: {mode: advise, floor: off}
policy:
  allow_protected: [.github/workflows/**]
  max_files: 10
  registries: [npm.acme.example]
secrets:
  patterns: [{name: acme token, regex: 'acme_[a-z0-9]{20}'}]
verify:
  - repo: acme/*
    commands: [{run: make check}, {name: vet, kind: lint, run: go vet ./..., dir: api, timeout: 2m}]
service:
  tasks: 8
  grace: 10s
  budget: {day_usd: 50, repository_day_tokens: 1000000}
  retention: {events: 7d}
  follow_up: {repairs: -1}
  pull_request: ready
  bots: [41898282]
shifts:
  repository: acme/shifts
  path: fleet/shifts
  timezones: {team-a: Europe/Stockholm}
  auto_prompt: [go-1-26]
  budget: {hour_content: 5000, spacing: 50ms}
`))
	if err != nil {
		t.Fatal(err)
	}
	in, cached, no := 0.3, 0.125, false
	service := defaultService()
	service.Tasks, service.Grace, service.PullRequest, service.Bots = 8, 10*time.Second, "ready", []int64{41898282}
	service.Budget = config.Budget{DayUSD: 50, RepositoryDayTokens: 1_000_000}
	service.Retention.Events, service.FollowUp.Repairs = 7*24*time.Hour, -1
	shifts := defaultShifts()
	shifts.Repository, shifts.Path, shifts.AutoPrompt = "acme/shifts", "fleet/shifts", []string{"go-1-26"}
	shifts.Timezones = map[string]string{"team-a": "Europe/Stockholm"}
	shifts.Budget.HourContent, shifts.Budget.Spacing = 5000, 50*time.Millisecond
	want := config.Org{
		Slack:  defaultSlack(),
		Shifts: shifts,
		Models: map[string]config.Model{
			"qwen3-coder": {
				Price:         &config.Price{Input: 0.3, CachedInput: &in, Output: 1.2},
				ContextWindow: 128_000, MaxOutputTokens: 8192,
			},
			"gpt-5": {
				Price:         &config.Price{Input: 1.25, CachedInput: &cached, Output: 10},
				ContextWindow: 400_000, MaxOutputTokens: 32_000, Images: true,
				Capabilities: config.Capabilities{Temperature: &no, MaxTokensField: "max_completion_tokens"},
			},
		},
		Limits: config.Limits{Steps: 40, Time: 24 * time.Hour, CostUSD: 2.5, Tokens: 4_000_000},
		Sandbox: config.Sandbox{
			Mounts: []config.Mount{
				{Host: "/usr/local/go", Guest: "/usr/local/go"},
				{Host: "/srv/cache", Guest: ".cache", Writable: true},
			},
			Path: []string{"/usr/local/go/bin"}, Env: map[string]string{"GOFLAGS": "-mod=mod"},
			Memory: 4 << 30, Processes: 512, CPUTime: 90 * time.Second,
		},
		Judge: config.Judge{Mode: config.JudgeAdvise, Floor: config.JudgeOff},
		Policy: config.Policy{
			AllowProtected: []string{".github/workflows/**"}, MaxFiles: 10, MaxLines: 1500,
			Registries: []string{"npm.acme.example"},
		},
		Secrets: config.Secrets{Patterns: []config.Pattern{{Name: "acme token", Regex: "acme_[a-z0-9]{20}"}}},
		Verify: []config.RepoVerify{{Repo: "acme/*", Commands: []config.Verify{
			{Name: "make check", Kind: "test", Run: "make check", Timeout: 10 * time.Minute},
			{Name: "vet", Kind: "lint", Run: "go vet ./...", Dir: "api", Timeout: 2 * time.Minute},
		}}},
		Service: service,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ParseOrg (-want +got):\n%s", diff)
	}
	if got := got.VerifyFor(task.Repo{Owner: "acme", Name: "api"}); len(got) != 2 {
		t.Errorf("VerifyFor(acme/api) = %v, want both commands", got)
	}
	if got := got.VerifyFor(task.Repo{Name: "api"}); got != nil {
		t.Errorf("VerifyFor(api) = %v, want none", got)
	}
}

func TestParseOrg_refused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ in, want string }{
		"unknown key":      {"limits:\n  stpes: 3", `honk.yaml:2: unknown key "stpes"; did you mean "steps"?`},
		"far unknown key":  {"colour: red", `honk.yaml:1: unknown key "colour"`},
		"duplicate key":    {"limits: {}\nlimits: {}", `honk.yaml:2: `},
		"wrong type":       {"limits:\n  steps: many", `honk.yaml:2: `},
		"not yaml":         {"limits: [", `honk.yaml:1: `},
		"second document":  {"limits: {}\n---\njudge: {}", "honk.yaml:2: a second document is not allowed"},
		"alias":            {"limits: &a {}\nsandbox: *a", "honk.yaml:1: anchors and aliases are not allowed"},
		"tag":              {"limits: !!map {}", "honk.yaml:1: tags and directives are not allowed"},
		"duration":         {"limits: {time: 5}", `"5" is not a duration; write it like 90s, 45m, 1h30m or 2d`},
		"size":             {"sandbox: {memory: 4}", `"4" needs a unit, like 512MiB`},
		"size unit":        {"sandbox: {memory: 4 elephants}", `"4 elephants" is not a size`},
		"steps":            {"limits: {steps: 251}", "honk.yaml: limits.steps 251 is out of range; use 1 to 250"},
		"cost":             {"limits: {cost_usd: -1}", "honk.yaml: limits: cost_usd and tokens cannot be negative"},
		"mode":             {"judge: {mode: strict}", `honk.yaml: judge: mode "strict" is unknown`},
		"no tasks":         {"service: {tasks: -1}", "honk.yaml: service: tasks and repository_tasks must be at least 1"},
		"retention":        {"service: {retention: {deliveries: 1h}}", "use at least 72h"},
		"day budget":       {"service: {budget: {day_usd: -1}}", "honk.yaml: service.budget: an amount is negative"},
		"pull request":     {"service: {pull_request: merged}", `service.pull_request "merged" is unknown; use draft or ready`},
		"forge budget":     {"shifts: {budget: {hour_content: 1}}", "honk.yaml: shifts.budget: minute_points must be at least 30"},
		"shifts' home":     {"shifts: {repository: shifts}", `honk.yaml: shifts.repository: "shifts" is not a repository; write owner/name`},
		"shifts' path":     {"shifts: {repository: a/b, path: ../x}", `honk.yaml: shifts.path: "../x" is not a directory of`},
		"path of nothing":  {"shifts: {path: x}", `honk.yaml: shifts.path: "x" is not a directory of`},
		"prompt shift":     {"shifts: {auto_prompt: [A]}", `honk.yaml: shifts.auto_prompt: "A" is no shift's name`},
		"timezone":         {"shifts: {timezones: {a: Mars}}", `honk.yaml: shifts.timezones.a: "Mars" is no timezone`},
		"spacing":          {"shifts: {budget: {spacing: -1s}}", "-1s"},
		"floor":            {"judge: {mode: off, floor: veto}", "honk.yaml: judge.mode off is milder than judge.floor veto"},
		"root mount":       {"sandbox: {mounts: [{host: /}]}", `host "/" would open the sandbox`},
		"docker socket":    {"sandbox: {mounts: [{host: /run/docker.sock}]}", "would open the sandbox"},
		"dotted mount":     {"sandbox: {mounts: [{host: /srv/../etc}]}", "is not a clean absolute path"},
		"guest outside":    {"sandbox: {mounts: [{host: /srv, guest: ../x}]}", "leaves the sandbox"},
		"relative path":    {"sandbox: {path: [bin]}", `honk.yaml: sandbox.path: "bin" is not an absolute directory`},
		"PATH":             {"sandbox: {env: {PATH: /x}}", "PATH is set by sandbox.path"},
		"variable":         {"sandbox: {env: {A-B: x}}", `"A-B" is not a variable`},
		"glob":             {"policy: {allow_protected: ['[']}", `"[" is not a glob`},
		"registry":         {"policy: {registries: ['https://x']}", `"https://x" is not a host`},
		"regex":            {"secrets: {patterns: [{name: x, regex: '('}]}", "honk.yaml: secrets.patterns.x: "},
		"empty match":      {"secrets: {patterns: [{name: x, regex: 'a*'}]}", "matches the empty text"},
		"price":            {"models: {m: {price: {input: -1}}}", "honk.yaml: models.m: price is negative"},
		"window":           {"models: {m: {context_window: 100}}", "does not fit a context_window of 100"},
		"max tokens field": {"models: {m: {capabilities: {max_tokens_field: x}}}", "max_tokens_field \"x\" is unknown"},
		"verify repo":      {"verify: [{commands: [{run: x}]}]", `repo "" is not a glob`},
		"verify run":       {"verify: [{repo: a, commands: [{name: x}]}]", `"x" has no usable run`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.ParseOrg("honk.yaml", []byte(tt.in))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want it to hold %q", err, tt.want)
			}
			if got := task.CodeOf(err); got != task.CodeInvalid {
				t.Errorf("code %q, want invalid", got)
			}
		})
	}
}

func TestParseOrg_allProblemsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.ParseOrg("honk.yaml", []byte("limits: {steps: -1, cost_usd: -1}\njudge: {mode: x}\npolicy: {max_files: -1}"))
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) || len(joined.Unwrap()) != 4 {
		t.Errorf("got %v, want four problems", err)
	}
}
