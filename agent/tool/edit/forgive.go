package edit

import (
	"slices"
	"strings"
)

// pass is one way to compare lines more loosely than byte by byte.
type pass struct {
	note string
	norm func(line string) string
	// indent says that the comparison ignores indentation, so that the new
	// text takes the file's.
	indent bool
}

// passes go from strict to loose; each forgives what the one before does.
func passes() []pass {
	return []pass{
		{"trailing white space was ignored", func(s string) string { return strings.TrimRight(s, " \t") }, false},
		{"indentation was ignored; the new text was indented like the file", strings.TrimSpace, true},
		{"white space was ignored; the new text was indented like the file", collapse, true},
		{"typographic dashes, quotes and spaces were read as ASCII; the new text was indented like the file", func(s string) string { return collapse(fold(s)) }, true},
	}
}

func collapse(s string) string { return strings.Join(strings.Fields(s), " ") }

// fold maps Unicode dashes, quotes and spaces to the ASCII ones.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '‐', '‑', '‒', '–', '—', '―', '−':
			return '-'
		case '‘', '’', '‚', '‛':
			return '\''
		case '“', '”', '„', '‟':
			return '"'
		case '\u00a0', '\u2002', '\u2003', '\u2004', '\u2005', '\u2006', '\u2007',
			'\u2008', '\u2009', '\u200a', '\u202f', '\u205f', '\u3000':
			return ' '
		}
		return r
	}, s)
}

// forgive looks for whole lines that equal old but for white space. It
// returns the place, what to put there, and what was forgiven; the note is
// empty when there is no such place. Several places are refused.
func (f *file) forgive(old, text string) (s span, repl, note, refusal string) {
	if strings.TrimSpace(old) == "" {
		return span{}, "", "", ""
	}
	want := strings.Split(strings.TrimSuffix(old, "\n"), "\n")
	have := strings.Split(f.lf, "\n")
	for _, p := range passes() {
		starts := windows(normalised(have, p.norm), normalised(want, p.norm))
		if len(starts) == 0 {
			continue
		}
		spans := f.lineSpans(have, starts, len(want), strings.HasSuffix(old, "\n"))
		if len(starts) > 1 {
			return span{}, "", "", f.ambiguous(spans, " when "+ignoring(p.note))
		}
		s := spans[0]
		if p.indent {
			text = reindent(text, want, have[starts[0]:starts[0]+len(want)], have)
		}
		// The last line of a file without a final newline stays so.
		if s.to == len(f.lf) && !strings.HasSuffix(f.lf, "\n") {
			text = strings.TrimSuffix(text, "\n")
		}
		return s, text, p.note, ""
	}
	return span{}, "", "", ""
}

func ignoring(note string) string {
	note, _, _ = strings.Cut(note, ";")
	return strings.NewReplacer(" was ", " is ", " were ", " are ").Replace(note)
}

func normalised(lines []string, norm func(string) string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = norm(l)
	}
	return out
}

// windows returns where want occurs in have as consecutive elements.
func windows(have, want []string) []int {
	var out []int
	for i := 0; i+len(want) <= len(have); i++ {
		if slices.Equal(have[i:i+len(want)], want) {
			out = append(out, i)
		}
	}
	return out
}

// lineSpans are the byte ranges of n lines from each start, with the last
// line's newline if newline is set.
func (f *file) lineSpans(lines []string, starts []int, n int, newline bool) []span {
	begin := make([]int, len(lines)+1)
	for i, l := range lines {
		begin[i+1] = begin[i] + len(l) + 1
	}
	var out []span
	for _, i := range starts {
		to := begin[i+n]
		if !newline {
			to--
		}
		out = append(out, span{begin[i], min(to, len(f.lf))})
	}
	return out
}
