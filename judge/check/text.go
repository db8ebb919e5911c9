package check

import (
	"bytes"
	"path"
	"strings"

	"honk/internal/secret"
	"honk/internal/task"
	"honk/judge/diff"
)

// secrets vetoes secrets in added lines and in names.
func (c *checker) secrets() {
	if c.Secrets == nil {
		return
	}
	for _, f := range c.files {
		at := Finding{Check: "secrets", Severity: Veto, File: f.Path}
		for _, h := range c.Secrets.Scan(f.Path) {
			c.report(at, "a secret in the file name (%s); a person must look and revoke it", h.Rule)
		}
		added := f.Lines('+')
		texts := make([]string, len(added))
		for i, l := range added {
			texts[i] = l.Text
		}
		for _, h := range c.Secrets.Scan(strings.Join(texts, "\n")) {
			l := added[min(h.Line, len(added))-1]
			// Unless Honk knows the secret, one that was there already and
			// moved with its line is no news.
			if h.Rule != "known-secret" && c.removedToo(l.Text) {
				continue
			}
			at.Line = l.Num
			c.report(at, "a secret (%s); remove it and read it from the environment", h.Rule)
		}
		at.Line = 0
		for _, h := range c.Secrets.Scan(c.binary(f)) {
			c.report(at, "a secret (%s) in a binary file; remove it", h.Rule)
		}
	}
}

// binary returns what a binary file holds after the change, "" for text and
// for what is too large to be delivered.
func (c *checker) binary(f *diff.File) string {
	if !f.Binary || f.Kind == task.ChangeDeleted || f.Size > sizeMax {
		return ""
	}
	base, _ := c.base(f.Path)
	content, err := f.After(base)
	if err != nil || len(content) > sizeMax {
		return ""
	}
	return string(content)
}

// invisible vetoes characters that hide text from whoever reviews it.
func (c *checker) invisible() {
	for _, f := range c.files {
		was := map[rune]int{}
		for _, l := range f.Lines('-') {
			for _, r := range secret.Invisible(l.Text) {
				was[r.Value]++
			}
		}
		for _, l := range f.Lines('+') {
			for _, r := range secret.Invisible(l.Text) {
				if was[r.Value]--; was[r.Value] >= 0 || r.Kind == secret.Invalid {
					continue
				}
				at := Finding{Check: "invisible", Severity: Veto, File: f.Path, Line: l.Num}
				if r.Kind == secret.Control {
					at.Severity = Flag
				}
				c.report(at, "a %s character (%U); write it as an escape or remove it", r.Kind, r.Value)
				break
			}
		}
	}
}

var (
	scratch  = re(`(?i)(?:\.(?:orig|rej|bak|swp|swo|tmp|pyc|log)|~|(?:^|/)(?:\.DS_Store|Thumbs\.db|nohup\.out|core|a\.out|scratch(?:[_.-][^/]*)?|te?mp(?:[_.-][^/]*)?|repro(?:duce)?(?:[_-][^/]*)?\.\w+|debug_[^/]*\.\w+))$`)
	conflict = re(`^(?:<{7} \S|>{7} \S|\|{7} \S)`)
	reformat = re(`(?i)\b(?:(?:re)?format\w*|(?:re)?indent\w*|gofmt|prettier|black|white ?space|line endings?|crlf|tabs?|spaces)\b`)
)

// hygiene sends back what was left lying about.
func (c *checker) hygiene() {
	for _, f := range c.files {
		at := Finding{Check: "hygiene", Severity: Revise, File: f.Path}
		if f.Kind == task.ChangeAdded && scratch.MatchString(f.Path) && !c.ask.names(f.Path) {
			c.report(at, "%q looks like a scratch file; delete it", path.Base(f.Path))
		}
		added, removed := f.Lines('+'), f.Lines('-')
		for _, l := range added {
			if conflict.MatchString(l.Text) {
				at.Line = l.Num
				c.report(at, "a conflict marker; resolve it")
				break
			}
		}
		at.Line = 0
		if len(removed) > 0 && !c.ask.matches(reformat) {
			c.rewritten(f, at, added, removed)
		}
	}
}

// rewritten compares the two sides of a file's change without white space.
func (c *checker) rewritten(f *diff.File, at Finding, added, removed []diff.Line) {
	flat, same := map[string]int{}, map[string]int{}
	for _, l := range removed {
		flat[squeeze(l.Text)]++
		same[l.Text]++
	}
	equal, flipped := 0, 0
	for _, l := range added {
		if same[l.Text] > 0 { // Moved as it was.
			same[l.Text]--
			continue
		}
		if key := squeeze(l.Text); key != "" && flat[key] > 0 {
			flat[key]--
			equal++
			text, cr := strings.CutSuffix(l.Text, "\r")
			if cr && same[text] > 0 || !cr && same[text+"\r"] > 0 {
				flipped++
			}
		}
	}
	// A block that moves one level in is no rewrite; a file of which four
	// fifths do is.
	whole := 100
	if base, ok := c.base(f.Path); ok {
		whole = max(20, bytes.Count(base, []byte("\n"))*8/10)
	}
	switch {
	case flipped >= 3 && flipped*10 >= len(removed)*8:
		c.report(at, "the line endings change (CRLF against LF); keep the file's own")
	case len(removed) >= whole && equal*10 >= len(removed)*8:
		c.report(at, "%d of %d removed lines come back with other white space; keep the formatting", equal, len(removed))
	}
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }
