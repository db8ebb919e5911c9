package slacktest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"honk/integrations/slack/slacktest"
)

// call posts a body to a method and returns the answer.
func (b *bundle) call(method, kind, token, body string) (http.Header, map[string]any) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.APIURL()+method, strings.NewReader(body))
	must(b.t, err)
	req.Header.Set("Content-Type", kind)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := (&http.Client{}).Do(req)
	must(b.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	must(b.t, err)
	out := map[string]any{}
	must(b.t, json.Unmarshal(raw, &out))
	return resp.Header, out
}

// TestBodies posts as forms and as JSON, and what is neither.
func TestBodies(t *testing.T) {
	t.Parallel()
	b := setup(t, slacktest.Options{})
	const form, js = "application/x-www-form-urlencoded", "application/json; charset=utf-8"
	c := b.channel
	for _, tt := range []struct {
		name, method, kind, token, body, want string
	}{
		{"json", "chat.postMessage", js, b.BotToken(), `{"channel":"` + c + `","text":"x"}`, ""},
		{"blocks", "chat.postMessage", js, b.BotToken(), `{"channel":"` + c + `","text":"x","blocks":[{"type":"divider"}]}`, ""},
		{"quoted", "chat.postMessage", js, b.BotToken(), `{"channel":"` + c + `","text":"x","blocks":"[{\"type\":\"divider\"}]"}`, ""},
		{"form", "chat.postMessage", form, "", "token=" + b.BotToken() + "&text=x&channel=" + c, ""},
		{"no token", "auth.test", form, "", "", "not_authed"},
		{"app token", "auth.test", form, b.AppToken(), "", "not_allowed_token_type"},
		{"bot token", "apps.connections.open", form, b.BotToken(), "", "not_allowed_token_type"},
		{"no socket", "apps.connections.open", form, b.AppToken(), "", "forbidden"},
		{"no json", "auth.test", js, b.BotToken(), "{", "invalid_json"},
		{"no method", "chat.sneeze", js, b.BotToken(), "{}", "unknown_method"},
		{"no text", "chat.postMessage", js, b.BotToken(), `{"channel":"` + c + `"}`, "no_text"},
		{"no blocks", "chat.postMessage", form, b.BotToken(), "blocks=x&channel=" + c, "invalid_blocks_format"},
		{"bad blocks", "chat.postMessage", js, b.BotToken(), `{"channel":"` + c + `","text":"x","blocks":[{"type":"goose"}]}`, "invalid_blocks"},
		{"cursor", "conversations.history", form, b.BotToken(), "cursor=x&channel=" + c, "invalid_cursor"},
		{"view", "views.publish", js, b.BotToken(), `{"user_id":"` + b.ada + `","view":{"type":"home"}}`, "invalid_arguments"},
	} {
		h, got := b.call(tt.method, tt.kind, tt.token, tt.body)
		if name, _ := got["error"].(string); name != tt.want || got["ok"] != (tt.want == "") {
			t.Errorf("%s: the answer is %v", tt.name, got)
		}
		if tt.token == b.BotToken() && tt.name != "no json" && !strings.Contains(h.Get("X-OAuth-Scopes"), "chat:write") {
			t.Errorf("%s: the scopes are %q", tt.name, h.Get("X-OAuth-Scopes"))
		}
	}
	want := []string{
		"chat.postMessage: blocks is not JSON",
		"chat.postMessage: unsupported type: goose [json-pointer:/blocks/0/type]",
		"views.publish: missing required field: blocks [json-pointer:/view/blocks]",
	}
	if diff := cmp.Diff(want, b.Violations()); diff != "" {
		t.Error(diff)
	}
	if n := len(b.Messages(c)); n != 4 {
		t.Errorf("%d messages", n)
	}
	if r := b.Requests()[0]; r.Method != "chat.postMessage" || r.Text("text") != "x" {
		t.Errorf("the request is %+v", r)
	}
	b.ForgetRequests()
	if len(b.Requests()) != 0 {
		t.Error("nothing is forgotten")
	}
}

// TestViolations_silent is what Slack takes though it is wrong.
func TestViolations_silent(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, slacktest.Options{}), t.Context()
	_, _, err := b.client.PostMessageContext(ctx, b.channel, buttons())
	must(t, err)
	_, _, err = b.client.PostMessageContext(ctx, b.channel, slack.MsgOptionText(strings.Repeat("ü", 40001), false))
	must(t, err)
	want := []string{
		"chat.postMessage: missing_text_in_message", "chat.postMessage: the text has more than 40000 characters",
	}
	if diff := cmp.Diff(want, b.Violations()); diff != "" {
		t.Error(diff)
	}
	if n := len([]rune(b.Messages(b.channel)[1].Text)); n != 40000 {
		t.Errorf("%d characters are kept", n)
	}
}
