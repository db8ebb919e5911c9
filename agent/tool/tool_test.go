package tool_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"honk/agent/tool"
	"honk/internal/llm"
	"honk/internal/task"
	"honk/sandbox"
	"honk/verify"
)

func TestSpecs(t *testing.T) {
	t.Parallel()
	first, second := newSet(t, tool.Config{}).Specs(), newSet(t, tool.Config{}).Specs()
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the specs differ between runs:\n%s", diff)
	}
	var names []string
	for _, s := range first {
		names = append(names, s.Name)
		if !json.Valid(s.Schema) || s.Description == "" {
			t.Errorf("%s: bad schema or no description", s.Name)
		}
	}
	if got, want := strings.Join(names, " "), "bash view search edit write verify finish"; got != want {
		t.Errorf("tools = %q, want %q", got, want)
	}
}

func TestPrepare_history(t *testing.T) {
	t.Parallel()
	set := newSet(t, tool.Config{})
	tests := []struct{ name, arguments, want string }{
		{"verify", "", "{}"},
		{"bash", `{"command":"ls",}`, `{"command":"ls"}`},
		{"bash", `{"command":`, "{}"},
		{"nothing", `{"a":1}`, `{"a":1}`},
	}
	for _, tt := range tests {
		got := set.Prepare(llm.ToolCall{ID: "x", Name: tt.name, Arguments: tt.arguments})
		if string(got.Arguments) != tt.want {
			t.Errorf("%s %s: history = %s, want %s", tt.name, tt.arguments, got.Arguments, tt.want)
		}
	}
	a := set.Prepare(llm.ToolCall{Name: "view", Arguments: `{"path":"a","max_lines":"3"}`})
	b := set.Prepare(llm.ToolCall{Name: "view", Arguments: `{ "max_lines":3, "path":"a" }`})
	if a.Key != b.Key {
		t.Errorf("equal calls have keys %q and %q", a.Key, b.Key)
	}
}

func TestSyntax_scripts(t *testing.T) {
	t.Parallel()
	tests := []struct{ program, file, before, after, want string }{
		{"python3", "m.py", "def f():\n    return 1\n", "def f():\n    return (1\n", "line 2: "},
		{"python3", "ok.py", "x = 1\n", "x = 2\n", ""},
		{"python3", "old.py", "print 'a'\n", "print 'b'\n", ""},
		{"node", "m.js", "export const a = 1;\n", "export const a = = 1;\n", "SyntaxError"},
		{"node", "c.js", "const a = require('a')\n", "const a = require('b'\n", "SyntaxError"},
		{"node", "ok.mjs", "await 1;\n", "await 2;\n", ""},
		{"node", "jsx.js", "a\n", "const a = <div/>;\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			if _, err := os.Stat("/usr/bin/" + tt.program); err != nil {
				if _, err := exec.LookPath(tt.program); err != nil {
					t.Skip(tt.program, "is not installed")
				}
			}
			sb, dir := newSandbox(t, map[string]string{tt.file: tt.before})
			probe, err := sb.Exec(t.Context(), sandbox.Command{Args: []string{"sh", "-c", "command -v " + tt.program}})
			if err != nil || probe.ExitCode != 0 {
				t.Skip(tt.program, "is not in the sandbox's PATH")
			}
			set := newSet(t, tool.Config{Sandbox: sb})
			call(t, set, "view", `{"path":"`+tt.file+`"}`)
			raw, err := json.Marshal(map[string]string{"path": tt.file, "content": tt.after})
			if err != nil {
				t.Fatal(err)
			}
			got := call(t, set, "write", string(raw)).Text
			if tt.want == "" && strings.Contains(got, "parse") || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q in it", got, tt.want)
			}
			left, err := filepath.Glob(filepath.Join(dir, "*"))
			if err != nil || len(left) != 1 {
				t.Errorf("the check left files: %v, %v", left, err)
			}
		})
	}
}

func TestSyntax_hostileYAML(t *testing.T) {
	t.Parallel()
	sb, _ := newSandbox(t, nil)
	set := newSet(t, tool.Config{Sandbox: sb})
	for name, content := range map[string]string{
		"deep.yaml":   strings.Repeat("[", 50_000),
		"dashes.yaml": strings.Repeat("- ", 50_000),
		"bomb.yaml":   "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n",
	} {
		raw, err := json.Marshal(map[string]string{"path": name, "content": content})
		if err != nil {
			t.Fatal(err)
		}
		if got := call(t, set, "write", string(raw)); strings.Contains(got.Text, "parse") {
			t.Errorf("%s: %s", name, got.Text)
		}
	}
}

