package git

import (
	"regexp"
	"strings"

	"honk/internal/task"
)

// maxSlug is the length of the words in a branch name.
const maxSlug = 40

var (
	refPattern = regexp.MustCompile(`^[A-Za-z0-9@_][A-Za-z0-9/_.#+,@-]*$`)
	shaPattern = regexp.MustCompile(`^[0-9a-f]{40}$`)
	notWord    = regexp.MustCompile(`[^a-z0-9]+`)
)

// Branch returns the name of a task's branch: honk/<id>-<slug>, the slug made
// of the prompt's first words.
func Branch(id task.ID, prompt string) string {
	slug := strings.Trim(notWord.ReplaceAllString(strings.ToLower(prompt), "-"), "-")
	if len(slug) > maxSlug {
		cut := slug[:maxSlug+1]
		if i := strings.LastIndexByte(cut, '-'); i > 0 {
			slug = cut[:i]
		} else {
			slug = slug[:maxSlug]
		}
	}
	return strings.TrimSuffix("honk/"+string(id)+"-"+slug, "-")
}

// ValidRef refuses names of branches, tags and commits that git or a reader
// could take for something else.
func ValidRef(ref string) error {
	ok := refPattern.MatchString(ref) && len(ref) <= 250
	for part := range strings.SplitSeq(ref, "/") {
		ok = ok && part != "" && part[0] != '.' && !strings.HasSuffix(part, ".lock")
	}
	if !ok || strings.Contains(ref, "..") || strings.HasSuffix(ref, ".") {
		return task.Errorf(task.CodeInvalid, "%q is not a usable name of a branch, tag or commit", ref)
	}
	return nil
}
