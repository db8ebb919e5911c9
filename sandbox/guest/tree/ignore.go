package tree

import (
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// ignores are the patterns of the .gitignore files from the root down to one
// directory, the last match decides.
type ignores []ignore

type ignore struct {
	base    string // the directory of the .gitignore file, "." for the root
	pattern string
	negated bool
	dirOnly bool
}

// with returns the patterns plus those of the file text in directory base.
func (g ignores) with(base, text string) ignores {
	all := slices.Clip(g)
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if !strings.HasSuffix(line, `\ `) {
			line = strings.TrimRight(line, " ")
		}
		if line == "" || line[0] == '#' {
			continue
		}
		ig := ignore{base: base}
		if rest, ok := strings.CutPrefix(line, "!"); ok {
			line, ig.negated = rest, true
		}
		line, ig.dirOnly = strings.CutSuffix(line, "/")
		// A slash anywhere but at the end ties the pattern to its directory.
		if strings.Contains(line, "/") {
			line = strings.TrimPrefix(line, "/")
		} else {
			line = "**/" + line
		}
		// To git braces are letters.
		ig.pattern = strings.NewReplacer("{", `\{`, "}", `\}`).Replace(line)
		all = append(all, ig)
	}
	return all
}

// match reports whether a file or directory is ignored. Its parents are not:
// the walk does not enter what is.
func (g ignores) match(p string, dir bool) bool {
	for _, ig := range slices.Backward(g) {

		if ig.dirOnly && !dir {
			continue
		}
		rel := p
		if ig.base != "." {
			rel = strings.TrimPrefix(p, ig.base+"/")
		}
		if ok, _ := doublestar.Match(ig.pattern, rel); ok {
			return !ig.negated
		}
	}
	return false
}

// globMatch matches a query's glob: the base name unless it has a slash.
func globMatch(glob, p string) bool {
	if glob == "" {
		return true
	}
	if !strings.Contains(glob, "/") {
		p = path.Base(p)
	}
	ok, _ := doublestar.Match(strings.TrimPrefix(glob, "/"), p)
	return ok
}