// verifier counts how often it runs.
type verifier struct {
	runs int
	gate verify.Gate
	diff string
}

func (v *verifier) set(t *testing.T) *tool.Set {
	t.Helper()
	return newSet(t, tool.Config{
		Verifiers:  []verify.Verifier{{Name: "go test", Kind: verify.Test, Command: "go test ./..."}},
		VerifyFunc: func(context.Context, []string) (verify.Gate, error) { v.runs++; return v.gate, nil },
		DiffFunc: func(context.Context) (task.Patch, error) {
			return task.Patch{Diff: []byte(v.diff)}, nil
		},
	})
}

func TestVerify_cached(t *testing.T) {
	t.Parallel()
	v := &verifier{gate: verify.Gate{Passed: true, Report: verify.Report{Results: []verify.Result{{Name: "go test", Status: verify.Pass, TestsRun: 3}}}}}
	set := v.set(t)
	if got := call(t, set, "verify", "").Text; strings.Contains(got, "Nothing has changed") {
		t.Errorf("first run: %q", got)
	}
	if got := call(t, set, "verify", "{}").Text; !strings.Contains(got, "Nothing has changed") || v.runs != 1 {
		t.Errorf("second run: %q after %d runs", got, v.runs)
	}
	if call(t, set, "verify", `{"only":["go test"]}`); v.runs != 2 {
		t.Errorf("another scope: %d runs, want 2", v.runs)
	}
	v.diff = "changed"
	if call(t, set, "verify", ""); v.runs != 3 {
		t.Errorf("after a change: %d runs, want 3", v.runs)
	}
	v.diff, v.gate.Report.Results[0].Status = "again", verify.Broken
	call(t, set, "verify", "")
	if call(t, set, "verify", ""); v.runs != 5 {
		t.Errorf("a broken check must run again: %d runs, want 5", v.runs)
	}
	if got := call(t, set, "verify", `{"only":["make"]}`); !got.IsError || !strings.Contains(got.Text, "There are: go test.") {
		t.Errorf("unknown verifier: %+v", got)
	}
}

func TestRun_machinery(t *testing.T) {
	t.Parallel()
	sb, _ := newSandbox(t, nil)
	if err := sb.Close(); err != nil {
		t.Fatal(err)
	}
	set := newSet(t, tool.Config{Sandbox: sb})
	res, err := set.Run(t.Context(), set.Prepare(llm.ToolCall{Name: "bash", Arguments: `{"command":"ls"}`}))
	if !errors.Is(err, sandbox.ErrClosed) || !strings.HasPrefix(res.Text, "Sandbox error") {
		t.Errorf("got %+v, %v", res, err)
	}
}

func TestGateText(t *testing.T) {
	t.Parallel()
	var many []verify.Finding
	for i := range 14 {
		many = append(many, verify.Finding{File: "a.go", Line: i + 1, Message: "undefined: x", Fingerprint: string(rune('a' + i))})
	}
	long := verify.Finding{TestID: "pkg.TestLong", Message: strings.Repeat("assertion\x1b[0m\n", 30), Fingerprint: "long"}
	gate := verify.Gate{
		Reasons:  []string{"go build reports 14 new problems"},
		New:      append(many, long),
		Old:      []verify.Finding{{Fingerprint: "old"}},
		Vanished: []string{"pkg.TestGone"},
		Notes:    []string{"lint was red on the base already"},
		Report: verify.Report{Results: []verify.Result{
			{Name: "gofmt", Status: verify.Pass},
			{Name: "go build", Status: verify.Fail, Command: "go build ./...", Findings: many},
			{Name: "go test", Status: verify.Fail, Command: "go test ./...", Findings: []verify.Finding{long, {Fingerprint: "old", Message: "was there"}}},
			{Name: "lint", Status: verify.Broken, Command: "golangci-lint run", Reason: "golangci-lint: not found"},
			{Name: "make check", Status: verify.Fail, Command: "make check", Output: "1 of 3 checks failed"},
			{Name: "npm test", Status: verify.Skipped, Reason: "no tests"},
		}},
	}
	got := tool.GateText(gate)
	const file = "testdata/gate.txt"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("gate text (-want +got):\n%s", diff)
	}
}
