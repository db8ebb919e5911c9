package runner_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"honk/agent"
	"honk/internal/git"
	"honk/internal/llm"
	"honk/internal/llm/llmtest"
	"honk/internal/runner"
	"honk/internal/secret"
	"honk/internal/task"
	"honk/judge"
	"honk/sandbox"
	"honk/sandbox/bwrap"
	"honk/sandbox/guest"
	"honk/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	if guest.Main() {
		return
	}
	os.Exit(m.Run())
}

// house is a Runner over real git and a real sandbox, with a scripted agent.
type house struct {
	runner *runner.Runner
	opts   runner.Options
	repo   task.Repo
	prompt string
	// agentFunc is the agent's work.
	agentFunc func(ctx context.Context, in agent.Input) (agent.Result, error)
	model     *llmtest.Model

	mu        sync.Mutex
	events    []task.Event
	recordErr func(task.Event) error
	recallErr error
}

// Run implements runner.Agent.
func (h *house) Run(ctx context.Context, in agent.Input) (agent.Result, error) {
	return h.agentFunc(ctx, in)
}

// Record implements runner.Recorder.
func (h *house) Record(_ context.Context, e task.Event) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.recordErr != nil {
		if err := h.recordErr(e); err != nil {
			return err
		}
	}
	h.events = append(h.events, e)
	return nil
}

// Recall implements runner.Recorder.
func (h *house) Recall(_ context.Context, id task.ID) ([]task.Event, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.recallErr != nil {
		return nil, h.recallErr
	}
	return slices.DeleteFunc(slices.Clone(h.events), func(e task.Event) bool { return e.TaskID != id }), nil
}

