package page

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"honk/internal/task"
)

// Marker is the first line of a task's comment, which nobody sees.
func Marker(id task.ID) string { return "<!-- honk:task " + word(string(id)) + " -->" }

// HasMarker reports whether body is the comment of a task. Only its first line
// counts: further down, others may have been quoted.
func HasMarker(body string, id task.ID) bool { return firstLine(body) == Marker(id) }

// ReplyMarker is the first line of a reply, which nobody sees. The same key
// makes the same marker.
func ReplyMarker(key string) string { return "<!-- honk:reply " + word(key) + " -->" }

// HasReplyMarker reports whether body is the reply of a key.
func HasReplyMarker(body, key string) bool { return firstLine(body) == ReplyMarker(key) }

func firstLine(body string) string {
	line, _, _ := strings.Cut(body, "\n")
	return strings.TrimRight(line, "\r")
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._:/]|-[A-Za-z0-9._:/]){0,120}$`)

// word is text fit to stand in an HTML comment, its hash where it is not.
func word(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// evidenceStart and evidenceEnd stand around the part of a pull request's body
// that Honk writes anew.
func evidenceStart(id task.ID) string { return "<!-- honk:evidence " + word(string(id)) + " -->" }

const evidenceEnd = "<!-- /honk:evidence -->"
