package parts_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"honk/cmd/honk/parts"
	"honk/internal/config"
	"honk/internal/llm"
	"honk/internal/task"
)

// A model is shown images only where the organisation says that it takes them.
func TestNewClient_images(t *testing.T) {
	t.Parallel()
	shot, err := task.NewImage("shot.png", []byte("\x89PNG\r\n\x1a\n0123"))
	if err != nil {
		t.Fatal(err)
	}
	for model, want := range map[string]string{"sees": "data:image/png;base64,", "reads": "shot.png", "unknown": "shot.png"} {
		sent := ""
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			raw, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			sent = string(raw)
			_, _ = io.WriteString(w, `{"choices":[{"message":{"role":"assistant","content":"ok"},"finish_reason":"stop"}]}`)
		}))
		defer web.Close()
		cfg := &config.Config{LLM: config.LLM{BaseURL: web.URL}, Org: config.Org{Models: map[string]config.Model{"sees": {Images: true}, "reads": {}}}}
		client, err := parts.NewClient(cfg, model, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Complete(t.Context(), llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Content: "look", Images: []task.Image{shot}}}})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(sent, want) {
			t.Errorf("%s is sent %s", model, sent)
		}
	}
}
