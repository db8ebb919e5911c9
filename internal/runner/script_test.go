package runner_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"honk/agent"
	"honk/agent/script"
	"honk/internal/runner"
	"honk/internal/task"
	"honk/judge"
)

// counting is an agent that counts how often it is asked.
type counting struct {
	runner.Agent
	runs *int
}

func (c counting) Run(ctx context.Context, in agent.Input) (agent.Result, error) {
	*c.runs++
	return c.Agent.Run(ctx, in)
}

// scripted makes the crew a script without a judge.
func (h *house) scripted(t *testing.T, text string) (runs *int) {
	t.Helper()
	a, err := script.New(script.Options{Script: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	runs = new(int)
	h.opts.CrewFunc = func(task.Task) (runner.Crew, error) {
		return runner.Crew{Agent: counting{a, runs}, Once: true}, nil
	}
	h.runner = runner.New(h.opts)
	return runs
}

// appending is a script whose second run would show.
const appending = "echo better >> a.txt; echo '{\"from\":\"1.25\"}' > \"$SHIFT_OUTPUT\"; echo improved\n"

func TestRun_script(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		script  string
		status  task.Status
		summary string // a part of it
		content string // of a.txt after the patch, empty when none is delivered
	}{
		"delivered":     {appending, task.StatusDelivered, "improved", "good\nbetter"},
		"no change":     {"true", task.StatusNoChange, "nothing to change", ""},
		"skip":          {"echo old >&2; exit 20", task.StatusNoChange, "skip: old", ""},
		"person":        {"echo two >&2; exit 21", task.StatusBlocked, "needs a person: two", ""},
		"failed":        {"echo new > a.txt; echo no >&2; exit 1", task.StatusFailed, "no", ""},
		"verify failed": {"echo bad >> a.txt", task.StatusVerifyFailed, "check", ""},
		"vetoed":        {"mkdir -p .github/workflows; echo on: push >> .github/workflows/ci.yml", task.StatusVetoed, "ci.yml", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := setup(t)
			runs := h.scripted(t, tt.script)
			res := h.run(t)
			if res.Status != tt.status || !strings.Contains(res.Summary, tt.summary) {
				t.Errorf("got %s: %s, want %s: %s", res.Status, res.Summary, tt.status, tt.summary)
			}
			if *runs != 1 {
				t.Errorf("the script ran %d times", *runs)
			}
			if strings.Contains(string(res.Patch.Diff), "honk-") {
				t.Errorf("the patch holds the script: %s", res.Patch.Diff)
			}
			if tt.content == "" {
				if got := h.branches(t); got != "" {
					t.Errorf("branch %q was made", got)
				}
				return
			}
			if got := mustGit(t, h.repo.URL, "show", res.Branch+":a.txt"); got != tt.content {
				t.Errorf("the branch holds %q", got)
			}
			if got := string(res.Outputs); got != `{"from":"1.25"}` {
				t.Errorf("got outputs %s", got)
			}
			if res.Verdict.Decision != judge.NotJudged || res.Usage.CostUSD != 0 || res.Usage.Steps != 0 {
				t.Errorf("got verdict %+v, usage %+v", res.Verdict, res.Usage)
			}
		})
	}
}

// What a script has made is taken over by the next attempt, outputs too.
func TestRun_scriptResumes(t *testing.T) {
	t.Parallel()
	for kind, want := range map[task.EventKind]int{task.EventPatch: 2, task.EventChange: 1, task.EventVerify: 1} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			h := setup(t)
			runs := h.scripted(t, appending)
			h.dies(kind, 0)
			tk := h.task()
			tk.Attempt = 1
			if res := h.runner.Run(t.Context(), tk); res.Status == task.StatusDelivered {
				t.Fatal("the first attempt did not die")
			}
			res := h.again(t, tk, nil)
			if res.Status != task.StatusDelivered || *runs != want {
				t.Fatalf("got %s: %s after %d runs, want %d", res.Status, res.Summary, *runs, want)
			}
			if got := mustGit(t, h.repo.URL, "show", res.Branch+":a.txt"); got != "good\nbetter" {
				t.Errorf("the branch holds %q", got)
			}
			if got := string(res.Outputs); got != `{"from":"1.25"}` {
				t.Errorf("got outputs %s", got)
			}
		})
	}
}

// A task that goes on with an earlier one's change has its script run on the
// base all the same.
func TestRun_scriptOnBase(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.opts.Publish = false
	h.scripted(t, appending)
	first := h.task()
	if res := h.runner.Run(t.Context(), first); res.Status != task.StatusDelivered {
		t.Fatalf("got %s: %s", res.Status, res.Summary)
	}
	second := h.task()
	second.Request.Resume = first.ID
	res := h.runner.Run(t.Context(), second)
	if n := strings.Count(string(res.Patch.Diff), "+better"); n != 1 {
		t.Errorf("got %s with the line %d times: %s", res.Status, n, res.Patch.Diff)
	}
}

// Without a judge nothing is delivered where one must be asked.
func TestRun_scriptUnjudged(t *testing.T) {
	t.Parallel()
	for _, mode := range []judge.Mode{judge.ModeAdvise, judge.ModeVeto} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			h := setup(t)
			h.opts.JudgeFloor = mode
			runs := h.scripted(t, appending)
			res := h.run(t)
			if res.Status != task.StatusFailed || res.Err.Code != task.CodeInvalid || *runs != 0 || h.branches(t) != "" {
				t.Errorf("got %s: %s after %d runs", res.Status, res.Summary, *runs)
			}
		})
	}
}

// A Result without outputs has no trace of them.
func TestResult_noOutputs(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(runner.Result{})
	if err != nil || strings.Contains(string(raw), "outputs") {
		t.Errorf("got %s, error %v", raw, err)
	}
}
