package markdown

import (
	"html"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"honk/internal/secret"
)

// token is one character, or a piece of code.
type token struct {
	r rune
	// plain says that the character stood escaped and means itself.
	plain bool
	code  string
}

// address matches what GitHub makes a link of by itself.
var address = regexp.MustCompile("(?i)(?:[a-z][a-z0-9+.-]{0,20}://|www\\.|mailto:|xmpp:)[^\\s<>`…]+")

// entityHere is entity at the start of a text.
var entityHere = regexp.MustCompile("^" + entity.String())

// ending are the marks that do not belong to an address in front of them.
const ending = ".,;:!?'\")]}*_~"

// tokens takes a line apart. Links and images become their text, followed by
// the address; every address becomes code.
func tokens(line string) []token { return addresses(parts(line)) }

// addresses makes code of what would become a link, however it was written.
func addresses(line []token) []token {
	var starts []int
	at := 0
	for _, t := range line {
		starts = append(starts, at)
		at += len(text(t))
	}
	all, next := text(line...), 0
	var out []token
	for _, loc := range address.FindAllStringIndex(all, -1) {
		url := strings.TrimRight(all[loc[0]:loc[1]], ending)
		from, _ := slices.BinarySearch(starts, loc[0])
		to, _ := slices.BinarySearch(starts, loc[0]+len(url))
		out = append(append(out, line[next:from]...), token{code: url})
		next = to
	}
	return append(out, line[next:]...)
}

// text is what tokens say, with a backtick for code.
func text(line ...token) string {
	var out strings.Builder
	for _, t := range line {
		if t.code != "" {
			t.r = '`'
		}
		out.WriteRune(t.r)
	}
	return out.String()
}

func parts(line string) []token {
	var out []token
	for i := 0; i < len(line); {
		rest := line[i:]
		switch c := rest[0]; {
		case c == '\\' && len(rest) > 1 && punct(rest[1]):
			out = append(out, token{r: rune(rest[1]), plain: true})
			i += 2
		case c == '`':
			n, run := spanSize(rest), ticks(rest)
			if n > 0 {
				out = append(out, code(unpad(rest[run:n-run])))
			} else {
				out = append(out, literal(rest[:run])...)
			}
			i += max(n, run)
		case c == '&' && entityHere.MatchString(rest):
			coded := entityHere.FindString(rest)
			out = append(out, literal(oneSpace(html.UnescapeString(coded)))...)
			i += len(coded)
		case c == '[' || c == '!' && strings.HasPrefix(rest, "!["):
			n, show := link(rest)
			if n == 0 {
				n, show = 1, []token{{r: rune(c)}}
			}
			out = append(out, show...)
			i += n
		default:
			r, n := utf8.DecodeRuneInString(rest)
			out = append(out, token{r: r})
			i += n
		}
	}
	return out
}

// link reads a link or image and returns its length and what to show for it.
func link(text string) (int, []token) {
	start := strings.IndexByte(text, '[') + 1
	end := closing(text[start:])
	if end < 0 || !strings.HasPrefix(text[start+end:], "](") {
		return 0, nil
	}
	d, ok := parseDestination(text[start+end+1:])
	if !ok {
		return 0, nil
	}
	words := text[start : start+end]
	if strings.Contains(words, "[") {
		// One level is enough for what is only to be read.
		words = strings.NewReplacer("![", "", "[", "", "]", "").Replace(words)
	}
	show := parts(words)
	if d.url == "" || d.url == words {
		return start + end + 1 + d.size, show
	}
	if len(show) > 0 {
		show = append(show, literal(" ")...)
	}
	show = append(show, token{r: '('}, code(oneSpace(d.url)), token{r: ')'})
	return start + end + 1 + d.size, show
}

// code is a piece of code, or a space where nothing of it would be seen.
func code(text string) token {
	if Code(text) == "" {
		return token{r: ' '}
	}
	return token{code: text}
}

