package config

import (
	"cmp"
	"strings"
	"time"
)

// Service is how honk serve and honk work behave.
type Service struct {
	// Tasks that run at once in one process. Default 2.
	Tasks int `yaml:"tasks"`
	// Tasks that run at once in all processes. Default: no limit.
	AllTasks int `yaml:"all_tasks"`
	// Tasks of one repository that run at once. Default 2.
	RepositoryTasks int `yaml:"repository_tasks"`
	// How long running tasks may go on when a process is told to stop; then
	// they are handed to another. Default 1m.
	Grace time.Duration `yaml:"grace"`
	// The shortest time between two edits of one message. Default 30s.
	EditEvery time.Duration `yaml:"edit_every"`
	// What may be spent beside `limits`, which bounds one task.
	Budget Budget `yaml:"budget"`
	// How long what is no longer needed is kept.
	Retention Retention `yaml:"retention"`
	// What Honk starts by itself on its own pull requests.
	FollowUp FollowUp `yaml:"follow_up"`
	// `draft` or `ready`: how pull requests are opened. Default `draft`.
	PullRequest string `yaml:"pull_request"`
	// The label that makes an issue a request. Default `honk`.
	Label string `yaml:"label"`
	// Account numbers of bots that may ask like people do; their permission
	// is checked all the same.
	Bots []int64 `yaml:"bots"`
}

// Budget bounds spending by day, which begins at midnight UTC. 0 is no limit.
type Budget struct {
	// US dollars for all tasks of a day.
	DayUSD float64 `yaml:"day_usd"`
	// Tokens for all tasks of a day.
	DayTokens int `yaml:"day_tokens"`
	// US dollars for the tasks of one repository on a day.
	RepositoryDayUSD float64 `yaml:"repository_day_usd"`
	// Tokens for the tasks of one repository on a day.
	RepositoryDayTokens int `yaml:"repository_day_tokens"`
}

// Retention is counted from the end of a task.
type Retention struct {
	// Webhooks; they are needed for three days, to know a repetition.
	// Default 168h.
	Deliveries time.Duration `yaml:"deliveries"`
	// What a task did, step by step. Default 720h.
	Events time.Duration `yaml:"events"`
	// The changes that tasks made. Default 2160h.
	Patches time.Duration `yaml:"patches"`
}

// FollowUp bounds what Honk starts by itself.
type FollowUp struct {
	// Repairs of red checks per pull request; -1 for none. Default 2.
	Repairs int `yaml:"repairs"`
	// Answers to reviews that request changes, per pull request; -1 for
	// none. Default 5.
	Reviews int `yaml:"reviews"`
	// How long no further review comment must come before those with a
	// command become one follow-up. Default 3m.
	Quiet time.Duration `yaml:"quiet"`
	// How long the first of them waits at most. Default 10m.
	Longest time.Duration `yaml:"longest"`
}

func (s *Service) fill() {
	s.Tasks = cmp.Or(s.Tasks, 2)
	s.RepositoryTasks = cmp.Or(s.RepositoryTasks, 2)
	s.Grace = cmp.Or(s.Grace, time.Minute)
	s.EditEvery = cmp.Or(s.EditEvery, 30*time.Second)
	s.Retention.Deliveries = cmp.Or(s.Retention.Deliveries, 168*time.Hour)
	s.Retention.Events = cmp.Or(s.Retention.Events, 720*time.Hour)
	s.Retention.Patches = cmp.Or(s.Retention.Patches, 2160*time.Hour)
	s.FollowUp.Repairs = cmp.Or(s.FollowUp.Repairs, 2)
	s.FollowUp.Reviews = cmp.Or(s.FollowUp.Reviews, 5)
	s.FollowUp.Quiet = cmp.Or(s.FollowUp.Quiet, 3*time.Minute)
	s.FollowUp.Longest = cmp.Or(s.FollowUp.Longest, 10*time.Minute)
	s.PullRequest = cmp.Or(s.PullRequest, "draft")
	s.Label = cmp.Or(s.Label, "honk")
}

func (s Service) check(p *problems, at string) {
	if s.Tasks < 1 || s.AllTasks < 0 || s.RepositoryTasks < 1 {
		p.addf("%s: tasks and repository_tasks must be at least 1, all_tasks 0 or more", at)
	}
	if s.Retention.Deliveries < 72*time.Hour {
		p.addf("%s.retention.deliveries %s is too short; GitHub repeats for three days, use at least 72h",
			at, s.Retention.Deliveries)
	}
	b := s.Budget
	if min(b.DayUSD, b.RepositoryDayUSD) < 0 || min(b.DayTokens, b.RepositoryDayTokens) < 0 {
		p.addf("%s.budget: an amount is negative; leave it out for no limit", at)
	}
	if s.PullRequest != "draft" && s.PullRequest != "ready" {
		p.addf("%s.pull_request %q is unknown; use draft or ready", at, s.PullRequest)
	}
	if strings.TrimSpace(s.Label) != s.Label {
		p.addf("%s.label %q begins or ends with a space; take it out", at, s.Label)
	}
}

// Need is what a process of the service does.
type Need struct {
	// Webhooks are taken in.
	Webhooks bool
	// SharedDatabase means that a private one would be of no use.
	SharedDatabase bool
	// AnySandbox accepts no isolation at all, for the demonstration.
	AnySandbox bool
}

// checkService finds what a process of the service lacks.
func (c *Config) checkService(need Need, p *problems) {
	for _, missing := range []struct {
		is     bool
		remedy string
	}{
		{c.LLM.BaseURL == "", "HONK_LLM_BASE_URL is not set; name the model's endpoint, for example https://api.openai.com/v1"},
		{c.LLM.Model == "", "HONK_LLM_MODEL is not set; name the model as its endpoint does"},
		{
			c.GitHub.AppID == 0 && c.GitHub.PrivateKey == "",
			"HONK_GITHUB_APP_ID and HONK_GITHUB_PRIVATE_KEY_FILE are not set; make a GitHub App as docs/github-app.md says",
		},
		{
			need.Webhooks && c.GitHub.WebhookSecret == "",
			"HONK_GITHUB_WEBHOOK_SECRET is not set; use the webhook secret of the GitHub App, best by HONK_GITHUB_WEBHOOK_SECRET_FILE",
		},
		{
			need.SharedDatabase && c.DatabaseURL == "",
			"HONK_DATABASE_URL is not set; workers need the database of honk serve, as a postgres:// URL",
		},
		{
			c.Sandbox == "host" && !need.AnySandbox,
			"HONK_SANDBOX is host, which isolates nothing; the service refuses that, use bwrap",
		},
	} {
		if missing.is {
			p.addf("%s", missing.remedy)
		}
	}
	c.checkPrices(p)
}

// checkPrices finds the models that a money limit cannot be held with.
func (c *Config) checkPrices(p *problems) {
	b := c.Org.Service.Budget
	if c.Org.Limits.CostUSD == 0 && b.DayUSD == 0 && b.RepositoryDayUSD == 0 {
		return
	}
	for _, name := range []string{c.LLM.Model, cmp.Or(c.LLM.JudgeModel, c.LLM.Model)} {
		if name != "" && c.Org.Models[name].Price == nil {
			p.addf("a money limit needs the price of model %q; set models.%s.price in honk.yaml, or bound tokens", name, name)
		}
		if c.LLM.JudgeModel == "" {
			return
		}
	}
}
