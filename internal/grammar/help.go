package grammar

import (
	"fmt"
	"strings"
)

// Help returns the commands and options in plain text, one a line.
func Help(trigger string, rules Rules) string {
	rows := [][2]string{{trigger + " [option ...] REQUEST", "change the code; in a task's thread: follow up on its branch"}}
	for _, k := range keywords {
		line := trigger + " " + string(k.verb)
		if k.options {
			line += " [option ...]"
		}
		rows = append(rows, [2]string{line, k.help})
	}
	for _, o := range options {
		if rules.Repo || !o.repo {
			rows = append(rows, [2]string{o.usage(), o.help})
		}
	}
	width := 0
	for _, row := range rows {
		width = max(width, len(row[0]))
	}
	var out strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&out, "%-*s  %s\n", width, row[0], row[1])
	}
	return out.String()
}
