package message

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"honk/internal/secret"
)

// The lengths of a commit's first line and of a pull request's title, in
// characters.
const (
	maxSubject = 72
	maxTitle   = 70
)

// conventional matches a line that says the kind of change by itself.
var conventional = regexp.MustCompile(`^(?:feat|fix|docs|test|refactor|chore|perf|build|ci|style|revert)(?:\([\w./-]+\))?!?: \S`)

// subject is a commit's first line: the request's.
func subject(prompt string) string { return cut(firstLine(prompt), maxSubject) }

// Title is a pull request's title: the request's first line behind the kind of
// change that its first verb speaks of.
func Title(prompt string) string {
	line := firstLine(prompt)
	if !conventional.MatchString(line) {
		kind := kindOf(line)
		what := lower(line)
		if rest, ok := strings.CutPrefix(what, kind+" "); ok {
			what = rest // not "fix: fix"
		}
		line = kind + ": " + what
	}
	return cut(line, maxTitle)
}

// kindOf is the conventional type of a change.
func kindOf(line string) string {
	for word := range strings.FieldsSeq(strings.ToLower(line)) {
		switch strings.TrimFunc(word, func(r rune) bool { return !unicode.IsLetter(r) }) {
		case "please", "can", "could", "would", "you", "kindly":
			continue
		case "fix", "fixes", "repair", "correct":
			return "fix"
		case "add", "implement", "support", "allow":
			return "feat"
		case "document", "describe":
			return "docs"
		case "test":
			return "test"
		case "refactor", "rename", "move", "extract", "simplify":
			return "refactor"
		}
		break
	}
	return "chore"
}

// lower begins an ordinary word in lower case; names keep their letters.
func lower(line string) string {
	word, _, _ := strings.Cut(line, " ")
	for i, r := range word {
		if i > 0 && !unicode.IsLower(r) {
			return line
		}
	}
	first, size := utf8.DecodeRuneInString(line)
	return string(unicode.ToLower(first)) + line[size:]
}

// firstLine is the first line of a text that holds anything.
func firstLine(prompt string) string {
	line := ""
	for l := range strings.Lines(prompt) {
		if line = oneLine(l); line != "" {
			break
		}
	}
	return strings.TrimRight(line, ".")
}

// cut shortens a line to max characters, at a word.
func cut(line string, max int) string {
	runes := []rune(line)
	if len(runes) <= max {
		return line
	}
	cut := string(runes[:max-1])
	if i := strings.LastIndexByte(cut, ' '); i > max/2 {
		cut = cut[:i]
	}
	return strings.TrimRightFunc(cut, unicode.IsPunct) + "…"
}

// reference is how forges find an issue that a commit closes: #9, GH-9, or a
// URL.
var reference = regexp.MustCompile(`(?i)(?:#|\bGH-)(\d)|https?://\S*?/(?:issues|pull)/(\d)`)

// oneLine makes text safe to stand inside one line of a commit message: no
// control or invisible characters, no skip-CI marker, no comment, no mention,
// nothing that closes an issue.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(secret.Clean(text, 1<<10)), " ")
	text = reference.ReplaceAllString(text, "$1$2")
	text = strings.NewReplacer("[", "(", "]", ")", "@", "", "***", "").Replace(text)
	return strings.TrimLeft(text, "#-: ")
}
