package demo_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"honk/cmd/honk/demo"
	"honk/internal/postgres/server"
	"honk/internal/task"
	"honk/sandbox/guest"
)

func TestMain(m *testing.M) {
	if guest.Main() {
		return
	}
	os.Exit(m.Run())
}

// interrupter is a terminal at which somebody presses Ctrl-C as soon as a text
// is there.
type interrupter struct {
	strings.Builder
	text   string
	cancel context.CancelFunc
}

func (i *interrupter) Write(p []byte) (int, error) {
	n, err := i.Builder.Write(p)
	if strings.Contains(i.String(), i.text) {
		i.cancel()
	}
	return n, err
}

func TestRun_interrupted(t *testing.T) {
	if _, _, err := server.Programs(t.Context(), t.TempDir()); err != nil && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	for _, text := range []string{"stand-in", "  forge  ", "  honk  ", "  webhook  ", "  model  "} {
		ctx, cancel := context.WithCancel(t.Context())
		out := &interrupter{text: text, cancel: cancel}
		env := map[string]string{
			"PATH": os.Getenv("PATH"), "HOME": dir, "HONK_SANDBOX": "host",
			// Of the person's own Honk, and none of the demo's business.
			"HONK_DATABASE_URL": "mysql://x", "HONK_LISTEN": "8080", "HONK_CONFIG": "/nonexistent",
			"HONK_GITHUB_APP_ID": "x", "HONK_GITHUB_API_URL": "ftp://x", "HONK_LLM_MODEL": "gpt", "OPENAI_API_KEY": "sk-1",
		}
		if _, err := demo.Run(ctx, demo.Options{Env: env, Out: out}); !errors.Is(err, context.Canceled) {
			t.Errorf("interrupted at %q: got error %v\n%s", text, err, out)
		}
		cancel()
		left, err := filepath.Glob(filepath.Join(dir, "honk-demo-*"))
		if err != nil || len(left) > 0 {
			t.Errorf("interrupted at %q: %q is left, %v", text, left, err)
		}
	}
}

// A model that is half configured is said before anything is started.
func TestRun_noModel(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	_, err := demo.Run(t.Context(), demo.Options{Out: &out, Env: map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": "/nonexistent", "HONK_LLM_BASE_URL": "http://127.0.0.1:1/v1",
	}})
	if task.CodeOf(err) != task.CodeInvalid || !strings.Contains(err.Error(), "HONK_LLM_MODEL") {
		t.Errorf("got error %v", err)
	}
}
