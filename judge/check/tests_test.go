package check_test

import (
	"strings"
	"testing"

	"honk/judge/check"
	"honk/verify"
)

const goTests = `package a

import "testing"

func TestAdd(t *testing.T) {
	if Add(1, 2) != 3 {
		t.Errorf("Add(1, 2)")
	}
}

func TestSub(t *testing.T) {
	if Sub(3, 2) != 1 {
		t.Errorf("Sub(3, 2)")
	}
}
`

const pyTests = `import pytest


def test_add():
    assert add(1, 2) == 3


def test_sub():
    assert sub(3, 2) == 1
`

const jsTests = `describe('math', () => {
  it('adds', () => {
    expect(add(1, 2)).toBe(3);
  });

  it('subtracts', () => {
    expect(sub(3, 2)).toBe(1);
  });
});
`

const javaTests = `class MathTest {
    @Test
    void adds() {
        assertEquals(3, add(1, 2));
    }

    @Test
    void subtracts() {
        assertEquals(1, sub(3, 2));
    }
}
`

const rustTests = `fn add(a: i32, b: i32) -> i32 { a + b }

#[cfg(test)]
mod tests {
    #[test]
    fn adds() {
        assert_eq!(add(1, 2), 3);
    }

    #[test]
    fn subtracts() {
        assert_eq!(sub(3, 2), 1);
    }
}
`

const rubyTests = `describe Calc do
  it "adds" do
    expect(add(1, 2)).to eq 3
  end

  it "subtracts" do
    expect(sub(3, 2)).to eq 1
  end
end
`

const veto = "tests veto"

// cut removes from text what stands from the first to the end of the second.
func cut(text, from, to string) string {
	i := strings.Index(text, from)
	j := i + strings.Index(text[i:], to) + len(to)
	return text[:i] + text[j:]
}

func with(text string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(text) }

func edit(name, before, after string, want ...string) ruling {
	return ruling{before: tree{name: before}, after: tree{name: after}, want: want}
}

func asked(prompt string, r ruling) ruling {
	r.prompt, r.want = prompt, nil
	return r
}

