package mrkdwn

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"honk/internal/secret"
)

// maxSource is how much of a text is looked at before it is posted, in bytes.
const maxSource = 64 << 10

// Escape makes text one that does nothing but be read where mrkdwn is shown:
// nobody is mentioned, nothing is a link, bold, a quote, code or an emoji. It
// is at most max characters long with its escapes (0 is no limit); what is
// more is cut.
func Escape(text string, max int) string { return fit(still(source(text, max)), max) }

// Line is Escape in one line.
func Line(text string, max int) string {
	return Escape(strings.Join(strings.Fields(source(text, max)), " "), max)
}

// Code returns text as code within a line, "" for none.
func Code(text string, max int) string {
	text = ticks.Replace(strings.Join(strings.Fields(source(text, max)), " "))
	if text == "" {
		return ""
	}
	return "`" + fit(broadcast.ReplaceAllString(text, "$1$2"), rest(max, 2)) + "`"
}

// Fence returns the first lines of text (0 is all) as a block of code that
// nothing within ends, "" for none. How many lines are left out is said below.
func Fence(text string, lines, max int) string {
	text = strings.Trim(ticks.Replace(source(text, 0)), "\n")
	if strings.TrimSpace(text) == "" {
		return ""
	}
	more := ""
	if all := strings.Split(text, "\n"); lines > 0 && len(all) > lines {
		text = strings.Join(all[:lines], "\n")
		more = fmt.Sprintf("\n… %d more lines", len(all)-lines)
	}
	text = fit(broadcast.ReplaceAllString(text, "$1$2"), rest(max, len("```\n\n```")+len(more)))
	return "```\n" + text + "\n```" + more
}

// rest is what is left of max behind n characters; 0 is no limit.
func rest(max, n int) int {
	if max == 0 || max > n {
		return max - min(max, n)
	}
	return 1
}

var (
	lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n")
	// escapes are those of the three characters that mean something to Slack itself.
	escapes = map[rune]string{'&': "&amp;", '<': "&lt;", '>': "&gt;"}
	// twins look like the marks that make text bold and so on, for which
	// Slack has no escape.
	twins = map[rune]rune{'*': '∗', '_': '＿', '~': '∼', '`': 'ˋ'}
	ticks = strings.NewReplacer("`", "ˋ")
	// broadcast matches a call to everybody, as a person would type it.
	broadcast = regexp.MustCompile(`(?i)(^|[^a-z0-9])@+(channel|here|everyone|group)`)
	// shortcode matches the name of an emoji.
	shortcode = regexp.MustCompile(`:[\p{L}\p{M}\p{N}_+'-]{1,100}:`)
	// number matches what is more likely a line's number than an emoji.
	number = regexp.MustCompile(`^:[0-9]+:$`)
)

// source is text with its visible characters only, as far as max characters of
// it can need: few texts are mostly invisible.
func source(text string, max int) string {
	if most := 16*max + 1<<10; max > 0 && len(text) > most {
		for most > 0 && !utf8.RuneStart(text[most]) {
			most--
		}
		text = text[:most]
	}
	return strings.TrimRightFunc(secret.Clean(lineEnds.Replace(text), maxSource), unicode.IsSpace)
}

// still takes from text what Slack would make of it.
func still(text string) string {
	runes := []rune(unnamed(broadcast.ReplaceAllString(text, "$1$2")))
	start := true
	at := func(i int) rune {
		if i < 0 || i >= len(runes) {
			return 0
		}
		return runes[i]
	}
	var b strings.Builder
	before := rune(0)
	for i, r := range runes {
		out := r
		switch r {
		case '>':
			if start {
				out = '›'
			}
		case '*', '_', '~':
			if !idle(before, at(i+1)) {
				out = twins[r]
			}
		case '`':
			out = twins[r]
		}
		b.WriteRune(out)
		start = r == '\n' || start && (r == '>' || unicode.IsSpace(r))
		before = r
	}
	return b.String()
}

// idle reports whether a mark between two characters means nothing: within a
// word, or alone between spaces.
func idle(before, after rune) bool {
	return word(before) && word(after) || before == ' ' && after == ' '
}

func word(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

// unnamed is text in which no emoji is named.
func unnamed(text string) string {
	var b strings.Builder
	for {
		loc := shortcode.FindStringIndex(text)
		if loc == nil {
			b.WriteString(text)
			return b.String()
		}
		name := text[loc[0]:loc[1]]
		b.WriteString(text[:loc[0]])
		if number.MatchString(name) && name != ":100:" && name != ":1234:" {
			// Its second colon may begin a name.
			b.WriteString(name[:len(name)-1])
			text = text[loc[1]-1:]
			continue
		}
		b.WriteString("∶" + name[1:len(name)-1] + "∶")
		text = text[loc[1]:]
	}
}

// fit writes text with its escapes in at most max characters, counted as those
// count who count an emoji as two.
func fit(text string, max int) string {
	var b strings.Builder
	used, cut := 0, 0
	for _, r := range text {
		piece, ok := escapes[r]
		if !ok {
			piece = string(r)
		}
		if used += Length(piece); max > 0 && used > max {
			return strings.TrimRight(b.String()[:cut], " \n*_~") + "…"
		}
		b.WriteString(piece)
		if used < max {
			cut = b.Len()
		}
	}
	return b.String()
}

// Length is how long Slack takes a text to be: in characters, of which those
// that need two units of UTF-16 count twice.
func Length(text string) int {
	n := 0
	for _, r := range text {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}
