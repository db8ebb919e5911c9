// Package markdown cleans text on its way from and to GitHub. What people
// wrote loses everything that its readers on GitHub do not see, and what Honk
// posts loses everything that would do more than be read.
package markdown

import (
	"html"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"honk/internal/secret"
)

// MaxText is how much of a text Strip reads, in bytes: what GitHub allows.
const MaxText = 64 << 10

// The kinds of hidden text, in words for people.
const (
	hiddenComment    = "HTML comment"
	hiddenElement    = "hidden HTML element"
	hiddenAttribute  = "HTML attribute"
	hiddenTag        = "unknown HTML tag"
	hiddenAlt        = "image alt text"
	hiddenTitle      = "link title"
	hiddenLabel      = "link label"
	hiddenLink       = "link without text"
	hiddenDefinition = "link definition"
	hiddenRest       = "text beyond 64 KiB"
)

// rounds bounds how often entities are decoded and what then appears is
// stripped again.
const rounds = 8

var entity = regexp.MustCompile(`&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});`)

// Strip returns what a person sees of a comment on GitHub, as Markdown, and
// the kinds of what they do not see, each once. Code stays as it is but for
// invisible characters. Where it is not certain that GitHub shows a piece as
// code, or shows it at all, it counts as hidden.
func Strip(text string) (clean string, hidden []string) {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	s := stripper{in: text, found: &hidden}
	if len(text) > MaxText {
		cut := MaxText
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		s.in = text[:cut]
		s.note(hiddenRest)
	}
	var out strings.Builder
	for _, c := range s.run() {
		if c.code {
			out.WriteString(s.visible(c.text))
		} else {
			out.WriteString(s.settle(c.text))
		}
	}
	return strings.TrimSpace(secret.Clean(out.String(), 0)), hidden
}

// settle strips text outside code until nothing hidden appears any more, as
// entities are decoded and pieces that were apart come together.
func (s *stripper) settle(text string) string {
	for range rounds {
		before := text
		text = s.visible(entity.ReplaceAllStringFunc(text, html.UnescapeString))
		flat := stripper{in: text, found: s.found, flat: true}
		text = ""
		for _, c := range flat.run() {
			text += c.text
		}
		if text == before {
			break
		}
	}
	return text
}

// visible removes invisible characters and notes their kinds.
func (s *stripper) visible(text string) string {
	for _, r := range secret.Invisible(text) {
		s.note(string(r.Kind) + " characters")
	}
	return secret.Clean(text, 0)
}

// chunk is a piece of what remains.
type chunk struct {
	text string
	code bool
}

// stripper goes over a text once, from left to right.
type stripper struct {
	in    string
	pos   int
	out   []chunk
	found *[]string

	// flat says that no code is recognised any more, because it is not
	// certain where GitHub sees it.
	flat bool
	// raw is where a block of HTML ends: until there nothing is code.
	raw int
	// plain is where a paragraph ends in which inline code is uncertain.
	plain int
	// paragraph is where the paragraph of pos ends, if that is behind pos.
	paragraph int

	lower string
	// table says that the text may hold a table.
	table bool
	// labels are those that links and images can refer to.
	labels map[string]bool
	// notes counts how often a footnote is named, its text included.
	notes map[string]int
	// unclosed are names of elements that are not closed after pos.
	unclosed map[string]bool
}

func (s *stripper) note(kind string) {
	if !slices.Contains(*s.found, kind) {
		*s.found = append(*s.found, kind)
	}
}

// keep moves n bytes to what remains.
func (s *stripper) keep(n int, code bool) {
	text := s.in[s.pos : s.pos+n]
	s.pos += n
	s.out = append(s.out, chunk{text: text, code: code})
}

// drop removes n bytes as hidden text of a kind. What spans lines may have
// swallowed the start of a code block that GitHub sees.
func (s *stripper) drop(n int, kind string) {
	n = min(n, len(s.in)-s.pos)
	if kind != "" {
		s.note(kind)
	}
	if fences.MatchString(s.in[s.pos : s.pos+n]) {
		s.flat = true
	}
	s.pos += n
}

// say puts text of ours in the place of what was dropped.
func (s *stripper) say(text string) { s.out = append(s.out, chunk{text: text}) }

// run strips the whole text.
func (s *stripper) run() []chunk {
	s.lower = lowerASCII(s.in)
	s.table = delimiter.MatchString(s.in)
	s.unclosed, s.labels = map[string]bool{}, map[string]bool{}
	for _, m := range definition.FindAllStringSubmatch(s.in, -1) {
		s.labels[label(m[1])] = true
	}
	s.notes = map[string]int{}
	for _, m := range footnote.FindAllString(s.in, -1) {
		s.notes[m]++
	}
	for s.pos < len(s.in) {
		if s.pos == 0 || s.in[s.pos-1] == '\n' {
			if s.line() {
				continue
			}
		}
		n := strings.IndexAny(s.in[s.pos:], "\n`\\<![]")
		if n < 0 {
			n = len(s.in) - s.pos
		}
		if n > 0 {
			s.keep(n, false)
			continue
		}
		s.special()
	}
	return join(s.out)
}

// special handles the character at pos, which may begin something.
func (s *stripper) special() {
	rest := s.in[s.pos:]
	switch {
	case rest[0] == '`':
		s.backtick()
	case rest[0] == '<':
		s.angle()
	case rest[0] == ']':
		s.bracket()
	case len(rest) > 1 && rest[0] == '\\' && strings.IndexByte("`!]", rest[1]) >= 0 && s.pos >= s.raw:
		// In HTML a backslash is no escape, so an escaped '<' still counts.
		s.keep(2, false)
	case strings.HasPrefix(rest, "![") && s.image():
	case strings.HasPrefix(rest, "[]("):
		if d, ok := parseDestination(rest[2:]); ok {
			s.drop(2+d.size, hiddenLink)
			return
		}
		s.keep(1, false)
	default:
		s.keep(1, false)
	}
}

// join puts neighbours of one kind together, so that what is hidden across
// them is found.
func join(chunks []chunk) []chunk {
	var out []chunk
	var text strings.Builder
	for i, c := range chunks {
		text.WriteString(c.text)
		if i+1 == len(chunks) || chunks[i+1].code != c.code {
			out = append(out, chunk{text: text.String(), code: c.code})
			text.Reset()
		}
	}
	return out
}

// lowerASCII keeps offsets, which strings.ToLower does not.
func lowerASCII(text string) string {
	b := []byte(text)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
