package tool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/scanner"
	"go/token"
	"path"
	"regexp"
	"strings"
	"time"

	yamlerrors "github.com/goccy/go-yaml"
	yaml "github.com/goccy/go-yaml/parser"

	"honk/sandbox"
)

// maxArgument is the longest source that is handed to a checker as an
// argument; Linux allows 128 KiB.
const maxArgument = 120_000

// newFaults says which syntax errors a change brought in, empty for none. It
// is a courtesy: whatever cannot be checked is not mentioned.
func (s *Set) newFaults(ctx context.Context, file string, before, after []byte) string {
	check := s.checker(file)
	if check == nil {
		return ""
	}
	faults := check(ctx, after)
	if len(faults) == 0 {
		return ""
	}
	old := map[string]bool{}
	if len(before) > 0 {
		for _, f := range check(ctx, before) {
			old[blank(f)] = true
		}
	}
	var b strings.Builder
	for _, f := range faults {
		if !old[blank(f)] {
			fmt.Fprintf(&b, "  %s\n", clip(f, 300))
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "The change is made, but the file does not parse:\n" + b.String() + "Mend it before you go on.\n"
}

var numbers = regexp.MustCompile(`\d+`)

// blank drops positions, so that a moved fault is the same fault.
func blank(fault string) string { return numbers.ReplaceAllString(fault, "") }

// checker returns what finds syntax errors in files of this name, nil for
// none.
func (s *Set) checker(file string) func(ctx context.Context, src []byte) []string {
	switch path.Ext(file) {
	case ".go":
		return goFaults
	case ".json":
		return jsonFaults
	case ".yaml", ".yml":
		return yamlFaults
	case ".py":
		return s.pythonFaults
	case ".js", ".mjs", ".cjs":
		return s.nodeFaults
	}
	return nil
}

// goFaults parses as gofmt -e does.
func goFaults(_ context.Context, src []byte) []string {
	_, err := parser.ParseFile(token.NewFileSet(), "", src, parser.AllErrors|parser.SkipObjectResolution)
	var list scanner.ErrorList
	if !errors.As(err, &list) {
		return nil
	}
	var out []string
	for _, e := range list[:min(len(list), 5)] {
		out = append(out, fmt.Sprintf("line %d:%d: %s", e.Pos.Line, e.Pos.Column, e.Msg))
	}
	return out
}

func jsonFaults(_ context.Context, src []byte) []string {
	var v json.RawMessage
	err := json.Unmarshal(src, &v)
	if err == nil {
		return nil
	}
	if se, ok := errors.AsType[*json.SyntaxError](err); ok {
		line := 1 + strings.Count(string(src[:min(int(se.Offset), len(src))]), "\n")
		return []string{fmt.Sprintf("line %d: %s", line, se)}
	}
	return []string{err.Error()}
}

// yamlFaults parses without resolving anchors, and leaves alone what nests so
// deep that the parser's time would no longer be short.
func yamlFaults(_ context.Context, src []byte) []string {
	const most, longest, deepest = 256 << 10, 10_000, 100
	if len(src) > most {
		return nil
	}
	depth, line := 0, 0
	for _, c := range src {
		line++
		switch c {
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case '\n':
			line = 0
		}
		if depth > deepest || line > longest {
			return nil
		}
	}
	_, err := yaml.ParseBytes(src, 0)
	var fault yamlerrors.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &fault) && fault.GetToken() != nil:
		return []string{fmt.Sprintf("line %d: %s", fault.GetToken().Position.Line, fault.GetMessage())}
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return []string{first}
}

func (s *Set) pythonFaults(ctx context.Context, src []byte) []string {
	const program = `import ast, sys
try:
    ast.parse(sys.argv[1])
except SyntaxError as e:
    print(f"line {e.lineno}: {e.msg}")
    sys.exit(1)`
	return s.probe(ctx, src, "python3", "-c", program, string(src))
}

func (s *Set) nodeFaults(ctx context.Context, src []byte) []string {
	// The same text may be a module or a script: it is faulty when it is
	// neither. A type annotation or JSX is not ours to judge.
	const script = `command -v node >/dev/null || exit 0
d=$(mktemp -d) || exit 0
trap 'rm -rf "$d"' EXIT
printf %s "$1" >"$d/a.mjs"; cp "$d/a.mjs" "$d/a.cjs"
node --check "$d/a.cjs" 2>/dev/null || node --check "$d/a.mjs" 2>"$d/e" && exit 0
line=$(sed -n '1s/.*:\([0-9]*\)$/\1/p' "$d/e")
echo "line $line: $(grep -m1 SyntaxError "$d/e")"
exit 1`
	var out []string
	for _, f := range s.probe(ctx, src, "sh", "-c", script, "sh", string(src)) {
		if !strings.Contains(f, "'<'") {
			out = append(out, f)
		}
	}
	return out
}

// probe runs a checker that exits with 1 and prints faults. Any other end
// says nothing of the file.
func (s *Set) probe(ctx context.Context, src []byte, argv ...string) []string {
	if len(src) > maxArgument {
		return nil
	}
	res, err := s.cfg.Sandbox.Exec(ctx, sandbox.Command{Args: argv, Timeout: 10 * time.Second, MaxOutput: 2000})
	if err != nil || res.ExitCode != 1 || res.TimedOut {
		return nil
	}
	var out []string
	for l := range strings.Lines(Clean(res.Stdout.Bytes())) {
		if l = strings.TrimSpace(l); strings.HasPrefix(l, "line ") {
			out = append(out, l)
		}
	}
	return out
}
