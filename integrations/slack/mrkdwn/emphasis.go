package mrkdwn

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// emphasis writes Slack's bold and struck text as Markdown's. Tokens stay as
// they are; a mark that could be a glob or a product does too.
func emphasis(text string) string {
	var b strings.Builder
	done := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '<':
			i += max(tokenSize(text[i:])-1, 0)
		case '*', '~':
			end := closing(text, i)
			if end < 0 {
				continue
			}
			mark := strings.Repeat(text[i:i+1], 2)
			// What is within holds marks of the other kind only.
			b.WriteString(text[done:i] + mark + emphasis(text[i+1:end]) + mark)
			done, i = end+1, end
		}
	}
	return b.String() + text[done:]
}

// closing is where the mark at open is closed, -1 for one that opens nothing.
// Only the next mark of its kind in the line can be that.
func closing(text string, open int) int {
	if !opens(text[:open], text[open]) {
		return -1
	}
	for i := open + 1; i < len(text); i++ {
		switch text[i] {
		case '\n':
			return -1
		case '<':
			i += max(tokenSize(text[i:])-1, 0)
		case text[open]:
			if i > open+1 && !blank(text[open+1]) && !blank(text[i-1]) && closes(text[i+1:]) {
				return i
			}
			return -1
		}
	}
	return -1
}

func blank(b byte) bool { return b == ' ' || b == '\t' }

// opens reports whether mark, behind before, can open something: at the start
// of a word, with no more than other marks between.
func opens(before string, mark byte) bool {
	before = strings.TrimRight(before, strings.ReplaceAll("_~*", string(mark), ""))
	if strings.HasSuffix(before, "&gt;") {
		return true
	}
	r, size := utf8.DecodeLastRuneInString(before)
	return size == 0 || between(r) || strings.ContainsRune("([{\"'", r)
}

// closes reports whether a mark before after can close something: at the end
// of a word, with no more than punctuation between.
func closes(after string) bool {
	const most = 8
	ends := strings.TrimLeft(after[:min(most, len(after))], ")]}.,:;!?\"'_~*")
	if ends == "" {
		return true
	}
	r, _ := utf8.DecodeRuneInString(after[min(most, len(after))-len(ends):])
	return between(r) || r == '<'
}

// between reports whether a character stands between words.
func between(r rune) bool {
	return unicode.IsSpace(r) || r >= utf8.RuneSelf && unicode.IsPunct(r)
}
