// Package nearest finds the word that somebody may have meant.
package nearest

import (
	"slices"
	"strings"
)

// maxWord is the length in bytes from which a word is nobody's slip.
const maxWord = 64

// Word returns the known word at the smallest distance, "" when none is close:
// one slip in a short word, one more for every three letters. Case does not
// count.
func Word(word string, known []string) string {
	if len(word) > maxWord {
		return ""
	}
	best, limit := "", len(word)/3+1
	for _, k := range slices.Sorted(slices.Values(known)) {
		if d := Distance(strings.ToLower(word), strings.ToLower(k)); d <= limit {
			best, limit = k, d-1
		}
	}
	return best
}

// Distance counts the letters to add, drop, change or swap with their
// neighbour to get from a to b.
func Distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := d[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
