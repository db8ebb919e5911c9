package tool

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// escapes matches terminal control sequences: OSC and other strings up to
// their terminator or the end of the line, CSI, and two-byte escapes.
var escapes = regexp.MustCompile(`\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b\[[0-?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]?`)

// Clean makes a command's output fit to be read: valid UTF-8 without
// terminal sequences and control bytes, progress lines as they ended, and
// runs of four or more equal lines folded.
func Clean(out []byte) string {
	s := strings.ToValidUTF8(string(out), "\ufffd")
	s = escapes.ReplaceAllString(s, "")
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		l = strings.TrimRight(l, "\r")
		if at := strings.LastIndexByte(l, '\r'); at >= 0 {
			l = l[at+1:]
		}
		lines[i] = printable(l)
	}
	return strings.Join(fold(lines), "\n")
}

// printable drops control characters but for tabs.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r >= 0x20 && r != 0x7f && (r < 0x80 || r >= 0xa0) {
			return r
		}
		return -1
	}, s)
}

// fold keeps one of four or more equal lines in a row.
func fold(lines []string) []string {
	const most = 4
	out := lines[:0:0]
	for i := 0; i < len(lines); {
		n := 1
		for i+n < len(lines) && lines[i+n] == lines[i] {
			n++
		}
		if n < most {
			out = append(out, lines[i:i+n]...)
		} else {
			out = append(out, lines[i], fmt.Sprintf("[the line above %d times in all]", n))
		}
		i += n
	}
	return out
}

// Cut shortens s to about most bytes, the first 40 % and the last 60 %, at
// line ends where there are any near.
func Cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	head, tail := most*4/10, len(s)-most*6/10
	if at := strings.LastIndexByte(s[:head], '\n'); at > head/2 {
		head = at + 1
	}
	if at := strings.IndexByte(s[tail:], '\n'); at >= 0 && at < (len(s)-tail)/2 {
		tail += at + 1
	}
	for head > 0 && !utf8.RuneStart(s[head]) {
		head--
	}
	for tail < len(s) && !utf8.RuneStart(s[tail]) {
		tail++
	}
	gap := s[head:tail]
	return fmt.Sprintf("%s\n[%d lines, %d bytes omitted]\n%s",
		strings.TrimSuffix(s[:head], "\n"), strings.Count(gap, "\n"), len(gap), s[tail:])
}

// clip shortens a line to at most that many bytes, the last of them a mark.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	at := most - len("…")
	for at > 0 && !utf8.RuneStart(s[at]) {
		at--
	}
	return s[:at] + "…"
}

// StepBytes caps the results of one step: 25,000 tokens at three bytes each.
const StepBytes = 75_000

// Fit cuts the longest texts so that all together stay within StepBytes.
func Fit(texts []string) []string {
	total := 0
	for _, t := range texts {
		total += len(t)
	}
	if total <= StepBytes {
		return texts
	}
	// Texts below an equal share keep all; what they leave is shared anew
	// among the others, until nobody is below any more.
	limit, open := StepBytes/len(texts), len(texts)
	for {
		n, left := 0, StepBytes
		for _, t := range texts {
			if len(t) <= limit {
				left -= len(t)
			} else {
				n++
			}
		}
		if n == open {
			break
		}
		limit, open = left/n, n
	}
	const marker = 60
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = t
		if len(t) > limit {
			out[i] = Cut(t, max(limit-marker, 0))
		}
	}
	return out
}
