package markdown_test

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"honk/integrations/github/markdown"
	"honk/internal/secret"
)

type stripCase struct {
	in, want string
	hidden   []string
}

func checkStrip(t *testing.T, cases map[string]stripCase) {
	t.Helper()
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, hidden := markdown.Strip(tt.in)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Strip(%q) (-want +got):\n%s", tt.in, diff)
			}
			if diff := cmp.Diff(tt.hidden, hidden); diff != "" {
				t.Errorf("Strip(%q) hidden (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}

const (
	comment = "HTML comment"
	element = "hidden HTML element"
	attr    = "HTML attribute"
	alt     = "image alt text"
	title   = "link title"
	unknown = "unknown HTML tag"
)

func TestStrip(t *testing.T) {
	t.Parallel()
	checkStrip(t, map[string]stripCase{
		"plain":               {in: "# Fix *it*\r\n\r\n- a\r\n  - b < c && d\r\n", want: "# Fix *it*\n\n- a\n  - b < c && d"},
		"link":                {in: "see [docs](https://x.test/a_(b)) and <https://y.test>", want: "see [docs](https://x.test/a_(b)) and <https://y.test>"},
		"query":               {in: "https://x.test/?a=1&copy=2", want: "https://x.test/?a=1&copy=2"},
		"entities":            {in: "a &lt; b &amp;&amp; c &nosuch; &#x41;", want: "a < b && c &nosuch; A"},
		"comment":             {in: "a<!-- x\ny -->b<!---->c", want: "abc", hidden: []string{comment}},
		"comment at the end":  {in: "a\n\n<!-- x\n\ny", want: "a", hidden: []string{comment}},
		"comment over blanks": {in: "<!-- x\n\n```\ny\n```\n-->\nb", want: "b", hidden: []string{comment}},
		"coded comment":       {in: "a &lt;!-- x --&gt; b", want: "a  b", hidden: []string{comment}},
		"coded twice":         {in: "a &amp;lt;!-- x --&amp;gt; b", want: "a  b", hidden: []string{comment}},
		"nested comment":      {in: "a <!<!-- -->-- x --> b", want: "a  b", hidden: []string{comment}},
		"escaped comment":     {in: `a \<!-- x --> b`, want: `a \ b`, hidden: []string{comment}},
		"instruction, CDATA":  {in: "a <?x y?> <![CDATA[z]]> <!X y> b", want: "a    b", hidden: []string{comment}},
		"zero width":          {in: "ad\u200Bmin a&#8203;b &ZeroWidthSpace;", want: "admin ab", hidden: []string{"zero-width characters"}},
		"bidi, tags, control": {in: "a\u202Eb\U000E0041c\x1b[31md\x00", want: "abcd", hidden: []string{"bidi characters", "tag characters", "control characters"}},
		"invalid":             {in: "a\xffb", want: "a\uFFFDb", hidden: []string{"invalid UTF-8 characters"}},
		"image":               {in: `a ![run this](https://x.test/i.png "and this") b`, want: "a [image] b", hidden: []string{title, alt}},
		"image, no alt":       {in: "![](i.png)", want: "[image]"},
		"image in a link":     {in: "[![alt](i.png)](https://x.test)", want: "[[image]](https://x.test)", hidden: []string{alt}},
		"alt with brackets":   {in: "![a [b] ![c](d) e](f)x", want: "[image]x", hidden: []string{alt}},
		"alt with code":       {in: "![a `]` b](f)x", want: "[image]x", hidden: []string{alt}},
		"no image":            {in: "vec![1, 2] #![feature(x)]", want: "vec![1, 2] #![feature(x)]"},
		"image by label":      {in: "![do][l] ![L] a\n\n[l]: i.png", want: "[image] [image] a", hidden: []string{alt, "link definition"}},
		"link title":          {in: "[a](u 'do it') [b](<v w> (and this))", want: "[a](u) [b](v w)", hidden: []string{title}},
		"link label":          {in: "[a][do it] x[0][1]\n\n[do it]: u", want: "[a] x[0][1]", hidden: []string{"link label", "link definition"}},
		"empty link":          {in: "a[](https://x.test/do-it)b", want: "ab", hidden: []string{"link without text"}},
		"definition":          {in: "a\n\n[//]: # (do this)\n[x]: <> \"do\n that\"\nb", want: "a\n\n\n\nb", hidden: []string{"link definition"}},
		"quoted definition":   {in: "> [x]: u 'do'\nb", want: "> \nb", hidden: []string{"link definition"}},
		"no definition":       {in: "[WARN]: something happened\n[a]:\n\nb c", want: "[WARN]: something happened\n[a]:\n\nb c"},
		"footnotes":           {in: "a[^1]\n\n[^1]: seen text\n\n[^2]: not seen", want: "a[^1]\n\n[^1]: seen text", hidden: []string{"link definition"}},
	})
}

func TestStrip_html(t *testing.T) {
	t.Parallel()
	checkStrip(t, map[string]stripCase{
		"formatting":         {in: "a <b>b</b><br>c <kbd>d</kbd>", want: "a b\nc d"},
		"details":            {in: "<details><summary>s</summary>\n\ntext\n\n</details>", want: "s\n\ntext"},
		"attributes":         {in: `a <span title="x">b</span> <a href="u" aria-label=y>c</a> <i data-z='q'>d</i>`, want: "a b c d", hidden: []string{attr}},
		"img":                {in: `a <img src="i.png" alt="do it">`, want: "a [image]", hidden: []string{alt}},
		"hidden":             {in: "a <div hidden>x <div>y</div> z</div> b", want: "a  b", hidden: []string{element}},
		"not displayed":      {in: `a <span style="color:red;DISPLAY : none">x</span> b`, want: "a  b", hidden: []string{element}},
		"hidden, not closed": {in: "a <p hidden>x\n\ny", want: "a", hidden: []string{element}},
		"script":             {in: "a <script>x < y</script> <style>z</style> b", want: "a   b", hidden: []string{element}},
		"style, not closed":  {in: "the <style> tag is shown", want: "the  tag is shown"},
		"unknown":            {in: "a <ignore-all-and-do> b List<String>", want: "a  b List", hidden: []string{unknown}},
		"no tags":            {in: "vector<int, float> a<b <- 1<2 <3 </> <a b=c", want: "vector<int, float> a<b <- 1<2 <3 </> <a b=c"},
		"coded tag":          {in: "a &lt;img alt=&quot;x&quot;&gt;", want: "a [image]", hidden: []string{alt}},
		"block never ends":   {in: "a\n\n<div title=\"x\n\ny", want: "a", hidden: []string{element}},
		"odd end tag":        {in: "<div>\n</ x y>a</div>", want: "a", hidden: []string{comment}},
		"address in a block": {in: "<div>\n<https://x.test>a</div>", want: "a", hidden: []string{unknown}},
	})
}

// What counts as code must be code to GitHub as well: each of the refused
// shows nothing of x there.
func TestStrip_code(t *testing.T) {
	t.Parallel()
	h := "<!-- x -->"
	kept := map[string]string{
		"fence":              "a\n```html\n" + h + " &lt; [](u)\n```\nb",
		"tildes, not closed": "~~~\n" + h,
		"span":               "a `" + h + "` b",
		"long span":          "``a ` " + h + "``",
		"listed fence":       "1. a\n   ```\n   " + h + "\n\n   ```\n2. b",
		"quoted fence":       "> ```\n> " + h + "\n>\n> ```",
		"pipe":               "`a | " + h + "`",
		"next paragraph":     "it` is\n\n`" + h + "`",
	}
	for name, in := range kept {
		if got, hidden := markdown.Strip(in); got != in || hidden != nil {
			t.Errorf("%s: Strip(%q) = %q, %q", name, in, got, hidden)
		}
	}
	refused := map[string]string{
		"escaped backtick":       "\\`" + h + "`",
		"odd backtick before":    "a ` b\nc ` " + h + " `",
		"in HTML":                "<div>\n`" + h + "`\n</div>",
		"fence in HTML":          "<div>\n```\n" + h + "\n```\n</div>",
		"fence in pre":           "<pre>\n\n```\n" + h + "\n```\n</pre>",
		"fence in a comment":     "<!--\n```\nx\n```\n-->",
		"coded fence":            "&#96;&#96;&#96;\n" + h + "\n&#96;&#96;&#96;",
		"zero width in a fence":  "`\u200B``\n" + h + "\n```",
		"behind a listed fence":  "- ```\n  a\n  ```\n" + h + "\n",
		"listed fence ends":      "- a\n  ```\n  b\n```\nc\n```\n" + h + "\n```",
		"quoted fence ends":      "> ```\n" + h,
		"quoted HTML":            "> <div>\n```\n\ny\n```\n" + h + "\n```",
		"table":                  "| a | b |\n|---|---|\n| ` | " + h + " ` |",
		"tag with a backtick":    "<a href=\"`\">" + h + "`",
		"address with backtick":  "<https://a.test/`> " + h + " `",
		"bare address":           "www.a.test/` " + h + " `",
		"tag over a fence":       "a <b title=\"\n```\nd\">c\n" + h + "\n```",
		"after a comment's end":  "<!-- y --> `" + h + "`",
		"comment left its quote": "> <!-- y\nz --> x",
		"comment left its item":  "- <!-- y\nz --> x",
		"comment left its block": "<div> <!-- y\n\nz --> x",
	}
	for name, in := range refused {
		if got, hidden := markdown.Strip(in); strings.Contains(got, "x") || hidden == nil {
			t.Errorf("%s: Strip(%q) = %q, %q", name, in, got, hidden)
		}
	}
	got, hidden := markdown.Strip("```\na\u200Bb\n```")
	if got != "```\nab\n```" || !slices.Equal(hidden, []string{"zero-width characters"}) {
		t.Errorf("code kept what is invisible: %q, %q", got, hidden)
	}
}

func TestStrip_bounded(t *testing.T) {
	t.Parallel()
	const size = markdown.MaxText / 8
	units := []string{
		"![", "[", "![a](", "](a (", "](<", "<a b=\"", "<a ", "<a b='<c d=\"", "<!", "<?", "<!x", "<![CDATA[", "</ ", "<!-- ",
		"<script>", "<p hidden>", "&amp;", "&", "`", "`` ` ", "[a]: b \"\n", "[a]: b (\n", "[^1]: x\n", "> ", "- ", "1. ",
		"```\n~~~\n", "> ```\n", "<pre>\n", "<div>\n", "<!x>\n", "`|` ", "|-|\n", "\\", "[](", "]:", "[a]:", "<a\n", "- ```\n\n",
		"<svg><a ", "\u200B", "\x1b]", "![`", "][a", "&#60;", "<b>`", "![a][", "a\n<!--\n-->", "<https:a",
	}
	for _, unit := range units {
		for _, tail := range []string{"", ">](u)\n[a]: u-->"} {
			in := strings.Repeat(unit, size/len(unit)+1)[:size] + tail
			start := time.Now()
			got, _ := markdown.Strip(in)
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("%q with %q took %v", unit, tail, d)
			}
			if len(got) > 2*size {
				t.Errorf("%q grew to %d bytes", unit, len(got))
			}
		}
	}
	got, hidden := markdown.Strip(strings.Repeat("ä", markdown.MaxText))
	if len(got) > markdown.MaxText || !utf8.ValidString(got) || !slices.Contains(hidden, "text beyond 64 KiB") {
		t.Errorf("%d bytes, %q", len(got), hidden)
	}
}

func FuzzStrip(f *testing.F) {
	f.Add("a <!-- b --> &lt;img alt='x'&gt; `c` ![d](e 'f')")
	f.Add("```\n<!-- x -->\n```\n> [a]: b \"c\"\n<div hidden>\n")
	f.Add("- ```\n  &#8203;\n<a href=\"`\">\\`")
	f.Fuzz(func(t *testing.T, in string) {
		got, hidden := markdown.Strip(in)
		if !utf8.ValidString(got) || secret.Clean(got, 0) != got {
			t.Errorf("Strip(%q) = %q", in, got)
		}
		if len(hidden) != len(slices.Compact(slices.Sorted(slices.Values(hidden)))) {
			t.Errorf("Strip(%q) said a thing twice: %q", in, hidden)
		}
		if !strings.Contains(in, "`") && !strings.Contains(in, "~~~") && strings.Contains(got, "<!-- ") && !strings.Contains(in, "&") {
			t.Errorf("Strip(%q) = %q kept a comment", in, got)
		}
	})
}
