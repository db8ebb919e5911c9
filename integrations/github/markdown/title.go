package markdown

import (
	"regexp"
	"strings"

	"honk/internal/secret"
)

// maxTitle is the length of a title that GitHub takes, in characters.
const maxTitle = 256

var (
	// issue is how forges find an issue: #9, GH-9, or its address.
	issue = regexp.MustCompile(`(?i)(\w?)(?:#+|\bGH-)(\d)|https?://\S*?/(?:issues|pull|discussions)/(\d)`)
	// skip matches the trailers that keep checks from running.
	skip = regexp.MustCompile(`(?i)\bskip-checks\b`)
)

// Title makes text fit for a pull request's title, which may become a
// commit's subject: one plain line without mention, reference, skip-CI marker
// or comment. Doing it twice changes nothing.
func Title(text string) string {
	text = strings.Join(strings.Fields(secret.Clean(text, maxSource)), " ")
	if runes := []rune(text); len(runes) > maxTitle {
		text = strings.TrimSpace(string(runes[:maxTitle-1])) + "…"
	}
	// What is taken out may bring together what was apart.
	for {
		before := text
		text = issue.ReplaceAllStringFunc(text, plainIssue)
		text = skip.ReplaceAllString(text, "skip checks")
		text = strings.NewReplacer("[", "(", "]", ")", "@", "", "***", "", "<!--", "", "-->", "").Replace(text)
		text = strings.TrimLeft(strings.Join(strings.Fields(text), " "), "#-:/ ")
		if text == before {
			return text
		}
	}
}

// plainIssue leaves the number of a reference.
func plainIssue(ref string) string {
	m := issue.FindStringSubmatch(ref)
	if m[1] != "" {
		return m[1] + " " + m[2]
	}
	return m[2] + m[3]
}
