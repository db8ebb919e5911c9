package runner_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"honk/agent"
	"honk/internal/llm/llmtest"
	"honk/internal/runner"
	"honk/internal/task"
	"honk/judge"
	"honk/sandbox"
)

// answers is a verdict on a.txt, with yes throughout but for item.
func answers(item int) llmtest.Step {
	items := []map[string]any{}
	for id := 1; id <= 10; id++ {
		it := map[string]any{"id": id, "evidence": []string{"a.txt:1"}, "reason": "because", "answer": judge.Yes}
		if id == item {
			it["answer"] = judge.No
		}
		items = append(items, it)
	}
	return llmtest.Answer(map[string]any{"items": items, "request": "ok", "revisions": []string{"mend it"}, "summary": "Said."})
}

// dies makes the process die as soon as an event of a kind is stored, the
// first of which after skips it.
func (h *house) dies(kind task.EventKind, after int) {
	dead := false
	h.recordErr = func(e task.Event) error {
		if dead {
			return errors.New("the process is dead")
		}
		if e.Kind == kind {
			after--
			dead = after < 0
		}
		return nil
	}
}

// again is another attempt at a task, with an agent that must not be asked
// unless run is given.
func (h *house) again(t *testing.T, tk task.Task, run func(context.Context, agent.Input) (agent.Result, error)) runner.Result {
	t.Helper()
	h.recordErr = nil
	h.agentFunc = run
	if run == nil {
		h.agentFunc = func(context.Context, agent.Input) (agent.Result, error) {
			t.Error("the agent was paid again")
			return agent.Result{Exit: agent.ExitBlocked, Summary: "again"}, nil
		}
	}
	tk.Attempt++
	res := h.runner.Run(t.Context(), tk)
	for i, e := range h.events {
		if e.Seq != i+1 {
			t.Fatalf("event %d has number %d", i+1, e.Seq)
		}
	}
	if last := h.events[len(h.events)-1]; last.Attempt != tk.Attempt {
		t.Errorf("the last event is of attempt %d, want %d", last.Attempt, tk.Attempt)
	}
	return res
}

// paid is the agent's work with one reply that costs something.
func paid(ctx context.Context, in agent.Input) (agent.Result, error) {
	err := in.RecordFunc(ctx, task.EventReply, 1, task.ReplyData{
		Usage: task.Usage{Steps: 1, InputTokens: 100, OutputTokens: 10}, CostUSD: 0.5,
	})
	res, writeErr := write("a.txt", "better\n")(ctx, in)
	return res, errors.Join(err, writeErr)
}

// Wherever a worker dies behind the agent's work, the next one goes on with
// what was paid for, on the same base, although the repository moved on.
func TestRun_resumes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kill   task.EventKind
		judged int // how often a judge is asked in all
	}{
		"change":  {task.EventChange, 1},
		"verify":  {task.EventVerify, 1},
		"checks":  {task.EventChecks, 1},
		"verdict": {task.EventVerdict, 1},
		"publish": {"", 1},
		"outcome": {"outcome", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := setup(t, answers(0), answers(0))
			h.opts.JudgeMode = judge.ModeVeto
			f := &forge{git: h.opts.Git}
			h.opts.Forge = f
			h.runner = runner.New(h.opts)
			base := mustGit(t, h.repo.URL, "rev-parse", "HEAD")
			h.agentFunc = paid
			tk := h.task()
			tk.Attempt = 1
			switch tt.kill {
			case "":
				f.publishErr = errors.New("no network")
			case "outcome": // behind the push
				h.recordErr = func(e task.Event) error {
					if e.Kind == task.EventOutcome {
						return errors.New("dead")
					}
					return nil
				}
			default:
				h.dies(tt.kill, 0)
			}
			first := h.runner.Run(t.Context(), tk)
			f.publishErr = nil
			mustGit(t, h.repo.URL, "-c", "user.name=Eve", "-c", "user.email=eve@example.com", "commit", "-q", "--allow-empty", "-m", "Next")

			res := h.again(t, tk, nil)
			if res.Status != task.StatusDelivered || res.Summary != "done" || res.BaseSHA != base {
				t.Fatalf("got %s: %s on %s, want delivered on %s (first: %s %s)", res.Status, res.Summary, res.BaseSHA, base, first.Status, first.Summary)
			}
			if got := mustGit(t, h.repo.URL, "log", "-1", "--format=%P", res.Branch); got != base {
				t.Errorf("the commit's parent is %s, want %s", got, base)
			}
			if !res.Gate.Passed || len(res.Checks) > 0 || res.Verdict.Decision != judge.Approve {
				t.Errorf("got gate %+v, checks %+v, verdict %+v", res.Gate, res.Checks, res.Verdict)
			}
			if asked := 2 - h.model.Left(); asked != tt.judged {
				t.Errorf("the judge was asked %d times, want %d", asked, tt.judged)
			}
			if u := res.Usage; u.InputTokens != 100 || u.OutputTokens != 10 || u.Steps != 1 || u.CostUSD != 0.5 {
				t.Errorf("got usage %+v", u)
			}
			pub := f.published[len(f.published)-1]
			if pub.BaseRef != "main" || pub.Onto || pub.Title != "chore: improve a.txt" || pub.Result.Usage.InputTokens != 100 {
				t.Errorf("got publication for %q, onto %t, titled %q, usage %+v", pub.BaseRef, pub.Onto, pub.Title, pub.Result.Usage)
			}
		})
	}
}