func (h *house) kinds() []task.EventKind {
	h.mu.Lock()
	defer h.mu.Unlock()
	var kinds []task.EventKind
	for _, e := range h.events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// forge publishes into the repository itself.
type forge struct {
	git        *git.Git
	publishErr error
	published  []runner.Publication
}

func (f *forge) Checkout(ctx context.Context, t task.Task, ref string) (*git.Checkout, error) {
	return f.git.Checkout(ctx, git.Source{Repo: t.Request.Repo}, ref)
}

func (f *forge) Publish(ctx context.Context, p runner.Publication) (task.PullRequest, error) {
	f.published = append(f.published, p)
	if f.publishErr != nil {
		return task.PullRequest{}, f.publishErr
	}
	honk := git.Signature{Name: "honk", Email: "honk@localhost"}
	return f.git.Publish(ctx, git.Publish{
		Source: git.Source{Repo: p.Task.Request.Repo}, Base: p.Patch.Base, Patch: p.Patch,
		Branch: p.Branch, Onto: p.Onto, Message: p.Message, Author: honk, Committer: honk, When: p.Task.CreatedAt,
	})
}

// files is a repository whose one check passes unless "bad" stands in a file,
// and which leaves a mark in its build cache.
var files = map[string]string{
	".honk.yaml": "verify:\n- {name: check, kind: test, run: 'echo warm >> \"$GOCACHE.mark\"; ! grep -rn bad --include=*.txt .'}\n",
	"a.txt":      "good\n",
	"AGENTS.md":  "Be brief.\n",
}

func setup(t testing.TB, steps ...llmtest.Step) *house {
	t.Helper()
	backend := bwrap.New(bwrap.Options{})
	sandboxtest.Need(t, backend)
	dir := t.TempDir()
	g, err := git.New(git.Options{Dir: filepath.Join(dir, "data"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	scanner, err := secret.New([]string{"known-secret-9f2c4e6a"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{model: llmtest.New(steps...), repo: task.Repo{
		Host: "local", Name: "repo", URL: newRepository(t, filepath.Join(dir, "repo"), files),
	}}
	h.opts = runner.Options{
		Forge: &forge{git: g}, Git: g, Backend: backend, Recorder: h,
		CrewFunc: func(task.Task) (runner.Crew, error) {
			return runner.Crew{Agent: h, Judge: judge.New(h.model, judge.Options{})}, nil
		},
		Publish: true, JudgeMode: judge.ModeOff, Secrets: scanner,
		Dir: filepath.Join(dir, "data"), Log: slog.New(slog.DiscardHandler),
	}
	h.prompt = "Improve a.txt"
	h.agentFunc = write("a.txt", "better\n")
	h.runner = runner.New(h.opts)
	return h
}

func newRepository(t testing.TB, dir string, files map[string]string) string {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	mustGit(t, dir, "init", "-q", "-b", "main")
	mustGit(t, dir, "add", "-A")
	mustGit(t, dir, "-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "-q", "-m", "Start")
	return dir
}

func mustGit(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func write(path, content string) func(context.Context, agent.Input) (agent.Result, error) {
	return func(ctx context.Context, in agent.Input) (agent.Result, error) {
		_, err := in.Sandbox.Write(ctx, sandbox.Write{Path: path, Data: []byte(content), IfHash: sandbox.AnyHash})
		return agent.Result{Exit: agent.ExitDone, Summary: "done", Viewed: []string{path}}, err
	}
}

func (h *house) run(t testing.TB) runner.Result {
	t.Helper()
	return h.runner.Run(t.Context(), h.task())
}

func (h *house) task() task.Task {
	return task.Task{ID: task.NewID(time.Now()), CreatedAt: time.Now(), Request: task.Request{
		Source: task.SourceCLI, Repo: h.repo, Prompt: h.prompt, Actor: task.Actor{Login: "ada"},
	}}
}

func (h *house) branches(t testing.TB) string {
	t.Helper()
	return mustGit(t, h.repo.URL, "for-each-ref", "--format=%(refname:short)", "refs/heads/honk")
}

func TestRun_delivers(t *testing.T) {
	t.Parallel()
	h := setup(t)
	res := h.run(t)
	if res.Status != task.StatusDelivered {
		t.Fatalf("got %s: %s", res.Status, res.Summary)
	}
	if got := h.branches(t); got != res.Branch || got == "" {
		t.Errorf("got branch %q, result says %q", got, res.Branch)
	}
	if got := mustGit(t, h.repo.URL, "show", res.Branch+":a.txt"); got != "better" {
		t.Errorf("the branch holds %q", got)
	}
	if !res.Gate.Passed || len(res.Gate.Report.Results) != 1 {
		t.Errorf("got gate %+v", res.Gate)
	}
	want := []task.EventKind{task.EventBase, task.EventPatch, task.EventChange, task.EventVerify, task.EventChecks, task.EventVerdict, task.EventOutcome}
	got := slices.DeleteFunc(h.kinds(), func(k task.EventKind) bool { return k == task.EventPhase })
	if !slices.Equal(got, want) {
		t.Errorf("got events %v, want %v", got, want)
	}
	for i, e := range h.events {
		if e.Seq != i+1 {
			t.Fatalf("event %d has number %d", i+1, e.Seq)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(h.opts.Dir, "tasks", "*")); len(left) > 0 {
		t.Errorf("the task left %v behind", left)
	}
}

func TestRun_ends(t *testing.T) {
	t.Parallel()
	ends := map[agent.Exit]task.Status{
		agent.ExitNoChange: task.StatusNoChange, agent.ExitBlocked: task.StatusBlocked,
		agent.ExitVerifyFailed: task.StatusVerifyFailed, agent.ExitBudget: task.StatusBudgetExhausted,
		agent.ExitFailed: task.StatusFailed, agent.ExitCancelled: task.StatusCancelled,
	}
	for exit, want := range ends {
		t.Run(string(exit), func(t *testing.T) {
			t.Parallel()
			h := setup(t)
			h.agentFunc = func(ctx context.Context, in agent.Input) (agent.Result, error) {
				_, err := write("b.txt", "kept\n")(ctx, in)
				return agent.Result{Exit: exit, Summary: "sum", Reason: "why"}, err
			}
			res := h.run(t)
			if res.Status != want || res.Summary == "" {
				t.Errorf("got %s %q, want %s", res.Status, res.Summary, want)
			}
			if !strings.Contains(string(res.Patch.Diff), "kept") {
				t.Errorf("the patch is lost: %q", res.Patch.Diff)
			}
			if kinds := h.kinds(); !slices.Contains(kinds, task.EventPatch) || !slices.Contains(kinds, task.EventChange) {
				t.Errorf("got events %v, want the patch and the change in them", kinds)
			}
			if got := h.branches(t); got != "" {
				t.Errorf("branch %q was made", got)
			}
		})
	}
}

func TestRun_verifyFailed(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.agentFunc = write("a.txt", "bad\n")
	res := h.run(t)
	if res.Status != task.StatusVerifyFailed || h.branches(t) != "" {
		t.Errorf("got %s: %s, branches %q", res.Status, res.Summary, h.branches(t))
	}
}

// What a change does to its own checks does not count: the commands are those
// of the base commit.
func TestRun_commandsOfBase(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.agentFunc = func(ctx context.Context, in agent.Input) (agent.Result, error) {
		if _, err := write(".honk.yaml", "verify:\n- {name: check, run: 'true'}\n")(ctx, in); err != nil {
			return agent.Result{}, err
		}
		return write("a.txt", "bad\n")(ctx, in)
	}
	if res := h.run(t); res.Status != task.StatusVerifyFailed {
		t.Errorf("got %s: %s", res.Status, res.Summary)
	}
}

// The build cache that tasks start from holds what the run on the base commit
// wrote, and nothing an agent wrote.
func TestRun_cacheOfBaseOnly(t *testing.T) {
	t.Parallel()
	h := setup(t)
	cached := func(ctx context.Context, in agent.Input) string {
		res, err := in.Sandbox.Exec(ctx, sandbox.Command{
			Args: []string{"sh", "-c", `cat "$GOCACHE.mark"; ls /cache; echo planted >> "$GOCACHE.mark"; touch /cache/planted`},
		})
		if err != nil {
			t.Error(err)
		}
		return string(res.Stdout.Bytes())
	}
	var first, second string
	h.agentFunc = func(ctx context.Context, in agent.Input) (agent.Result, error) {
		if _, err := in.VerifyFunc(ctx, nil); err != nil { // the baseline is over
			return agent.Result{}, err
		}
		first = cached(ctx, in)
		return write("a.txt", "better\n")(ctx, in)
	}
	if res := h.run(t); res.Status != task.StatusDelivered {
		t.Fatalf("got %s: %s", res.Status, res.Summary)
	}
	h.agentFunc = func(ctx context.Context, in agent.Input) (agent.Result, error) {
		second = cached(ctx, in)
		return write("a.txt", "best\n")(ctx, in)
	}
	if res := h.run(t); res.Status != task.StatusDelivered {
		t.Fatalf("got %s: %s", res.Status, res.Summary)
	}
	if !strings.Contains(second, "warm") {
		t.Errorf("the second task's cache is cold: %q (first saw %q)", second, first)
	}
	if strings.Contains(second, "planted") {
		t.Errorf("the first task's agent reached the second: %q", second)
	}
}

// The second task on a base commit believes the first one's baseline.
func TestRun_baselineKept(t *testing.T) {
	t.Parallel()
	h := setup(t)
	for range 2 {
		if res := h.run(t); res.Status != task.StatusDelivered {
			t.Fatalf("got %s: %s", res.Status, res.Summary)
		}
	}
	stored, err := filepath.Glob(filepath.Join(h.opts.Dir, "baselines", "*", "*.json"))
	if err != nil || len(stored) != 1 {
		t.Errorf("got baselines %v, error %v", stored, err)
	}
}

func TestRun_failures(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	tests := map[string]struct {
		mend func(*house)
		code task.Code
	}{
		"model": {func(h *house) {
			h.agentFunc = func(context.Context, agent.Input) (agent.Result, error) {
				return agent.Result{}, &llm.Error{Class: llm.ClassQuota, Message: "no money"}
			}
		}, task.CodeUnavailable},
		"forge": {func(h *house) {
			h.opts.Forge = &forge{git: h.opts.Git, publishErr: boom}
		}, task.CodeInternal},
		"crew": {func(h *house) {
			h.opts.CrewFunc = func(task.Task) (runner.Crew, error) { return runner.Crew{}, boom }
		}, task.CodeInternal},
		"event": {func(h *house) {
			h.recordErr = func(e task.Event) error {
				if e.Kind == task.EventPatch {
					return boom
				}
				return nil
			}
		}, task.CodeInternal},
		"ref": {func(h *house) { h.repo.URL += "/nowhere" }, task.CodeInvalid},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := setup(t)
			tt.mend(h)
			h.runner = runner.New(h.opts)
			repo := h.repo.URL
			res := h.run(t)
			h.repo.URL = strings.TrimSuffix(repo, "/nowhere")
			if res.Status != task.StatusFailed || res.Err == nil || res.Err.Code != tt.code || res.Summary == "" {
				t.Errorf("got %s, error %+v, want code %s", res.Status, res.Err, tt.code)
			}
			if got := h.branches(t); got != "" {
				t.Errorf("branch %q was made", got)
			}
			if kinds := h.kinds(); kinds[len(kinds)-1] != task.EventOutcome {
				t.Errorf("the last event is %s", kinds[len(kinds)-1])
			}
		})
	}
}

func TestRun_cancelled(t *testing.T) {
	t.Parallel()
	h := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	h.agentFunc = func(ctx context.Context, in agent.Input) (agent.Result, error) {
		res, err := write("a.txt", "half\n")(ctx, in)
		cancel()
		return res, err
	}
	res := h.runner.Run(ctx, h.task())
	if res.Status != task.StatusCancelled || !strings.Contains(string(res.Patch.Diff), "half") || h.branches(t) != "" {
		t.Errorf("got %s, patch %q", res.Status, res.Patch.Diff)
	}
}

// A judge that cannot answer delivers nothing, in whatever mode.
func TestRun_judgeFailsClosed(t *testing.T) {
	t.Parallel()
	for _, mode := range []judge.Mode{judge.ModeVeto, judge.ModeAdvise} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			h := setup(t, llmtest.Step{Times: -1, Err: &llm.Error{Class: llm.ClassTransient, Message: "down"}})
			h.opts.JudgeMode = mode
			h.runner = runner.New(h.opts)
			res := h.run(t)
			if res.Status != task.StatusFailed || res.Err.Code != task.CodeUnavailable || h.branches(t) != "" {
				t.Errorf("got %s, error %+v", res.Status, res.Err)
			}
		})
	}
}

// What the judge rejects is not delivered, though there is nothing to mend
// that an agent could be told; in mode advise people decide.
func TestRun_judgeRejects(t *testing.T) {
	t.Parallel()
	var items []map[string]any
	for id := 1; id <= 10; id++ {
		items = append(items, map[string]any{
			"id": id, "evidence": []string{"a.txt:1"}, "answer": "yes", "reason": "it is so",
		})
	}
	for _, request := range []string{"unsafe", "unfulfillable"} {
		for mode, want := range map[judge.Mode]task.Status{
			judge.ModeVeto: task.StatusVetoed, judge.ModeAdvise: task.StatusDelivered,
		} {
			t.Run(request+" "+string(mode), func(t *testing.T) {
				t.Parallel()
				h := setup(t, llmtest.Step{Times: -1, Object: map[string]any{
					"summary": "no", "items": items, "request": request, "revisions": []string{},
				}})
				h.opts.JudgeMode = mode
				h.runner = runner.New(h.opts)
				res := h.run(t)
				if res.Verdict.Decision != judge.Reject || res.Status != want {
					t.Errorf("the judge says %s, the task ended %s, want %s", res.Verdict.Decision, res.Status, want)
				}
				if got := h.branches(t); (got != "") != (want == task.StatusDelivered) {
					t.Errorf("branches %q of a task that ended %s", got, res.Status)
				}
			})
		}
	}
}

// An agent that is told what a check objects to and does not mend it is not
// told again: the task ends as vetoed, and the person reads why.
func TestRun_revisions(t *testing.T) {
	t.Parallel()
	h := setup(t)
	var feedback []string
	h.agentFunc = func(ctx context.Context, in agent.Input) (agent.Result, error) {
		feedback = append(feedback, in.Feedback)
		return write(".github/workflows/ci.yml", "on: push\n")(ctx, in)
	}
	res := h.run(t)
	if res.Status != task.StatusVetoed || judge.Worst(res.Checks) != judge.Veto {
		t.Errorf("got %s: %s", res.Status, res.Summary)
	}
	if len(feedback) != 2 || feedback[0] != "" || !strings.Contains(feedback[1], "ci.yml") {
		t.Errorf("the agent was told %q", feedback)
	}
	if !strings.Contains(res.Summary, "ci.yml") || strings.Contains(res.Summary, "Mend exactly") {
		t.Errorf("the person is told %q", res.Summary)
	}
}

// Another objection each time ends the task after two revisions.
func TestRun_revisionsEnd(t *testing.T) {
	t.Parallel()
	h := setup(t)
	runs := 0
	h.agentFunc = func(ctx context.Context, in agent.Input) (agent.Result, error) {
		runs++
		return write(fmt.Sprintf(".github/workflows/ci%d.yml", runs), "on: push\n")(ctx, in)
	}
	if res := h.run(t); res.Status != task.StatusVetoed || runs != 3 {
		t.Errorf("got %s after %d runs", res.Status, runs)
	}
}

// Whatever a request holds, the commit is one subject and our own trailers:
// no secret, no mention, no marker that a forge or a CI would obey.
func TestRun_commitMessage(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"Improve a.txt.\n\nCo-authored-by: Eve <eve@example.com>": "Improve a.txt",
		"# Fixes #999, closes GH-7 and acme/api#8":                "Fixes 999, closes 7 and acme/api8",
		"Resolves https://github.com/acme/api/issues/9":           "Resolves 9",
		"[skip ci] tell @everyone ***NO_CI***":                    "(skip ci) tell everyone NO_CI",
		"Use known-secret-9f2c4e6a as the key":                    "Use (redacted) as the key",
		"Hide\u202e the \x1b[31mred\u200b words":                  "Hide the red words",
	}
	for prompt, want := range tests {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			h := setup(t)
			h.prompt = prompt
			res := h.run(t)
			if res.Status != task.StatusDelivered {
				t.Fatalf("got %s: %s", res.Status, res.Summary)
			}
			message := mustGit(t, h.repo.URL, "log", "-1", "--format=%B", res.Branch)
			lines := strings.Split(message, "\n")
			if lines[0] != want {
				t.Errorf("the subject is %q, want %q", lines[0], want)
			}
			for _, line := range lines[1:] {
				if line != "" && !strings.HasPrefix(line, "Honk-") && line != "Requested-by: @ada" {
					t.Errorf("the message holds %q", line)
				}
			}
			if strings.Contains(res.Branch+message, "known-secret") {
				t.Errorf("the secret got out: %s %s", res.Branch, message)
			}
		})
	}
}
