package yamlguard_test

import (
	"strings"
	"testing"

	"github.com/goccy/go-yaml/token"

	"honk/internal/config/yamlguard"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for in, want := range map[string]string{
		"a: 1\nb: [1, {c: 2}]\n": "",
		"---\na: 1\n":            "",
		"# note\n---\na: 1\n":    "",
		"a: &x 1\n":              "anchors",
		"a: 1\nb: *x\n":          "anchors",
		"a: !!binary x\n":        "tags",
		"a: 1\n---\nb: 2\n":      "a second document",
		"a: " + deep(15) + "\n":  "",
		"a: " + deep(17) + "\n":  "nested deeper than 16",
		"a: forbidden\n":         "not that",
	} {
		got := yamlguard.Check([]byte(in), func(tok *token.Token) (string, string) {
			if tok.Value == "forbidden" {
				return "not that", "this"
			}
			return "", ""
		})
		if want == "" && got != nil || want != "" && (got == nil || !strings.HasPrefix(got.What, want) || got.How == "" || got.Line < 1) {
			t.Errorf("%q: %+v, want %q", in, got, want)
		}
	}
}

func TestCheck_line(t *testing.T) {
	t.Parallel()
	got := yamlguard.Check([]byte("a: 1\nb: 2\nc: *x\n"), nil)
	if got == nil || got.Line != 3 {
		t.Errorf("got %+v, want line 3", got)
	}
}
