package parse_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"honk/verify/parse"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// readers are what the first word of a golden file's name stands for.
var readers = map[string]func(in []byte) parse.Reading{
	"go":         func(in []byte) parse.Reading { return parse.GoTest(string(in), "", "example.com/m") },
	"junit":      func(in []byte) parse.Reading { return parse.JUnit(in) },
	"any":        func(in []byte) parse.Reading { return parse.Any(parse.Clean(in)) },
	"lines":      func(in []byte) parse.Reading { return parse.Lines("", parse.Clean(in)) },
	"eslint":     func(in []byte) parse.Reading { return parse.Lines("eslint", parse.Clean(in)) },
	"tsc":        func(in []byte) parse.Reading { return parse.Lines("tsc", parse.Clean(in)) },
	"mypy":       func(in []byte) parse.Reading { return parse.Lines("mypy", parse.Clean(in)) },
	"jest":       func(in []byte) parse.Reading { return parse.Jest("/w", in) },
	"ruff":       func(in []byte) parse.Reading { return parse.Ruff("/w", in) },
	"eslintjson": func(in []byte) parse.Reading { return parse.ESLint("/w", in) },
}

func TestReaders_golden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			kind, _, _ := strings.Cut(name, "-")
			got := show(readers[kind](ar.Files[0].Data))
			if *update {
				ar.Files = append(ar.Files[:1], txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(ar.Files[1].Data), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func show(r parse.Reading) string {
	var out strings.Builder
	if r.Tests == nil {
		out.WriteString("tests unknown\n")
	} else {
		fmt.Fprintf(&out, "ran %d, skipped %d\n", r.Tests.Run, r.Tests.Skips)
		for _, id := range r.Tests.IDs {
			fmt.Fprintf(&out, "ran %s\n", id)
		}
		for _, id := range r.Tests.Passed {
			fmt.Fprintf(&out, "passed %s\n", id)
		}
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&out, "%s:%d:%d [%s] {%s} %s\n", f.File, f.Line, f.Col, f.Rule, f.TestID, f.Message)
	}
	return out.String()
}

func TestCounts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text       string
		run, skips int // -1: unknown
	}{
		{"# tests 5\n# suites 1\n# pass 3\n# fail 1\n# cancelled 0\n# skipped 1\n# todo 0\n", 4, 1},
		{"ℹ tests 2\nℹ suites 0\nℹ pass 2\nℹ fail 0\nℹ cancelled 0\nℹ skipped 0\n", 2, 0},
		{"Tests:       1 failed, 2 skipped, 3 passed, 6 total\n", 4, 2},
		{"Tests:       5 passed, 5 total\nTests:       1 passed, 1 total\n", 6, 0},
		{" Test Files  1 failed (1)\n      Tests  1 failed | 2 passed | 1 skipped (4)\n", 3, 1},
		{"      Tests  2 passed (2)\n", 2, 0},
		{"  5 passing (3ms)\n  1 pending\n  2 failing\n", 7, 1},
		{"  0 passing (1ms)\n", 0, 0},
		{"Ran 12 tests in 0.003s\n\nOK\n", 12, 0},
		{"Ran 0 tests in 0.000s\n\nOK\n", 0, 0},
		{"===== 1 failed, 4 passed, 2 skipped in 0.12s =====\n", 5, 2},
		{"5 passed in 0.01s\n", 5, 0},
		{"===== no tests ran in 0.01s =====\n", 0, 0},
		{"test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured\ntest result: FAILED. 1 passed; 1 failed; 0 ignored\n", 5, 1},
		{"[INFO] Tests run: 4, Failures: 0, Errors: 0, Skipped: 1\n", 3, 1},
		{"OK (7 tests, 12 assertions)\n", 7, 0},
		{"7 examples, 0 failures\n", 7, 0},
		{"3 runs, 4 assertions, 0 failures, 0 errors, 0 skips\n", 3, 0},
		{"100% tests passed, 0 tests failed out of 9\n", 9, 0},
		{"Passed!  - Failed:     0, Passed:     3, Skipped:     1, Total:     4\n", 3, 1},
		{"  3 tests passed\n", 3, 0},
		{"1..0\n", 0, 0},
		{"all is well\n", -1, 0},
		{"the tests passed in spirit\n", -1, 0},
		{"", -1, 0},
	} {
		got := parse.Counts(tt.text)
		switch {
		case tt.run < 0 && got != nil:
			t.Errorf("%q: got %+v, want unknown", tt.text, got)
		case tt.run >= 0 && (got == nil || got.Run != tt.run || got.Skips != tt.skips):
			t.Errorf("%q: got %+v, want %d run, %d skipped", tt.text, got, tt.run, tt.skips)
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"\x1b[1;31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07": "red link",
		"10%\r50%\r100%\n":         "100%\n",
		"dos\r\nline\r\n":          "dos\nline\n",
		"a\x00b\x07c\u202ed\u200b": "abcd",
		"bad \xff\xfe byte":        "bad \uFFFD byte",
		"x\nx\nx\n":                "x\nx\nx\n",
		"x\nx\nx\nx\nx\ny\n":       "x\n(the same line 5 times in all)\ny\n",
		"\x1b]0;never ended":       "",
		"tab\tstays":               "tab\tstays",
	} {
		if got := parse.Clean([]byte(in)); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
	if got := parse.Clean([]byte(strings.Repeat("é", 5000))); len(got) > 2100 || !strings.HasSuffix(got, "(8000 bytes more)") {
		t.Errorf("a giant line becomes %d bytes, ending in %q", len(got), got[max(0, len(got)-20):])
	}
}

func TestCondense(t *testing.T) {
	t.Parallel()
	var in strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&in, "line %d is dull\n", i)
		if i == 300 {
			in.WriteString("main.c:7: error: this one tells\n")
		}
	}
	got := parse.Condense(in.String(), 3000)
	for _, want := range []string{"line 298 is dull", "main.c:7: error: this one tells", "line 303 is dull", "lines omitted", "line 999 is dull"} {
		if !strings.Contains(got, want) {
			t.Errorf("lost %q in\n%s", want, got)
		}
	}
	if len(got) > 3000 || strings.Contains(got, "line 500 ") {
		t.Errorf("%d bytes:\n%s", len(got), got)
	}
	if got := parse.Condense(" short\n", 3000); got != "short" {
		t.Errorf("got %q", got)
	}
}

