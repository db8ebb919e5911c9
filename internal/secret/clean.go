package secret

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kind sorts runes that a reader does not see.
type Kind string

// The kinds of invisible runes.
const (
	Bidi      Kind = "bidi"
	ZeroWidth Kind = "zero-width"
	Tag       Kind = "tag"
	Control   Kind = "control"
	Invalid   Kind = "invalid UTF-8"
)

// Rune is an invisible rune and its byte offset.
type Rune struct {
	Kind   Kind
	Value  rune
	Offset int
}

// escapes matches terminal sequences: OSC, DCS and their kin up to their
// terminator or the end of the line, CSI, and two-letter escapes.
var escapes = regexp.MustCompile("(?:\x1b[\\]PX^_]|\u009d|\u0090)[^\x07\x1b\n\u009c]*(?:\x07|\x1b\\\\|\u009c)?|(?:\x1b\\[|\u009b)[0-?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]?")

// Clean makes text fit to be shown: valid UTF-8 of at most max bytes (0 means
// no limit) without terminal sequences, control, bidirectional, zero-width
// and tag characters. Line feeds and tabs stay.
func Clean(text string, max int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if strings.ContainsAny(text, "\x1b\u009d\u0090\u009b") {
		text = escapes.ReplaceAllString(text, "")
	}
	text = strings.Map(func(r rune) rune {
		if _, hidden := kindOf(r); hidden {
			return -1
		}
		return r
	}, text)
	if max <= 0 || len(text) <= max {
		return text
	}
	const more = "…"
	cut := max - len(more)
	if cut < 0 {
		return ""
	}
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + more
}

// Invisible returns the runes of text that a reader would not see, but for
// those with honest work to do where they stand: joiners within emoji and
// within scripts that join their letters, direction marks beside a script
// that runs from right to left, and a byte order mark at the very start.
func Invisible(text string) []Rune {
	var found []Rune
	prev := rune(0)
	for i, r := range text {
		size := utf8.RuneLen(r)
		kind, hidden := kindOf(r)
		if r == utf8.RuneError && strings.HasPrefix(text[i:], "\uFFFD") {
			hidden = false
		} else if r == utf8.RuneError {
			kind, hidden, size = Invalid, true, 1
		}
		if hidden {
			next, _ := utf8.DecodeRuneInString(text[i+size:])
			if !(honest(prev, r, next) || r == '\uFEFF' && i == 0) {
				found = append(found, Rune{Kind: kind, Value: r, Offset: i})
			}
		}
		prev = r
	}
	return found
}

func kindOf(r rune) (Kind, bool) {
	switch {
	case r == '\n' || r == '\t':
		return "", false
	case r < 0x20 || 0x7F <= r && r <= 0x9F:
		return Control, true
	case 0x202A <= r && r <= 0x202E, 0x2066 <= r && r <= 0x2069, r == 0x200E, r == 0x200F, r == 0x061C:
		return Bidi, true
	case 0xE0000 <= r && r <= 0xE007F, 0xE0100 <= r && r <= 0xE01EF:
		return Tag, true
	case 0x200B <= r && r <= 0x200D, 0x2060 <= r && r <= 0x2065, 0x206A <= r && r <= 0x206F,
		r == 0xFEFF, r == 0x00AD, r == 0x034F, r == 0x180E, r == 0x115F, r == 0x1160, r == 0x3164, r == 0xFFA0:
		return ZeroWidth, true
	}
	return "", false
}

// honest reports whether the invisible r has a use between its neighbours.
func honest(prev, r, next rune) bool {
	switch r {
	case '\r':
		return next == '\n' || next == utf8.RuneError
	case 0x200D: // joiner
		return emoji(prev) && emoji(next) || joining(prev)
	case 0x200C: // non-joiner
		return joining(prev)
	case 0x200E, 0x200F, 0x061C:
		rtl := []*unicode.RangeTable{unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana}
		return unicode.In(prev, rtl...) || unicode.In(next, rtl...)
	}
	return false
}

func emoji(r rune) bool {
	return 0x1F000 <= r && r <= 0x1FAFF || 0x2190 <= r && r <= 0x2BFF || r == 0xFE0F
}

func joining(r rune) bool {
	return unicode.In(r, unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Devanagari, unicode.Bengali,
		unicode.Gurmukhi, unicode.Gujarati, unicode.Oriya, unicode.Tamil, unicode.Telugu, unicode.Kannada,
		unicode.Malayalam, unicode.Sinhala, unicode.Khmer, unicode.Myanmar)
}
