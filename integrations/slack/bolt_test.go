package slack_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestServeHTTP_bolt holds the door to Slack's own framework: it takes what
// was signed outside this program and accepted by Bolt's verification.
func TestServeHTTP_bolt(t *testing.T) {
	t.Parallel()
	dir, err := filepath.Abs("../../tools/npm")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "@slack", "bolt")); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("Bolt is missing; run hack/setup.sh ci: %v", err)
		}
		t.Skip("Bolt is missing; run npm ci --prefix tools/npm --ignore-scripts")
	}
	node := filepath.Join(dir, "node_modules", ".bin", "node")
	if _, err := os.Stat(node); err != nil {
		node = "node"
	}
	ask, err := json.Marshal(map[string]any{
		"secret": signingSecret, "body": string(mention("1700000000.000001")), "timestamp": time.Now().Unix(),
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, "check-slack.mjs", "sign")
	cmd.Dir, cmd.Stdin, cmd.Stderr = dir, bytes.NewReader(ask), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var signed struct {
		Headers map[string]string
		Body    string
	}
	if err := json.Unmarshal(out, &signed); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, want := range map[string]int{"as signed": http.StatusOK, "changed": http.StatusUnauthorized} {
		body := signed.Body
		if name == "changed" {
			body += " "
		}
		s := &store{}
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/slack/events", bytes.NewReader([]byte(body)))
		for key, value := range signed.Headers {
			r.Header.Set(key, value)
		}
		newDoor(s).ServeHTTP(w, r)
		if w.Code != want || (len(s.taken) == 1) != (want == http.StatusOK) {
			t.Errorf("%s: %d %q, %d stored", name, w.Code, w.Body, len(s.taken))
		}
	}
}