// A change that was sent back, or not finished, or is on a commit that is
// gone, is made anew.
func TestRun_anew(t *testing.T) {
	t.Parallel()
	tests := map[string]func(t *testing.T, h *house){
		"in work": func(_ *testing.T, h *house) { h.dies(task.EventPhase, 2) },
		"patch":   func(_ *testing.T, h *house) { h.dies(task.EventPatch, 0) },
		"blocked": func(_ *testing.T, h *house) {
			h.agentFunc = func(ctx context.Context, in agent.Input) (agent.Result, error) {
				_, err := write("a.txt", "half\n")(ctx, in)
				return agent.Result{Exit: agent.ExitBlocked, Summary: "why?"}, err
			}
		},
		"sent back": func(_ *testing.T, h *house) {
			h.agentFunc = write(".github/workflows/ci.yml", "on: push\n")
			h.dies(task.EventPhase, 5) // the second change
		},
	}
	for name, kill := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := setup(t)
			kill(t, h)
			tk := h.task()
			first := h.runner.Run(t.Context(), tk)
			ran := 0
			res := h.again(t, tk, func(ctx context.Context, in agent.Input) (agent.Result, error) {
				ran++
				if got := inside(ctx, t, in, "cat a.txt; git status --short"); got != "good\n" {
					t.Errorf("the agent starts from %q", got)
				}
				return write("a.txt", "best\n")(ctx, in)
			})
			if res.Status != task.StatusDelivered || ran != 1 {
				t.Errorf("got %s: %s after %d runs (first: %s %s)", res.Status, res.Summary, ran, first.Status, first.Summary)
			}
			if got := mustGit(t, h.repo.URL, "show", res.Branch+":a.txt"); got != "best" {
				t.Errorf("the branch holds %q", got)
			}
		})
	}
}

func inside(ctx context.Context, t *testing.T, in agent.Input, script string) string {
	t.Helper()
	res, err := in.Sandbox.Exec(ctx, sandbox.Command{Args: []string{"sh", "-c", script}})
	if err != nil || res.ExitCode != 0 {
		t.Errorf("%s: %+v, %v", script, res, err)
	}
	return string(res.Stdout.Bytes())
}

// A restored change that is objected to goes back to an agent that finds it in
// its work tree.
func TestRun_resumedRevision(t *testing.T) {
	t.Parallel()
	h := setup(t, answers(1), answers(0))
	h.opts.JudgeMode = judge.ModeVeto
	h.runner = runner.New(h.opts)
	h.dies(task.EventVerify, 0)
	tk := h.task()
	h.runner.Run(t.Context(), tk)
	res := h.again(t, tk, func(ctx context.Context, in agent.Input) (agent.Result, error) {
		if got := inside(ctx, t, in, "cat a.txt; git diff HEAD --stat | tail -1"); !strings.HasPrefix(got, "better\n 1 file changed") {
			t.Errorf("the agent starts from %q", got)
		}
		if !strings.Contains(in.Feedback, "mend it") || in.Resume != nil {
			t.Errorf("the agent is told %q", in.Feedback)
		}
		if n := len(in.Context); n != 1 || in.Context[0].Author != "honk" {
			t.Errorf("got context %+v", in.Context)
		}
		return write("b.txt", "more\n")(ctx, in)
	})
	if res.Status != task.StatusDelivered {
		t.Fatalf("got %s: %s", res.Status, res.Summary)
	}
	if got := mustGit(t, h.repo.URL, "show", "--stat", "--format=", res.Branch); !strings.Contains(got, "2 files changed") {
		t.Errorf("the branch holds %s", got)
	}
}

