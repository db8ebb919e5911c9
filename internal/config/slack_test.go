package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/internal/config"
)

func TestParseOrg_slack(t *testing.T) {
	t.Parallel()
	got, err := config.ParseOrg("honk.yaml", []byte(`
slack:
  users: {U024BE7LH: ada, bob@acme.example: bob-acme}
  channels: {C024BE91L: acme/api}
  aliases: {backend: acme/api}
  keywords: [{words: [invoice, dunning], repository: acme/billing}]
  question_time: 30m
  edit_every: 10s
  quiet_for: 2m
`))
	if err != nil {
		t.Fatal(err)
	}
	want := config.SlackRules{
		Users:        map[string]string{"U024BE7LH": "ada", "bob@acme.example": "bob-acme"},
		Channels:     map[string]string{"C024BE91L": "acme/api"},
		Aliases:      map[string]string{"backend": "acme/api"},
		Keywords:     []config.SlackKeyword{{Words: []string{"invoice", "dunning"}, Repository: "acme/billing"}},
		QuestionTime: 30 * time.Minute, EditEvery: 10 * time.Second, QuietFor: 2 * time.Minute,
	}
	if diff := cmp.Diff(want, got.Slack); diff != "" {
		t.Errorf("other rules (-want +got):\n%s", diff)
	}
}

func TestParseOrg_slackWrong(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"users: {ada: ada}":                          `slack.users: "ada" is neither a Slack user ID nor an e-mail`,
		"users: {U024BE7LH: '@ada'}":                 `slack.users.U024BE7LH: "@ada" is not a GitHub login; write it without @`,
		"channels: {general: acme/api}":              `slack.channels: "general" is not a channel ID`,
		"channels: {C024BE91L: api}":                 `slack: "api" is not a repository; write owner/name`,
		"aliases: {'the api': acme/api}":             `slack.aliases: "the api" is not one word`,
		"keywords: [{repository: acme/api}]":         `slack.keywords: a rule for "acme/api" has no words`,
		"keywords: [{words: [x], repository: ../x}]": `slack: "../x" is not a repository`,
		"question_time: 48h":                         `slack: question_time`,
		"chanels: {}":                                `chanels`,
	} {
		_, err := config.ParseOrg("honk.yaml", []byte("slack: {"+in+"}"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v, want %q", in, err, want)
		}
	}
}
