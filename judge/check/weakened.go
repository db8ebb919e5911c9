package check

import (
	"path"
	"regexp"
	"strings"

	"honk/internal/task"
	"honk/judge/diff"
)

func quote(s string) string { return regexp.QuoteMeta(s) }

// removedToo reports whether the patch also takes the same line out
// elsewhere: it was moved, not added.
func (c *checker) removedToo(text string) bool { return c.removed[strings.TrimSpace(text)] }

// control is configuration that decides what the checks of a repository find.
type control struct {
	// files matches the lower-case path.
	files *regexp.Regexp
	// lines, where set, are the only lines that count, and lost those that
	// count when they go.
	lines, lost *regexp.Regexp
	// nouns are what a request that asks for a change of it calls it.
	nouns string
	// name is what a finding calls it.
	name string
}

// configuring is what one does to a setting. Fixing is not among it: who asks
// for lint errors to be fixed wants the code changed, not the linter.
const configuring = `(?:enabl|disabl|configur|add|introduc|adopt|set|turn|switch|drop|remov|updat|upgrad|migrat|relax|tighten|loosen|chang|speed|mov|lower|rais|edit|modif|adjust|extend)\w*|us(?:e|ing)|clean`

var controls = []control{
	{
		name: "lint or type configuration", nouns: `lint(?:er|ers|ing)?|golangci\S*|eslint\S*|ruff|flake8|pylint|mypy|pyright|rubocop|clippy|checkstyle|phpstan|prettier|biome|formatter|type-?check\w*`,
		files: re(`(?:^|/)(?:\.golangci\.(?:ya?ml|toml|json)|\.eslintrc(?:\.\w+)?|\.eslintignore|eslint\.config\.\w+|tslint\.json|\.prettierrc(?:\.\w+)?|biome\.jsonc?|mypy\.ini|\.mypy\.ini|\.?ruff\.toml|\.flake8|\.?pylintrc|pyrightconfig\.json|\.rubocop(?:_todo)?\.yml|phpstan\S*\.neon(?:\.dist)?|psalm\.xml|checkstyle\S*\.xml|\.?clippy\.toml|\.clang-tidy|\.swiftlint\.yml|detekt\.yml|\.stylelintrc(?:\.\w+)?|\.pre-commit-config\.yaml)$`),
	},
	{
		name: "test or coverage configuration", nouns: `jest|vitest|pytest|tox|mocha|karma|playwright|phpunit|conftest|codecov|nyc|thresholds?`,
		files: re(`(?:^|/)(?:jest\.config\.\w+|vitest\.config\.\w+|karma\.conf\.\w+|\.mocharc\.\w+|playwright\.config\.\w+|pytest\.ini|tox\.ini|\.coveragerc|\.?codecov\.ya?ml|\.nycrc(?:\.\w+)?|\.c8rc\.json|phpunit\.xml(?:\.dist)?|noxfile\.py)$`),
	},
	{
		name: "CI configuration", nouns: `ci|pipelines?|gitlab\S*|circleci|jenkins\w*|travis|buildkite`,
		files: re(`(?:^|/)(?:\.gitlab-ci\.ya?ml|\.circleci/.*|jenkinsfile\S*|azure-pipelines\.ya?ml|\.travis\.yml|\.buildkite/.*|\.drone\.yml|\.woodpecker(?:\.ya?ml|/.*)|bitbucket-pipelines\.yml|appveyor\.yml|\.cirrus\.yml)$`),
	},
	{
		name: "type checking", nouns: `tsconfig\S*|strict\w*|type-?check\w*|noImplicit\w*|compiler`,
		files: re(`(?:^|/)[jt]sconfig(?:\.\w+)?\.json$`),
		lines: re(`"(?:strict\w*|noImplicit\w*|noUnused\w*|noUnchecked\w*|noFallthrough\w*|skipLibCheck|checkJs|allowUnreachableCode|exactOptionalPropertyTypes|exclude)"\s*:`),
	},
	{
		name: "check scripts", nouns: `scripts?|eslint|jest|vitest|lint-staged|coverageThreshold|thresholds?`,
		files: re(`(?:^|/)package\.json$`),
		lines: re(`"(?:(?:pre|post)?(?:test|lint|typecheck|type-check|check|coverage|ci|verify|tsc)(?:[:\w-]*)|eslintConfig|coverageThreshold|lint-staged|testPathIgnorePatterns|passWithNoTests)"\s*:`),
	},
	{
		name: "check settings", nouns: `pytest|ruff|mypy|flake8|pylint|pyright|black|lint(?:er|ers|s|ing)?|clippy|thresholds?`,
		files: re(`(?:^|/)(?:pyproject\.toml|setup\.cfg|cargo\.toml)$`),
		lines: re(`^\s*(?:\[+(?:tool\.(?:ruff|mypy|pytest|coverage|pylint|flake8|pyright|black)|mypy|flake8|tool:pytest|coverage|lints)\b|(?:ignore|extend-ignore|per-file-ignores|select|fail_under|addopts|testpaths|disable_error_code|ignore_errors|ignore_missing_imports|strict|disable|exclude|omit|deselect|norecursedirs)\s*=)`),
	},
	{
		name: "check commands", nouns: `makefile|justfile|taskfile|targets?`,
		files: re(`(?:^|/)(?:gnu)?(?:makefile|justfile|taskfile\.ya?ml)$`),
		lines: re(`^\s.*\b(?:test|lint|vet|check|clippy|pytest|eslint|ruff|mypy)\b.*(?:\|\|\s*(?:true|:|exit 0)|;\s*true\s*$)|^\t-\S*(?:test|lint|vet|check)`),
		lost:  re(`^\s.*\b(?:go (?:test|vet)|golangci-lint|cargo (?:test|clippy)|(?:npm|yarn|pnpm)(?: run)? (?:test|lint)|pytest|unittest|tox|eslint|ruff|mypy|ctest|(?:mvn|gradle)\w*\b.*\b(?:test|verify|check))\b`),
	},
}

