package agent_test

import (
	"os"
	"strings"
	"testing"

	"honk/agent"
	"honk/internal/llm/llmtest"
	"honk/sandbox/bwrap"
	"honk/sandbox/sandboxtest"
)

// TestRun_bwrap has a whole run where it will happen, with a model that tries
// to look out of it.
func TestRun_bwrap(t *testing.T) {
	t.Parallel()
	sandboxtest.Need(t, bwrap.New(bwrap.Options{}))
	outside := t.TempDir() + "/outside"
	if err := os.WriteFile(outside, []byte("canary-4711"), 0o644); err != nil {
		t.Fatal(err)
	}
	b := setupIn(t, bwrap.New(bwrap.Options{}), append([]llmtest.Step{
		bash("ln -s " + outside + " link; cat " + outside + " link /proc/1/environ; seq 1 20000; git status --short"),
		view("link"), view(outside), llmtest.Use("search", args{"pattern": "canary-[0-9]+"}), bash("rm link"),
	}, mended()...)...)
	res := b.run(agent.Options{})
	b.wantExit(res, agent.ExitDone)
	for i, m := range res.Transcript.Messages {
		if strings.Contains(m.Content, "canary-4711") {
			t.Errorf("message %d holds what lies outside: %s", i, m.Content)
		}
	}
	b.wantTold(1, 1, "the full output is in /")
}
