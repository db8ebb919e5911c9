package client_test

import (
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"honk/integrations/slack/client"
	"honk/integrations/slack/event"
)

// Whoever makes an app from the manifest has granted what the code uses, and
// nothing beyond it; manifest and document say why.
func TestManifest(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../../deploy/slack-app/manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../../../docs/slack-app.md")
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Features struct {
			AppHome struct {
				Home bool `yaml:"home_tab_enabled"`
			} `yaml:"app_home"`
			Shortcuts []struct {
				Type     string `yaml:"type"`
				Callback string `yaml:"callback_id"`
			} `yaml:"shortcuts"`
			Commands []struct {
				Command string `yaml:"command"`
				URL     string `yaml:"url"`
			} `yaml:"slash_commands"`
		} `yaml:"features"`
		OAuth struct {
			Scopes map[string][]string `yaml:"scopes"`
		} `yaml:"oauth_config"`
		Settings struct {
			Events struct {
				URL    string   `yaml:"request_url"`
				Events []string `yaml:"bot_events"`
			} `yaml:"event_subscriptions"`
			Interactivity struct {
				Enabled bool   `yaml:"is_enabled"`
				URL     string `yaml:"request_url"`
			} `yaml:"interactivity"`
		} `yaml:"settings"`
	}
	if err := yaml.Unmarshal(raw, &manifest); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range client.Scopes() {
		names = append(names, s.Name)
		if line := "- " + s.Name + " # " + s.Why + "\n"; !strings.Contains(string(raw), line) {
			t.Errorf("the manifest lacks the line %q", line)
		}
		if row := "| `" + s.Name + "` | " + s.Why + " |\n"; !strings.Contains(string(doc), row) {
			t.Errorf("docs/slack-app.md lacks the row %q", row)
		}
	}
	if diff := cmp.Diff(map[string][]string{"bot": names}, manifest.OAuth.Scopes); diff != "" {
		t.Errorf("scopes (-code +manifest):\n%s", diff)
	}
	if diff := cmp.Diff(event.Subscribed(), manifest.Settings.Events.Events); diff != "" {
		t.Errorf("events (-code +manifest):\n%s", diff)
	}
	f, s := manifest.Features, manifest.Settings
	if len(f.Shortcuts) != 1 || f.Shortcuts[0].Callback != "honk.ask" || f.Shortcuts[0].Type != "message" || !f.AppHome.Home ||
		len(f.Commands) != 1 || f.Commands[0].Command != "/honk" || !s.Interactivity.Enabled {
		t.Errorf("features: %+v", f)
	}
	for path, url := range map[event.Path]string{
		event.PathEvents: s.Events.URL, event.PathInteractions: s.Interactivity.URL, event.PathCommands: f.Commands[0].URL,
	} {
		if !strings.HasSuffix(url, "/webhooks/slack/"+string(path)) {
			t.Errorf("%s go to %q", path, url)
		}
	}
}
