package markdown

import (
	"regexp"
	"strings"
)

var (
	// containers are the marks of quotes and lists before a line's content.
	containers = regexp.MustCompile(`^[ \t>]*(?:(?:[-+*]|[0-9]{1,9}[.)])[ \t]+[ \t>]*)*`)
	// fences matches text that holds the begin of a code block.
	fences = regexp.MustCompile("(?m)^[ \t>]*(?:(?:[-+*]|[0-9]{1,9}[.)])[ \t]+[ \t>]*)*(?:```|~~~)")
	// htmlBlock matches content that begins a block of HTML.
	htmlBlock   = regexp.MustCompile(`^<(?:[!?]|/?([A-Za-z][A-Za-z0-9-]*)(?:[\s/>]|$))`)
	blankLine   = regexp.MustCompile(`\n[ \t]*(?:\n|$)`)
	blankWithin = regexp.MustCompile(`\n[ \t]*\n`)
	// delimiter matches the line below a table's head.
	delimiter = regexp.MustCompile(`(?m)^[ \t>]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$`)
)

// maxWord is how far back the start of a word is looked for.
const maxWord = 2000

// line handles what can only stand at the start of a line. It reports whether
// it moved on.
func (s *stripper) line() bool {
	rest := s.in[s.pos:]
	prefix := containers.FindString(rest)
	content := rest[len(prefix):]
	if mark := fenceMark(content); mark != "" && !s.flat {
		if s.pos < s.raw {
			// GitHub may end the HTML before this line, or after it.
			s.flat = true
			return false
		}
		return s.fence(prefix, mark)
	}
	if s.pos >= s.raw {
		if m := htmlBlock.FindStringSubmatch(content); m != nil {
			at := s.pos + len(prefix)
			s.raw = at + htmlEnd(s.lower[at:], strings.ToLower(m[1]))
		}
	}
	if strings.HasPrefix(content, "[") {
		if n := s.definition(content); n > 0 {
			s.keep(len(prefix), false)
			s.drop(n, hiddenDefinition)
			return true
		}
	}
	return false
}

// htmlEnd returns where the block of HTML ends that content, in lower case,
// begins with.
func htmlEnd(content, name string) int {
	end := ">"
	switch {
	case listed(" pre script style textarea ", name):
		end = "</" + name
	case name != "" || content[1] == '/':
		return paragraphEnd(content)
	case strings.HasPrefix(content, "<!--"):
		end = "-->"
	case content[1] == '?':
		end = "?>"
	}
	i := strings.Index(content, end)
	if i < 0 {
		return len(content)
	}
	return i + lineEnd(content[i:])
}

// paragraphEnd returns where the first blank line of text is.
func paragraphEnd(text string) int {
	if loc := blankLine.FindStringIndex(text); loc != nil {
		return loc[0]
	}
	return len(text)
}

// toParagraphEnd returns how far the end of the paragraph is from pos.
func (s *stripper) toParagraphEnd() int {
	if s.paragraph <= s.pos {
		s.paragraph = s.pos + paragraphEnd(s.in[s.pos:])
	}
	return s.paragraph - s.pos
}

// fenceMark returns the marks that open a block of code, "" for none.
func fenceMark(content string) string {
	if !strings.HasPrefix(content, "```") && !strings.HasPrefix(content, "~~~") {
		return ""
	}
	rest := strings.TrimLeft(content, content[:1])
	if content[0] == '`' && strings.Contains(rest[:lineEnd(rest)], "`") {
		return ""
	}
	return content[:len(content)-len(rest)]
}

// fence keeps a block of code. At the margin there is no doubt about it; a
// block in a list or quote must be well formed, for otherwise its lines may
// be no code to GitHub, and then no later ones are certain either.
func (s *stripper) fence(prefix, mark string) bool {
	width := len(prefix)
	quoted := strings.TrimSpace(prefix) == ">" && prefix[0] == '>'
	s.flat = !quoted && strings.ContainsAny(prefix, ">\t")
	for at := s.pos; !s.flat; {
		at += lineEnd(s.in[at:])
		if at == len(s.in) {
			break
		}
		at++
		line := s.in[at : at+lineEnd(s.in[at:])]
		body := strings.TrimLeft(line, " ")
		if quoted {
			body = strings.TrimLeft(strings.TrimPrefix(line, ">"), " ")
		}
		indent := len(line) - len(body)
		s.flat = quoted && !strings.HasPrefix(line, ">") || !quoted && indent < width && body != ""
		body = strings.TrimRight(body, " \t")
		if len(body) < len(mark) || strings.Trim(body, mark[:1]) != "" {
			continue
		}
		if width == 0 && indent < 4 || width > 0 && indent == width && !s.flat {
			s.keep(at+len(line)-s.pos, true)
			return true
		}
		s.flat = s.flat || width > 0
	}
	if s.flat = s.flat || width > 0; s.flat {
		return false
	}
	s.keep(len(s.in)-s.pos, true)
	return true
}

// backtick keeps a span of inline code on one line. A run of backticks that
// finds no partner there may find one on a later line, and then it is open
// which of the others are pairs.
func (s *stripper) backtick() {
	rest := s.in[s.pos:]
	line := rest[:lineEnd(rest)]
	n := ticks(line)
	if s.flat || s.pos < s.raw || s.pos < s.plain {
		s.keep(n, false)
		return
	}
	size := spanSize(line)
	from := max(0, s.pos-maxWord)
	start := from + strings.LastIndexAny(s.in[from:s.pos], " \n\t") + 1
	word := s.lower[start:s.pos]
	// A bare address swallows backticks, and a table's cells end before code
	// is looked for.
	if size == 0 || len(word) == maxWord || strings.Contains(word, "www.") || strings.Contains(word, ":/") ||
		strings.Contains(line[:size], "|") && s.table {
		s.plain = s.pos + s.toParagraphEnd()
		s.keep(n, false)
		return
	}
	s.keep(size, true)
}

// spanSize returns the length of the code span that line begins with, 0 when
// there is none.
func spanSize(line string) int {
	n := ticks(line)
	for at := n; ; {
		i := strings.IndexByte(line[at:], '`')
		if i < 0 {
			return 0
		}
		run := ticks(line[at+i:])
		at += i + run
		if run == n {
			return at
		}
	}
}

// ticks counts the backticks that text begins with.
func ticks(text string) int { return len(text) - len(strings.TrimLeft(text, "`")) }
