package plan

import (
	"regexp"
	"strings"

	"honk/verify/parse"
)

// ecosystem is a row of the table: by which files it is known and what it
// checks.
type ecosystem struct {
	name    string
	markers []string
	plan    func(scope) []Verifier
	// workspace reports whether a directory's verifiers cover the packages
	// below it.
	workspace func(scope) bool
	// last applies only where nothing else does.
	last bool
}

func (e ecosystem) marker(s scope) string { return s.has(e.markers...) }

func ecosystems() []ecosystem {
	return []ecosystem{
		{name: "go", markers: []string{"go.mod"}, plan: planGo},
		{name: "node", markers: []string{"package.json"}, plan: planNode, workspace: nodeWorkspace},
		{
			name: "python", plan: planPython,
			markers:   []string{"pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "pytest.ini", "requirements.txt"},
			workspace: func(scope) bool { return true },
		},
		{name: "rust", markers: []string{"Cargo.toml"}, plan: planRust, workspace: func(s scope) bool {
			return strings.Contains(s.read("Cargo.toml"), "[workspace")
		}},
		{name: "maven", markers: []string{"pom.xml"}, plan: planMaven, workspace: func(s scope) bool {
			return strings.Contains(s.read("pom.xml"), "<modules>")
		}},
		{
			name: "gradle", plan: planGradle,
			markers:   []string{"settings.gradle", "settings.gradle.kts", "build.gradle", "build.gradle.kts"},
			workspace: func(s scope) bool { return s.has("settings.gradle", "settings.gradle.kts") != "" },
		},
		{name: "dotnet", markers: []string{"*.sln", "*.csproj"}, plan: planDotnet, workspace: func(s scope) bool {
			return s.has("*.sln") != ""
		}},
		{name: "ruby", markers: []string{"Gemfile"}, plan: planRuby},
		{name: "php", markers: []string{"composer.json"}, plan: planPHP},
		{name: "make", markers: []string{"Makefile", "makefile", "GNUmakefile"}, plan: planMake, last: true},
		{name: "just", markers: []string{"justfile", "Justfile", ".justfile"}, plan: planJust, last: true},
	}
}

// lines reads complaints in a format of errorformat.
func lines(format string) func(Output) parse.Reading {
	return func(o Output) parse.Reading { return parse.Lines(format, o.Text()) }
}

// junit reads the collected reports, and the text where there are none.
func junit(o Output) parse.Reading {
	if r := parse.JUnit(o.Reports...); r.Tests != nil {
		return r
	}
	return parse.Any(o.Text())
}

// Any reads the output of a test command that nothing is known of.
func Any(o Output) parse.Reading { return parse.Any(o.Text()) }

// Lines reads the output of any other such command.
func Lines(o Output) parse.Reading { return parse.Lines("", o.Text()) }

// catOut prints what a runner wrote to its report directory.
const catOut = `find "$HONK_OUT" -type f -name 'report*' -exec cat {} \; -exec printf '\n%s\n' "$1" \;`

func planDotnet(scope) []Verifier {
	return []Verifier{
		{Name: "dotnet build", Kind: Build, Command: "dotnet build --nologo -v q", Recipe: &Recipe{
			Script: `exec dotnet build --nologo -v q -clp:NoSummary -p:GenerateFullPaths=true`, Read: lines("dotnet"),
		}},
		{Name: "dotnet test", Kind: Test, Command: "dotnet test --nologo", Recipe: &Recipe{
			Script: `exec dotnet test --nologo`, Read: Any,
		}},
	}
}

func planRuby(s scope) []Verifier {
	var out []Verifier
	if s.has(".rubocop.yml") != "" {
		out = append(out, Verifier{Name: "rubocop", Kind: Lint, Command: "bundle exec rubocop -f emacs", Recipe: &Recipe{
			Script: `exec bundle exec rubocop -f emacs --cache false`, Read: lines("rubocop"),
		}})
	}
	if s.dirs["spec"] {
		return append(out, Verifier{Name: "rspec", Kind: Test, Command: "bundle exec rspec", Recipe: &Recipe{
			Script: `exec bundle exec rspec`, Read: Any,
		}})
	}
	return append(out, Verifier{Name: "rake test", Kind: Test, Command: "bundle exec rake test", Recipe: &Recipe{
		Script: `exec bundle exec rake test`, Read: Any,
	}})
}

func planPHP(s scope) []Verifier {
	var out []Verifier
	if s.has("phpstan.neon", "phpstan.neon.dist", "phpstan.dist.neon") != "" {
		out = append(out, Verifier{Name: "phpstan", Kind: Lint, Command: "vendor/bin/phpstan analyse", Recipe: &Recipe{
			Script: `exec php vendor/bin/phpstan analyse --error-format=raw --no-progress`, Read: lines("phpstan"),
		}})
	}
	if s.has("phpunit.xml", "phpunit.xml.dist", "phpunit.dist.xml") != "" {
		out = append(out, Verifier{Name: "phpunit", Kind: Test, Command: "vendor/bin/phpunit", Recipe: &Recipe{
			Script:  `exec php vendor/bin/phpunit --log-junit "$HONK_OUT/report.xml"`,
			Collect: catOut, Read: junit,
		}})
	}
	return out
}

var (
	makeTarget = regexp.MustCompile(`(?m)^([A-Za-z][\w -]*):(?:[^=]|$)`)
	justTarget = regexp.MustCompile(`(?m)^@?([A-Za-z][\w-]*)(?: [^:\n]*)?:(?:[^=]|$)`)
)

// planMake reads the targets' names, it evaluates nothing.
func planMake(s scope) []Verifier {
	return targets("make", makeTarget, s.read(s.has("Makefile", "makefile", "GNUmakefile")))
}

func planJust(s scope) []Verifier {
	return targets("just", justTarget, s.read(s.has("justfile", "Justfile", ".justfile")))
}

func targets(tool string, target *regexp.Regexp, text string) []Verifier {
	defined := map[string]bool{}
	for _, m := range target.FindAllStringSubmatch(text, -1) {
		for name := range strings.FieldsSeq(m[1]) {
			defined[name] = true
		}
	}
	var out []Verifier
	for _, row := range []struct {
		kind  Kind
		names []string
	}{{Build, []string{"build", "all"}}, {Lint, []string{"lint"}}, {Test, []string{"test", "tests", "check"}}} {
		for _, name := range row.names {
			if !defined[name] {
				continue
			}
			r := &Recipe{Script: `exec ` + tool + ` "$@"`, Args: []string{name}, Read: Lines}
			if row.kind == Test {
				r.Read = Any
			}
			out = append(out, Verifier{Name: tool + " " + name, Kind: row.kind, Command: tool + " " + name, Recipe: r})
			break
		}
	}
	return out
}
