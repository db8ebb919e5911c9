package agent_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"honk/agent"
	"honk/internal/llm"
	"honk/internal/llm/llmtest"
	"honk/internal/task"
)

// What is attached to a request is in the first message, in a shortened
// conversation too, and in nothing that is kept.
func TestRun_images(t *testing.T) {
	t.Parallel()
	shot, err := task.NewImage("shot.png", []byte("\x89PNG\r\n\x1a\nthe bytes of a picture"))
	if err != nil {
		t.Fatal(err)
	}
	lying := task.Image{Name: "page.png", MediaType: "image/png", Data: []byte("<html>")}
	b := setup(t, append([]llmtest.Step{summaries("## Goal\nadd"), bash("seq 1 2000"), view("README.md"), fail(llm.ClassContext)}, mended()...)...)
	b.in.Images = []task.Image{lying, shot}
	res := b.run(agent.Options{})
	b.wantExit(res, agent.ExitDone)
	if res.Transcript.Compactions != 1 {
		t.Errorf("%d compactions, want 1", res.Transcript.Compactions)
	}
	for i, req := range b.model.Requests() {
		for j, m := range req.Messages {
			want := ""
			if j == 1 {
				want = shot.String()
			}
			got := ""
			for _, img := range m.Images {
				got += img.String()
			}
			if got != want {
				t.Errorf("message %d of request %d shows %q, want %q", j, i, got, want)
			}
		}
	}
	kept := jsonOf(t, res.Transcript)
	for _, e := range b.events {
		kept += jsonOf(t, e.data)
	}
	if bytes := base64.StdEncoding.EncodeToString(shot.Data); strings.Contains(kept, bytes[:20]) || strings.Contains(kept, "bytes of a picture") {
		t.Error("the bytes of an image are kept")
	}
}

func TestSize_images(t *testing.T) {
	t.Parallel()
	text := llm.Message{Role: llm.RoleUser, Content: "look"}
	with := text
	with.Images = make([]task.Image, 3)
	// The first guess is three bytes for each token.
	if got := agent.Size([]llm.Message{with}) - agent.Size([]llm.Message{text}); got != 3*1600*3 {
		t.Errorf("three images count as %d bytes, want those of 4,800 tokens", got)
	}
}
