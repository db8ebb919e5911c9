package agent_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"honk/agent"
	"honk/internal/llm/llmtest"
	"honk/internal/task"
	"honk/verify"
)

// Rule 5: the first finish hands back the diff with a checklist.
func TestFinish_checklist(t *testing.T) {
	t.Parallel()
	b := setup(t, mended()...)
	b.wantExit(b.run(agent.Options{}), agent.ExitDone)
	b.wantTold(3, 1, "+\treturn a + b")
	b.wantTold(3, 1, "scratch file")
}

// Rule 6: done must pass the checks; failures come back, then end the run.
func TestFinish_repairs(t *testing.T) {
	t.Parallel()
	steps := append(mended(), edit("a + b", "b + a"), finish("done", "Now."))
	b := setup(t, steps...)
	runs := 0
	b.in.VerifyFunc = func(context.Context, []string) (verify.Gate, error) {
		if runs++; runs == 1 {
			return failing("x"), nil
		}
		return passing(), nil
	}
	b.wantExit(b.run(agent.Options{}), agent.ExitDone)
	b.wantTold(4, 1, "round 1 of 3")
	b.wantTold(4, 1, "main.go:4: wrong sum x")
}

func TestFinish_verifyFailed(t *testing.T) {
	t.Parallel()
	steps := mended()
	for _, text := range []string{"b + a", "a + b + 0", "0 + a + b"} {
		steps = append(steps, llmtest.Step{Calls: []llmtest.Call{
			{Name: "bash", Arguments: args{"command": "sed -i 's/return.*/return " + text + "/' main.go"}},
			{Name: "finish", Arguments: args{"summary": "Tried " + text}},
		}})
	}
	b := setup(t, steps...)
	n := 0
	b.in.VerifyFunc = func(context.Context, []string) (verify.Gate, error) { n++; return failing(strings.Repeat("x", n)), nil }
	res := b.run(agent.Options{})
	b.wantExit(res, agent.ExitVerifyFailed)
	if n != 4 || !strings.Contains(res.Reason, "after 3 rounds of repair: go test has 1 new failure") {
		t.Errorf("%d verifications, reason %q", n, res.Reason)
	}
}

func TestFinish_noChange(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		steps []llmtest.Step
		want  agent.Exit
		told  string
	}{
		{"said so", []llmtest.Step{finish("no_change_needed", "It adds already.")}, agent.ExitNoChange, ""},
		{"done with nothing, twice", []llmtest.Step{finish("done", "a"), finish("done", "b")}, agent.ExitNoChange, "Nothing has been changed"},
		{"text alone, twice", []llmtest.Step{llmtest.Say("It adds already."), llmtest.Say("Really.")}, agent.ExitNoChange, "Nothing has been changed"},
		{
			"with changes, insisting",
			[]llmtest.Step{bash("echo x > scratch"), finish("no_change_needed", "a"), finish("no_change_needed", "b")},
			agent.ExitNoChange, "scratch",
		},
		{
			"with changes, undone",
			[]llmtest.Step{bash("echo x > scratch"), finish("no_change_needed", "a"), bash("rm scratch"), finish("no_change_needed", "b")},
			agent.ExitNoChange, "exit code 0",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, tt.steps...)
			b.wantExit(b.run(agent.Options{}), tt.want)
			b.wantTold(len(tt.steps)-1, 1, tt.told)
		})
	}
}

func TestFinish_blocked(t *testing.T) {
	t.Parallel()
	b := setup(t, bash("echo x > scratch"), finish("blocked", " "), finish("blocked", "Which of the two adds is meant?"))
	res := b.run(agent.Options{})
	b.wantExit(res, agent.ExitBlocked)
	if res.Summary != "Which of the two adds is meant?" {
		t.Errorf("summary = %q", res.Summary)
	}
	b.wantTold(2, 1, "The summary is empty")
}