// A later task goes on from the patch that an earlier one kept, if that still
// applies.
func TestRun_resumeRequest(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		move string // what the repository's own next commit writes to a.txt
		want string
		warn bool
	}{
		"same base":  {"", "half\n", false},
		"other file": {"good\n", "half\n", false},
		"conflict":   {"theirs\n", "theirs\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := setup(t)
			h.agentFunc = func(ctx context.Context, in agent.Input) (agent.Result, error) {
				_, err := write("a.txt", "half\n")(ctx, in)
				_, more := write("new.txt", "new\n")(ctx, in)
				return agent.Result{Exit: agent.ExitBudget, Reason: "no money", Viewed: []string{"a.txt", "new.txt"}}, errors.Join(err, more)
			}
			first := h.task()
			if res := h.runner.Run(t.Context(), first); res.Status != task.StatusBudgetExhausted {
				t.Fatalf("got %s: %s", res.Status, res.Summary)
			}
			if tt.move != "" {
				newRepository(t, h.repo.URL, map[string]string{"a.txt": tt.move, "moved.txt": "x\n"})
			}
			next := h.task()
			next.Request.Resume = first.ID
			var patch task.Patch
			h.agentFunc = func(ctx context.Context, in agent.Input) (agent.Result, error) {
				if got := inside(ctx, t, in, "cat a.txt"); got != tt.want {
					t.Errorf("the agent starts from %q, want %q", got, tt.want)
				}
				if told := slices.ContainsFunc(in.Context, func(n task.Note) bool { return n.Author == "honk" }); told == tt.warn {
					t.Errorf("the agent is told of a kept change: %t", told)
				}
				res, err := write("c.txt", "rest\n")(ctx, in)
				var diffErr error
				patch, diffErr = in.DiffFunc(ctx)
				return res, errors.Join(err, diffErr)
			}
			res := h.runner.Run(t.Context(), next)
			if res.Status != task.StatusDelivered {
				t.Fatalf("got %s: %s", res.Status, res.Summary)
			}
			want := 3
			if tt.warn {
				want = 1
			}
			if len(patch.Files) != want || len(res.Patch.Files) != want {
				t.Errorf("the patch has %d files, then %d, want %d", len(patch.Files), len(res.Patch.Files), want)
			}
			if got := slices.Contains(h.kinds(), task.EventWarning); got != tt.warn {
				t.Errorf("warned: %t", got)
			}
			if left, _ := filepath.Glob(filepath.Join(h.opts.Dir, "tasks", "*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// A request for an existing branch adds one commit to it.
func TestRun_branch(t *testing.T) {
	t.Parallel()
	h := setup(t)
	f := &forge{git: h.opts.Git}
	h.opts.Forge = f
	h.runner = runner.New(h.opts)
	mustGit(t, h.repo.URL, "branch", "topic")
	tk := h.task()
	tk.Request.Branch = "topic"
	res := h.runner.Run(t.Context(), tk)
	if res.Status != task.StatusDelivered || res.Branch != "topic" || h.branches(t) != "" {
		t.Fatalf("got %s: %s, branch %q, others %q", res.Status, res.Summary, res.Branch, h.branches(t))
	}
	if got := mustGit(t, h.repo.URL, "log", "--format=%H", "topic"); got != res.PullRequest.HeadSHA+"\n"+res.BaseSHA {
		t.Errorf("got commits %s", got)
	}
	if pub := f.published[0]; !pub.Onto || pub.BaseRef != "topic" {
		t.Errorf("got publication onto %t for %q", pub.Onto, pub.BaseRef)
	}

	// Somebody pushes while the agent works.
	h.agentFunc = write("b.txt", "more\n")
	h.recordErr = func(e task.Event) error {
		if e.Kind == task.EventChange {
			mustGit(t, h.repo.URL, "update-ref", "refs/heads/topic", res.BaseSHA)
		}
		return nil
	}
	tk.ID += "B"
	if res := h.runner.Run(t.Context(), tk); res.Err == nil || res.Err.Code != task.CodeConflict || !strings.Contains(res.Summary, "somebody pushed") {
		t.Errorf("got %s: %s", res.Status, res.Summary)
	}
}

// What people add during a run reaches agent and judge, and an attempt after
// it.
func TestRun_inbox(t *testing.T) {
	t.Parallel()
	h := setup(t, answers(0))
	h.opts.JudgeMode = judge.ModeVeto
	posts := []task.Note{{Author: "@ada", Text: "And be quick."}}
	h.opts.InboxFunc = func(context.Context, task.ID) ([]task.Note, error) {
		out := posts
		posts = nil
		return out, nil
	}
	h.runner = runner.New(h.opts)
	h.agentFunc = func(ctx context.Context, in agent.Input) (agent.Result, error) {
		notes, err := in.InboxFunc(ctx)
		// What the agent does with it.
		return agent.Result{}, errors.Join(err, in.RecordFunc(ctx, task.EventNotice, 1, task.NoticeData{Text: "noted", Notes: notes}), errors.New("killed"))
	}
	tk := h.task()
	h.runner.Run(t.Context(), tk)
	res := h.again(t, tk, func(ctx context.Context, in agent.Input) (agent.Result, error) {
		for i, want := range []int{1, 0} {
			notes, err := in.InboxFunc(ctx)
			if err != nil || len(notes) != want {
				t.Errorf("asked %d times: got %+v, %v", i+1, notes, err)
			}
		}
		return write("a.txt", "better\n")(ctx, in)
	})
	if res.Status != task.StatusDelivered {
		t.Fatalf("got %s: %s", res.Status, res.Summary)
	}
	reqs := h.model.Requests()
	if raw, err := json.Marshal(reqs[0].Messages); err != nil || !strings.Contains(string(raw), "And be quick.") {
		t.Errorf("the judge does not know what was added: %s, %v", raw, err)
	}
}

// How a task was stopped decides what becomes of it.
func TestRun_stopped(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		cause  error
		status task.Status
		code   task.Code
		text   string
	}{
		"by a person": {task.Errorf(task.CodeCancelled, "Cancelled by @ada."), task.StatusCancelled, task.CodeCancelled, "Cancelled by @ada."},
		"shutdown":    {task.Errorf(task.CodeUnavailable, "the worker is shutting down"), task.StatusFailed, task.CodeUnavailable, "the worker is shutting down"},
		"wrapped":     {fmt.Errorf("x: %w", task.Errorf(task.CodeTimeout, "too long")), task.StatusFailed, task.CodeTimeout, "too long"},
		"else":        {nil, task.StatusCancelled, task.CodeCancelled, "The task was cancelled."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := setup(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			h.agentFunc = func(ctx context.Context, in agent.Input) (agent.Result, error) {
				res, err := write("a.txt", "half\n")(ctx, in)
				cancel(tt.cause)
				res.Exit = agent.ExitCancelled
				return res, err
			}
			res := h.runner.Run(ctx, h.task())
			if res.Status != tt.status || res.Summary != tt.text || res.Err == nil || res.Err.Code != tt.code {
				t.Errorf("got %s: %q, error %+v", res.Status, res.Summary, res.Err)
			}
			if !strings.Contains(string(res.Patch.Diff), "half") || !slices.Contains(h.kinds(), task.EventPatch) {
				t.Errorf("the patch is lost; events %v", h.kinds())
			}
		})
	}
}

// A request can choose its judge, down to the organisation's floor.
func TestRun_judgeOption(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		asked    string
		mode     judge.Mode
		floor    judge.Mode
		judged   bool
		repo     string
		wantCode task.Code
	}{
		"lower":     {asked: "off", mode: judge.ModeVeto, judged: false},
		"raise":     {asked: "veto", mode: judge.ModeOff, judged: true},
		"floor":     {asked: "off", mode: judge.ModeVeto, floor: judge.ModeAdvise, judged: true},
		"default":   {mode: judge.ModeVeto, judged: true},
		"nonsense":  {asked: "never", mode: judge.ModeVeto, wantCode: task.CodeInvalid},
		"no floors": {mode: judge.ModeOff, judged: false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := setup(t, answers(0))
			h.opts.JudgeMode, h.opts.JudgeFloor = tt.mode, tt.floor
			h.runner = runner.New(h.opts)
			tk := h.task()
			tk.Request.Options.Judge = tt.asked
			res := h.runner.Run(t.Context(), tk)
			if tt.wantCode != "" {
				if res.Err == nil || res.Err.Code != tt.wantCode {
					t.Errorf("got %s: %+v", res.Status, res.Err)
				}
				return
			}
			if res.Status != task.StatusDelivered || (h.model.Left() == 0) != tt.judged {
				t.Errorf("got %s: %s, judged: %t", res.Status, res.Summary, h.model.Left() == 0)
			}
		})
	}
}

// Without the past nobody knows what to do, nor how to number events.
func TestRun_recallFails(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.recallErr = errors.New("down")
	if res := h.run(t); res.Status != task.StatusFailed || res.Err == nil || len(h.kinds()) > 0 {
		t.Errorf("got %s: %s, events %v", res.Status, res.Summary, h.kinds())
	}
}