func TestTests_removed(t *testing.T) {
	t.Parallel()
	goCut := edit("a_test.go", goTests, cut(goTests, "func TestSub", "}\n}\n"), veto)
	still := func(prompt string) ruling { r := goCut; r.prompt = prompt; return r }
	runRulings(t, map[string]ruling{
		"go":     goCut,
		"python": edit("test_a.py", pyTests, cut(pyTests, "def test_sub", "== 1\n"), veto),
		"js":     edit("a.test.js", jsTests, cut(jsTests, "  it('subtracts'", "});\n"), veto),
		"java":   edit("src/test/java/MathTest.java", javaTests, cut(javaTests, "    @Test\n    void subtracts", "    }\n"), veto),
		"rust":   edit("src/lib.rs", rustTests, cut(rustTests, "    #[test]\n    fn subtracts", "    }\n"), veto),
		"ruby":   edit("calc_spec.rb", rubyTests, cut(rubyTests, `  it "subtracts"`, "end\n"), veto),

		"java annotation taken off": edit("src/test/java/MathTest.java", javaTests, with(javaTests, "    @Test\n    void subtracts", "    void subtracts"), veto),
		"rust attribute taken off":  edit("src/lib.rs", rustTests, with(rustTests, "    #[test]\n    fn subtracts", "    fn subtracts"), veto),
		"go renamed to a helper":    edit("a_test.go", goTests, with(goTests, "TestSub", "checkSub"), veto),
		"whole file":                {before: tree{"a.go": "package a\n", "a_test.go": goTests}, after: tree{"a.go": "package a\n"}, want: []string{veto, veto}},
		"fixture of a test":         {before: tree{"test/helper.js": "x\n"}, after: tree{}, want: []string{veto}},
		"gutted and replaced":       {before: tree{"a_test.go": goTests}, after: tree{"b_test.go": "package a\n\nfunc TestNothing(t *testing.T) {}\n"}, want: []string{veto, veto}},

		"asked":                 asked("Delete the tests for subtraction.", goCut),
		"asked by name":         asked("Remove TestSub, it tests nothing.", goCut),
		"asked by the code":     {prompt: "Remove the deprecated ParseOld function", before: tree{"a_test.go": goTests + "\nfunc TestParseOld(t *testing.T) {\n\tt.Error()\n}\n"}, after: tree{"a_test.go": goTests}},
		"forbidden":             still("Remove the Sub function. Do not delete any tests."),
		"another thought":       still("Remove the retry loop and add a test for it"),
		"removal from tests":    still("Remove the flag from tests"),
		"word in another place": still("Tests are slow; remove caching"),

		"renamed":           edit("a_test.go", goTests, with(goTests, "TestSub", "TestSubtract")),
		"renamed py":        edit("test_a.py", pyTests, with(pyTests, "test_sub", "test_subtract")),
		"renamed js":        edit("a.test.js", jsTests, with(jsTests, "'subtracts'", "'takes away'")),
		"moved within":      edit("a_test.go", goTests, cut(goTests, "func TestAdd", "}\n}\n")+"\nfunc TestAdd(t *testing.T) {\n\tif Add(1, 2) != 3 {\n\t\tt.Errorf(\"Add(1, 2)\")\n\t}\n}\n"),
		"moved to a file":   {before: tree{"a_test.go": goTests}, after: tree{"sub/math_test.go": goTests}},
		"split in two":      {before: tree{"test_a.py": pyTests}, after: tree{"test_a.py": cut(pyTests, "def test_sub", "== 1\n"), "test_b.py": "def test_sub():\n    assert sub(3, 2) == 1\n"}},
		"with its code":     {prompt: "Remove the legacy/calc package, nobody uses it", before: tree{"legacy/calc/calc.go": "package calc\n", "legacy/calc/calc_test.go": goTests}, after: tree{}},
		"not a test file":   edit("a.go", "package a\n\nfunc TestServer() {}\n\nvar x = 1\n", "package a\n\nvar x = 1\n"),
		"go helper removed": edit("a_test.go", goTests+"\nfunc help() {}\n", goTests),
	})
}

