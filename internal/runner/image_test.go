package runner_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"honk/agent"
	"honk/internal/runner"
	"honk/internal/task"
	"honk/judge"
)

// The images of a request reach the agent, in an attempt after a killed one
// too, but neither the judge nor what is recorded.
func TestRun_images(t *testing.T) {
	t.Parallel()
	h := setup(t, answers(0))
	h.opts.JudgeMode = judge.ModeVeto
	h.runner = runner.New(h.opts)
	shot, err := task.NewImage("shot.png", []byte("\x89PNG\r\n\x1a\nthe bytes of a picture"))
	if err != nil {
		t.Fatal(err)
	}
	tk := h.task()
	tk.Request.Images = []task.Image{shot}
	look := func(in agent.Input) {
		if len(in.Images) != 1 || in.Images[0].String() != shot.String() {
			t.Errorf("the agent is shown %v", in.Images)
		}
	}
	h.agentFunc = func(_ context.Context, in agent.Input) (agent.Result, error) {
		look(in)
		return agent.Result{}, errors.New("killed")
	}
	h.runner.Run(t.Context(), tk)
	res := h.again(t, tk, func(ctx context.Context, in agent.Input) (agent.Result, error) {
		look(in)
		return write("a.txt", "better\n")(ctx, in)
	})
	if res.Status != task.StatusDelivered {
		t.Fatalf("got %s: %s", res.Status, res.Summary)
	}
	kept, err := json.Marshal(h.events)
	if err != nil {
		t.Fatal(err)
	}
	if bytes := base64.StdEncoding.EncodeToString(shot.Data); strings.Contains(string(kept), bytes[:20]) {
		t.Error("the bytes of an image are recorded")
	}
	for _, req := range h.model.Requests() {
		for _, m := range req.Messages {
			if len(m.Images) > 0 || strings.Contains(m.Content, "shot.png") {
				t.Errorf("the judge is shown %v", m.Images)
			}
		}
	}
}