// weakened vetoes changes to what decides how strict the checks are, and
// shows every comment that silences one.
func (c *checker) weakened() {
	for _, f := range c.files {
		for _, k := range controls {
			c.controlled(f, k)
		}
		if f.Lang == nil || f.Lang.Mute == nil {
			continue
		}
		for _, l := range f.Lines('+') {
			if m := f.Lang.Mute.FindString(l.Text); m != "" && !c.removedToo(l.Text) {
				c.report(Finding{Check: "weakened", Severity: Flag, File: f.Path, Line: l.Num}, "a check is silenced: %s", strings.TrimSpace(l.Text))
			}
		}
	}
}

func (c *checker) controlled(f *diff.File, k control) {
	if !k.files.MatchString(strings.ToLower(f.Path)) || glob(c.Policy.AllowProtected, f.Path) ||
		c.ask.names(f.Path) || c.ask.does(configuring, k.nouns) {
		return
	}
	at := Finding{Check: "weakened", Severity: Veto, File: f.Path}
	if k.lines == nil {
		c.report(at, "%s changes, which the request does not ask for; restore it", k.name)
		return
	}
	if f.Kind == task.ChangeAdded && path.Base(f.Path) != "tsconfig.json" {
		return // A new project brings its own.
	}
	for _, h := range f.Hunks {
		for _, l := range h {
			counts := l.Op != ' ' && k.lines.MatchString(l.Text) || l.Op == '-' && k.lost != nil && k.lost.MatchString(l.Text)
			if counts && !c.sameOtherSide(f, l) {
				at.Line = l.Num
				c.report(at, "%s change, which the request does not ask for: %s; restore it", k.name, strings.TrimSpace(l.Text))
				return
			}
		}
	}
}

// sameOtherSide reports whether the line also stands on the other side of the
// file's change, but for white space and a trailing comma.
func (c *checker) sameOtherSide(f *diff.File, l diff.Line) bool {
	flat := func(s string) string {
		return strings.TrimSuffix(strings.Join(strings.Fields(s), ""), ",")
	}
	other := byte('+')
	if l.Op == '+' {
		other = '-'
	}
	for _, o := range f.Lines(other) {
		if flat(o.Text) == flat(l.Text) {
			return true
		}
	}
	return false
}