func TestTests_skipped(t *testing.T) {
	t.Parallel()
	goSkip := edit("a_test.go", goTests, with(goTests, "func TestSub(t *testing.T) {\n", "func TestSub(t *testing.T) {\n\tt.Skip(\"flaky\")\n"), veto)
	flag := "tests flag"
	runRulings(t, map[string]ruling{
		"go":              goSkip,
		"go SkipNow":      edit("a_test.go", goTests, with(goTests, "func TestSub(t *testing.T) {\n", "func TestSub(t *testing.T) {\n\tif ci { t.SkipNow() }\n"), veto),
		"go build tag":    edit("a_test.go", goTests, "//go:build never\n\n"+goTests, veto),
		"go +build":       edit("a_test.go", goTests, "// +build never\n\n"+goTests, veto),
		"go other name":   edit("a_test.go", goTests, with(goTests, "func TestSub(t *testing.T) {\n", "func TestSub(x *testing.T) {\n\tx.Skip()\n\tt := x\n"), veto),
		"go TestMain":     {before: tree{"a_test.go": goTests}, after: tree{"a_test.go": goTests, "main_test.go": "package a\n\nfunc TestMain(m *testing.M) {\n\tm.Run()\n\tos.Exit(0)\n}\n"}, want: []string{veto}},
		"go honest main":  {before: tree{"a_test.go": goTests}, after: tree{"a_test.go": goTests, "main_test.go": "package a\n\nfunc TestMain(m *testing.M) {\n\tos.Exit(m.Run())\n}\n"}},
		"pytest hook":     {before: tree{"test_a.py": pyTests}, after: tree{"test_a.py": pyTests, "conftest.py": "def pytest_collection_modifyitems(items):\n    items[:] = []\n"}, want: []string{veto}},
		"pytest report":   {before: tree{"test_a.py": pyTests}, after: tree{"test_a.py": pyTests, "conftest.py": "@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n    r = yield\n    r.get_result().outcome = 'passed'\n"}, want: []string{veto}},
		"pytest fixture":  {before: tree{"test_a.py": pyTests}, after: tree{"test_a.py": pyTests, "conftest.py": "@pytest.fixture\ndef db():\n    return 1\n"}},
		"py exit":         edit("test_a.py", pyTests, with(pyTests, "import pytest\n", "import os, pytest\nos._exit(0)\n"), veto),
		"js exit":         edit("a.test.js", jsTests, "process.exit(0)\n"+jsTests, veto),
		"pytest mark":     edit("test_a.py", pyTests, with(pyTests, "def test_sub", "@pytest.mark.skip(reason='x')\ndef test_sub"), veto),
		"pytest xfail":    edit("test_a.py", pyTests, with(pyTests, "def test_sub", "@pytest.mark.xfail\ndef test_sub"), veto),
		"pytest call":     edit("test_a.py", pyTests, with(pyTests, "def test_sub():\n", "def test_sub():\n    pytest.skip('x')\n"), veto),
		"unittest":        edit("test_a.py", pyTests, with(pyTests, "def test_sub", "@unittest.skipIf(True, 'x')\ndef test_sub"), veto),
		"js xit":          edit("a.test.js", jsTests, with(jsTests, "it('subtracts'", "xit('subtracts'"), veto),
		"js it.skip":      edit("a.spec.ts", jsTests, with(jsTests, "it('subtracts'", "it.skip('subtracts'"), veto),
		"js describe":     edit("a.spec.ts", jsTests, with(jsTests, "describe('math'", "describe.skip('math'"), veto),
		"js only":         edit("a.test.js", jsTests, with(jsTests, "it('adds'", "it.only('adds'"), veto),
		"js fit":          edit("a.test.js", jsTests, with(jsTests, "it('adds'", "fit('adds'"), veto),
		"java Disabled":   edit("src/test/java/MathTest.java", javaTests, with(javaTests, "    @Test\n    void subtracts", "    @Test\n    @Disabled\n    void subtracts"), veto),
		"java Ignore":     edit("src/test/java/MathTest.java", javaTests, with(javaTests, "    @Test\n    void subtracts", "    @Ignore(\"x\")\n    @Test\n    void subtracts"), veto),
		"rust ignore":     edit("src/lib.rs", rustTests, with(rustTests, "    fn subtracts", "    #[ignore]\n    fn subtracts"), veto),
		"ruby xit":        edit("calc_spec.rb", rubyTests, with(rubyTests, `  it "subtracts"`, `  xit "subtracts"`), veto),
		"skip in a moved": {before: tree{"a_test.go": goTests}, after: tree{"b_test.go": with(goTests, "func TestSub(t *testing.T) {\n", "func TestSub(t *testing.T) {\n\tt.Skip()\n")}, want: []string{veto}},

		"asked":         asked("Skip the flaky test TestSub until #12 is fixed.", goSkip),
		"asked by name": asked("disable TestSub", goSkip),

		"unskipped":              edit("a_test.go", goSkip.after["a_test.go"], goTests),
		"skip moved":             edit("a_test.go", goSkip.after["a_test.go"], with(goSkip.after["a_test.go"], "\tt.Skip(\"flaky\")\n\tif", "\tx := 1\n\t_ = x\n\tt.Skip(\"flaky\")\n\tif")),
		"new file, OS guard":     {before: tree{"a_test.go": goTests}, after: tree{"a_test.go": goTests, "b_test.go": "package a\n\nfunc TestFifo(t *testing.T) {\n\tif runtime.GOOS == \"windows\" {\n\t\tt.Skip(\"no FIFO\")\n\t}\n\tt.Error()\n}\n"}, want: []string{flag}},
		"new test, old file":     edit("a_test.go", goTests, goTests+"\nfunc TestFifo(t *testing.T) {\n\tif testing.Short() {\n\t\tt.Skip()\n\t}\n\tt.Error()\n}\n", flag),
		"new py test with mark":  edit("test_a.py", pyTests, pyTests+"\n\n@pytest.mark.skipif(sys.platform == 'win32', reason='x')\ndef test_fifo():\n    assert fifo()\n", flag),
		"only in a name":         edit("a.test.js", jsTests, with(jsTests, "expect(add(1, 2))", "const r = perms.only('read'); expect(add(1, 2))")),
		"read only, not a test":  edit("a.js", "x\n", "acl.only(read); it.only('x')\n"),
		"skip of something else": edit("a_test.go", goTests, with(goTests, "if Add(1, 2) != 3", "rows.Skip(2)\n\tif Add(1, 2) != 3")),
		"skip in a comment":      edit("a_test.go", goTests, with(goTests, "\tif Add", "\t// never t.Skip() here\n\tif Add")),
		"java identifier":        edit("src/test/java/MathTest.java", javaTests, with(javaTests, "add(1, 2)", "addIgnore(1, 2)")),
	})
}

