package nearest_test

import (
	"strings"
	"testing"

	"honk/internal/nearest"
)

func TestWord(t *testing.T) {
	t.Parallel()
	known := []string{"transform", "targets", "rollout", "merge"}
	for word, want := range map[string]string{
		"tansform": "transform", "Target": "targets", "role": "", "rolout": "rollout", "mege": "merge",
		"something": "", "": "", strings.Repeat("merge", 20): "",
	} {
		if got := nearest.Word(word, known); got != want {
			t.Errorf("Word(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"judge", "jugde", 1}, {"judge", "judges", 1}, {"kitten", "sitting", 3}} {
		if got := nearest.Distance(tt.a, tt.b); got != tt.want {
			t.Errorf("Distance(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
		if got := nearest.Distance(tt.b, tt.a); got != tt.want {
			t.Errorf("Distance(%q, %q) = %d, want %d", tt.b, tt.a, got, tt.want)
		}
	}
}
