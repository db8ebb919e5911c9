package message_test

import (
	"strings"
	"testing"

	"honk/internal/runner/message"
	"honk/internal/task"
)

// A pull request's title says the kind of change first.
func TestTitle(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"Fix the flaky test.":                         "fix: the flaky test",
		"please add a --json flag":                    "feat: please add a --json flag",
		"Document Split":                              "docs: document Split",
		"README needs a badge":                        "chore: README needs a badge",
		"Rename x to y":                               "refactor: rename x to y",
		"Upgrade go-cmp":                              "chore: upgrade go-cmp",
		"test the parser":                             "test: the parser",
		"feat(api)!: new route":                       "feat(api)!: new route",
		"Fixes #999 by @eve":                          "fix: fixes 999 by eve",
		"Add " + strings.Repeat("very ", 20) + "much": "feat: add very very very very very very very very very very very…",
	}
	for prompt, want := range tests {
		if got := message.Title(prompt); got != want || len([]rune(got)) > 70 {
			t.Errorf("%q: got %q, want %q", prompt, got, want)
		}
	}
}

// The trailers are made of what is known of who asked, and of nothing else.
func TestCommit_trailers(t *testing.T) {
	t.Parallel()
	for email, want := range map[string]string{
		"7+ada@users.noreply.github.com":       "Co-authored-by: Ada <7+ada@users.noreply.github.com>",
		"49+eve[bot]@users.noreply.github.com": "Co-authored-by: Ada <49+eve[bot]@users.noreply.github.com>",
		"":                                     "",
		"ada@example.com>\nSigned-off-by: Eve <eve@evil.com": "",
		"@everyone": "",
	} {
		asked := task.Task{ID: "01J8ZQ4T9V6K2M3N"}
		asked.Request.Actor = task.Actor{Login: "ada", Name: "Ada", Email: email}
		got, err := message.Commit(asked, "Greet @everyone", "4be1c02")
		lines := "Greet everyone\n\nHonk-Task: 01J8ZQ4T9V6K2M3N\nHonk-Base: 4be1c02\nRequested-by: @ada"
		if want != "" {
			lines += "\n" + want
		}
		if strings.TrimSpace(got) != lines || err != nil {
			t.Errorf("%q: got %q, %v", email, got, err)
		}
	}
}
