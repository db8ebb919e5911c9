package openai_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"honk/internal/llm"
	"honk/internal/llm/openai"
	"honk/internal/task"
)

// TestClient_images holds what is sent to the form that OpenAI's API reference
// gives for image input of chat completions.
func TestClient_images(t *testing.T) {
	t.Parallel()
	png, err := task.NewImage(`a "shot".png`, []byte("\x89PNG\r\n\x1a\n0123"))
	if err != nil {
		t.Fatal(err)
	}
	gif, err := task.NewImage(strings.Repeat("é", 60)+".png", []byte("GIF89a"))
	if err != nil {
		t.Fatal(err)
	}
	part := func(url string) map[string]any {
		return map[string]any{"type": "image_url", "image_url": map[string]any{"url": url}}
	}
	text := map[string]any{"type": "text", "text": "look"}
	for name, tt := range map[string]struct {
		takes  bool
		text   string
		images []task.Image
		want   any
	}{
		"taken": {true, "look", []task.Image{png, gif}, []any{
			text, part("data:image/png;base64,iVBORw0KGgowMTIz"), part("data:image/gif;base64,R0lGODlh"),
		}},
		"alone":     {true, "", []task.Image{png}, []any{part("data:image/png;base64,iVBORw0KGgowMTIz")}},
		"none":      {true, "look", nil, "look"},
		"not taken": {false, "look", []task.Image{png}, "look\n\n(1 image is attached that this model cannot be shown: \"a \\\"shot\\\".png\".)"},
		"two not taken": {false, "", []task.Image{png, gif}, "(2 images are attached that this model cannot be shown: \"a \\\"shot\\\".png\", \"" +
			strings.Repeat("é", 50) + "\".)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent struct{ Messages []struct{ Content any } }
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				raw, _ := io.ReadAll(r.Body)
				if err := json.Unmarshal(raw, &sent); err != nil {
					t.Error(err)
				}
				_, _ = io.WriteString(w, `{"choices":[{"message":{"role":"assistant","content":"seen"},"finish_reason":"stop"}]}`)
			}))
			defer web.Close()
			c, err := openai.New(openai.Config{
				BaseURL: web.URL, Model: "m", Log: slog.New(slog.DiscardHandler),
				Capabilities: &openai.Capabilities{MaxTokensField: "max_tokens", Images: tt.takes},
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Complete(t.Context(), llm.Request{Messages: []llm.Message{
				{Role: llm.RoleUser, Content: tt.text, Images: tt.images},
			}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, sent.Messages[0].Content); diff != "" {
				t.Errorf("another content (-want +got):\n%s", diff)
			}
		})
	}
}
