// Package edit replaces text in a file the way a model asks for it. Everything
// here is a pure function on bytes. White space may be forgiven, content
// never: what is not found is reported with what comes closest, not guessed.
package edit

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Result is an edited file.
type Result struct {
	Data []byte
	// First and Last are the 1-based lines of Data that the first change
	// left; Last < First where lines were only removed.
	First, Last int
	// Count is how many places changed.
	Count int
	// Added and Removed count lines.
	Added, Removed int
	// Note says what was forgiven, empty for an exact match.
	Note string
}

// span is a half-open range of bytes of the file with line feeds only.
type span struct{ from, to int }

// Apply replaces old by text in src: the only place where it occurs, or every
// one with all. It matches on line feeds and writes the file's own line
// endings. Where nothing could be replaced, the refusal tells the model what
// was wrong and what to do; it is empty otherwise.
func Apply(src []byte, old, text string, all bool) (r Result, refusal string) {
	f := newFile(src)
	old, text = toLF(old), toLF(text)
	switch {
	case old == "":
		return Result{}, "`old` is empty. Give the text to replace, or use `write` for a whole file."
	case old == text:
		return Result{}, "`old` and `new` are the same, so nothing would change. Give the text as it should become in `new`."
	}
	step := 1 // places that overlap are two places
	if all {
		step = len(old)
	}
	spans := occurrences(f.lf, old, step)
	switch {
	case len(spans) == 1 || len(spans) > 1 && all:
		return f.replace(spans, text, ""), ""
	case len(spans) > 1:
		return Result{}, f.ambiguous(spans, "")
	}
	s, repl, note, refusal := f.forgive(old, text)
	switch {
	case refusal != "":
		return Result{}, refusal
	case note == "":
		return Result{}, f.missing(old, text)
	}
	if f.lf[s.from:s.to] == repl {
		return Result{}, fmt.Sprintf("`new` differs from lines %s only in white space that was forgiven, so nothing would change. View the lines and copy them exactly into `old`.", f.lineRange(s))
	}
	return f.replace([]span{s}, repl, note), ""
}

// file is a text with its carriage returns set aside.
type file struct {
	src []byte
	lf  string
	// crs are the offsets in lf of the line feeds that follow a carriage
	// return in src.
	crs []int
	// eol is what most lines end with.
	eol string
}

func newFile(src []byte) *file {
	f := &file{src: src, eol: "\n"}
	var b strings.Builder
	b.Grow(len(src))
	feeds := 0
	for i, c := range src {
		if c == '\r' && i+1 < len(src) && src[i+1] == '\n' {
			f.crs = append(f.crs, b.Len())
			continue
		}
		if c == '\n' {
			feeds++
		}
		b.WriteByte(c)
	}
	f.lf = b.String()
	if 2*len(f.crs) > feeds {
		f.eol = "\r\n"
	}
	return f
}

func toLF(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// offset maps an offset of lf to one of src.
func (f *file) offset(at int) int { return at + sort.SearchInts(f.crs, at) }

// line is the 1-based line of an offset of lf.
func (f *file) line(at int) int { return 1 + strings.Count(f.lf[:at], "\n") }

func (f *file) lineRange(s span) string {
	first, last := f.line(s.from), f.line(max(s.from, s.to-1))
	if first == last {
		return fmt.Sprint(first)
	}
	return fmt.Sprintf("%d-%d", first, last)
}

// replace puts text in the place of every span; the spans do not overlap.
func (f *file) replace(spans []span, text, note string) Result {
	out := strings.ReplaceAll(text, "\n", f.eol)
	var b bytes.Buffer
	b.Grow(len(f.src) + len(spans)*len(out))
	at := 0
	for _, s := range spans {
		b.Write(f.src[at:f.offset(s.from)])
		b.WriteString(out)
		at = f.offset(s.to)
	}
	b.Write(f.src[at:])

	r := Result{Data: b.Bytes(), Count: len(spans), Note: note}
	for _, s := range spans {
		added, removed := changedLines(f.around(s, f.lf[s.from:s.to]), f.around(s, text))
		r.Added += added
		r.Removed += removed
	}
	r.First = f.line(spans[0].from)
	r.Last = r.First + strings.Count(text, "\n")
	if text == "" || strings.HasSuffix(text, "\n") {
		r.Last--
	}
	return r
}

// around completes text, which stands in s, to whole lines.
func (f *file) around(s span, text string) []string {
	from := strings.LastIndexByte(f.lf[:s.from], '\n') + 1
	to := len(f.lf)
	if i := strings.IndexByte(f.lf[s.to:], '\n'); i >= 0 {
		to = s.to + i
	}
	return strings.Split(f.lf[from:s.from]+text+f.lf[s.to:to], "\n")
}

// changedLines counts the lines that differ once a common beginning and end
// are set aside.
func changedLines(before, after []string) (added, removed int) {
	for len(before) > 0 && len(after) > 0 && before[0] == after[0] {
		before, after = before[1:], after[1:]
	}
	for len(before) > 0 && len(after) > 0 && before[len(before)-1] == after[len(after)-1] {
		before, after = before[:len(before)-1], after[:len(after)-1]
	}
	return len(after), len(before)
}

// occurrences are the places of sub in s, each at least step bytes behind the
// one before.
func occurrences(s, sub string, step int) []span {
	var out []span
	for at := 0; ; {
		i := strings.Index(s[at:], sub)
		if i < 0 {
			return out
		}
		out = append(out, span{at + i, at + i + len(sub)})
		at += i + step
	}
}

// ambiguous is the refusal of text that occurs in several places.
func (f *file) ambiguous(spans []span, how string) string {
	const most = 10
	var lines []string
	for _, s := range spans[:min(len(spans), most)] {
		lines = append(lines, fmt.Sprint(f.line(s.from)))
	}
	lines = slices.Compact(lines)
	if len(spans) > most {
		lines = append(lines, "…")
	}
	remedy := "Add surrounding lines to `old` until it is unique, or set `replace_all`."
	if how != "" {
		remedy = "Copy the lines exactly and add surrounding ones until they are unique."
	}
	return fmt.Sprintf("`old` occurs %d times%s, at lines %s. Nothing was changed. %s",
		len(spans), how, strings.Join(lines, ", "), remedy)
}
