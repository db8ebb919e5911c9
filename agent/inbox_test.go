package agent_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"honk/agent"
	"honk/internal/llm"
	"honk/internal/llm/llmtest"
	"honk/internal/task"
)

// What people add during a run reaches the model before its next step, once,
// and is recorded; an inbox that cannot be read ends nothing.
func TestRun_inbox(t *testing.T) {
	t.Parallel()
	b := setup(t, mended()...)
	asked := 0
	b.in.InboxFunc = func(context.Context) ([]task.Note, error) {
		switch asked++; asked {
		case 1:
			return nil, errors.New("down")
		case 3:
			return []task.Note{{Author: "@ada", Text: "Say so in the README, too."}}, nil
		}
		return nil, nil
	}
	res := b.run(agent.Options{})
	b.wantExit(res, agent.ExitDone)
	if asked != 4 {
		t.Errorf("the inbox was asked %d times, want once before each of 4 steps", asked)
	}
	for i := range 4 {
		if got := strings.Contains(b.told(i, 1), "README, too"); got != (i == 2) {
			t.Errorf("request %d ends with the message: %t", i, got)
		}
	}
	b.wantTold(3, 100, "--- @ada")
	var notices []task.NoticeData
	for _, e := range b.events {
		if d, ok := e.data.(task.NoticeData); ok {
			notices = append(notices, d)
		}
	}
	if len(notices) != 1 || notices[0].Text != "noted, applied from step 3" || len(notices[0].Notes) != 1 {
		t.Errorf("got notices %+v", notices)
	}
}

// What was added outlives a shortened conversation.
func TestRun_inboxCompacted(t *testing.T) {
	t.Parallel()
	steps := append([]llmtest.Step{summaries("## Goal\nadd"), bash("seq 1 2000"), view("README.md"), fail(llm.ClassContext)}, mended()...)
	b := setup(t, steps...)
	posts := []task.Note{{Author: "@ada", Text: "Say so in the README, too."}}
	b.in.InboxFunc = func(context.Context) ([]task.Note, error) {
		out := posts
		posts = nil
		return out, nil
	}
	b.wantExit(b.run(agent.Options{}), agent.ExitDone)
	b.wantTold(len(b.model.Requests())-1, 100, "README, too")
}

// An objection is told even where the conversation it answers is lost.
func TestRun_feedbackAlone(t *testing.T) {
	t.Parallel()
	b := setup(t, mended()[:3]...)
	b.in.Feedback = "Item 2: the operands must be swapped."
	b.wantExit(b.run(agent.Options{}), agent.ExitDone)
	b.wantTold(0, 2, "Make add add.")
	b.wantTold(0, 1, "must be swapped")
}
