package tool

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// declaration matches lines that begin something worth a line in an outline,
// whatever the language.
var declaration = regexp.MustCompile(`^\s*(?:(?:export|default|public|private|protected|internal|static|final|abstract|async|override|virtual|sealed|open|data|unsafe|extern|pub(?:\([a-z]+\))?)\s+)*` +
	`(?:func|function|class|interface|struct|enum|trait|impl|type|def|fn|mod|module|namespace|object|record|protocol|extension|macro_rules!|package|describe|CREATE|create table)\b.*`)

// method matches members of Java-like classes, which no keyword begins.
var method = regexp.MustCompile(`^\s+(?:(?:public|private|protected|internal|static|final|abstract|async|override|virtual)\s+)+[\w<>\[\],.? ]+\([^;]*$`)

// heading matches headings of Markdown.
var heading = regexp.MustCompile(`^#{1,4}\s`)

// outline shows a large file by its declarations.
func outline(file string, lines []string) string {
	const most = 150
	markdown := strings.HasPrefix(path.Ext(file), ".md") || path.Ext(file) == ".markdown"
	var found []int
	for i, l := range lines {
		if markdown && heading.MatchString(l) || !markdown && (declaration.MatchString(l) || method.MatchString(l)) {
			found = append(found, i)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s has %d lines; this is its outline. View the part you need with start_line.\n", file, len(lines))
	if len(found) == 0 {
		number(&b, lines, 1, 40)
		b.WriteString("[no declarations found; these were the first lines. `search` gives line numbers.]\n")
		return b.String()
	}
	for _, i := range found[:min(len(found), most)] {
		fmt.Fprintf(&b, "%6d\t%s\n", i+1, clip(lines[i], 160))
	}
	if len(found) > most {
		fmt.Fprintf(&b, "[%d more declarations, from line %d]\n", len(found)-most, found[most]+1)
	}
	return b.String()
}
