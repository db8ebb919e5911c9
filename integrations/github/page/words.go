package page

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"honk/integrations/github/markdown"
	"honk/internal/runner/fact"
	"honk/internal/secret"
	"honk/internal/task"
)

// maxRoom and minRoom bound what one passage of somebody's words may take, in
// bytes before escaping.
const maxRoom, minRoom = 4096, 64

// md is Markdown that is safe to post.
type md string

// words makes other people's words safe for one text.
type words struct {
	scrub *fact.Scrubber
	room  int
}

// clean takes out what nobody should see.
func (w *words) clean(text string) string { return w.scrub.Clean(text) }

// amount is one of our own amounts, of which some are less than something.
func amount(text string) md { return md(strings.ReplaceAll(text, "<", "&lt;")) }

// line is text as a part of one line.
func (w *words) line(text string, most int) md {
	return md(markdown.Line(w.clean(text), min(most, w.room)))
}

// sentence is text as a sentence of one line.
func (w *words) sentence(text string, most int) md {
	text = strings.Join(strings.Fields(w.clean(text)), " ")
	if text == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(text)
	text = secret.Clean(string(unicode.ToUpper(first))+text[size:], min(most, w.room))
	if strings.TrimRight(text, ".?!:…") == text {
		text += "."
	}
	return md(markdown.Line(text, 2*maxRoom))
}

// lines are the first lines of text that hold something.
func (w *words) lines(text string, count, most int) []md {
	var out []md
	for l := range strings.Lines(w.clean(text)) {
		if l = strings.TrimSpace(l); l == "" {
			continue
		}
		if len(out) == count {
			out[count-1] += " …"
			break
		}
		out = append(out, md(markdown.Line(l, min(most, w.room))))
	}
	return out
}

// list are up to count of texts, one line each, and how many there are more.
func (w *words) list(texts []string, count, most int) (out []md, more int) {
	for _, t := range texts[:min(len(texts), count)] {
		out = append(out, w.line(t, most))
	}
	return out, len(texts) - len(out)
}

// code is text as code within a line.
func (w *words) code(text string, most int) md {
	return md(markdown.Code(secret.Clean(w.clean(text), min(most, w.room))))
}

// codes are up to count of texts as code within a line.
func (w *words) codes(texts []string, count, most int) md {
	var parts []string
	for _, t := range texts[:min(len(texts), count)] {
		parts = append(parts, string(w.code(t, most)))
	}
	if len(texts) > count {
		parts = append(parts, "…")
	}
	return md(strings.Join(parts, ", "))
}

// cell is text as a part of a table's cell.
func (w *words) cell(text string, most int) md {
	return md(markdown.Cell(secret.Clean(w.clean(text), min(most, w.room))))
}

// cellCode is text as code in a table's cell. A bar ends a cell even within
// code, unless it is escaped.
func (w *words) cellCode(text string, most int) md {
	return md(strings.ReplaceAll(string(w.code(text, most)), "|", `\|`))
}

// fence is text as a block of code.
func (w *words) fence(text string, lines int) md {
	text = w.clean(text)
	if strings.TrimSpace(text) == "" {
		return ""
	}
	return md(markdown.Fence(secret.Clean(text, w.room), lines))
}

// login matches what GitHub allows as an account's name.
var login = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,38}$`)

// person names who asked; on GitHub they are told by it.
func (w *words) person(source task.Source, name string) md {
	switch {
	case name == "":
		return ""
	case source != task.SourceCLI && login.MatchString(name):
		return md("@" + name)
	}
	return w.code(name, 80)
}
