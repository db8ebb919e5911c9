package strict

import (
	"fmt"
	"slices"
	"strings"
)

// suggest returns the remedy for a word that is not among those known.
func suggest(word string, known []string) string {
	if near := Nearest(word, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(known) == 1 {
		return fmt.Sprintf("use %q", known[0])
	}
	return "use one of " + strings.Join(known, ", ")
}

// Nearest returns the word at the smallest edit distance, empty when none is
// close.
func Nearest(word string, known []string) string {
	if len(word) > 64 {
		return ""
	}
	best, limit := "", len(word)/3+1
	for _, k := range slices.Sorted(slices.Values(known)) {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d <= limit {
			best, limit = k, d-1
		}
	}
	return best
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
