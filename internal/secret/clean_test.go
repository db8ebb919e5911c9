package secret_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"honk/internal/secret"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in   string
		max  int
		want string
	}{
		"plain":             {in: "a\tb\nc", want: "a\tb\nc"},
		"colour":            {in: "\x1b[1;31mred\x1b[0m", want: "red"},
		"title, bell":       {in: "\x1b]0;evil\x07ok", want: "ok"},
		"link":              {in: "\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\", want: "click"},
		"open title":        {in: "\x1b]0;evil\nnext", want: "\nnext"},
		"C1 sequence":       {in: "\u009b31mred", want: "red"},
		"DCS":               {in: "\x1bPq#0\x1b\\x", want: "x"},
		"lone escape":       {in: "a\x1b", want: "a"},
		"carriage returns":  {in: "10%\r20%\r\n", want: "10%20%\n"},
		"controls":          {in: "a\x00b\x08c\x7f", want: "abc"},
		"bidi":              {in: "a\u202Eb\u2066c\u200Fd", want: "abcd"},
		"zero width":        {in: "a\u200Bb\uFEFFc\u2060d\u00ADe", want: "abcde"},
		"tags":              {in: "a\U000E0041\U000E007Fb\U000E0100", want: "ab"},
		"invalid":           {in: "a\xff\xfeb", want: "a\uFFFDb"},
		"cut":               {in: "abcdefgh", max: 6, want: "abc…"},
		"cut within a rune": {in: "äöüäöü", max: 8, want: "äö…"},
		"fits":              {in: "abc", max: 3, want: "abc"},
		"no room":           {in: "abc", max: 2, want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := secret.Clean(tt.in, tt.max); got != tt.want {
				t.Errorf("Clean(%q, %d) = %q, want %q", tt.in, tt.max, got, tt.want)
			}
		})
	}
}

func TestInvisible(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in   string
		want []secret.Kind
	}{
		"plain":             {in: "a\tb\r\nç 漢字 שלום"},
		"override":          {in: "x\u202Ey", want: []secret.Kind{secret.Bidi}},
		"isolate, Hebrew":   {in: "ש\u2066x", want: []secret.Kind{secret.Bidi}},
		"mark in Hebrew":    {in: "שלום\u200F!"},
		"mark in Latin":     {in: "a\u200Fb", want: []secret.Kind{secret.Bidi}},
		"zero-width space":  {in: "ad\u200Bmin", want: []secret.Kind{secret.ZeroWidth}},
		"emoji family":      {in: "👩\u200D👧 ❤\uFE0F\u200D🔥"},
		"joiner in Latin":   {in: "a\u200Db", want: []secret.Kind{secret.ZeroWidth}},
		"Persian":           {in: "می\u200Cخواهم"},
		"order mark first":  {in: "\uFEFFusing System;"},
		"order mark later":  {in: "a\uFEFFb", want: []secret.Kind{secret.ZeroWidth}},
		"tags":              {in: "a\U000E0049\U000E0047", want: []secret.Kind{secret.Tag, secret.Tag}},
		"escape, backspace": {in: "\x1b[2K\b", want: []secret.Kind{secret.Control, secret.Control}},
		"carriage return":   {in: "good\rbad", want: []secret.Kind{secret.Control}},
		"invalid":           {in: "a\xffb", want: []secret.Kind{secret.Invalid}},
		"replacement":       {in: "a\uFFFDb"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []secret.Kind
			for _, r := range secret.Invisible(tt.in) {
				got = append(got, r.Kind)
			}
			if strings.Join(strs(got), ",") != strings.Join(strs(tt.want), ",") {
				t.Errorf("Invisible(%q) = %v, want %v", tt.in, got, tt.want)
			}
		})
	}
}

func strs(kinds []secret.Kind) []string {
	var out []string
	for _, k := range kinds {
		out = append(out, string(k))
	}
	return out
}

func FuzzClean(f *testing.F) {
	f.Add("\x1b[31mred\x1b[0m", 10)
	f.Add("a\u202E\U000E0041\xff", 3)
	f.Add("\x1b]8;;x\x1b\\", 0)
	f.Fuzz(func(t *testing.T, in string, max int) {
		got := secret.Clean(in, max)
		if !utf8.ValidString(got) || max > 0 && len(got) > max {
			t.Errorf("Clean(%q, %d) = %q", in, max, got)
		}
		if again := secret.Clean(got, max); again != got {
			t.Errorf("not settled: %q became %q", got, again)
		}
		for _, r := range secret.Invisible(got) {
			t.Errorf("%q kept %U", got, r.Value)
		}
	})
}
