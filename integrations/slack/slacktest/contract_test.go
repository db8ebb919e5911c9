package slacktest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"honk/integrations/slack/slacktest"
)

// npm runs a mode of tools/npm/check-slack.mjs and returns its lines.
func npm(t *testing.T, mode string, input []byte) []string {
	t.Helper()
	dir, err := filepath.Abs("../../../tools/npm")
	must(t, err)
	node := filepath.Join(dir, "node_modules", ".bin", "node")
	if _, err := os.Stat(node); err != nil {
		node = "node"
	}
	for _, name := range []string{"@slack/bolt", "@slack/types", "@slack/web-api", "typescript"} {
		if _, err := os.Stat(filepath.Join(dir, "node_modules", filepath.FromSlash(name))); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" {
			t.Fatal("Slack's software is missing; run hack/setup.sh ci")
		}
		t.Skip("Slack's software is missing; run npm ci --prefix tools/npm --ignore-scripts")
	}
	var complaint bytes.Buffer
	cmd := exec.CommandContext(t.Context(), node, filepath.Join(dir, "check-slack.mjs"), mode)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("running the check: %v\n%s", err, complaint.String())
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// TestSign_bolt has Slack's own receiver judge our signatures, and the real
// clients' verifier its.
func TestSign_bolt(t *testing.T) {
	t.Parallel()
	body := `{"type":"event_callback","team_id":"T","event":{"type":"app_mention","text":"ü"}}`
	now := time.Now()
	tests := []struct {
		name   string
		change func(http.Header) (http.Header, string)
		want   int
	}{
		{"genuine", func(h http.Header) (http.Header, string) { return h, body }, 200},
		{"body", func(h http.Header) (http.Header, string) { return h, body + " " }, 401},
		{"secret", func(http.Header) (http.Header, string) {
			return slacktest.Sign("other", now, []byte(body)), body
		}, 401},
		{"stale", func(http.Header) (http.Header, string) {
			return slacktest.Sign(secret, now.Add(-6*time.Minute), []byte(body)), body
		}, 401},
		{"stamp", func(h http.Header) (http.Header, string) {
			h.Set("X-Slack-Request-Timestamp", fmt.Sprint(now.Unix()+1))
			return h, body
		}, 401},
		{"version", func(h http.Header) (http.Header, string) {
			h.Set("X-Slack-Signature", "v1"+h.Get("X-Slack-Signature")[2:])
			return h, body
		}, 401},
	}
	var in bytes.Buffer
	for _, tt := range tests {
		h, sent := tt.change(slacktest.Sign(secret, now, []byte(body)))
		headers := map[string]string{"content-type": "application/json"}
		for key := range h {
			headers[strings.ToLower(key)] = h.Get(key)
		}
		must(t, json.NewEncoder(&in).Encode(map[string]any{"secret": secret, "headers": headers, "body": sent}))
	}
	lines := npm(t, "verify", in.Bytes())
	if len(lines) != len(tests) {
		t.Fatalf("the lines are %q", lines)
	}
	for n, tt := range tests {
		if want := fmt.Sprintf(`{"ok":%t,"status":%d}`, tt.want == 200, tt.want); lines[n] != want {
			t.Errorf("%s: %s, not %s", tt.name, lines[n], want)
		}
	}

	in.Reset()
	must(t, json.NewEncoder(&in).Encode(map[string]any{"secret": secret, "body": body, "timestamp": now.Unix()}))
	var signed struct {
		Headers map[string]string `json:"headers"`
	}
	must(t, json.Unmarshal([]byte(npm(t, "sign", in.Bytes())[0]), &signed))
	ours := slacktest.Sign(secret, now, []byte(body))
	if got := signed.Headers["x-slack-signature"]; got != ours.Get("X-Slack-Signature") {
		t.Errorf("Slack signs %q, we %q", got, ours)
	}
}

