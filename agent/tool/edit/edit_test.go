package edit_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"honk/agent/tool/edit"
)

func TestApply(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		src       string
		old, text string
		all       bool
		want      string
		note      string // part of the note, empty for none
	}{
		{"exact", "a\nb\nc\n", "b", "B", false, "a\nB\nc\n", ""},
		{"part of a line", "x := foo(1)\n", "foo(1)", "bar(2)", false, "x := bar(2)\n", ""},
		{"several lines", "a\nb\nc\n", "a\nb\n", "z\n", false, "z\nc\n", ""},
		{"deletes", "a\nb\nc\n", "b\n", "", false, "a\nc\n", ""},
		{"all", "x y x\nx\n", "x", "z", true, "z y z\nz\n", ""},
		{"all of overlapping", "aaa", "aa", "b", true, "ba", ""},
		{"all of one", "x\n", "x", "z", true, "z\n", ""},
		{"crlf file, lf text", "a\r\nb\r\nc\r\n", "a\nb\n", "1\n2\n3\n", false, "1\r\n2\r\n3\r\nc\r\n", ""},
		{"crlf file, crlf text", "a\r\nb\r\n", "a\r\nb", "x\r\ny", false, "x\r\ny\r\n", ""},
		{"lf file, crlf text", "a\nb\n", "a\r\nb", "x\r\ny", false, "x\ny\n", ""},
		{"mixed ends stay", "a\r\nb\nc\r\nd\r\n", "c", "C", false, "a\r\nb\nC\r\nd\r\n", ""},
		{"match ends before carriage return", "a\r\nb\r\n", "a", "A", false, "A\r\nb\r\n", ""},
		{"match begins at line feed", "a\r\nb\r\n", "\nb", "\nB", false, "a\r\nB\r\n", ""},
		{"no final newline", "a\nb", "b", "B", false, "a\nB", ""},
		{"no final newline, asked for with one", "a\nb", "b\n", "B\n", false, "a\nB", "trailing"},
		{"byte order mark stays", "\ufeffa\nb\n", "a\n", "A\n", false, "\ufeffA\nb\n", ""},
		{"trailing space in the file", "a  \nb\n", "a\nb\n", "x\ny\n", false, "x\ny\n", "trailing"},
		{"trailing space in old", "a\nb\n", "a \t\nb\n", "x\ny\n", false, "x\ny\n", "trailing"},
		{
			"spaces for tabs",
			"func f() {\n\tif x {\n\t\treturn\n\t}\n}\n",
			"    if x {\n        return\n    }\n",
			"    if y {\n        for {\n            z()\n        }\n    }\n", false,
			"func f() {\n\tif y {\n\t\tfor {\n\t\t\tz()\n\t\t}\n\t}\n}\n", "indent",
		},
		{
			"indentation left out",
			"class A:\n    def f(self):\n        return 1\n",
			"def f(self):\n    return 1\n",
			"def f(self):\n    if x:\n        return 2\n    return 1\n", false,
			"class A:\n    def f(self):\n        if x:\n            return 2\n        return 1\n", "indent",
		},
		{
			"two spaces for four",
			"if a:\n    if b:\n        c()\n",
			"  if b:\n    c()\n",
			"  if b:\n    if d:\n      c()\n", false,
			"if a:\n    if b:\n        if d:\n            c()\n", "indent",
		},
		{
			"shallower than the first line",
			"\tif a {\n\t\tb()\n\t}\n",
			"    b()\n}\n", "    c()\n}\nd()\n", false,
			"\tif a {\n\t\tc()\n\t}\n\td()\n", "indent",
		},
		{"inner space", "x  =   1\n", "x = 1", "x = 2", false, "x = 2\n", "white space was ignored"},
		{"typographic quotes", "say(“hi” – ok)\n", "say(\"hi\" - ok)", "say(\"ho\")", false, "say(\"ho\")\n", "typographic"},
		{"no-break space", "a\u00a0b\n", "a b", "c", false, "c\n", "white space was ignored"},
		{"forgiving delete takes the line", "a\n  b\nc\n", "b \n", "", false, "a\nc\n", "indent"},
		{"crlf and indentation", "{\r\n\ta\r\n}\r\n", "{\n  a\n}", "{\n  b\n  c\n}", false, "{\r\n\tb\r\n\tc\r\n}\r\n", "indent"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, refusal := edit.Apply([]byte(tt.src), tt.old, tt.text, tt.all)
			if refusal != "" {
				t.Fatal(refusal)
			}
			if diff := cmp.Diff(tt.want, string(got.Data)); diff != "" {
				t.Errorf("data (-want +got):\n%s", diff)
			}
			if (tt.note == "") != (got.Note == "") || !strings.Contains(got.Note, tt.note) {
				t.Errorf("note = %q, want %q in it", got.Note, tt.note)
			}
		})
	}
}

