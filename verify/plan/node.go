package plan

import (
	"encoding/json"
	"regexp"
	"strings"

	"honk/verify/parse"
)

// NoModules is what a node verifier prints when it failed and nothing is installed.
const NoModules = "honk: node_modules is missing"

// nodeEnd tells after a failure whether the packages are installed here or in
// a directory above, and keeps the exit code.
const nodeEnd = `
rc=$?
if [ $rc -ne 0 ]; then
	d=$PWD
	while [ ! -d "$d/node_modules" ] && [ "$d" != / ] && [ -n "$d" ]; do d=${d%/*}; done
	[ -n "$d" ] && [ -d "$d/node_modules" ] || echo "` + NoModules + `" >&2
fi
exit $rc`

// nodeScripts are the names that people give to the scripts of a kind.
var nodeScripts = []struct {
	kind  Kind
	names []string
}{
	{Format, []string{"format:check", "check:format", "fmt:check", "format-check", "prettier:check"}},
	{Build, []string{"build"}},
	{Build, []string{"typecheck", "type-check", "check-types", "tsc"}},
	{Lint, []string{"lint"}},
	{Test, []string{"test"}},
}

func nodeWorkspace(s scope) bool {
	return s.packageJSON().Workspaces != nil || s.has("pnpm-workspace.yaml") != ""
}

// nodeTool is the package manager that wrote the lockfile.
func nodeTool(s scope, p packageJSON) string {
	name, _, _ := strings.Cut(p.PackageManager, "@")
	switch {
	case s.has("pnpm-lock.yaml") != "" || name == "pnpm":
		return "pnpm"
	case s.has("yarn.lock") != "" || name == "yarn":
		return "yarn"
	}
	return "npm"
}

func planNode(s scope) []Verifier {
	p := s.packageJSON()
	tool := nodeTool(s, p)
	var out []Verifier
	has := map[string]bool{}
	for _, row := range nodeScripts {
		for _, name := range row.names {
			body := p.Scripts[name]
			if body == "" || name == "test" && strings.Contains(body, "no test specified") {
				continue
			}
			has[row.names[0]] = true
			out = append(out, nodeScript(tool, row.kind, name, p.Scripts))
			break
		}
	}
	deps := func(name string) bool { return p.Dependencies[name] != "" || p.DevDependencies[name] != "" }
	if !has["build"] && !has["typecheck"] && s.has("tsconfig.json") != "" && deps("typescript") {
		out = append(out, Verifier{Name: "tsc", Kind: Build, Command: "tsc --noEmit", Recipe: &Recipe{
			Script: `PATH="$PWD/node_modules/.bin:$PATH" tsc --noEmit -p . --pretty false` + nodeEnd, Read: lines("tsc"),
		}})
	}
	if !has["lint"] && deps("eslint") {
		out = append(out, Verifier{Name: "eslint", Kind: Lint, Command: "eslint .", Recipe: &Recipe{
			Script: `PATH="$PWD/node_modules/.bin:$PATH" eslint -f json .` + nodeEnd,
			Read:   func(o Output) parse.Reading { return parse.ESLint(o.Root, o.Raw) },
		}})
	}
	return out
}

// checking is a pre-script that checks more instead of preparing anything.
var checking = regexp.MustCompile(`^(?:(?:npm run|npx|yarn|pnpm)? ?[\w:-]*(?:lint|standard|prettier|audit|check)[\w:-]*\b[^&|;]*)?$`)

func nodeScript(tool string, kind Kind, name string, scripts map[string]string) Verifier {
	body := scripts[name]
	command := tool + " run " + name
	if name == "test" {
		command = tool + " test"
	}
	// A lint script has a verifier of its own, and what runs after the tests
	// is mostly an audit that wants the network.
	if tool == "npm" && checking.MatchString(scripts["pre"+name]) {
		tool = "npm --ignore-scripts"
	}
	v := Verifier{Name: command, Kind: kind, Command: command, Recipe: &Recipe{
		Script: tool + ` run "$@"` + nodeEnd, Args: []string{name}, Read: readNode,
	}}
	if kind == Test {
		v.Recipe.Read = Any
		jestLike(v.Recipe, tool, body)
	}
	return v
}

// oneCommand is a test script that takes more flags at its end.
var oneCommand = regexp.MustCompile(`^(?:[A-Z_]+=\S+\s+|cross-env\s+|npx\s+)*(jest|vitest|react-scripts test)(?:\s+[^&|;<>]*)?$`)

// jestLike asks jest and vitest for a report, where the test script is
// nothing but a call of theirs.
func jestLike(r *Recipe, tool, body string) {
	m := oneCommand.FindStringSubmatch(strings.TrimSpace(body))
	if m == nil {
		return
	}
	flags := ` --json --outputFile="$HONK_OUT/report.json"`
	if m[1] == "vitest" {
		flags = ` --run --reporter=json --outputFile="$HONK_OUT/report.json"`
	}
	dashes := ""
	if strings.HasPrefix(tool, "npm") {
		dashes = " --"
	}
	r.Args = nil
	r.Script = tool + " run test" + dashes + flags + ` "$@"` + nodeEnd
	r.Collect = catOut
	r.Read = func(o Output) parse.Reading {
		for _, raw := range o.Reports {
			if json.Valid(raw) {
				return parse.Jest(o.Root, raw)
			}
		}
		return parse.Any(o.Text())
	}
	r.Alone = func(id string) []string {
		file, name, ok := strings.Cut(id, " > ")
		if !ok || strings.HasPrefix(file, "-") {
			return nil
		}
		return []string{file, "-t", "^" + regexp.QuoteMeta(name) + "$"}
	}
}

// readNode reads what build and lint scripts run most: tsc and eslint.
func readNode(o Output) parse.Reading {
	for _, format := range []string{"eslint", "tsc", ""} {
		text := o.Stdout
		if format == "" {
			text = o.Text()
		}
		if r := parse.Lines(format, text); len(r.Findings) > 0 {
			return r
		}
	}
	return parse.Reading{}
}
