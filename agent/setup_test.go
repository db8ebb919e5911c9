package agent_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"honk/agent"
	"honk/internal/llm"
	"honk/internal/llm/llmtest"
	"honk/internal/task"
	"honk/sandbox"
	"honk/sandbox/guest"
	"honk/sandbox/host"
	"honk/verify"
)

func TestMain(m *testing.M) {
	if guest.Main() {
		return
	}
	os.Exit(m.Run())
}

// event is a recorded event.
type event struct {
	kind task.EventKind
	step int
	data any
}

// bundle is a real repository in a real sandbox with a scripted model.
type bundle struct {
	t     testing.TB
	dir   string
	model *llmtest.Model
	in    agent.Input

	mu     sync.Mutex
	events []event
}

func setup(t testing.TB, steps ...llmtest.Step) *bundle {
	t.Helper()
	return setupIn(t, host.New(host.Options{}), steps...)
}

func setupIn(t testing.TB, backend sandbox.Backend, steps ...llmtest.Step) *bundle {
	t.Helper()
	b := &bundle{t: t, dir: t.TempDir(), model: llmtest.New(steps...)}
	b.write("main.go", "package main\n\nfunc add(a, b int) int {\n\treturn a - b\n}\n")
	b.write("README.md", "# Sums\n\nIt adds.\n")
	b.git("init", "-q")
	b.git("add", "-A")
	b.git("-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "base")
	sb, err := backend.Start(t.Context(), sandbox.Spec{Label: "test", Dir: b.dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sb.Close(); err != nil {
			t.Error(err)
		}
	})
	b.in = agent.Input{
		TaskID: "01TEST", Repo: "acme/sums", Prompt: "Make add add.",
		Tree:       []string{"README.md", "main.go"},
		Verifiers:  []verify.Verifier{{Name: "go test", Kind: verify.Test, Command: "go test ./...", Why: "go.mod"}},
		Sandbox:    sb,
		VerifyFunc: func(context.Context, []string) (verify.Gate, error) { return passing(), nil },
		DiffFunc:   b.diff,
		RecordFunc: func(_ context.Context, kind task.EventKind, step int, data any) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.events = append(b.events, event{kind, step, data})
			return nil
		},
	}
	return b
}

func passing() verify.Gate {
	return verify.Gate{Passed: true, Report: verify.Report{Results: []verify.Result{{Name: "go test", Status: verify.Pass, TestsRun: 1}}}}
}

func failing(fingerprint string) verify.Gate {
	f := verify.Finding{File: "main.go", Line: 4, Message: "wrong sum " + fingerprint, Fingerprint: fingerprint}
	return verify.Gate{
		Reasons: []string{"go test has 1 new failure"}, New: []verify.Finding{f},
		Report: verify.Report{Results: []verify.Result{{Name: "go test", Status: verify.Fail, Command: "go test ./...", Findings: []verify.Finding{f}}}},
	}
}

func (b *bundle) write(name, text string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bundle) git(args ...string) {
	b.t.Helper()
	b.gitContext(b.t.Context(), args...)
}

func (b *bundle) gitContext(ctx context.Context, args ...string) string {
	b.t.Helper()
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = b.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func (b *bundle) diff(ctx context.Context) (task.Patch, error) {
	b.gitContext(ctx, "add", "-A", "-N")
	p := task.Patch{Diff: []byte(b.gitContext(ctx, "diff", "HEAD"))}
	for line := range strings.Lines(b.gitContext(ctx, "diff", "--numstat", "HEAD")) {
		f := strings.Fields(line)
		added, _ := strconv.Atoi(f[0])
		removed, _ := strconv.Atoi(f[1])
		p.Files = append(p.Files, task.FileChange{Path: f[2], Kind: task.ChangeModified, Added: added, Removed: removed})
	}
	return p, nil
}

func (b *bundle) run(opts agent.Options) agent.Result {
	b.t.Helper()
	res, err := agent.New(b.model, opts).Run(b.t.Context(), b.in)
	if err != nil {
		b.t.Fatalf("running: %v (result %+v)", err, res)
	}
	return res
}

// wantExit fails the test unless the run ended as wanted and used up its
// script.
func (b *bundle) wantExit(res agent.Result, want agent.Exit) {
	b.t.Helper()
	if res.Exit != want {
		b.t.Errorf("exit = %q (%s; %s), want %q", res.Exit, res.Reason, res.Summary, want)
	}
	if n := b.model.Left(); n > 0 {
		b.t.Errorf("%d steps of the script were not used", n)
	}
	if err := llmtest.CheckHistory(res.Transcript.Messages); err != nil {
		b.t.Errorf("the transcript is not fit to go on with: %v", err)
	}
}

// told returns the last n messages that the model saw in its i-th request.
func (b *bundle) told(i, n int) string {
	b.t.Helper()
	reqs := b.model.Requests()
	if i >= len(reqs) {
		b.t.Fatalf("there are only %d requests", len(reqs))
	}
	msgs := reqs[i].Messages
	var out strings.Builder
	for _, m := range msgs[max(0, len(msgs)-n):] {
		out.WriteString(string(m.Role) + ": " + m.Content + "\n")
	}
	return out.String()
}

func (b *bundle) wantTold(i, n int, want string) {
	b.t.Helper()
	if got := b.told(i, n); !strings.Contains(got, want) {
		b.t.Errorf("request %d: the model was told\n%s\nwant %q in it", i, got, want)
	}
}

type args = map[string]any

func view(path string) llmtest.Step { return llmtest.Use("view", args{"path": path}) }

func edit(old, text string) llmtest.Step {
	return llmtest.Use("edit", args{"path": "main.go", "old": old, "new": text})
}

func bash(command string) llmtest.Step { return llmtest.Use("bash", args{"command": command}) }

func finish(status, summary string) llmtest.Step {
	return llmtest.Use("finish", args{"status": status, "summary": summary})
}

// mended is a script that views, mends, and passes the checklist.
func mended() []llmtest.Step {
	return []llmtest.Step{
		view("main.go"), edit("a - b", "a + b"), finish("done", "It adds now."), finish("done", "It adds."),
	}
}

func fail(class llm.Class) llmtest.Step {
	return llmtest.Fail(&llm.Error{Class: class, Message: "scripted", Usage: llm.Usage{InputTokens: 7, OutputTokens: 3}})
}

func jsonOf(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
