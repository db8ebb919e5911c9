// Package secret finds secrets in text, masks them, and cleans text of what
// a person cannot see. Everything that leaves Honk passes through it.
//
// Three nets hang behind each other: the values Honk knows itself, in the
// forms they are usually smuggled in; a few fast rules of its own; and the
// rules of gitleaks for what nobody told it about.
package secret

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// mask is what Redact writes in place of a secret.
const mask = "[redacted]"

// Hit is a place where a secret stands. It never holds the secret itself, so
// it can be logged.
type Hit struct {
	// Rule names what matched: "known-secret", a rule of this package, an
	// operator's pattern ("operator-pattern-1") or a gitleaks rule.
	Rule string
	// Line counts from 1.
	Line int
	// Start and End are byte offsets into the scanned text.
	Start, End int
}

// Scanner finds secrets. It is safe for concurrent use.
type Scanner struct {
	known *index
	rules []rule
}

// New returns a Scanner for the known secret values and the operator's own
// regular expressions. A value shorter than eight bytes is refused: it would
// match ordinary text. No error names a value.
func New(known, patterns []string) (*Scanner, error) {
	ix, err := newIndex(known)
	if err != nil {
		return nil, err
	}
	rules := ownRules()
	for i, p := range patterns {
		re, err := regexp.Compile(p)
		if err != nil {
			return nil, fmt.Errorf("compiling secret pattern %d: %w", i+1, err)
		}
		if re.MatchString("") {
			return nil, fmt.Errorf("secret pattern %d matches the empty text; make it match at least one character", i+1)
		}
		rules = append(rules, rule{name: fmt.Sprintf("operator-pattern-%d", i+1), re: re})
	}
	return &Scanner{known: ix, rules: rules}, nil
}

// Scan returns every secret in text, sorted by place and without overlaps. It
// asks all three nets, gitleaks included, which costs about half a second per
// megabyte: it is for what is published. When the text is so built that the
// rules do not come to an end in time, the rest is one Hit of the rule
// "scan-incomplete": unknown is not clean.
func (s *Scanner) Scan(text string) []Hit {
	return settle(text, append(s.fast(text), scanGitleaks(text)...))
}

// Redact returns text with secrets masked. It asks the known values and the
// fast rules only (milliseconds per megabyte): it is for logs and events.
// What is published is scanned with Scan, and a hit blocks it.
func (s *Scanner) Redact(text string) string {
	hits := settle(text, s.fast(text))
	if len(hits) == 0 {
		return text
	}
	var b strings.Builder
	last := 0
	for _, h := range hits {
		b.WriteString(text[last:h.Start])
		b.WriteString(mask)
		last = h.End
	}
	b.WriteString(text[last:])
	return b.String()
}

func (s *Scanner) fast(text string) []Hit {
	hits := s.known.scan(text)
	for _, r := range s.rules {
		hits = append(hits, r.scan(text)...)
	}
	return hits
}

// settle sorts hits, joins those that overlap under the first one's name and
// numbers their lines.
func settle(text string, hits []Hit) []Hit {
	slices.SortStableFunc(hits, func(a, b Hit) int {
		return cmp.Or(a.Start-b.Start, b.End-a.End)
	})
	out := hits[:0]
	line, at := 1, 0
	for _, h := range hits {
		if n := len(out); n > 0 && h.Start < out[n-1].End {
			out[n-1].End = max(out[n-1].End, h.End)
			continue
		}
		line += strings.Count(text[at:h.Start], "\n")
		at = h.Start
		h.Line = line
		out = append(out, h)
	}
	return out
}