func TestTests_assertions(t *testing.T) {
	t.Parallel()
	fewer := edit("a_test.go", goTests, with(goTests, "\tif Sub(3, 2) != 1 {\n\t\tt.Errorf(\"Sub(3, 2)\")\n\t}\n", "\tSub(3, 2)\n"), veto)
	runRulings(t, map[string]ruling{
		"go":          fewer,
		"py":          edit("test_a.py", pyTests, with(pyTests, "    assert sub(3, 2) == 1", "    sub(3, 2)"), veto),
		"py emptied":  edit("test_a.py", pyTests, with(pyTests, "    assert sub(3, 2) == 1", "    assert True"), veto),
		"js":          edit("a.test.js", jsTests, with(jsTests, "expect(sub(3, 2)).toBe(1)", "sub(3, 2)"), veto),
		"js emptied":  edit("a.test.js", jsTests, with(jsTests, "expect(sub(3, 2)).toBe(1)", "expect(true).toBe(true)"), veto),
		"java":        edit("src/test/java/MathTest.java", javaTests, with(javaTests, "assertEquals(1, sub(3, 2));", "sub(3, 2);"), veto),
		"rust":        edit("src/lib.rs", rustTests, with(rustTests, "assert_eq!(sub(3, 2), 1);", "sub(3, 2);"), veto),
		"commented":   edit("test_a.py", pyTests, with(pyTests, "    assert sub", "    # assert sub"), veto),
		"asked":       asked("Refactor the tests into a table", fewer),
		"rewritten":   edit("a_test.go", goTests, with(goTests, "!= 1", "!= 2", `t.Errorf("Sub(3, 2)")`, `t.Fatalf("Sub(3, 2) = %d", 2)`)),
		"py reworded": edit("test_a.py", pyTests, with(pyTests, "assert sub(3, 2) == 1", "assert sub(5, 2) == 3")),
		"moved":       {before: tree{"a_test.go": goTests}, after: tree{"c_test.go": goTests}},
		"more":        edit("test_a.py", pyTests, pyTests+"    assert sub(0, 0) == 0\n"),
	})
}

func TestTests_vanished(t *testing.T) {
	t.Parallel()
	run := func(prompt string, before, after tree, gone ...string) []check.Finding {
		p, base := newPatch(t, before, after)
		return check.Run(check.Input{Patch: p, Base: base, Prompt: prompt, Gate: verify.Gate{Vanished: gone}})
	}
	code := tree{"a.go": "package a\n"}
	changed := tree{"a.go": "package a\n\nvar x int\n"}
	if got := check.Worst(run("Fix it", code, changed, "a.TestSub")); got != check.Veto {
		t.Errorf("vanished: %q", got)
	}
	if got := run("Remove the test TestSub", code, changed, "a.TestSub"); len(got) != 0 {
		t.Errorf("asked: %+v", got)
	}
	renamed := tree{"a_test.go": with(goTests, "TestSub", "TestSubtract")}
	if got := run("Fix it", tree{"a_test.go": goTests}, renamed, "a.TestSub", "a.TestSub/x"); len(got) != 0 {
		t.Errorf("renamed: %+v", got)
	}
	if got := run("Fix it", tree{"a_test.go": goTests}, tree{"b/a_test.go": goTests}, "a.TestSub", "a.TestAdd"); len(got) != 0 {
		t.Errorf("moved: %+v", got)
	}
}
