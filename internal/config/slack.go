package config

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// SlackRules are who may ask in Slack and which repository they mean.
type SlackRules struct {
	// GitHub logins of people, by Slack user ID (`U024BE7LH`) or by the e-mail
	// address that Slack has confirmed. Who is not here proves it by a link.
	Users map[string]string `yaml:"users"`
	// Repositories of channels, `owner/name` by channel ID (`C024BE91L`).
	Channels map[string]string `yaml:"channels"`
	// Other names of repositories: `{api: acme/api}`.
	Aliases map[string]string `yaml:"aliases"`
	// Words that point at a repository; the first rule that fits counts.
	Keywords []SlackKeyword `yaml:"keywords"`
	// How long a question for the repository waits. Default 1h.
	QuestionTime time.Duration `yaml:"question_time"`
	// The shortest time between two edits of one message. Default 5s.
	EditEvery time.Duration `yaml:"edit_every"`
	// How long a task may take without its asker being called at its end.
	// Default 1m.
	QuietFor time.Duration `yaml:"quiet_for"`
}

// SlackKeyword is a rule for finding the repository.
type SlackKeyword struct {
	// Words of which one is in the request, whole and in any case.
	Words []string `yaml:"words"`
	// `owner/name` that is meant then.
	Repository string `yaml:"repository"`
}

func (s *SlackRules) fill() {
	s.QuestionTime = cmp.Or(s.QuestionTime, time.Hour)
	s.EditEvery = cmp.Or(s.EditEvery, 5*time.Second)
	s.QuietFor = cmp.Or(s.QuietFor, time.Minute)
}

var (
	slackUser    = regexp.MustCompile(`^([UW][A-Z0-9]{2,31}|[^@\s]+@[^@\s]+\.[^@\s]+)$`)
	slackChannel = regexp.MustCompile(`^[CG][A-Z0-9]{2,31}$`)
	repoName     = regexp.MustCompile(`^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$`)
	githubLogin  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`)
)

func (s SlackRules) check(p *problems, at string) {
	for _, id := range slices.Sorted(maps.Keys(s.Users)) {
		if !slackUser.MatchString(id) {
			p.addf("%s.users: %q is neither a Slack user ID nor an e-mail address; copy the member ID from the profile", at, id)
		}
		if !githubLogin.MatchString(s.Users[id]) {
			p.addf("%s.users.%s: %q is not a GitHub login; write it without @", at, id, s.Users[id])
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.Channels)) {
		if !slackChannel.MatchString(id) {
			p.addf("%s.channels: %q is not a channel ID; copy it from the end of the channel's details", at, id)
		}
	}
	repos := slices.Collect(maps.Values(s.Channels))
	for _, alias := range slices.Sorted(maps.Keys(s.Aliases)) {
		if strings.ContainsAny(alias, " \t\n/") || alias == "" {
			p.addf("%s.aliases: %q is not one word; use letters, digits, - and _", at, alias)
		}
		repos = append(repos, s.Aliases[alias])
	}
	for _, k := range s.Keywords {
		if len(k.Words) == 0 || slices.ContainsFunc(k.Words, func(w string) bool { return strings.TrimSpace(w) == "" }) {
			p.addf("%s.keywords: a rule for %q has no words, or an empty one; list some", at, k.Repository)
		}
		repos = append(repos, k.Repository)
	}
	slices.Sort(repos)
	for _, r := range slices.Compact(repos) {
		if !repoName.MatchString(r) {
			p.addf("%s: %q is not a repository; write owner/name", at, r)
		}
	}
	if min(s.QuestionTime, s.EditEvery, s.QuietFor) < 0 || s.QuestionTime > 24*time.Hour {
		p.addf("%s: question_time, edit_every and quiet_for cannot be negative, question_time at most 24h", at)
	}
}
