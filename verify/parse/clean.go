package parse

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLine is how many bytes of a line are kept.
const maxLine = 2000

var escape = regexp.MustCompile("\x1b\\[[0-9;:?<=>]*[ -/]*[@-~]" + // colours, cursor
	"|\x1b[\\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\\\)?" + // titles, links
	"|\x1b[ -/]*[0-~]?")

// Clean makes printable text of an output: valid UTF-8 without escape
// sequences, control and invisible characters; of a line that overwrote
// itself the last state; four or more equal lines as one.
func Clean(raw []byte) string {
	text := escape.ReplaceAllString(strings.ToValidUTF8(string(raw), "\uFFFD"), "")
	var out strings.Builder
	last, times := "", 0
	flush := func() {
		if times > 3 {
			fmt.Fprintf(&out, "%s\n(the same line %d times in all)\n", last, times)
			return
		}
		for range times {
			out.WriteString(last)
			out.WriteByte('\n')
		}
	}
	for line := range strings.Lines(text) {
		line = cleanLine(line)
		if line == last && times > 0 {
			times++
			continue
		}
		flush()
		last, times = line, 1
	}
	flush()
	cleaned := out.String()
	if !strings.HasSuffix(text, "\n") {
		cleaned = strings.TrimSuffix(cleaned, "\n")
	}
	return cleaned
}

func cleanLine(line string) string {
	line = strings.TrimRight(line, "\r\n")
	if i := strings.LastIndexByte(line, '\r'); i >= 0 {
		line = line[i+1:]
	}
	line = strings.Map(func(r rune) rune {
		if r == '\t' || !unicode.In(r, unicode.Cc, unicode.Cf) {
			return r
		}
		return -1
	}, line)
	if len(line) > maxLine {
		cut := maxLine
		for !utf8.RuneStart(line[cut]) {
			cut--
		}
		line = fmt.Sprintf("%s... (%d bytes more)", line[:cut], len(line)-cut)
	}
	return line
}

// Clip returns the first lines of text, at most that many and at most limit
// bytes, and says what is missing.
func Clip(text string, lines, limit int) string {
	text = strings.TrimRight(text, "\n ")
	all := strings.Split(text, "\n")
	kept := all
	if len(all) > lines {
		kept = all[:lines-1]
	}
	out := strings.Join(kept, "\n")
	if len(out) > limit {
		for limit > 0 && !utf8.RuneStart(out[limit]) {
			limit--
		}
		out = out[:limit] + "..."
	}
	if len(all) > lines {
		out += fmt.Sprintf("\n(%d more lines)", len(all)-len(kept))
	}
	return out
}
