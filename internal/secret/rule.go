package secret

import (
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/zricethezav/gitleaks/v8/detect"
)

const (
	// pieceMax bounds what gitleaks sees at once: per match it looks at the
	// whole line, so that one long line of many matches would take for ever.
	pieceMax = 64 << 10
	lineMax  = 4 << 10
	// overlap keeps a secret whole that lies across two pieces of a line.
	overlap = 512
	// scanLimit ends a scan that a hostile text keeps busy.
	scanLimit = 20 * time.Second
)

// rule is a fast pattern. It starts with fixed letters, so that the regular
// expression engine skips over text that holds none of them.
type rule struct {
	name string
	re   *regexp.Regexp
	// guess says that a match counts only if it looks random: placeholders
	// and long names do not.
	guess bool
}

// ownRules covers what gitleaks misses (keys of language model providers,
// the long dotted tokens of the GitHub App) and what logs must never show.
// No rule assumes a length.
func ownRules() []rule {
	return []rule{
		{"llm-key", regexp.MustCompile(`sk-(?:ant|proj|svcacct|admin|or-v1)-[A-Za-z0-9_-]{16,}`), true},
		{"github-token", regexp.MustCompile(`gh[opsru]_[A-Za-z0-9_.-]{20,}`), true},
		{"github-token", regexp.MustCompile(`github_pat_[A-Za-z0-9_]{20,}`), true},
		{"slack-token", regexp.MustCompile(`xox[a-z]-[A-Za-z0-9-]{16,}`), true},
		{"slack-token", regexp.MustCompile(`xapp-[A-Za-z0-9-]{16,}`), true},
		{"aws-key", regexp.MustCompile(`AKIA[0-9A-Z]{16}`), true},
		{"google-key", regexp.MustCompile(`AIza[A-Za-z0-9_-]{35}`), true},
		{"private-key", regexp.MustCompile(`-----BEGIN[A-Z ]{0,30} PRIVATE KEY(?: BLOCK)?-----(?:[A-Za-z0-9+/=\s]|\\[nr]){64,}`), true},
	}
}

func (r rule) scan(text string) []Hit {
	var hits []Hit
	for _, m := range r.re.FindAllStringIndex(text, -1) {
		if m[0] < m[1] && (!r.guess || random(text[m[0]:m[1]])) {
			hits = append(hits, Hit{Rule: r.name, Start: m[0], End: m[1]})
		}
	}
	return hits
}

// gitleaks is built on first use, once per process: building costs about a
// tenth of a second and goes through state that gitleaks shares.
var gitleaks = sync.OnceValues(func() (*detect.Detector, error) {
	d, err := detect.NewDetectorDefaultConfig()
	if err != nil {
		return nil, err
	}
	// An allow comment in the text is the attacker's to write.
	d.IgnoreGitleaksAllow = true
	return d, nil
})

func scanGitleaks(text string) []Hit {
	d, err := gitleaks()
	if err != nil {
		return []Hit{{Rule: "scan-incomplete", End: len(text)}}
	}
	var hits []Hit
	begin := time.Now()
	for at := 0; at < len(text); {
		if time.Since(begin) > scanLimit {
			return append(hits, Hit{Rule: "scan-incomplete", Start: at, End: len(text)})
		}
		end, next := piece(text, at)
		raw := text[at:end]
		for _, f := range d.DetectString(raw) {
			hits = append(hits, locate(raw, at, f.Match, f.Secret, f.RuleID)...)
		}
		at = next
	}
	return hits
}

// piece returns where the piece of text that starts at at ends and where the
// next one starts: whole lines, or a part of a long line with some overlap.
func piece(text string, at int) (end, next int) {
	if len(text)-at <= lineMax {
		return len(text), len(text)
	}
	end = at
	for end < len(text) && end-at < pieceMax {
		nl := strings.IndexByte(text[end:min(end+lineMax, len(text))], '\n')
		if nl < 0 {
			break
		}
		end += nl + 1
	}
	if end > at {
		return end, end
	}
	if end = at + lineMax; end >= len(text) {
		return len(text), len(text)
	}
	return end, end - overlap
}

// locate returns a Hit for every place in raw where match stands, narrowed to
// the secret within it.
func locate(raw string, base int, match, value, name string) []Hit {
	var hits []Hit
	if match == "" {
		return nil
	}
	inner := max(strings.Index(match, value), 0)
	if value == "" || !strings.Contains(match, value) {
		value = match
	}
	for at := 0; ; {
		i := strings.Index(raw[at:], match)
		if i < 0 {
			return hits
		}
		start := base + at + i + inner
		hits = append(hits, Hit{Rule: name, Start: start, End: start + len(value)})
		at += i + len(match)
	}
}
