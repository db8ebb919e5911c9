package plan

import (
	"regexp"
	"strings"

	"honk/verify/parse"
)

// pythonScript chooses the interpreter of the project's own environment where
// there is one, makes a src layout importable and keeps the tree clean.
const pythonScript = `py=python3
for d in .venv venv; do [ -x "$d/bin/python" ] && "$d/bin/python" -c '' 2>/dev/null && py="$PWD/$d/bin/python" && break; done
[ -d src ] && export PYTHONPATH="$PWD/src${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONDONTWRITEBYTECODE=1 PYTHONPYCACHEPREFIX="$HONK_OUT/pyc"
`

// notCode is what compileall leaves out.
const notCode = `(^|/)(\.[^/]+|venv|node_modules|build|dist|vendor|third_party|testdata|fixtures)(/|$)`

var pythonConfig = []string{
	"pyproject.toml", "setup.cfg", "tox.ini", "pytest.ini", ".pytest.ini", "setup.py",
	"requirements.txt", "requirements-dev.txt", "requirements-test.txt", "dev-requirements.txt", "test-requirements.txt",
}

func planPython(s scope) []Verifier {
	out := []Verifier{{Name: "compileall", Kind: Build, Command: "python3 -m compileall -q .", Recipe: &Recipe{
		Script: pythonScript + `exec "$py" -m compileall -q -x "$1" .`, Args: []string{notCode}, Read: readCompileall,
	}}}
	if s.has("ruff.toml", ".ruff.toml") != "" || s.contains([]string{"pyproject.toml"}, "[tool.ruff") {
		out = append(out, Verifier{Name: "ruff check", Kind: Lint, Command: "ruff check .", Recipe: &Recipe{
			Script: pythonScript + `PATH="${py%/*}:$PATH" exec ruff check --output-format=json --no-cache .`,
			Read:   func(o Output) parse.Reading { return parse.Ruff(o.Root, o.Raw) },
		}})
	}
	if s.has("mypy.ini", ".mypy.ini") != "" || s.contains([]string{"pyproject.toml", "setup.cfg"}, "[tool.mypy]", "[mypy]") {
		out = append(out, Verifier{Name: "mypy", Kind: Lint, Command: "mypy", Recipe: &Recipe{
			Script: pythonScript + `exec "$py" -m mypy --cache-dir=/dev/null --no-error-summary "$@"`,
			Args:   mypyArgs(s), Read: lines("mypy"),
		}})
	}
	return append(out, pythonTests(s))
}

var mypyFiles = regexp.MustCompile(`(?m)^\s*(?:files|packages|modules)\s*=`)

// mypyArgs names the whole tree unless the configuration names files.
func mypyArgs(s scope) []string {
	for _, name := range []string{"mypy.ini", ".mypy.ini", "pyproject.toml", "setup.cfg"} {
		_, section, ok := strings.Cut(s.read(name), "mypy]")
		if ok && mypyFiles.MatchString(section) {
			return nil
		}
	}
	return []string{"."}
}

// pytestScript takes the first interpreter that has pytest. Tests written for
// unittest, in a project that never names pytest, do without it.
const pytestScript = pythonScript + `for p in "$py" /usr/bin/python3; do "$p" -c 'import pytest' 2>/dev/null && py=$p && has=1 && break; done
if [ -z "${has:-}" ] && [ -n "$HONK_UNITTEST" ] && grep -rqsE --include='*test*.py' '^(import|from) unittest' .; then
	exec "$py" -m unittest discover
fi
exec "$py" -m pytest -q -p no:cacheprovider --continue-on-collection-errors --rootdir=. -o junit_family=xunit1 --junitxml="$HONK_OUT/report.xml" "$@"`

func pythonTests(s scope) Verifier {
	script := "HONK_UNITTEST=1\n"
	if s.has("conftest.py", "pytest.ini", ".pytest.ini") != "" || s.contains(pythonConfig, "pytest") {
		script = "HONK_UNITTEST=\n"
	}
	return Verifier{Name: "pytest", Kind: Test, Command: "python3 -m pytest", Recipe: &Recipe{
		Script: script + pytestScript, Collect: catOut, Read: junit,
		Alone: func(id string) []string {
			if !strings.Contains(id, "::") || strings.HasPrefix(id, "-") {
				return nil
			}
			return []string{id}
		},
	}}
}

var compileError = regexp.MustCompile(`(?m)^\s*File "(?:\./)?([^"\n]+)", line (\d+)((?:\n.*)*?)\n(\w*Error: .*)$`)

func readCompileall(o Output) parse.Reading {
	var r parse.Reading
	for _, m := range compileError.FindAllStringSubmatch(o.Text(), 200) {
		r.Findings = append(r.Findings, parse.Finding{
			File: m[1], Line: atoi(m[2]), Rule: "syntax", Message: strings.TrimRight(m[4]+m[3], "\n "),
		})
	}
	return r
}
