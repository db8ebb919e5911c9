package grammar

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Find looks for a command in a Markdown comment. The first line that is not
// blank, quoted or code must begin with trigger as a whole word. rest is all
// that follows the trigger, further lines verbatim.
func Find(text, trigger string) (rest string, ok bool) {
	if trigger == "" {
		return "", false
	}
	fence := ""
	for len(text) > 0 {
		line, after, _ := strings.Cut(text, "\n")
		indent, body := indentation(line)
		body = strings.TrimRightFunc(body, unicode.IsSpace)
		switch {
		case fence != "":
			if indent < 4 && closes(body, fence) {
				fence = ""
			}
		case body == "" || indent >= 4 || body[0] == '>':
		case opens(body) != "":
			fence = opens(body)
		default:
			rest, ok = strings.CutPrefix(strings.TrimLeft(text, " "), trigger)
			next, _ := utf8.DecodeRuneInString(rest)
			if !ok || rest != "" && !unicode.IsSpace(next) {
				return "", false
			}
			return rest, true
		}
		text = after
	}
	return "", false
}

// indentation returns the columns of white space before line, and the rest.
func indentation(line string) (columns int, body string) {
	for i, r := range line {
		switch r {
		case ' ':
			columns++
		case '\t':
			columns += 4 - columns%4
		default:
			return columns, line[i:]
		}
	}
	return columns, ""
}

// opens returns the marks of a line that begins a fenced block, "" if it does
// not. A line with backticks in its middle is code within a sentence.
func opens(body string) string {
	mark := body[:1]
	rest := strings.TrimLeft(body, mark)
	fence := body[:len(body)-len(rest)]
	if len(fence) < 3 || mark != "~" && (mark != "`" || strings.Contains(rest, "`")) {
		return ""
	}
	return fence
}

// closes reports whether a line ends the block that fence began.
func closes(body, fence string) bool {
	return len(body) >= len(fence) && strings.Trim(body, fence[:1]) == ""
}
