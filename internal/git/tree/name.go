package tree

import (
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"honk/internal/task"
)

// maxPath is the length of a path in a patch, in bytes.
const maxPath = 1000

// Refuse returns the error for a file that may not be in a change. The agent reads
// it too and can mend it.
func Refuse(path, reason string) error {
	return task.Errorf(task.CodeInvalid, "%q: %s", path, reason)
}

// BadName returns why a new file may not have this path, "" when it may.
func BadName(p string) string {
	switch {
	case len(p) > maxPath:
		return "the path is too long; use a shorter one"
	case !utf8.ValidString(p):
		return "the name is not valid UTF-8; rename it"
	case strings.ContainsFunc(p, Invisible):
		return "the name holds control or invisible characters; rename it"
	case strings.Contains(p, `\`):
		return "the name holds a backslash; rename it"
	}
	for part := range strings.SplitSeq(p, "/") {
		if isDotGit(part) {
			return "a nested git repository cannot be part of a change; remove it, or add it to .gitignore"
		}
	}
	if p == ".gitmodules" {
		return "submodules cannot be added; remove it"
	}
	return ""
}

// Invisible reports whether a reader does not see r: control characters, and
// format characters such as those that turn the direction of text.
func Invisible(r rune) bool {
	return unicode.Is(unicode.C, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || r == '\u115f' || r == '\u3164'
}

// isDotGit reports whether some file system takes the name for .git.
func isDotGit(name string) bool {
	name = strings.ToLower(strings.TrimRight(name, ". "))
	return name == ".git" || name == "git~1" || strings.HasPrefix(name, ".git:")
}

// collisions finds new paths, which are sorted, that differ from others only by case, which a
// case-insensitive file system cannot hold both.
func collisions(files map[string]Entry, added []string) error {
	seen := map[string]string{}
	see := func(p string) (other string) {
		folded := strings.ToLower(p)
		if other = seen[folded]; other == "" {
			seen[folded] = p
		}
		return other
	}
	for p := range files {
		if _, isNew := slices.BinarySearch(added, p); isNew {
			continue
		}
		for ; p != "."; p = path.Dir(p) {
			see(p)
		}
	}
	for _, p := range added {
		for full := p; p != "."; p = path.Dir(p) {
			if other := see(p); other != "" && other != p {
				return Refuse(full, "differs only by case from "+other+"; rename it")
			}
		}
	}
	return nil
}
