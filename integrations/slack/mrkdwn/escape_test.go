package mrkdwn_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"honk/integrations/slack/mrkdwn"
	"honk/internal/secret"
)

func TestEscape(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in   string
		max  int
		want string
	}{
		"plain":          {in: "raise the limit to 5", want: "raise the limit to 5"},
		"entities":       {in: "a < b && c > d &lt;", want: "a &lt; b &amp;&amp; c &gt; d &amp;lt;"},
		"mention":        {in: "<@U012AB3CD> <!channel> <!subteam^S1|x>", want: "&lt;@U012AB3CD&gt; &lt;!channel&gt; &lt;!subteam^S1|x&gt;"},
		"typed":          {in: "@channel @@here @Everyone ada@here.io", want: "channel here Everyone ada@here.io"},
		"link":           {in: "<https://evil.test|click>", want: "&lt;https://evil.test|click&gt;"},
		"marks":          {in: "*bold* _it_ ~gone~ `code`", want: "∗bold∗ ＿it＿ ∼gone∼ ˋcodeˋ"},
		"within words":   {in: "snake_case a*b 2 * 3 x~y", want: "snake_case a*b 2 * 3 x~y"},
		"dunder":         {in: "__init__", want: "＿＿init＿＿"},
		"quote":          {in: "> a > b\n >> c\nd > e", want: "› a &gt; b\n ›› c\nd &gt; e"},
		"emoji":          {in: ":tada: a.go:12:tada: x::y 10:30:15", want: "∶tada∶ a.go:12∶tada∶ x::y 10:30:15"},
		"hundred":        {in: ":100: :+1::skin-tone-2:", want: "∶100∶ ∶+1∶∶skin-tone-2∶"},
		"location":       {in: "a.go:88: TestX: want 4", want: "a.go:88: TestX: want 4"},
		"invisible":      {in: "a\u202Eb\u200Bc\x1b[31md", want: "abcd"},
		"line ends":      {in: "a\r\nb\u2028c\n", want: "a\nb\nc"},
		"fits":           {in: "abc", max: 3, want: "abc"},
		"cut":            {in: "abcd", max: 3, want: "ab…"},
		"cut, no half":   {in: "a<<", max: 8, want: "a&lt;…"},
		"cut at a mark":  {in: "ab_cd", max: 4, want: "ab…"},
		"emoji are two":  {in: "👍👍👍", max: 5, want: "👍👍…"},
		"no room at all": {in: "<a", max: 1, want: "…"},
	} {
		if got := mrkdwn.Escape(tt.in, tt.max); got != tt.want {
			t.Errorf("%s: Escape(%q, %d) = %q, want %q", name, tt.in, tt.max, got, tt.want)
		}
	}
}

func TestCode(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                  "",
		" \n ":              "",
		"go test ./...":     "`go test ./...`",
		"a `b`\nc *d* <!x>": "`a ˋbˋ c *d* &lt;!x&gt;`",
		"abcdefghijklmnop":  "`abcdefghijklmnop`",
		"abcdefghijklmnopq": "`abcdefghijklmno…`",
		"@here":             "`here`",
	} {
		max := 0
		if strings.HasPrefix(in, "abc") {
			max = 18
		}
		if got := mrkdwn.Code(in, max); got != want {
			t.Errorf("Code(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	if got, want := mrkdwn.Line(" a\n> b\t c ", 0), "a &gt; b c"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFence(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in         string
		lines, max int
		want       string
	}{
		"none":  {in: "\n \n"},
		"plain": {in: "a\n\tb *c*\n", want: "```\na\n\tb *c*\n```"},
		"ends":  {in: "a\n```\n<!here>", want: "```\na\nˋˋˋ\n&lt;!here&gt;\n```"},
		"lines": {in: "a\nb\nc\nd", lines: 2, want: "```\na\nb\n```\n… 2 more lines"},
		"room":  {in: strings.Repeat("a", 50), max: 20, want: "```\n" + strings.Repeat("a", 11) + "…\n```"},
	} {
		if got := mrkdwn.Fence(tt.in, tt.lines, tt.max); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

// What text could do in Slack, looked for in what is escaped.
var alive = map[string]*regexp.Regexp{
	"angle":     regexp.MustCompile(`[<>]`),
	"ampersand": regexp.MustCompile(`&(?:[^agl]|$)`),
	"opens":     regexp.MustCompile("(?:^|[^A-Za-z0-9 ])[*_~]|[*_~](?:$|[^A-Za-z0-9 ])|(?:^|\\s)[*_~]\\S|`"),
	"quote":     regexp.MustCompile(`(?m)^[ \t]*&gt;`),
	"emoji":     regexp.MustCompile(`:[a-z_+-]+:|:100:`),
	"broadcast": regexp.MustCompile(`(?i)(?:^|[^a-z0-9])@(?:channel|here|everyone)`),
}

func FuzzEscape(f *testing.F) {
	f.Add("<!channel> *a* _b_ ~c~ `d`\n> e :tada: @here &lt;", 30)
	f.Add(":12:tada: a_b_c @@everyone\r\n>>> x\u202E<https://a|b>", 0)
	f.Add("👍<👍&>:+1:", 7)
	f.Fuzz(func(t *testing.T, in string, max int) {
		max %= 4000
		if max < 0 {
			max = -max
		}
		for name, got := range map[string]string{"Escape": mrkdwn.Escape(in, max), "Line": mrkdwn.Line(in, max)} {
			if !utf8.ValidString(got) || secret.Clean(got, 0) != got || max > 0 && mrkdwn.Length(got) > max {
				t.Fatalf("%s(%q, %d) = %q", name, in, max, got)
			}
			for kind, re := range alive {
				if hit := re.FindString(got); hit != "" {
					t.Fatalf("%s(%q, %d) = %q: %s %q", name, in, max, got, kind, hit)
				}
			}
		}
		code := mrkdwn.Code(in, max)
		if strings.Count(code, "`")%2 != 0 || strings.ContainsAny(code, "<>\n") || max > 2 && mrkdwn.Length(code) > max {
			t.Fatalf("Code(%q, %d) = %q", in, max, code)
		}
		fence := mrkdwn.Fence(in, 3, max)
		if fence != "" && (strings.Count(fence, "`") != 6 || strings.ContainsAny(fence, "<>")) {
			t.Fatalf("Fence(%q) = %q", in, fence)
		}
	})
}