func TestApply_refusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, src, old, text, want string
		all                        bool
	}{
		{"empty old", "a", "", "b", "`old` is empty", false},
		{"same", "a", "a", "a", "are the same", false},
		{"same but for line ends", "a\r\nb", "a\nb", "a\r\nb", "are the same", false},
		{"twice", "a\nb\na\n", "a", "c", "occurs 2 times, at lines 1, 3", false},
		{"twice when loose", "  a\n    a\n", "a \n", "c\n", "occurs 2 times when indentation is ignored, at lines 1, 2", false},
		{"twice when loose, all", "  a\n    a\n", "a \n", "c\n", "occurs 2 times when indentation", true},
		{"overlapping", "aaa", "aa", "b", "occurs 2 times", false},
		{"many", strings.Repeat("a\n", 20), "a", "b", "8, 9, 10, …", false},
		{"nowhere", "a\nb\n", "zebra", "c", "nothing in it comes close", false},
		{"done already", "a\nnew\n", "old", "new", "`new` already is, at line 2", false},
		{"close", "func a() {\n\tx := 1 \n\treturn x\n}\n", "func a() {\n\ty := 1\n\treturn x\n}", "z", "     2 ≠ →x := 1·\n     3   →return x\n", false},
		{"content is not forgiven", "if a == b {\n", "if a = b {", "x", "nothing in it comes close", false},
		{"case is not forgiven", "Foo\n", "foo", "x", "nothing in it comes close", false},
		{"only white space", "a\n  \nb\n", "\t\t\t", "x", "not in the file", false},
		{"forgiven away", "\ta\n", "    a", "  a", "would change", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, refusal := edit.Apply([]byte(tt.src), tt.old, tt.text, tt.all)
			if !strings.Contains(refusal, tt.want) {
				t.Errorf("got %q and refusal %q, want %q in it", got.Data, refusal, tt.want)
			}
		})
	}
}

func TestApply_counts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, src, old, text string
		all                  bool
		want                 edit.Result
	}{
		{"one line", "a\nb\nc\n", "b", "B", false, edit.Result{First: 2, Last: 2, Count: 1, Added: 1, Removed: 1}},
		{"grows", "a\nb\nc\n", "b\n", "b\nx\ny\n", false, edit.Result{First: 2, Last: 4, Count: 1, Added: 2}},
		{"shrinks", "a\nb\nc\n", "b\n", "", false, edit.Result{First: 2, Last: 1, Count: 1, Removed: 1}},
		{"all", "a\nb\na\n", "a", "c", true, edit.Result{First: 1, Last: 1, Count: 2, Added: 2, Removed: 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, refusal := edit.Apply([]byte(tt.src), tt.old, tt.text, tt.all)
			if refusal != "" {
				t.Fatal(refusal)
			}
			got.Data = nil
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzApply(f *testing.F) {
	f.Add([]byte("a\r\nb\n"), "b", "c\nd", false)
	f.Add([]byte("\tif x {\n\t\ty\n\t}\n"), "  if x {\n    y\n", "  if z {\n", false)
	f.Add([]byte("\ufeff“a” b"), "\"a\"  b\n", "\t\n", true)
	f.Fuzz(func(t *testing.T, src []byte, old, text string, all bool) {
		kept := bytes.Clone(src)
		got, refusal := edit.Apply(src, old, text, all)
		if !bytes.Equal(src, kept) {
			t.Fatal("the source was written to")
		}
		if refusal != "" {
			return
		}
		if got.Count < 1 || bytes.Equal(got.Data, src) && got.Note != "" {
			t.Fatalf("nothing changed, yet no refusal: %+v", got)
		}
		if got.Note == "" && !bytes.Contains(src, []byte("\r")) && !strings.Contains(old+text, "\r") {
			want := strings.Replace(string(src), old, text, got.Count)
			if string(got.Data) != want {
				t.Fatalf("got %q, want %q", got.Data, want)
			}
		}
		if !bytes.Contains(src, []byte("\n")) || bytes.Contains(src, []byte("\r")) {
			return
		}
		if bytes.Contains(got.Data, []byte("\r\n")) && !strings.Contains(old+text, "\r") {
			t.Fatal("a carriage return came from nowhere")
		}
	})
}
