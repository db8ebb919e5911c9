package fact

import (
	"html"
	"slices"
	"strings"

	"honk/internal/secret"
)

// MaxRead is how much of a passage is looked at, in bytes. It is more than is
// ever shown, so that the cut runs through no secret that begins before it.
const MaxRead = 8 << 10

// Redacted stands for what nobody should see.
const Redacted = "[redacted]"

// Scrubber takes out of the words of one text what nobody should see: secrets
// and invisible characters. It is not safe for concurrent use.
type Scrubber struct {
	secrets *secret.Scanner
	cleaned map[string]string
	// Rule names what the slow rules for secrets found first.
	Rule string
}

// NewScrubber returns a Scrubber.
func NewScrubber(secrets *secret.Scanner) *Scrubber {
	return &Scrubber{secrets: secrets, cleaned: map[string]string{}}
}

// Clean is text without what nobody should see. It comes before any cut and
// any escape, which would hide a secret from the rules and not from a reader.
func (s *Scrubber) Clean(text string) string {
	// What is invisible takes room as well, but seldom three quarters of it.
	text = text[:min(len(text), 4*MaxRead)]
	if out, ok := s.cleaned[text]; ok {
		return out
	}
	out := s.secrets.Redact(secret.Clean(text, MaxRead))
	hits := s.secrets.Scan(out)
	for _, h := range slices.Backward(hits) {
		s.Rule = h.Rule
		out = out[:h.Start] + Redacted + out[h.End:]
	}
	if seen := seen(out); s.secrets.Redact(seen) != seen {
		out = Redacted
	}
	s.cleaned[text] = out
	return out
}

// seen is about what a reader sees of text: entities decoded, without the
// marks that make it bold and the like.
func seen(text string) string {
	return marks.Replace(secret.Clean(html.UnescapeString(text), 0))
}

var marks = strings.NewReplacer(`\`, "", "*", "", "~", "", "`", "")
