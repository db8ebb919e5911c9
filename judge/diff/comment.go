package diff

import "strings"

// IsComment reports whether the whole line is a comment, and none that the
// compiler obeys.
func (f *File) IsComment(text string) bool {
	text = strings.TrimSpace(text)
	obeyed := strings.HasPrefix(text, "//go:") || strings.HasPrefix(text, "// +build") || strings.HasPrefix(text, "//+build")
	return f.Lang != nil && !obeyed && (f.Lang.comment != "" && strings.HasPrefix(text, f.Lang.comment) ||
		f.Lang.block && (strings.HasPrefix(text, "/*") || strings.HasPrefix(text, "* ")))
}

// Enclosing returns, for each line of a hunk, the test of the new side that
// it stands in or decorates, "" where there is none.
func (f *File) Enclosing(h []Line) []string {
	out := make([]string, len(h))
	if f.Lang == nil || f.Lang.Def == nil {
		return out
	}
	var above []string
	name, pending := "", 0
	for i, l := range h {
		if l.Op == '-' {
			continue
		}
		text := strings.TrimSpace(l.Text)
		if def := f.Lang.TestName(l.Text, above); def != "" {
			name = def
			// The decorators right above belong to it.
			for j := pending; j < i; j++ {
				out[j] = name
			}
		}
		out[i] = name
		above = append(above, l.Text)
		if !decorates(text) {
			pending = i + 1
		} else {
			out[i] = ""
		}
	}
	return out
}

// decorates reports whether a line is an annotation, which belongs to what
// follows it.
func decorates(text string) bool {
	return strings.HasPrefix(text, "@") || strings.HasPrefix(text, "#[") || strings.HasPrefix(text, "[")
}

// DefinesTest reports whether the deleted file's tests are accounted for by
// name.
func (f *File) DefinesTest() bool {
	var above []string
	for _, l := range f.Lines('-') {
		if f.Lang.Def != nil && f.Lang.TestName(l.Text, above) != "" {
			return true
		}
		above = append(above, l.Text)
	}
	return false
}

// Stripper takes comments out of lines that follow each other. It knows
// strings well enough for a second look, not for a compiler.
type Stripper struct{ inBlock bool }

// Strip returns the line without its comments.
func (s *Stripper) Strip(l *Language, text string) string {
	if l == nil {
		return text
	}
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(text); i++ {
		rest := text[i:]
		switch {
		case s.inBlock:
			if strings.HasPrefix(rest, "*/") {
				s.inBlock = false
				i++
			}
			continue
		case quote != 0:
			if text[i] == '\\' && i+1 < len(text) {
				b.WriteByte(text[i])
				i++
			} else if text[i] == quote {
				quote = 0
			}
		case text[i] == '"' || text[i] == '`' || text[i] == '\'' && strings.Count(rest, "'") > 1:
			quote = text[i]
		case l.block && strings.HasPrefix(rest, "/*"):
			s.inBlock = true
			i++
			continue
		case l.comment != "" && strings.HasPrefix(rest, l.comment):
			return strings.TrimRight(b.String(), " \t")
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
