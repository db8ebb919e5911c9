package strict

import (
	"fmt"
	"strings"

	"honk/internal/nearest"
)

// suggest returns the remedy for a word that is not among those known.
func suggest(word string, known []string) string {
	if near := nearest.Word(word, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(known) == 1 {
		return fmt.Sprintf("use %q", known[0])
	}
	return "use one of " + strings.Join(known, ", ")
}
