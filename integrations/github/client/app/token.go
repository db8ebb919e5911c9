package app

import (
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"time"
)

// redacted is what stands where a secret stood.
const redacted = "[redacted]"

// Token is an installation's token for one repository. However it is printed,
// encoded or logged, it shows [redacted]; only Reveal tells.
type Token struct {
	value string
	// Expires is when GitHub stops taking it.
	Expires time.Time
}

// Reveal returns the token.
func (t Token) Reveal() string { return t.value }

// String returns [redacted].
func (t Token) String() string { return redacted }

// GoString returns [redacted].
func (t Token) GoString() string { return redacted }

// Format writes [redacted] whatever the verb.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns [redacted].
func (t Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "[redacted]".
func (t Token) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue returns [redacted].
func (t Token) LogValue() slog.Value { return slog.StringValue(redacted) }

// tokenPattern finds GitHub's tokens, of whatever length, and JWTs.
var tokenPattern = regexp.MustCompile(
	`\b(?:gh[a-z]_|github_pat_)[A-Za-z0-9_.-]+|\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_.-]+`)

// redact masks the token and whatever looks like one.
func (t Token) redact(text string) string {
	if t.value != "" {
		text = strings.ReplaceAll(text, t.value, redacted)
	}
	return tokenPattern.ReplaceAllString(text, redacted)
}
