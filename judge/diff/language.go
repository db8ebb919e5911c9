package diff

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// Language is what the checks know of one: how its tests look, how they are
// switched off and what an assertion is. All patterns see one line.
type Language struct {
	exts []string
	// isTest recognises a test file by its path.
	isTest *regexp.Regexp
	// Def names a test in its first group that is not empty. Where Mark is
	// set, it counts only below a line that matches Mark.
	Def, Mark *regexp.Regexp
	// Skip switches off the test it stands in (or above), Only switches off
	// all others: a focus, or what ends the run or rewrites its outcome.
	Skip, Only *regexp.Regexp
	Assert     *regexp.Regexp
	// Mute silences a linter or type checker.
	Mute *regexp.Regexp
	// comment is what starts a comment to the end of the line; block says
	// that /* */ is one too.
	comment string
	block   bool
}

func re(s string) *regexp.Regexp { return regexp.MustCompile(s) }

// languages is a value, never changed; it is built once because compiling
// costs milliseconds.
var languages = []Language{
	{
		exts: []string{".go"}, isTest: re(`_test\.go$`), comment: "//", block: true,
		Def:    re(`^func\s+(?:\(\w*\s*\*?\w+\)\s*)?((?:Test|Fuzz|Benchmark|Example)\w*)\s*\(`),
		Skip:   re("(?:\\b(?:t|tt|tb|b|f)|\\bT\\(\\))\\.Skip(?:f|Now)?\\(|\\b\\w+\\.Skip(?:Now\\(\\)|f?\\(\\s*[\"`)])|^//(?:go:build|\\s*\\+build)\\s"),
		Only:   re(`\b(?:os|syscall|unix)\.Exit\(0\)`),
		Assert: re(`\b(?:t|tt|tb|b|f|c)\.(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)\(|\b(?:assert|require|is|qt|should|must)\.\w+\(|\b\w*\.(?:Equal|NoError|Nil|True|False)\(\s*t\b`),
		Mute:   re(`//\s*nolint\b|//\s*#nosec|//lint:ignore`),
	},
	{
		exts: []string{".py", ".pyi"}, isTest: re(`(?:^|/)(?:test_[^/]*|[^/]*_test|conftest)\.py$`), comment: "#",
		Def:    re(`^\s*(?:async\s+)?def\s+(test\w*)\s*\(`),
		Skip:   re(`^\s*@(?:\w+\.)*(?:skip|skipif|skipIf|skipUnless|xfail|expectedFailure)\b|\bpytest\.(?:skip|xfail|importorskip)\(|\.skipTest\(|\braise\s+(?:unittest\.)?SkipTest\b|^\s*(?:pytestmark|collect_ignore)\b.*=|^\s*__test__\s*=\s*False`),
		Only:   re(`\b(?:sys\.exit|os\._exit|pytest\.exit)\(|^\s*def\s+pytest_(?:collect\w*|ignore_collect|itemcollected|pycollect_\w+|runtest_\w+|pyfunc_call|report_teststatus|sessionfinish|cmdline_\w+|load_initial_conftests)\b`),
		Assert: re(`^\s*assert\b\s*\(?[^)]|\bself\.(?:assert\w+|fail)\(|\bpytest\.raises\(|\.assert_\w+\(`),
		Mute:   re(`#\s*(?:type:\s*ignore|noqa\b|nosec\b|pylint:\s*disable|pyright:\s*ignore|mypy:\s*ignore|pragma:\s*no\s*cover|ruff:\s*noqa)`),
	},
	{
		exts: []string{".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs", ".mts", ".cts", ".vue", ".svelte"}, comment: "//", block: true,
		isTest: re(`\.(?:test|spec)\.[cm]?[jt]sx?$|(?:^|/)(?:__tests__|tests?|spec|cypress|e2e)/.*\.[cm]?[jt]sx?$`),
		Def:    re("(?:^|[^\\w$.])[fx]?(?:it|test|specify)(?:\\.(?:only|skip|concurrent|failing|todo|each\\([^)]*\\)))*\\(\\s*(?:'([^']+)'|\"([^\"]+)\"|`([^`]+)`)"),
		Skip:   re(`(?:^|[^\w$.])(?:it|test|describe|context|suite|specify)(?:\.\w+)*\.(?:skip|skipIf|todo|fixme|failing)\b|(?:^|[^\w$.])x(?:it|describe|test|context|specify)\s*\(|\bthis\.skip\(\)|\{\s*(?:skip|todo)\s*:\s*(?:true|['"])`),
		Only:   re(`(?:^|[^\w$.])(?:it|test|describe|context|suite|specify)(?:\.\w+)*\.only\b|(?:^|[^\w$.])f(?:it|describe|context)\s*\(\s*['"` + "`" + `]|\bprocess\.(?:exit\(\s*0?\s*\)|exitCode\s*=\s*0)`),
		Assert: re(`\bexpect\s*\(|\bassert(?:\.\w+)*\s*\(|\.should\b|\bt\.(?:is|true|false|deepEqual|throws|like|not|equal|ok|same)\(`),
		Mute:   re(`(?://|/\*|\{/\*)\s*(?:eslint-disable|tslint:disable|@ts-ignore|@ts-nocheck|@ts-expect-error|biome-ignore|prettier-ignore|istanbul ignore|c8 ignore|v8 ignore)`),
	},
	{
		exts: []string{".java", ".kt", ".kts", ".groovy", ".scala"}, comment: "//", block: true,
		isTest: re(`(?:^|/)src/(?:test|\w+Test)/|(?:Test|Tests|IT|Spec)\.(?:java|kt|groovy|scala)$`),
		Mark:   re(`^\s*@(?:\w+\.)*(?:Test|ParameterizedTest|RepeatedTest|TestFactory|Property)\b`),
		Def:    re("^\\s*(?:@\\w+\\s+)*(?:(?:public|private|protected|internal|final|static|suspend|override)\\s+)*(?:void|fun|def)\\s+(?:`([^`]+)`|(\\w+))\\s*\\("),
		Skip:   re(`^\s*@(?:\w+\.)*(?:Disabled\w*|Ignore|EnabledIf\w*|EnabledOn\w+)\b|\bassume(?:True|False)?\s*\(\s*(?:true|false)\b|@Test\s*\(\s*enabled\s*=\s*false`),
		Assert: re(`\b(?:assert\w*|verify|fail|expectThrows)\s*\(|\.should\w+\b|\bshouldBe\b`),
		Mute:   re(`@SuppressWarnings\b|@Suppress\(|//\s*NOSONAR|//\s*noinspection|CHECKSTYLE:OFF`),
	},
	{
		exts: []string{".rs"}, isTest: re(`\.rs$`), comment: "//", block: true,
		Mark:   re(`^\s*#\[(?:\w+::)*(?:test|rstest|test_case)\b`),
		Def:    re(`^\s*(?:pub\s+)?(?:async\s+)?fn\s+(\w+)`),
		Skip:   re(`^\s*#\[(?:ignore\b|cfg_attr\(.*\bignore\b)`),
		Assert: re(`\b(?:debug_)?assert\w*!|#\[should_panic`),
		Mute:   re(`#!?\[(?:allow|expect)\(`),
	},
	{
		exts: []string{".rb"}, isTest: re(`_(?:spec|test)\.rb$|(?:^|/)test_[^/]*\.rb$`), comment: "#",
		Def:    re(`^\s*[fx]?(?:it|specify|scenario|test)\s+(?:'([^']+)'|"([^"]+)")|^\s*def\s+(test_\w+)`),
		Skip:   re(`^\s*(?:x(?:it|describe|context|specify|scenario)|pending|skip)\b`),
		Only:   re(`^\s*f(?:it|describe|context|specify|scenario)\s+['"]`),
		Assert: re(`\bexpect\b|\b(?:assert|refute)\w*\b|\.should\b`),
		Mute:   re(`#\s*rubocop:disable`),
	},
	{
		exts: []string{".cs", ".fs"}, isTest: re(`Tests?\.cs$|(?:^|/)[^/]*Tests?/.*\.cs$`), comment: "//", block: true,
		Mark:   re(`^\s*\[(?:Fact|Theory|Test|TestCase|TestMethod|DataTestMethod)\b`),
		Def:    re(`^\s*(?:(?:public|private|internal|static|async)\s+)+[\w<>]+\s+(\w+)\s*\(`),
		Skip:   re(`^\s*\[(?:Ignore|Explicit)\b|^\s*\[(?:Fact|Theory)\(.*\bSkip\s*=`),
		Assert: re(`\bAssert\.|\.Should\b|\bShould\w+\(|\.Verify\(`),
		Mute:   re(`#pragma warning disable|\[SuppressMessage\(`),
	},
	{
		exts: []string{".php"}, isTest: re(`Test\.php$`), comment: "//", block: true,
		Def:    re(`\bfunction\s+(test\w*)\s*\(`),
		Skip:   re(`\bmarkTest(?:Skipped|Incomplete)\(`),
		Assert: re(`->assert\w+\(|::assert\w+\(|->expectException`),
		Mute:   re(`@phpstan-ignore|phpcs:(?:ignore|disable)|@psalm-suppress`),
	},
	{exts: []string{".c", ".h", ".cc", ".cpp", ".hpp", ".swift", ".proto", ".css", ".scss", ".tf", ".dart"}, comment: "//", block: true, Mute: re(`//\s*NOLINT|swiftlint:disable|//\s*ignore_for_file`)},
	{exts: []string{".sh", ".bash", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".pl", ".r", ".mk", ".dockerfile", ".ex", ".exs"}, comment: "#", Mute: re(`#\s*shellcheck disable`)},
	{exts: []string{".sql", ".lua", ".hs"}, comment: "--"},
}

// languageOf returns the language of a path, nil when it is none of them.
func languageOf(name string) *Language {
	ext := strings.ToLower(path.Ext(name))
	for i := range languages {
		if slices.Contains(languages[i].exts, ext) {
			return &languages[i]
		}
	}
	return nil
}

// IsTest reports whether the file holds tests by its path.
func (f *File) IsTest() bool {
	return f.Lang != nil && f.Lang.isTest != nil && f.Lang.isTest.MatchString(f.Path)
}

// TestName returns the test that a line defines, given the lines above it.
func (l *Language) TestName(text string, above []string) string {
	m := l.Def.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	if l.Mark != nil && !l.Mark.MatchString(text) {
		marked := false
		// Other annotations may stand between.
		for i := len(above) - 1; i >= 0 && i >= len(above)-6 && !marked; i-- {
			if t := strings.TrimSpace(above[i]); t == "" || strings.HasSuffix(t, "}") || strings.HasSuffix(t, ";") {
				break
			}
			marked = l.Mark.MatchString(above[i])
		}
		if !marked {
			return ""
		}
	}
	for _, name := range m[1:] {
		if name != "" {
			return name
		}
	}
	return ""
}
