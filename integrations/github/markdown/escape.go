package markdown

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"honk/internal/secret"
)

// maxSource is how much of a text is looked at before it is posted, in bytes.
const maxSource = 256 << 10

var (
	// item matches the mark of a list's item.
	item = regexp.MustCompile(`^( *)([-+*]|[0-9]{1,9}[.)])[ \t]+`)
	// ruler matches lines that would be a rule, a heading's underline or a
	// table's.
	ruler = regexp.MustCompile(`^[-=*_:|+~ ]+$`)
)

// Escape rebuilds text as Markdown that does nothing but be read: nobody is
// mentioned, no issue referred to or closed, no image loaded; it holds no
// link, HTML, heading or table, no marker of Honk's and no command.
// Paragraphs, lists, code and emphasis stay. At most max characters are seen
// (0 is no limit); the source is longer. Escaping twice changes nothing.
func Escape(text string, max int) string {
	e := escaper{max: max}
	listed := false
	lines := strings.Split(source(text), "\n")
	for i := 0; i < len(lines) && !e.full; i++ {
		line := strings.TrimRight(strings.ReplaceAll(lines[i], "\t", "    "), " ")
		if mark := fenceMark(strings.TrimLeft(line, " ")); mark != "" {
			i = e.block(lines, i, mark)
			listed = false
			continue
		}
		if line == "" {
			e.gap = len(e.out) > 0
			continue
		}
		e.newline()
		body := strings.TrimLeft(line, " ")
		if m := item.FindStringSubmatch(line); m != nil && !ruler.MatchString(line) && len(line) > len(m[0]) {
			indent := ""
			if listed {
				// Further in would be code.
				indent = m[1][:min(len(m[1]), 3)]
			}
			mark := strings.NewReplacer("+", "-", "*", "-").Replace(m[2]) + " "
			e.add(indent+mark, len(mark))
			body = line[len(m[0]):]
			listed = true
		} else if listed = listed && line != body && !e.gapped; listed {
			e.add("  ", 0)
		}
		e.line(tokens(body))
	}
	return e.String()
}

// Line is Escape in one line, without lists and blocks of code.
func Line(text string, max int) string {
	e := escaper{max: max}
	e.line(tokens(strings.Join(strings.Fields(source(text)), " ")))
	return e.String()
}

// Cell is Line without limit for the cell of a table. A bar within code, which
// would end the cell, becomes a broken one.
func Cell(text string) string {
	e := escaper{cell: true}
	e.line(tokens(strings.Join(strings.Fields(source(text)), " ")))
	return e.String()
}

// source is text with all but its visible characters removed.
func source(text string) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n").Replace(text)
	return secret.Clean(text, maxSource)
}

// escaper writes Markdown and counts what a reader sees of it.
type escaper struct {
	out  []byte
	max  int
	seen int
	// full says that max is reached and nothing more is written.
	full bool
	// word and hard are where out can be cut with room for an ellipsis:
	// between words, and anywhere.
	word, hard int
	// fenced is where the last block of code ends.
	fenced int
	// cell says that the text goes into a table.
	cell bool
	// gap says that blank lines come before the next line, gapped that they
	// came before this one.
	gap, gapped bool
}

// room notes that out can be cut here.
func (e *escaper) room(where *int) {
	if e.seen < e.max {
		*where = len(e.out)
	}
}

// newline ends the line before, and leaves one blank where there were some.
func (e *escaper) newline() {
	e.gapped = e.gap
	if len(e.out) > 0 {
		e.room(&e.word)
		e.room(&e.hard)
		e.out = append(e.out, '\n')
		if e.gap {
			e.out = append(e.out, '\n')
		}
		e.seen++
	}
	e.gap = false
}

// add writes a piece of which seen characters are seen, or ends the text.
func (e *escaper) add(piece string, seen int) bool {
	if e.full {
		return false
	}
	e.room(&e.hard)
	if e.max > 0 && e.seen+seen > e.max {
		e.cut()
		return false
	}
	e.out = append(e.out, piece...)
	e.seen += seen
	return true
}

// cut ends the text, at a word if it has some, with an ellipsis for the rest.
func (e *escaper) cut() {
	e.full = true
	at := e.hard
	if e.word >= at/2 {
		at = e.word
	}
	more := "…"
	if at > 0 && at == e.fenced {
		more = "\n…"
	}
	e.out = append([]byte(strings.TrimRightFunc(string(e.out[:at]), unicode.IsSpace)), more...)
}

// block copies a block of code that begins at lines[i] and returns its last
// line.
func (e *escaper) block(lines []string, i int, mark string) int {
	from, end := i+1, len(lines)
	for i = from; i < len(lines); i++ {
		body := strings.TrimSpace(lines[i])
		if len(body) >= len(mark) && strings.Trim(body, mark[:1]) == "" {
			end = i
			break
		}
	}
	code := strings.Trim(marker.Replace(strings.Join(lines[from:end], "\n")), "\n")
	if strings.TrimSpace(code) == "" {
		return i
	}
	e.newline()
	if runes := []rune(code); e.max > 0 && len(runes) > e.max-e.seen {
		if e.max-e.seen < 2 {
			e.cut()
			return i
		}
		code = string(runes[:e.max-e.seen-1]) + "…"
		e.full = true
	}
	e.out = append(e.out, strings.TrimSuffix(Fence(code, 0), "\n")...)
	e.seen += utf8.RuneCountInString(code)
	e.fenced = len(e.out)
	return i
}

// String returns what was written.
func (e *escaper) String() string { return strings.TrimRight(string(e.out), "\n ") }
