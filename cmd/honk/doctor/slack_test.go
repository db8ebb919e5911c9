package doctor_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"honk/integrations/slack/client"
)

// newSlack is a workspace whose app has these scopes, and the environment for
// it.
func newSlack(t *testing.T, scopes []string) map[string]string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/api/auth.test", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("token") != "xoxb-good" {
			fmt.Fprint(w, `{"ok":false,"error":"invalid_auth"}`)
			return
		}
		w.Header().Set("X-OAuth-Scopes", strings.Join(scopes, ","))
		fmt.Fprint(w, `{"ok":true,"url":"https://acme.slack.com/","team":"Acme","team_id":"T1","user_id":"UBOT","bot_id":"B1"}`)
	})
	mux.HandleFunc("/api/bots.info", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"ok":true,"bot":{"id":"B1","app_id":"A1"}}`)
	})
	mux.HandleFunc("/api/apps.connections.open", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer xapp-good" {
			fmt.Fprint(w, `{"ok":false,"error":"not_allowed_token_type"}`)
			return
		}
		fmt.Fprint(w, `{"ok":true,"url":"wss://127.0.0.1:1/"}`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	env := newEnv(t)
	maps.Copy(env, map[string]string{
		"HONK_SLACK_API_URL": server.URL + "/api", "HONK_SLACK_BOT_TOKEN": "xoxb-good", "HONK_SLACK_SIGNING_SECRET": "long-and-random",
		"HONK_PUBLIC_URL": "https://honk.example.com/", "HONK_GITHUB_CLIENT_ID": "Iv23li", "HONK_GITHUB_CLIENT_SECRET": "long-and-random-too",
	})
	return env
}

func allScopes() (all []string) {
	for _, s := range client.Scopes() {
		all = append(all, s.Name)
	}
	return all
}

func TestRun_slack(t *testing.T) {
	t.Parallel()
	got, well := examine(t, newSlack(t, allScopes()))
	if !well {
		t.Errorf("not well:\n%s", got)
	}
	wantLines(t, got, `✓ Slack app: bot UBOT of Acme \(https://acme.slack.com/\): Slack takes its token`, "✓ Slack scopes: all [0-9]+$",
		"✓ Slack requests: .* https://honk.example.com/webhooks/slack/events, ", "✓ Slack accounts: people link theirs")
}

func TestRun_noSlack(t *testing.T) {
	t.Parallel()
	got, _ := examine(t, newEnv(t))
	wantLines(t, got, "– Slack app: none is configured; .*docs/slack-app.md")
}

func TestRun_slackIll(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		scopes []string
		env    map[string]string
		org    string
		want   []string
		well   bool
	}{
		"token": {
			env:  map[string]string{"HONK_SLACK_BOT_TOKEN": "xoxb-bad"},
			want: []string{"✗ Slack app: .*invalid_auth.*HONK_SLACK_BOT_TOKEN"},
		},
		"no bot token": {
			env:  map[string]string{"HONK_SLACK_BOT_TOKEN": "", "HONK_SLACK_SIGNING_SECRET": "", "HONK_SLACK_APP_TOKEN": "xapp-good"},
			want: []string{"✗ Slack app: HONK_SLACK_BOT_TOKEN is not set"},
		},
		"unreachable": {
			env:  map[string]string{"HONK_SLACK_API_URL": "http://127.0.0.1:1/api"},
			want: []string{"✗ Slack app: Slack cannot be reached"},
		},
		"scopes": {
			scopes: []string{"chat:write", "commands"},
			want: []string{
				"✗ Slack scopes: app_mentions:read is missing: to hear", "         files:read is missing: to open the files",
				"         add what is missing .*reinstall the app",
			},
		},
		"socket": {
			env:  map[string]string{"HONK_SLACK_APP_TOKEN": "xapp-good"},
			want: []string{"✓ Slack requests: by Socket Mode: Slack takes HONK_SLACK_APP_TOKEN"}, well: true,
		},
		"socket's token": {
			env:  map[string]string{"HONK_SLACK_APP_TOKEN": "xoxb-good"},
			want: []string{"✗ Slack requests: .*HONK_SLACK_APP_TOKEN.*connections:write"},
		},
		"no public URL": {
			env:  map[string]string{"HONK_PUBLIC_URL": "", "HONK_GITHUB_CLIENT_ID": "", "HONK_GITHUB_CLIENT_SECRET": ""},
			want: []string{"– Slack requests: .*HONK_PUBLIC_URL is not", "✗ Slack accounts: nobody in Slack is known"},
		},
		"named people": {
			env:  map[string]string{"HONK_GITHUB_CLIENT_ID": "", "HONK_GITHUB_CLIENT_SECRET": ""},
			org:  "slack: {users: {U024BE7LH: ada}}",
			want: []string{"– Slack accounts: honk.yaml names 1, nobody else can ask"}, well: true,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.scopes == nil {
				tt.scopes = allScopes()
			}
			env := newSlack(t, tt.scopes)
			for key, value := range tt.env {
				if env[key] = value; value == "" {
					delete(env, key)
				}
			}
			if err := os.WriteFile(env["HONK_CONFIG"], []byte(tt.org), 0o600); err != nil {
				t.Fatal(err)
			}
			got, well := examine(t, env)
			if well != tt.well {
				t.Errorf("well: %v", well)
			}
			wantLines(t, got, tt.want...)
		})
	}
}
