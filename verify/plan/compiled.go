package plan

import (
	"path"
	"regexp"
	"strconv"
	"strings"

	"honk/verify/parse"
)

func atoi(s string) int {
	n, _ := strconv.Atoi(s) // the callers' patterns match digits only
	return n
}

func planRust(s scope) []Verifier {
	out := []Verifier{
		{Name: "cargo fmt", Kind: Format, Command: "cargo fmt --check", Recipe: &Recipe{
			Script: `exec cargo fmt --all -- --check -l`, Read: readCargoFmt,
		}},
		{Name: "cargo check", Kind: Build, Command: "cargo check --workspace --all-targets", Recipe: &Recipe{
			Script: `exec cargo check --offline --workspace --all-targets --message-format=short`, Read: readCargoCheck,
		}},
		{Name: "cargo test", Kind: Test, Command: "cargo test --workspace --no-fail-fast", Recipe: &Recipe{
			Script: `exec cargo test --offline --workspace --no-fail-fast "$@" 2>&1`,
			Read:   func(o Output) parse.Reading { return parse.CargoTest(o.Stdout) },
			Alone: func(id string) []string {
				_, name, ok := strings.Cut(id, ":")
				if !ok {
					return nil
				}
				return []string{"--", "--exact", name}
			},
		}},
	}
	if s.has("clippy.toml", ".clippy.toml") != "" || s.contains([]string{"Cargo.toml"}, "lints.clippy]") {
		out = append(out, Verifier{Name: "cargo clippy", Kind: Lint, Command: "cargo clippy --workspace", Recipe: &Recipe{
			Script: `exec cargo clippy --offline --workspace --all-targets --message-format=short`, Read: readCargoCheck,
		}})
	}
	return out
}

func readCargoFmt(o Output) parse.Reading {
	r := parse.Lines("", o.Stderr)
	for line := range strings.Lines(o.Stdout) {
		if file := strings.TrimSpace(line); strings.HasSuffix(file, ".rs") && len(r.Findings) < parse.MaxFindings {
			r.Findings = append(r.Findings, parse.Finding{File: path.Clean(file), Rule: "rustfmt", Message: "is not formatted: run cargo fmt"})
		}
	}
	return r
}

// readCargoCheck leaves warnings out: they do not fail a build.
func readCargoCheck(o Output) parse.Reading {
	r := parse.Lines("cargo-check", o.Text())
	for i := range r.Findings {
		r.Findings[i].Rule = "build"
	}
	return r
}

// mavenScript prefers the installed maven: a wrapper would fetch its own.
const mavenScript = `m=mvn
command -v mvn >/dev/null 2>&1 || { [ -f ./mvnw ] && m="sh ./mvnw"; }
`

func planMaven(scope) []Verifier {
	return []Verifier{
		{Name: "mvn test-compile", Kind: Build, Command: "mvn -o -q test-compile", Recipe: &Recipe{
			Script: mavenScript + `exec $m -o -B -ntp -q test-compile`, Read: readMaven,
		}},
		{Name: "mvn test", Kind: Test, Command: "mvn -o test", Recipe: &Recipe{
			Script: mavenScript + `: >"$HONK_OUT/begin"
exec $m -o -B -ntp -fae "$@" test`,
			Collect: freshReports, Read: junit, Alone: func(id string) []string {
				class, method, ok := cutLast(strings.TrimSuffix(id, "()"))
				if !ok {
					return nil
				}
				return []string{"-DfailIfNoTests=false", "-Dsurefire.failIfNoSpecifiedTests=false", "-Dtest=" + class + "#" + method}
			},
		}},
	}
}

// freshReports prints reports that were written while the tests ran. One that
// was there before, or that claims to come from the future, does not count.
const freshReports = `: >"$HONK_OUT/end"
find . -type f -name 'TEST-*.xml' -newer "$HONK_OUT/begin" ! -newer "$HONK_OUT/end" \( -path '*/target/*' -o -path '*/build/test-results/*' \) -exec cat {} \; -exec printf '\n%s\n' "$1" \;`

var mavenError = regexp.MustCompile(`(?m)^\[ERROR\] (\S+?\.(?:java|kt|scala|groovy)):\[(\d+),(\d+)\] (.*)$`)

func readMaven(o Output) parse.Reading {
	var r parse.Reading
	seen := map[string]bool{}
	for _, m := range mavenError.FindAllStringSubmatch(o.Text(), parse.MaxFindings) {
		if !seen[m[0]] {
			seen[m[0]] = true
			r.Findings = append(r.Findings, parse.Finding{File: m[1], Line: atoi(m[2]), Col: atoi(m[3]), Rule: "build", Message: m[4]})
		}
	}
	return r
}

const gradleScript = `g=gradle
[ -f ./gradlew ] && g="sh ./gradlew"
`

func planGradle(scope) []Verifier {
	return []Verifier{
		{Name: "gradle classes", Kind: Build, Command: "gradle classes testClasses", Recipe: &Recipe{
			Script: gradleScript + `exec $g --offline --no-daemon --console=plain -q classes testClasses`, Read: Lines,
		}},
		{Name: "gradle test", Kind: Test, Command: "gradle test", Recipe: &Recipe{
			Script: gradleScript + `: >"$HONK_OUT/begin"
exec $g --offline --no-daemon --console=plain --no-build-cache --continue cleanTest test "$@"`,
			Collect: freshReports, Read: junit, Alone: func(id string) []string {
				if strings.HasPrefix(id, "-") {
					return nil
				}
				return []string{"--tests", strings.TrimSuffix(id, "()")}
			},
		}},
	}
}

func cutLast(id string) (class, method string, ok bool) {
	i := strings.LastIndexByte(id, '.')
	if i < 0 {
		return "", "", false
	}
	return id[:i], id[i+1:], true
}
