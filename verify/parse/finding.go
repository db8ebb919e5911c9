// Package parse reads what checks print: it cleans the text, finds the
// complaints and the tests in it, and shortens the rest. Its input comes from
// code that nobody trusts; nothing here fails on it, and all of it is bounded.
package parse

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// Finding is one thing a verifier complains of.
type Finding struct {
	// Verifier is the name of the one that complains.
	Verifier string `json:"verifier,omitempty"`
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	Col      int    `json:"col,omitempty"`
	Rule     string `json:"rule,omitempty"`
	Message  string `json:"message"`
	TestID   string `json:"test_id,omitempty"`
	// Fingerprint is equal for the same complaint at another line, time or
	// place of the machine.
	Fingerprint string `json:"fingerprint"`
}

// Tests is what is known of a run of tests. IDs and Passed are nil when only
// the number is known.
type Tests struct {
	// Run counts the tests that ran; a skipped one did not.
	Run    int
	IDs    []string
	Passed []string
	Skips  int
}

// Reading is what was understood of an output.
type Reading struct {
	Findings []Finding
	// Tests is nil when it cannot be told whether tests ran at all.
	Tests *Tests
	// Text is what a person would read, where the output is not for people.
	Text string
}

// MaxFindings is how many findings one reading keeps.
const MaxFindings = 1000

func (r *Reading) add(f Finding) {
	if len(r.Findings) < MaxFindings {
		f.Message = Clip(f.Message, 15, 2000)
		r.Findings = append(r.Findings, f)
	}
}

func (t *Tests) ran(id string, passed bool) {
	t.Run++
	t.IDs = append(t.IDs, id)
	if passed {
		t.Passed = append(t.Passed, id)
	}
}

// The parts of a message that change from run to run, in this order.
var volatile = []struct {
	re *regexp.Regexp
	by string
}{
	{regexp.MustCompile(`(?:/private)?/(?:tmp|var/tmp|var/folders|dev/shm)/[^\s:"'<>()\[\],]+`), "<tmp>"},
	{regexp.MustCompile(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`), "<id>"},
	{regexp.MustCompile(`(?i)\b0x[0-9a-f]+\b`), "<addr>"},
	{regexp.MustCompile(`@[0-9a-f]{5,16}\b`), "<addr>"},
	{regexp.MustCompile(`(?i)\b[0-9a-f]*[0-9][0-9a-f]{11,}\b`), "<id>"},
	{regexp.MustCompile(`\b\d+(?:\.\d+)?\s?(?:ns|µs|us|ms|s|m|h|sec|seconds?)\b`), "<time>"},
	{regexp.MustCompile(`\d{6,}`), "<n>"},
}

var number = regexp.MustCompile(`\d+(?:[.:]\d+)*`)

// Stable blanks the parts of a name that differ from run to run (addresses,
// durations, temporary paths), and leaves its small numbers.
func Stable(name string) string {
	for _, v := range volatile {
		name = v.re.ReplaceAllString(name, v.by)
	}
	return name
}

// Sign names the verifier in f and computes the fingerprint.
func Sign(verifier string, f Finding) Finding {
	f.Verifier = verifier
	key := f.Rule
	if f.TestID != "" {
		key = f.TestID
	}
	message := number.ReplaceAllString(Stable(f.Message), "<n>")
	sum := sha256.Sum256([]byte(strings.Join([]string{
		verifier, Stable(key), f.File, strings.Join(strings.Fields(message), " "),
	}, "\x00")))
	f.Fingerprint = hex.EncodeToString(sum[:8])
	return f
}
