package look_test

import (
	"strings"
	"testing"

	"honk/integrations/shift/look"
)

// A catalog file is hostile: what would grow is none.
func TestEntities(t *testing.T) {
	t.Parallel()
	tests := map[string]int{
		"kind: Component\nspec: {type: service}\n---\nkind: API\n": 2,
		"a: &a [x]\nb: [*a, *a]\n":                                 0,
		"kind: [":                                                  0,
		"kind: A\n" + strings.Repeat("#", 300<<10):                 0,
	}
	for text, want := range tests {
		if got := len(look.Entities([]byte(text))); got != want {
			t.Errorf("%.40q has %d entities, want %d", text, got, want)
		}
	}
}
