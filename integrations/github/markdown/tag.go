package markdown

import (
	"regexp"
	"strings"
)

var (
	autolink = regexp.MustCompile(`^<(?:[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*|[^\s<>@/]{1,64}@[^\s<>]{1,250})>`)
	noShow   = regexp.MustCompile(`display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|opacity\s*:\s*0`)
)

// voidElements have no content. The lists are written as words between
// spaces.
const (
	voidElements = " area base br col embed hr img input link meta param source track wbr "
	// unseen are elements whose content is no text to read.
	unseen = " iframe math noembed noframes noscript object script style svg template textarea title xmp "
	// usual are the elements that GitHub shows.
	usual = " a abbr b bdo blockquote br caption center cite code col colgroup dd del details dfn div dl dt em " +
		"figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p picture pre q rp rt ruby s samp small " +
		"source span strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var video wbr "
	// plainAttributes say nothing to a reader of the source.
	plainAttributes = " align class colspan dir height href id lang open rel rowspan src srcset start style " +
		"target type valign value width hidden "
)

// tag is an HTML tag.
type tag struct {
	name   string
	closes bool
	attrs  [][2]string
	size   int
}

// angle handles a '<': comments, tags and their kin.
func (s *stripper) angle() {
	rest := s.in[s.pos:]
	raw := s.pos < s.raw
	if strings.HasPrefix(rest, "<!--") {
		s.comment()
		return
	}
	if link := autolink.FindString(rest); link != "" && !raw {
		s.keep(len(link), false)
		return
	}
	if end := declarationEnd(rest, raw); end != "" {
		if i := strings.Index(rest, end); i >= 0 {
			s.drop(i+len(end), hiddenComment)
		} else if raw {
			s.drop(len(rest), hiddenComment)
		} else {
			s.keep(1, false)
		}
		return
	}
	if t, ok := parseTag(rest, raw); ok {
		s.tag(t)
		return
	}
	if raw && len(rest) > 1 && (letter(rest[1]) || rest[1] == '/') {
		// HTML that never ends takes what follows with it.
		s.drop(len(rest), hiddenElement)
		return
	}
	s.keep(1, false)
}

// declarationEnd returns what ends the declaration or instruction that text
// begins with, "" when it is none.
func declarationEnd(text string, raw bool) string {
	switch {
	case strings.HasPrefix(text, "<![CDATA["):
		return "]]>"
	case strings.HasPrefix(text, "<?"):
		return "?>"
	case len(text) > 2 && text[1] == '!' && (letter(text[2]) || raw),
		raw && len(text) > 2 && text[1] == '/' && !letter(text[2]):
		return ">"
	}
	return ""
}

// comment drops a comment. One that does not end, or whose end may be plain
// text to GitHub because the block it began in was over, takes all with it.
func (s *stripper) comment() {
	rest := s.in[s.pos:]
	size := len(rest)
	if i := strings.Index(rest[4:], "-->"); i >= 0 {
		size = 4 + i + 3
	}
	body := rest[:size]
	start := strings.LastIndexByte(s.in[:s.pos], '\n') + 1
	before := s.in[start:s.pos]
	if strings.Contains(body, "\n") && (len(before) > 3 || strings.TrimLeft(before, " ") != "") {
		prefix := containers.FindString(before)
		quoted := strings.Contains(prefix, ">")
		for line := range strings.SplitSeq(body[lineEnd(body)+1:], "\n") {
			trimmed := strings.TrimLeft(line, " ")
			if trimmed == "" || quoted && trimmed[0] != '>' || !quoted && len(line)-len(trimmed) < len(prefix) {
				size = len(rest)
			}
		}
		s.drop(size, hiddenComment)
		return
	}
	s.note(hiddenComment)
	s.pos += size
}

// tag drops a tag, and what the element holds when it is not to be seen.
func (s *stripper) tag(t tag) {
	shown := true
	for _, a := range t.attrs {
		name, value := a[0], lowerASCII(a[1])
		switch {
		case name == "hidden", name == "style" && noShow.MatchString(value):
			shown = false
		case value == "" || listed(plainAttributes, name):
		case name == "alt":
			s.note(hiddenAlt)
		default:
			s.note(hiddenAttribute)
		}
	}
	size, kind := t.size, ""
	if !listed(usual+unseen, t.name) {
		kind = hiddenTag
	}
	opens := !t.closes && !listed(voidElements, t.name)
	if opens && (!shown || listed(unseen, t.name)) {
		if end := s.elementEnd(t); end > 0 {
			size, kind = end, hiddenElement
		} else if !shown {
			size, kind = len(s.in)-s.pos, hiddenElement
		}
	}
	s.drop(size, kind)
	switch {
	case t.name == "img" && shown:
		s.say("[image]")
	case t.name == "br":
		s.say("\n")
	}
}

