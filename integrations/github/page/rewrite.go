package page

import (
	"regexp"
	"strings"
)

var startLine = regexp.MustCompile(`^<!-- honk:evidence [A-Za-z0-9._:/-]{1,160} -->$`)

// Rewrite returns the body old with the evidence of fresh, a body that
// PullRequest made, in place of its own; what people wrote around it stays.
//
// Anybody who may edit the body can copy, forge or lose a marker. Evidence is
// only what stands between a start and the very next marker, when that is an
// end. The first such piece is replaced, further ones are taken out, markers
// without a partner lose their line, and where nothing is left to replace the
// evidence is added at the end. So the result has exactly one.
func Rewrite(old, fresh string) string {
	block := evidenceOf(fresh)
	if block == "" {
		return old
	}
	lines := strings.SplitAfter(old, "\n")
	var b strings.Builder
	done := false
	for i := 0; i < len(lines); i++ {
		kind := markerKind(lines[i])
		if kind == opens {
			if end := partner(lines, i); end > 0 {
				if !done {
					b.WriteString(block)
					done = true
					if strings.HasSuffix(lines[end], "\n") {
						b.WriteByte('\n')
					}
				}
				i = end
				continue
			}
		}
		if kind == text {
			b.WriteString(lines[i])
		}
	}
	if done {
		return b.String()
	}
	out := strings.TrimRight(b.String(), " \t\r\n")
	if out != "" {
		out += "\n\n"
	}
	return out + block + "\n"
}

// kind is what a line of a body is.
type kind int

const (
	text kind = iota
	opens
	closes
)

func markerKind(line string) kind {
	line = strings.TrimRight(line, " \t\r\n")
	switch {
	case line == evidenceEnd:
		return closes
	case startLine.MatchString(line):
		return opens
	}
	return text
}

// partner returns the line that ends what the one at start opens, 0 when
// another marker or the end comes first.
func partner(lines []string, start int) int {
	for i := start + 1; i < len(lines); i++ {
		switch markerKind(lines[i]) {
		case closes:
			return i
		case opens:
			return 0
		case text:
		}
	}
	return 0
}

// evidenceOf returns the last evidence of a body with its markers, "" when it
// has none. Honk writes its own at the end.
func evidenceOf(body string) string {
	lines := strings.SplitAfter(body, "\n")
	out := ""
	for i, l := range lines {
		if markerKind(l) != opens {
			continue
		}
		if end := partner(lines, i); end > 0 {
			out = strings.TrimRight(strings.Join(lines[i:end+1], ""), " \t\r\n")
		}
	}
	return out
}
