// Package signature names the cause of a failure: the end of its log without
// what differs from one repository to the next, so that failures of one cause
// have one name.
package signature

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

const (
	// maxLog is how much of a log's end is looked at.
	maxLog = 64 << 10
	// maxLines is how many lines make a signature, maxLine how long they are.
	maxLines = 5
	maxLine  = 300
)

// Signature is the cause of a failure.
type Signature struct {
	// ID is short and safe in a command line; empty for an empty log.
	ID string `json:"id"`
	// Text is what a person reads.
	Text string `json:"text"`
}

var (
	escape = regexp.MustCompile(`\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07`)
	cause  = regexp.MustCompile(`(?i)\b(error|fail(ed|ure|s)?|panic|fatal|exception|undefined|cannot|can't|denied|refused|missing|not found|unresolved|timed? ?out|no such)\b|^E\s|^---? FAIL`)
)

// words are what differs between repositories, the longest form first, and
// what stands for it.
var words = []struct {
	is   *regexp.Regexp
	says string
}{
	{regexp.MustCompile(`\b[a-z][a-z0-9+.-]*://[^\s"'<>)]+`), "<url>"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?\s?(Z|[+-]\d\d:?\d\d)?`), "<time>"},
	{regexp.MustCompile(`\b\d\d?:\d\d(:\d\d)?([.,]\d+)?\b`), "<time>"},
	{regexp.MustCompile(`\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b`), "<id>"},
	{regexp.MustCompile(`\b(sha\d+[:-])?[0-9a-f]{40,128}\b`), "<hash>"},
	{regexp.MustCompile(`\b0x[0-9a-fA-F]+\b`), "<hash>"},
	{regexp.MustCompile("\"[^\"]{1,200}\"|`[^`]{1,200}`|'[^']{1,200}'|“[^”]{1,200}”"), "<name>"},
	{regexp.MustCompile(`(?:[A-Za-z]:)?(?:[\w.@+~-]*[/\\])+[\w.@+~-]*`), "<path>"},
	{regexp.MustCompile(`\b[\w-]+\.(go|py|js|jsx|ts|tsx|java|kt|rs|rb|c|cc|cpp|h|hpp|cs|php|scala|swift|yaml|yml|json|toml|xml|mod|sum|gradle|sh)\b`), "<path>"},
	{regexp.MustCompile(`\b[0-9a-f]*[0-9][0-9a-f]*[a-f][0-9a-f]*\b`), "<hash>"},
	{regexp.MustCompile(`\d+([.,]\d+)*`), "<n>"},
	{regexp.MustCompile(`(<n>)(ns|us|µs|ms|s|m|h|MB|KB|GB|B|%)\b`), "<n>"},
	{regexp.MustCompile(`[:(]<n>([:,]<n>)*\)?`), ""},
	{regexp.MustCompile(`\s+`), " "},
}

// Of returns the signature of the end of a log.
func Of(log string) Signature {
	if len(log) > maxLog {
		log = log[len(log)-maxLog:]
	}
	var all, causes []string
	last := ""
	for line := range strings.Lines(escape.ReplaceAllString(strings.ToValidUTF8(log, "?"), "")) {
		line = Normalize(line)
		if line == "" || line == last {
			continue
		}
		last = line
		all = append(all, line)
		if cause.MatchString(line) {
			causes = append(causes, line)
		}
	}
	if len(causes) > 0 {
		all = causes
	}
	if len(all) == 0 {
		return Signature{}
	}
	text := strings.Join(dedupe(all[max(0, len(all)-maxLines):]), "\n")
	sum := sha256.Sum256([]byte(text))
	return Signature{ID: hex.EncodeToString(sum[:6]), Text: text}
}

// Normalize returns a line without paths, numbers, hashes, times and quoted
// names.
func Normalize(line string) string {
	if len(line) > maxLine {
		line = strings.ToValidUTF8(line[:maxLine], "")
	}
	for _, w := range words {
		line = w.is.ReplaceAllString(line, w.says)
	}
	return strings.TrimSpace(line)
}

func dedupe(lines []string) []string {
	seen := map[string]bool{}
	kept := lines[:0:0]
	for _, line := range lines {
		if !seen[line] {
			kept = append(kept, line)
		}
		seen[line] = true
	}
	return kept
}
