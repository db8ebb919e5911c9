package markdown

import (
	"fmt"
	"strings"
)

// marker keeps Honk's own markers, which are found in the source of a
// comment, from being forged within code.
var marker = strings.NewReplacer("<!--", "<! --", "-->", "-- >")

// Code returns text as inline code, in one line. For a table use Cell.
func Code(text string) string {
	text = marker.Replace(strings.ReplaceAll(source(text), "\n", " "))
	if strings.TrimSpace(text) == "" {
		return ""
	}
	mark := strings.Repeat("`", longest(text, '`')+1)
	if text[0] == '`' || text[len(text)-1] == '`' || text[0] == ' ' && text[len(text)-1] == ' ' {
		text = " " + text + " "
	}
	return mark + text + mark
}

// Fence returns the first maxLines lines of text (0 is all) as a block of
// code that nothing within ends, with a line end. How many lines are left
// out is said below.
func Fence(text string, maxLines int) string {
	text = strings.Trim(marker.Replace(source(text)), "\n")
	more := ""
	if lines := strings.Split(text, "\n"); maxLines > 0 && len(lines) > maxLines {
		text = strings.Join(lines[:maxLines], "\n")
		more = fmt.Sprintf("… %d more lines\n", len(lines)-maxLines)
	}
	mark := strings.Repeat("`", max(longest(text, '`')+1, 3))
	return mark + "\n" + text + "\n" + mark + "\n" + more
}

// longest returns the length of the longest run of c in text.
func longest(text string, c byte) int {
	most, run := 0, 0
	for i := range len(text) {
		if text[i] != c {
			run = 0
			continue
		}
		run++
		most = max(most, run)
	}
	return most
}