func TestSign(t *testing.T) {
	t.Parallel()
	base := parse.Finding{File: "a.go", Line: 1, Rule: "r", Message: "got 1 at 0xc000 in /tmp/x/y after 2.5s"}
	same := parse.Finding{File: "a.go", Line: 99, Col: 3, Rule: "r", Message: "got 22 at 0xdead in /tmp/z after 17ms"}
	want := parse.Sign("v", base).Fingerprint
	if got := parse.Sign("v", same).Fingerprint; got != want || len(got) != 16 {
		t.Errorf("got %q, want %q", got, want)
	}
	for name, other := range map[string]parse.Finding{
		"file":    {File: "b.go", Rule: "r", Message: base.Message},
		"rule":    {File: "a.go", Rule: "s", Message: base.Message},
		"message": {File: "a.go", Rule: "r", Message: "something else"},
		"test":    {File: "a.go", Rule: "r", TestID: "T", Message: base.Message},
	} {
		if parse.Sign("v", other).Fingerprint == want {
			t.Errorf("%s does not matter", name)
		}
	}
	if parse.Sign("w", base).Fingerprint == want {
		t.Error("the verifier does not matter")
	}
}

func FuzzReaders(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(ar.Files[0].Data)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		for name, read := range readers {
			r := read(in)
			if len(r.Findings) > parse.MaxFindings {
				t.Errorf("%s: %d findings", name, len(r.Findings))
			}
			if r.Tests != nil && len(r.Tests.Passed) > len(r.Tests.IDs) {
				t.Errorf("%s: %d passed of %d", name, len(r.Tests.Passed), len(r.Tests.IDs))
			}
		}
		if got := parse.Condense(parse.Clean(in), 500); len(got) > 500 {
			t.Errorf("condensed to %d bytes", len(got))
		}
	})
}
