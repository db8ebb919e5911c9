package parse

import (
	"fmt"
	"regexp"
	"strings"
)

const (
	around   = 3  // lines kept on each side of a telling one
	lastKept = 60 // lines kept at the end
)

var telling = regexp.MustCompile(`(?i)error|fail|exception|panic|fatal|assert|undefined|cannot find|expected`)

// Condense shortens cleaned output to limit bytes: the lines that tell of
// something wrong with those around them, and the end.
func Condense(text string, limit int) string {
	text = strings.TrimSpace(text)
	if len(text) <= limit {
		return text
	}
	lines := strings.Split(text, "\n")
	keep := make([]bool, len(lines))
	for i, line := range lines {
		if i >= len(lines)-lastKept {
			keep[i] = true
		}
		if !telling.MatchString(line) {
			continue
		}
		for j := max(0, i-around); j <= min(len(lines)-1, i+around); j++ {
			keep[j] = true
		}
	}
	var out []string
	gap := 0
	for i, line := range lines {
		if !keep[i] {
			gap++
			continue
		}
		if gap > 0 {
			out = append(out, omitted(gap))
			gap = 0
		}
		out = append(out, line)
	}
	return Cut(strings.Join(out, "\n"), limit)
}

// Cut keeps the first 40 % and the last 60 % of limit bytes, at line ends,
// and says how many lines are missing between.
func Cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	const mark = 40
	room := max(0, limit-mark)
	head := text[:room*2/5]
	head = head[:strings.LastIndexByte(head, '\n')+1]
	tail := text[len(text)-room*3/5:]
	tail = tail[strings.IndexByte(tail, '\n')+1:]
	missing := strings.Count(text[len(head):len(text)-len(tail)], "\n")
	return strings.ToValidUTF8(head+omitted(missing)+"\n"+tail, "")
}

func omitted(n int) string { return fmt.Sprintf("[... %d lines omitted ...]", n) }
