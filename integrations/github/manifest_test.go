package github_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"honk/integrations/github/client"
	"honk/integrations/github/event"
)

// Whoever makes an App from the manifest has granted what the code uses, and
// nothing beyond it.
func TestManifest(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../deploy/github-app/manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Permissions client.Permissions `json:"default_permissions"`
		Events      []string           `json:"default_events"`
	}
	if err := json.Unmarshal(raw, &manifest); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(client.Required(), manifest.Permissions); diff != "" {
		t.Errorf("permissions (-code +manifest):\n%s", diff)
	}
	slices.Sort(manifest.Events)
	if diff := cmp.Diff(event.Subscribed(), manifest.Events); diff != "" {
		t.Errorf("events (-code +manifest):\n%s", diff)
	}
}