// TestTypes makes sure that the check would find something.
func TestTypes(t *testing.T) {
	t.Parallel()
	got := strings.Join(npm(t, "types", []byte(`
{"kind":"postMessage","value":{"channel":"C","text":"x","blocks":[{"type":"header","text":{"type":"mrkdwn","text":"x"}}]}}
{"kind":"update","value":{"channel":"C","text":"x"}}
{"kind":"view","value":{"type":"modal","blocks":[]}}
{"kind":"home","value":{"type":"home","blocks":[],"title":"x"}}
{"kind":"event","value":{"type":"reaction_added","user":"U"}}
{"kind":"request","method":"conversations.replies","value":{"channel":"C","ts":1}}
{"kind":"answer","method":"auth.test","value":{"ok":"yes"}}
{"kind":"sneeze","value":{}}
`)), "\n")
	for _, want := range []string{
		"postMessage: ", "update: ", "view: Property 'title' is missing", "home: Object literal may only specify",
		"event: ", "request conversations.replies: ", "answer auth.test: ", "sneeze: ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// TestContract does everything once, and holds what was asked, answered and
// sent to Slack's types.
func TestContract(t *testing.T) {
	t.Parallel()
	b := setup(t, slacktest.Options{})
	ctx := t.Context()
	b.answer(nil)
	eve := b.AddUser(slacktest.User{Name: "eve", TeamID: "T0OTHER"})
	shared := b.AddChannel(slacktest.Channel{Name: "shared", External: true})
	must(t, b.Join(shared, eve, b.BotUser()))
	_, err := b.Say(slacktest.Message{User: eve, Channel: shared, Text: b.mention() + " hi"})
	must(t, err)
	root, err := b.Say(slacktest.Message{
		User: b.ada, Channel: b.channel, Text: b.mention() + " fix <#C1|x> <!here> <https://example.com|it>",
		Files: []slacktest.File{{Name: "log.txt", Content: "it broke"}},
	})
	must(t, err)
	_, err = b.Say(slacktest.Message{User: b.ada, Channel: b.channel, Thread: root, Text: b.mention() + " more"})
	must(t, err)
	must(t, b.Edit(b.ada, b.channel, root, "no"))
	must(t, b.Edit(b.ada, b.channel, root, b.mention()+" yes"))
	ci := b.AddUser(slacktest.User{Name: "ci", Bot: true})
	must(t, b.Join(b.channel, ci))
	_, err = b.Say(slacktest.Message{User: ci, Channel: b.channel, Text: b.mention() + " red", Bot: true})
	must(t, err)
	must(t, b.React(b.ada, b.channel, root, "eyes"))
	must(t, b.Unreact(b.ada, b.channel, root, "eyes"))

	_, err = b.client.AuthTestContext(ctx)
	must(t, err)
	_, ts, err := b.client.PostMessageContext(ctx, b.channel, slack.MsgOptionText("x", false), buttons(), slack.MsgOptionTS(root))
	must(t, err)
	_, _, _, err = b.client.UpdateMessageContext(ctx, b.channel, ts, slack.MsgOptionText("y", false), buttons())
	must(t, err)
	_, err = b.client.PostEphemeralContext(ctx, b.channel, b.ada, slack.MsgOptionText("psst", false), buttons())
	must(t, err)
	must(t, b.client.AddReactionContext(ctx, "eyes", slack.NewRefToMessage(b.channel, root)))
	_, err = b.client.GetUserInfoContext(ctx, b.ada)
	must(t, err)
	_, err = b.client.GetUserInfoContext(ctx, eve)
	must(t, err)
	_, err = b.client.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: b.channel})
	must(t, err)
	_, _, err = b.client.GetUsersInConversationContext(ctx, &slack.GetUsersInConversationParameters{ChannelID: b.channel})
	must(t, err)
	_, _, _, err = b.client.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
		ChannelID: b.channel, Timestamp: root, Limit: 2,
	})
	must(t, err)
	_, err = b.client.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: b.channel})
	must(t, err)
	_, err = b.client.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: b.channel, Ts: ts})
	must(t, err)
	contractClicks(t, b, ts)
	must(t, b.client.RemoveReactionContext(ctx, "eyes", slack.NewRefToMessage(b.channel, root)))
	_, _, err = b.client.DeleteMessageContext(ctx, b.channel, ts)
	must(t, err)
	must(t, b.WaitDeliveries(ctx))
	for _, line := range npm(t, "types", b.Evidence()) {
		if line != "" {
			t.Error(line)
		}
	}
	if got := b.Violations(); len(got) != 0 {
		t.Error(got)
	}
}

// contractClicks clicks on everything.
func contractClicks(t *testing.T, b *bundle, ts string) {
	t.Helper()
	ctx := t.Context()
	for _, at := range []slacktest.Click{
		{TS: ts, ActionID: "stop"},
		{TS: ts, ActionID: "link"},
		{TS: ts, ActionID: "choose", Option: "acme/api"},
		{TS: b.Whispers(b.ada)[0].TS, ActionID: "stop"},
	} {
		at.User, at.Channel = b.ada, b.channel
		must(t, b.Click(ctx, at))
	}
	open := func() {
		must(t, b.Shortcut(ctx, b.ada, b.channel, ts))
		p, _ := b.last() //nolint:contextcheck // it has the test's
		v, err := b.client.OpenViewContext(ctx, p["trigger_id"].(string), modal(true))
		must(t, err)
		_, err = b.client.UpdateViewContext(ctx, modal(true), "", v.Hash, v.ID)
		must(t, err)
	}
	open()
	must(t, b.Submit(ctx, b.ada, map[string]string{"request": "fix it"}))
	open()
	must(t, b.Dismiss(ctx, b.ada))
	must(t, b.OpenHome(b.ada))
	text := slack.NewTextBlockObject("plain_text", "Mine", false, false)
	_, err := b.client.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: b.ada, View: slack.HomeTabViewRequest{
		Type: "home", Blocks: slack.Blocks{BlockSet: []slack.Block{
			slack.NewActionBlock("", slack.NewButtonBlockElement("stop", "1", text)),
		}},
	}})
	must(t, err)
	must(t, b.Click(ctx, slacktest.Click{User: b.ada, Home: true, ActionID: "stop"}))
	must(t, b.OpenHome(b.ada))
	must(t, b.Command(ctx, b.ada, b.channel, "help"))
}
