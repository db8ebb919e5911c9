package markdown

import (
	"regexp"
	"strings"
)

var (
	// definition matches the label of a link definition, and some text that
	// is none.
	definition = regexp.MustCompile(`\[((?:[^\[\]\\]|\\.)+)\]:`)
	lineOver   = regexp.MustCompile(`^[ \t]*(?:\n|$)`)
	footnote   = regexp.MustCompile(`\[\^[^\[\]\s]+\]`)
)

// maxNest is how deep brackets may nest; GitHub's own limit for links.
const maxNest = 32

// destination is the part of a link behind its text.
type destination struct {
	url, title string
	// size is its length in the source, with parentheses.
	size int
}

// parseDestination reads "(url "title")" at the start of text.
func parseDestination(text string) (destination, bool) {
	at := 1 + blank(text[1:])
	url, n := parseURL(text[at:])
	if n < 0 {
		return destination{}, false
	}
	d := destination{url: url}
	at += n
	if space := blank(text[at:]); space > 0 {
		at += space
		d.title, n = parseTitle(text[at:])
		at += n
		at += blank(text[at:])
	}
	if at >= len(text) || text[at] != ')' {
		return d, false
	}
	d.size = at + 1
	return d, true
}

// parseURL reads an address, bare or in angle brackets. n is -1 for none.
func parseURL(text string) (url string, n int) {
	if strings.HasPrefix(text, "<") {
		end := strings.IndexAny(text[1:], "<>\n")
		if end < 0 || text[1+end] != '>' {
			return "", -1
		}
		return text[1 : 1+end], end + 2
	}
	depth := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c <= ' ':
			return text[:i], i
		case c == '\\' && i+1 < len(text) && text[i+1] > ' ':
			i++
		case c == '(':
			if depth++; depth > maxNest {
				return "", -1
			}
		case c == ')':
			if depth--; depth < 0 {
				return text[:i], i
			}
		}
	}
	return text, len(text)
}

// parseTitle reads a quoted title. n is 0 when there is none.
func parseTitle(text string) (title string, n int) {
	if text == "" || strings.IndexByte("\"'(", text[0]) < 0 {
		return "", 0
	}
	end := text[0]
	if end == '(' {
		end = ')'
	}
	if strings.IndexByte(text[1:], end) < 0 {
		return "", 0
	}
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == end:
			return text[1:i], i + 1
		case c == '(' && end == ')':
			return "", 0
		}
	}
	return "", 0
}

// blank returns the length of the white space that text begins with.
func blank(text string) int {
	return len(text) - len(strings.TrimLeft(text, " \t\n"))
}

// closing returns the offset of the bracket that ends the text of a link; the
// opening one stands before text. Brackets within code do not count.
func closing(text string) int {
	depth, end := 1, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '`':
			if end <= i {
				end = i + lineEnd(text[i:])
			}
			i += max(ticks(text[i:end]), spanSize(text[i:end])) - 1
		case '[':
			if depth++; depth > maxNest {
				return -1
			}
		case ']':
			if depth--; depth == 0 {
				return i
			}
		case '\n':
			if strings.HasPrefix(text[i:], "\n\n") {
				return -1
			}
		}
	}
	return -1
}

// image removes the image at pos and says that there was one.
func (s *stripper) image() bool {
	rest := s.in[s.pos:]
	end := closing(rest[2:])
	if end < 0 || !strings.HasPrefix(rest[2+end:], "](") {
		// A bracket that does not pair may still be part of the text.
		if i := strings.Index(rest, "]("); i > 0 && i < s.toParagraphEnd() {
			if _, ok := parseDestination(rest[i+1:]); ok && (end < 0 || !s.labelled(rest[2:2+end])) {
				end = i - 2
			}
		}
	}
	if end < 0 {
		return false
	}
	size, alt, after := 0, rest[2:2+end], rest[2+end+1:]
	switch {
	case strings.HasPrefix(after, "("):
		d, ok := parseDestination(after)
		if !ok {
			return false
		}
		size = d.size
		if d.title != "" {
			s.note(hiddenTitle)
		}
	case strings.HasPrefix(after, "[") && strings.Contains(after, "]"):
		i := strings.IndexByte(after, ']')
		if !s.labelled(after[1:i]) && !s.labelled(alt) {
			return false
		}
		size = i + 1
	case !s.labelled(alt):
		return false
	}
	if alt != "" {
		s.note(hiddenAlt)
	}
	s.drop(2+end+1+size, "")
	s.say("[image]")
	return true
}

// bracket handles the end of a link's text: titles and labels go.
func (s *stripper) bracket() {
	rest := s.in[s.pos+1:]
	s.keep(1, false)
	switch {
	case strings.HasPrefix(rest, "("):
		if d, ok := parseDestination(rest); ok && d.title != "" {
			s.drop(d.size, hiddenTitle)
			s.say("(" + d.url + ")")
		}
	case strings.HasPrefix(rest, "["):
		if i := strings.IndexByte(rest, ']'); i > 0 && s.labelled(rest[1:i]) {
			s.drop(i+1, hiddenLabel)
		}
	}
}

// labelled reports whether the text defines a link of that label.
func (s *stripper) labelled(text string) bool { return s.labels[label(text)] }

// label brings the label of a link to the form in which it is compared.
func label(text string) string {
	return strings.ToLower(strings.Join(strings.Fields(text), " "))
}

// definition returns the length of the link definition that content begins
// with, 0 for none. Footnotes that are shown are none.
func (s *stripper) definition(content string) int {
	end := strings.Index(content, "]:")
	if end < 2 || end > 1000 || strings.Contains(content[1:end], "[") {
		return 0
	}
	if label := content[:end+1]; label[1] == '^' && s.notes[label] > 1 {
		return 0
	}
	at := end + 2
	space := blank(content[at:])
	if strings.Count(content[at:at+space], "\n") > 1 {
		return 0
	}
	at += space
	_, n := parseURL(content[at:])
	if n <= 0 {
		return 0
	}
	at += n
	if content[1] == '^' {
		return at + lineEnd(content[at:])
	}
	if n := blank(content[at:]); n > 0 {
		_, size := parseTitle(content[at+n:])
		if end := at + n + size; size > 0 && lineOver.MatchString(content[end:]) {
			return end
		}
	}
	if !lineOver.MatchString(content[at:]) {
		return 0
	}
	return at
}

// lineEnd returns the length of the first line of text.
func lineEnd(text string) int {
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		return i
	}
	return len(text)
}