func literal(text string) []token {
	out := make([]token, 0, len(text))
	for _, r := range text {
		out = append(out, token{r: r, plain: true})
	}
	return out
}

// oneSpace is decoded text without what is not seen and without line ends.
func oneSpace(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, secret.Clean(text, 0))
}

// unpad removes the spaces that keep backticks apart from the marks.
func unpad(code string) string {
	if len(code) > 2 && code[0] == ' ' && code[len(code)-1] == ' ' && strings.TrimSpace(code) != "" {
		return code[1 : len(code)-1]
	}
	return code
}

// line writes a line.
func (e *escaper) line(line []token) {
	from := len(e.out)
	all := ruler.MatchString(text(line...))
	for i, t := range line {
		if t.code != "" {
			e.code(t.code)
			continue
		}
		if t.r == ' ' {
			if len(e.out) == from || e.out[len(e.out)-1] == ' ' {
				continue
			}
			e.room(&e.word)
		}
		next := rune(0)
		if i+1 < len(line) && line[i+1].code == "" {
			next = line[i+1].r
		}
		if !e.add(escape(t, all || begins(line[:i], t.r, next)), 1) {
			return
		}
		if reference(line[:i], t.r) {
			e.out = append(e.out, "&#8203;"...)
		}
	}
	for len(e.out) > from && e.out[len(e.out)-1] == ' ' {
		e.out = e.out[:len(e.out)-1]
		e.seen--
	}
}

// code writes a piece of code.
func (e *escaper) code(text string) {
	if e.cell {
		text = strings.ReplaceAll(text, "|", "¦")
	}
	code := Code(text)
	if last := len(e.out) - 1; last >= 0 && e.out[last] == '`' && !e.add(" ", 1) {
		return
	}
	n := utf8.RuneCountInString(text)
	if left := e.max - e.seen; e.max > 0 && n > left && e.word == 0 && left > 1 {
		// Better a part of the only word than nothing.
		e.out = append(e.out, Code(string([]rune(text)[:left-1]))...)
		e.hard, e.word = len(e.out), len(e.out)
		e.cut()
		return
	}
	e.add(code, n)
}

// escape writes one character; special says that it would begin a block.
func escape(t token, special bool) string {
	s := string(t.r)
	switch t.r {
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '&':
		return "&amp;"
	case '\\', '`', '[', ']', '|', '$':
		return `\` + s
	case '@', '#':
		special = special && t.r == '#'
	default:
		special = special || t.plain
	}
	if special && t.r < utf8.RuneSelf && punct(byte(t.r)) {
		return `\` + s
	}
	return s
}

// reference reports whether GitHub could read what ends with r as the begin
// of a mention or a reference. An invisible character behind it takes that
// away. What comes next does not count, for it may be cut off.
func reference(before []token, r rune) bool {
	if r != '-' {
		return r == '@' || r == '#'
	}
	n := len(before)
	if n < 2 || unicode.ToLower(before[n-1].r) != 'h' || unicode.ToLower(before[n-2].r) != 'g' {
		return false
	}
	return n == 2 || !unicode.IsLetter(before[n-3].r)
}

// begins reports whether r would begin a block, a command or a list's item
// behind the text before.
func begins(before []token, r, next rune) bool {
	if len(before) > 12 {
		return false
	}
	text := strings.TrimLeft(text(before...), " ")
	switch r {
	case '#', '/', '~':
		return strings.Trim(text, string(r)) == ""
	case '-', '+', '*':
		return text == "" && (next == ' ' || next == 0)
	case '.', ')':
		return text != "" && strings.Trim(text, "0123456789") == "" && (next == ' ' || next == 0)
	}
	return false
}

func punct(c byte) bool {
	return '!' <= c && c <= '/' || ':' <= c && c <= '@' || '[' <= c && c <= '`' || '{' <= c && c <= '~'
}