// elementEnd returns the length of the element at pos that t opens, 0 when
// it is not closed.
func (s *stripper) elementEnd(t tag) int {
	if s.unclosed[t.name] {
		return 0
	}
	text := s.lower[s.pos:]
	depth := 1
	for at := t.size; ; {
		i := strings.IndexByte(text[at:], '<')
		if i < 0 {
			break
		}
		at += i
		inner, ok := parseTag(text[at:], true)
		if !ok && nameSize(strings.TrimPrefix(text[at+1:], "/"), true) > 0 {
			break
		}
		switch {
		case !ok:
			inner.size = 1
		case inner.name == t.name && inner.closes:
			depth--
		case inner.name == t.name && !listed(unseen, t.name):
			depth++
		}
		at += inner.size
		if depth == 0 {
			return at
		}
	}
	s.unclosed[t.name] = true
	return 0
}

// parseTag reads the tag at the start of text. In a block of HTML a browser's
// rules count, which take nearly anything; elsewhere only what Markdown takes
// for a tag is one.
func parseTag(text string, raw bool) (tag, bool) {
	var t tag
	at := 1
	if strings.HasPrefix(text[at:], "/") {
		t.closes = true
		at++
	}
	n := nameSize(text[at:], raw)
	if n == 0 {
		return t, false
	}
	t.name = lowerASCII(text[at : at+n])
	at += n
	for {
		space := blank(text[at:])
		if !raw && strings.Count(text[at:at+space], "\n") > 1 {
			return t, false
		}
		at += space
		switch {
		case at >= len(text):
			return t, false
		case text[at] == '>':
			t.size = at + 1
			return t, true
		case text[at] == '/' && (raw || strings.HasPrefix(text[at:], "/>")):
			at++
			continue
		case !raw && space == 0:
			return t, false
		}
		attr, n := parseAttribute(text[at:], raw)
		if n == 0 {
			return t, false
		}
		t.attrs = append(t.attrs, attr)
		at += n
	}
}

// parseAttribute reads name, name=value or name="value"; n is 0 for none.
func parseAttribute(text string, raw bool) (attr [2]string, n int) {
	for n < len(text) && strings.IndexByte(" \t\n/>=", text[n]) < 0 {
		if !raw && strings.IndexByte("\"'<`", text[n]) >= 0 {
			return attr, 0
		}
		n++
	}
	if !raw && (n == 0 || !letter(text[0]) && text[0] != '_' && text[0] != ':') {
		return attr, 0
	}
	n = max(n, 1)
	attr[0] = lowerASCII(text[:n])
	at := n + blank(text[n:])
	if at >= len(text) || text[at] != '=' {
		return attr, n
	}
	at++
	at += blank(text[at:])
	if at < len(text) && (text[at] == '"' || text[at] == '\'') {
		end := strings.IndexByte(text[at+1:], text[at])
		if end < 0 || !raw && blankWithin.MatchString(text[at:at+1+end]) {
			return attr, 0
		}
		attr[1] = text[at+1 : at+1+end]
		return attr, at + end + 2
	}
	end := strings.IndexAny(text[at:], " \t\n>")
	if end < 0 || !raw && (end == 0 || strings.ContainsAny(text[at:at+end], "\"'<=`")) {
		return attr, 0
	}
	attr[1] = text[at : at+end]
	return attr, at + end
}

// nameSize returns the length of the element name that text begins with.
func nameSize(text string, raw bool) int {
	if text == "" || !letter(text[0]) {
		return 0
	}
	n := 1
	for n < len(text) && strings.IndexByte(" \t\n/>", text[n]) < 0 {
		if c := text[n]; !raw && !letter(c) && (c < '0' || c > '9') && c != '-' {
			return 0
		}
		n++
	}
	return n
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func listed(words, word string) bool { return strings.Contains(words, " "+word+" ") }