func TestFinish_byText(t *testing.T) {
	t.Parallel()
	b := setup(t, view("main.go"), edit("a - b", "a + b"), llmtest.Say("I am done."), llmtest.Say("Done: it adds."))
	res := b.run(agent.Options{})
	b.wantExit(res, agent.ExitDone)
	if res.Summary != "Done: it adds." {
		t.Errorf("summary = %q", res.Summary)
	}
	b.wantTold(3, 1, "user: Before the task ends")
}

func TestResume_feedback(t *testing.T) {
	t.Parallel()
	b := setup(t, append(mended(), edit("a + b", "b + a"), finish("done", "Swapped."))...)
	first := b.run(agent.Options{})
	b.in.Resume, b.in.Feedback = first.Transcript, "Item 2: the operands must be swapped."
	res := b.run(agent.Options{})
	b.wantExit(res, agent.ExitDone)
	b.wantTold(4, 1, "Item 2: the operands must be swapped.")
	if res.Transcript.Steps != 6 || res.Usage.Steps != 2 {
		t.Errorf("steps = %d, of this run %d", res.Transcript.Steps, res.Usage.Steps)
	}
	before, after := b.model.Requests()[3].Messages, b.model.Requests()[4].Messages
	for i := range before {
		if jsonOf(t, before[i]) != jsonOf(t, after[i]) {
			t.Fatalf("message %d of the conversation has changed", i)
		}
	}
}

func TestResume_interrupted(t *testing.T) {
	t.Parallel()
	b := setup(t, view("main.go"), fail("transient"), finish("blocked", "Which?"))
	first, err := agent.New(b.model, agent.Options{}).Run(t.Context(), b.in)
	if err == nil {
		t.Fatal("want the model's error")
	}
	// The last answer was lost with the worker.
	msgs := first.Transcript.Messages
	first.Transcript.Messages = msgs[:len(msgs)-1]
	b.in.Resume = first.Transcript
	b.wantExit(b.run(agent.Options{}), agent.ExitBlocked)
	b.wantTold(2, 2, "tool: Interrupted before it was answered; may be retried.")
	b.wantTold(2, 1, "The work was interrupted")
}

// What a change may not hold is the model's to mend, not the end of the run.
func TestFinish_unfit(t *testing.T) {
	t.Parallel()
	steps := []llmtest.Step{
		bash("sed -i 's/a - b/a + b/' main.go; ln -s /etc/passwd link"),
		finish("done", "It adds."), llmtest.Use("verify", args{}), bash("rm link"),
		finish("done", "It adds."), finish("done", "It adds."),
	}
	b := setup(t, steps...)
	b.in.DiffFunc = func(ctx context.Context) (task.Patch, error) {
		if _, err := os.Lstat(filepath.Join(b.dir, "link")); err == nil {
			return task.Patch{}, task.Errorf(task.CodeInvalid, "%q is a new symlink; remove it", "link")
		}
		return b.diff(ctx)
	}
	b.wantExit(b.run(agent.Options{}), agent.ExitDone)
	b.wantTold(2, 1, `"link" is a new symlink; remove it. Nothing ran. Mend that and call finish again.`)
	b.wantTold(3, 1, "call verify again")
}

// A file that a command changed has been seen once the model was shown the
// diff, also in a run that goes on after an objection.
func TestFinish_changedByCommand(t *testing.T) {
	t.Parallel()
	b := setup(t,
		bash("sed -i 's/a - b/a + b/' main.go"), finish("done", "It adds."), finish("done", "It adds."),
		bash("echo It subtracts, too. >> README.md"), finish("done", "Said so."), finish("done", "Said so."),
	)
	first := b.run(agent.Options{})
	if want := []string{"main.go"}; !slices.Equal(first.Viewed, want) {
		t.Errorf("viewed %v, want %v", first.Viewed, want)
	}
	b.in.Resume, b.in.Feedback = first.Transcript, "Item 1: say so in the README."
	res := b.run(agent.Options{})
	b.wantExit(res, agent.ExitDone)
	b.wantTold(5, 1, "+It subtracts, too.")
	if want := []string{"README.md", "main.go"}; !slices.Equal(res.Viewed, want) {
		t.Errorf("viewed %v, want %v", res.Viewed, want)
	}
}
