package message_test

import (
	"strings"
	"testing"

	"honk/internal/runner/message"
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
