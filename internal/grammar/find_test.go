package grammar_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"honk/internal/grammar"
)

func TestFind(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		rest string
		ok   bool
	}{
		"alone":                {text: "/honk", ok: true},
		"request":              {text: "/honk fix it", rest: " fix it", ok: true},
		"next line":            {text: "/honk\nfix it", rest: "\nfix it", ok: true},
		"carriage return":      {text: "/honk\r\nfix it", rest: "\r\nfix it", ok: true},
		"tab":                  {text: "/honk\tx", rest: "\tx", ok: true},
		"a little indented":    {text: "   /honk x", rest: " x", ok: true},
		"after blank lines":    {text: "\n \t\r\n/honk x", rest: " x", ok: true},
		"after a quote":        {text: "> /honk old\n  > more\n\n/honk new", rest: " new", ok: true},
		"after code":           {text: "```go\n/honk old\n```\n/honk new", rest: " new", ok: true},
		"after tildes":         {text: "~~~\n/honk old\n```\n~~~~ \n/honk new", rest: " new", ok: true},
		"after longer fence":   {text: "````\n/honk old\n```\n/honk old\n````\n/honk new", rest: " new", ok: true},
		"after indented code":  {text: "    /honk old\n\t/honk old\n \t/honk old\n/honk new", rest: " new", ok: true},
		"rest verbatim":        {text: "/honk x\n> q\n```\ny\n```\n", rest: " x\n> q\n```\ny\n```\n", ok: true},
		"fence not closed":     {text: "```\n/honk x"},
		"closing mark indents": {text: "```\n    ```\n/honk x"},
		"mark with words":      {text: "```\n``` x\n/honk x"},
		"code in a sentence":   {text: "``` x ``` y\n/honk x"},
		"in a sentence":        {text: "please /honk x"},
		"on the second line":   {text: "hello\n/honk x"},
		"longer word":          {text: "/honker x"},
		"dashed":               {text: "/honk-x y"},
		"comma":                {text: "/honk, x"},
		"capital":              {text: "/Honk x"},
		"comment":              {text: "<!--\n/honk x\n-->"},
		"list":                 {text: "- /honk x"},
		"inline code":          {text: "`/honk x`"},
		"empty":                {},
		"invalid":              {text: "/honk\xff"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rest, ok := grammar.Find(tt.text, "/honk")
			if rest != tt.rest || ok != tt.ok {
				t.Errorf("Find(%q) = %q, %v, want %q, %v", tt.text, rest, ok, tt.rest, tt.ok)
			}
		})
	}
	if _, ok := grammar.Find("x", ""); ok {
		t.Error("no trigger was found")
	}
}

func FuzzFind(f *testing.F) {
	f.Add("/honk fix it")
	f.Add("> a\n\n```\n/honk\n```\n/honk\r\nx")
	f.Add("    \t/honk\n~~~x\n~~~")
	f.Fuzz(func(t *testing.T, text string) {
		rest, ok := grammar.Find(text, "/honk")
		if !ok {
			if rest != "" {
				t.Errorf("Find(%q) = %q without a command", text, rest)
			}
			return
		}
		before, cut := strings.CutSuffix(text, "/honk"+rest)
		if !cut || before != "" && strings.TrimRight(before, " ") != "" && !strings.HasSuffix(strings.TrimRight(before, " "), "\n") {
			t.Errorf("Find(%q) = %q, which follows no line's first word", text, rest)
		}
		if r, _ := utf8.DecodeRuneInString(rest); rest != "" && !unicode.IsSpace(r) {
			t.Errorf("Find(%q) cut a word", text)
		}
		if again, ok := grammar.Find("> /honk quoted\n"+text, "/honk"); !ok || again != rest {
			t.Errorf("a quote changed Find(%q) from %q to %q", text, rest, again)
		}
	})
}
