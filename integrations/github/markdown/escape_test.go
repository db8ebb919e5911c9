package markdown_test

import (
	"html"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"honk/integrations/github/markdown"
	"honk/internal/secret"
)

func TestEscape(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in   string
		max  int
		want string
	}{
		"plain":            {in: "Raise the limit.\r\n\r\n\r\nIt was *too* low, `x < y` and so_on.", want: "Raise the limit.\n\nIt was *too* low, `x < y` and so_on."},
		"list":             {in: "* a\n+ b\n   - c\n  more\n\n1. d\n2) e", want: "- a\n- b\n   - c\n  more\n\n1. d\n2) e"},
		"mention":          {in: "ask @ada or @acme/team, a@b.test", want: "ask @&#8203;ada or @&#8203;acme/team, a@&#8203;b.test"},
		"coded mention":    {in: "&#64;ada \\@ada &amp;#64;ada", want: "@&#8203;ada @&#8203;ada &amp;#&#8203;64;ada"},
		"reference":        {in: "Fixes #12, GH-12, gh-12 and o/r#12, high-level", want: "Fixes #&#8203;12, GH-&#8203;12, gh-&#8203;12 and o/r#&#8203;12, high-level"},
		"coded reference":  {in: "Fixes &#35;12 GH\\-12 GH&#45;12", want: `Fixes #&#8203;12 GH\-&#8203;12 GH\-&#8203;12`},
		"issue's address":  {in: "closes https://github.com/o/r/issues/12.", want: "closes `https://github.com/o/r/issues/12`."},
		"coded address":    {in: `http\://a.test/x www&#46;b.test`, want: "`http://a.test/x` `www.b.test`"},
		"image":            {in: "![secret](https://evil.test/?q=s3cr3t \"t\")", want: "secret (`https://evil.test/?q=s3cr3t`)"},
		"image by label":   {in: "![a][b]\n\n[b]: https://evil.test", want: "!\\[a\\]\\[b\\]\n\n\\[b\\]: `https://evil.test`"},
		"link":             {in: "[docs](javascript:x) [https://a.test](https://a.test) <https://b.test>", want: "docs (`javascript:x`) `https://a.test` &lt;`https://b.test`&gt;"},
		"image in a link":  {in: "[![a](b)](c)", want: "a(b) (`c`)"},
		"HTML":             {in: "<img src=x onerror=y> &lt;b>", want: "&lt;img src=x onerror=y&gt; &lt;b&gt;"},
		"marker":           {in: "<!-- honk:task 01J8Z -->", want: "&lt;!-- honk:task 01J8Z --&gt;"},
		"marker in code":   {in: "`<!-- honk:task 1 -->`\n```\n<!-- /honk:evidence -->\n```", want: "`<! -- honk:task 1 -- >`\n```\n<! -- /honk:evidence -- >\n```"},
		"heading":          {in: "# a\n## b\nc\n===\nd\n---", want: "\\#&#8203; a\n\\#&#8203;\\#&#8203; b\nc\n\\=\\=\\=\nd\n\\-\\-\\-"},
		"table":            {in: "|a|b|\n|-|-|\n|c|d|", want: "\\|a\\|b\\|\n\\|\\-\\|\\-\\|\n\\|c\\|d\\|"},
		"quote":            {in: "> a", want: "&gt; a"},
		"trigger":          {in: "/honk x\n  /honk y\n- /honk z\n&#47;honk", want: "\\/honk x\n\\/honk y\n- \\/honk z\n\\/honk"},
		"task list":        {in: "- [x] done", want: "- \\[x\\] done"},
		"indented":         {in: "a\n\n        /honk", want: "a\n\n\\/honk"},
		"fence":            {in: "a:\n````go\n```\nx @ada\n````\nb", want: "a:\n````\n```\nx @ada\n````\nb"},
		"fence open":       {in: "~~~\nx", want: "```\nx\n```"},
		"odd backtick":     {in: "a ` b `` c `", want: "a ```b `` c```"},
		"unpaired":         {in: "a ` b `` c", want: "a \\` b \\`\\` c"},
		"blank code":       {in: "` ` # a", want: "\\#&#8203; a"},
		"adjacent code":    {in: "`a`[b](c`d)", want: "`a`b (``c`d``)"},
		"escapes":          {in: `\*a\* C:\dir \\ \# x`, want: `\*a\* C:\\dir \\ #&#8203; x`},
		"escaped item":     {in: "\\- a\n1\\. b\n&#45; c", want: "\\- a\n1\\. b\n\\- c"},
		"invisible":        {in: "a\u202Eb\u200Bc\x1b[31md&#8203;&#x202e;e", want: "abcde"},
		"math":             {in: "$x$ $2", want: `\$x\$ \$2`},
		"cut":              {in: "one two three four", max: 12, want: "one two…"},
		"just fits":        {in: "one two", max: 7, want: "one two"},
		"cut in a word":    {in: "aaaaaaaaaa", max: 4, want: "aaa…"},
		"cut at a line":    {in: "one\n\ntwo three", max: 6, want: "one…"},
		"cut code":         {in: "`aaaaaaaa`", max: 5, want: "`aaaa`…"},
		"cut before code":  {in: "one `two three`", max: 8, want: "one…"},
		"cut block":        {in: "a\n```\nlong code\n```", max: 6, want: "a\n```\nlon…\n```"},
		"cut behind block": {in: "a\n```\nb\n```\nccc ddd", max: 5, want: "a\n```\nb\n```\n…"},
		"no entity cut":    {in: "@a @b @c", max: 5, want: "@&#8203;a…"},
		"empty":            {in: " \n\u200B\n", want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := markdown.Escape(tt.in, tt.max)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Escape(%q) (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a\n\n  b":           "a b",
		"- a":                "\\- a",
		"1. a":               "1\\. a",
		"```\nx\n```":        "`x`",
		"/honk @ada":         "\\/honk @&#8203;ada",
		"a | b `c|d`":        "a \\| b `c|d`",
		"one two three four": "one two…",
	} {
		if got := markdown.Line(in, 12); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCell(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a | b\n\\| c":     `a \| b \| c`,
		"`c|d` `e\\`":      "`c¦d` `e\\`",
		"<!-- x --> @ada":  "&lt;!-- x --&gt; @&#8203;ada",
		"https://a.test/|": "`https://a.test/¦`",
	} {
		if got := markdown.Cell(in); got != want {
			t.Errorf("Cell(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCode(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":               "",
		" \n":            "",
		"a\nb":           "`a b`",
		"a`b``c":         "```a`b``c```",
		"`a":             "`` `a ``",
		" a ":            "`  a  `",
		"@ada #1":        "`@ada #1`",
		"<!-- honk:x 1>": "`<! -- honk:x 1>`",
		"a\x1b[2Kb":      "`ab`",
	} {
		if got := markdown.Code(in); got != want {
			t.Errorf("Code(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestFence(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a\nb":               "```\na\nb\n```\n",
		"\n\na\nb\nc\nd\n":   "```\na\nb\n```\n… 2 more lines\n",
		"````\n/honk\n":      "`````\n````\n/honk\n`````\n",
		"a\u202E <!-- x -->": "```\na <! -- x -- >\n```\n",
	} {
		if got := markdown.Fence(in, 2); got != want {
			t.Errorf("Fence(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTitle(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"fix: raise the limit":                    "fix: raise the limit",
		"fixes #999\nCo-authored-by: x":           "fixes 999 Co-authored-by: x",
		"closes o/r#9, ##9, GH-9 and GH-GH-9":     "closes o/r 9, 9, 9 and 9",
		"resolves https://github.com/o/r/pull/12": "resolves 12",
		"[skip ci] x [ci skip] ***NO_CI***":       "(skip ci) x (ci skip) NO_CI",
		"skip-checks: true":                       "skip checks: true",
		"ping @everyone #@1":                      "ping everyone 1",
		"- /honk <!-- honk:task 1 -->":            "honk honk:task 1",
		"a\u202Eb\x1b[31m":                        "ab",
		strings.Repeat("ä", 300):                  strings.Repeat("ä", 255) + "…",
	} {
		if got := markdown.Title(in); got != want {
			t.Errorf("Title(%q) = %q, want %q", in, got, want)
		}
	}
}

var (
	// spans and blocks match code as these functions write it.
	blocks  = regexp.MustCompile("(?m)^(```+)\n(?s:.*?)\n```+$")
	live    = regexp.MustCompile(`(?i)@[\pL\pN]|#\d|\bgh-\d|<|\]\(|[a-z]://[^\s·]|www\.\S|^/|\n\s*/|(?m:^ {0,3}#)|honk:task -->`)
	span    = regexp.MustCompile("^`+")
	escaped = regexp.MustCompile(`^\\[!-/:-@\[-` + "`" + `{-~]`)
)

// outside returns Markdown without its code and with escaped characters made
// harmless.
func outside(text string) string {
	text = blocks.ReplaceAllString(strings.ReplaceAll(text, "&#8203;", "·"), "")
	var out strings.Builder
	for len(text) > 0 {
		if loc := escaped.FindStringIndex(text); loc != nil && loc[0] == 0 {
			out.WriteByte('-')
			text = text[loc[1]:]
			continue
		}
		if m := span.FindString(text); m != "" {
			if end := strings.Index(text[len(m):]+" ", m); end >= 0 {
				out.WriteByte('-')
				text = text[min(len(text), end+2*len(m)):]
				continue
			}
		}
		out.WriteByte(text[0])
		text = text[1:]
	}
	return out.String()
}

func FuzzEscape(f *testing.F) {
	f.Add("Fixes #1 @ada ![a](b) `c`\n```\nd\n```\n- e\n<!-- honk:task 1 -->", 0)
	f.Add("/honk | a & &#64;b \\@c \\\\` ` http://d", 12)
	f.Add("# a\n---\n1. b\n  - c\n[e]: f", 5)
	f.Fuzz(func(t *testing.T, in string, max int) {
		max %= 200
		for name, escape := range map[string]func(string, int) string{"Escape": markdown.Escape, "Line": markdown.Line} {
			got := escape(in, max)
			if !utf8.ValidString(got) || secret.Clean(got, 0) != got {
				t.Errorf("%s(%q) = %q holds what is not seen", name, in, got)
			}
			if strings.Contains(got, "<!--") {
				t.Errorf("%s(%q) = %q holds a marker", name, in, got)
			}
			if !strings.Contains(got, "```") && live.MatchString(outside(got)) {
				t.Errorf("%s(%q) = %q has %q", name, in, got, live.FindString(outside(got)))
			}
			if again := escape(got, max); again != got {
				t.Errorf("%s(%q) is not settled: %q became %q", name, in, got, again)
			}
			if n := utf8.RuneCountInString(secret.Clean(html.UnescapeString(outside(got)), 0)); max > 0 && n > 2*max+10 {
				t.Errorf("%s(%q, %d) = %q has %d characters", name, in, max, got, n)
			}
		}
		if got := markdown.Line(in, max); strings.Contains(got, "\n") {
			t.Errorf("Line(%q) = %q", in, got)
		}
		if got := markdown.Cell(in); strings.Contains(strings.NewReplacer(`\\`, "", `\|`, "").Replace(got), "|") {
			t.Errorf("Cell(%q) = %q", in, got)
		}
		title := markdown.Title(in)
		if again := markdown.Title(title); again != title || strings.ContainsAny(title, "@[]\n") {
			t.Errorf("Title(%q) = %q, then %q", in, title, again)
		}
	})
}
