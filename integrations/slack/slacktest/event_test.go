package slacktest_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack/slackevents"

	"honk/integrations/slack/slacktest"
)

// kinds returns the types of the events that arrived.
func (b *bundle) kinds() []string {
	b.t.Helper()
	var out []string
	for _, g := range b.arrived() {
		event, _ := g.payload["event"].(map[string]any)
		kind, _ := event["type"].(string)
		out = append(out, kind)
	}
	return out
}

func TestMention(t *testing.T) {
	t.Parallel()
	b := setup(t, slacktest.Options{})
	b.say("nothing for the bot")
	root := b.say(b.mention() + " fix &lt;it&gt; <https://example.com|here>")
	all := b.arrived()
	if len(all) != 1 || all[0].path != "/webhooks/slack/events" {
		t.Fatalf("arrived: %v", all)
	}
	raw, err := json.Marshal(all[0].payload)
	must(t, err)
	e, err := slackevents.ParseEvent(raw, slackevents.OptionNoVerifyToken())
	must(t, err)
	m, ok := e.InnerEvent.Data.(*slackevents.AppMentionEvent)
	if !ok || m.User != b.ada || m.Channel != b.channel || m.TimeStamp != root || m.ThreadTimeStamp != "" {
		t.Fatalf("the event is %+v", e.InnerEvent.Data)
	}
	got := all[0].payload["event"].(map[string]any)["blocks"].([]any)[0].(map[string]any)["elements"].([]any)[0]
	want := map[string]any{"type": "rich_text_section", "elements": []any{
		map[string]any{"type": "user", "user_id": b.BotUser()},
		map[string]any{"type": "text", "text": " fix <it> "},
		map[string]any{"type": "link", "url": "https://example.com", "text": "here"},
	}}
	if diff := cmp.Diff(any(want), got); diff != "" {
		t.Error(diff)
	}
	if e.TeamID != b.TeamID() || e.APIAppID != b.AppID() || all[0].payload["is_ext_shared_channel"] != false {
		t.Errorf("the envelope is %v", all[0].payload)
	}

	// An edit that adds a mention is one; an edit that keeps it is not.
	must(t, b.Edit(b.ada, b.channel, root, b.mention()+" fix it now"))
	later := b.say("x")
	must(t, b.Edit(b.ada, b.channel, later, b.mention()+" x"))
	all = b.arrived()
	if len(all) != 2 || all[1].payload["event"].(map[string]any)["edited"] == nil {
		t.Errorf("arrived: %v", all)
	}
	wantErr(t, b.Edit(b.BotUser(), b.channel, later, "y"), "did not write")
}

// TestUnheard is what no event is sent for.
func TestUnheard(t *testing.T) {
	t.Parallel()
	b := setup(t, slacktest.Options{})
	elsewhere := b.AddChannel(slacktest.Channel{Name: "elsewhere"})
	must(t, b.Join(elsewhere, b.ada))
	for _, channel := range []string{elsewhere, b.ada} {
		_, err := b.Say(slacktest.Message{User: b.ada, Channel: channel, Text: b.mention()})
		must(t, err)
	}
	b.SetScopes("chat:write")
	b.say(b.mention())
	_, err := b.Say(slacktest.Message{User: b.AddUser(slacktest.User{Name: "bob"}), Channel: b.channel, Text: "hi"})
	wantErr(t, err, "is not in")
	if got := b.kinds(); len(got) != 0 {
		t.Errorf("arrived: %v", got)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	b := setup(t, slacktest.Options{Events: []string{
		"app_mention", "message.channels", "reaction_added", "reaction_removed", "app_home_opened", "tokens_revoked",
	}})
	ts := b.say("x")
	must(t, b.Edit(b.ada, b.channel, ts, "y"))
	must(t, b.React(b.ada, b.channel, ts, "goose"))
	must(t, b.Unreact(b.ada, b.channel, ts, "goose"))
	must(t, b.Delete(b.ada, b.channel, ts))
	wantErr(t, b.React(b.ada, b.channel, ts, "goose"), "sees no message")
	must(t, b.OpenHome(b.ada))
	b.Uninstall()
	want := []string{
		"message", "message", "reaction_added", "reaction_removed", "message", "app_home_opened", "tokens_revoked",
	}
	if diff := cmp.Diff(want, b.kinds()); diff != "" {
		t.Error(diff)
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer func(http.ResponseWriter, got)
		want   []string
	}{
		{"second", func(w http.ResponseWriter, g got) {
			if g.header.Get("X-Slack-Retry-Num") == "" {
				w.WriteHeader(http.StatusBadGateway)
			}
		}, []string{"", "1 http_error"}},
		{"never", func(w http.ResponseWriter, _ got) { w.WriteHeader(http.StatusFound) }, []string{
			"", "1 http_error", "2 http_error", "3 http_error",
		}},
		{"forbidden", func(w http.ResponseWriter, _ got) {
			w.Header().Set("X-Slack-No-Retry", "1")
			w.WriteHeader(http.StatusBadRequest)
		}, []string{""}},
		{"late", func(_ http.ResponseWriter, g got) {
			if g.header.Get("X-Slack-Retry-Num") == "" {
				time.Sleep(400 * time.Millisecond) //nolint:forbidigo // longer than the stand-in waits
			}
		}, []string{"", "1 http_timeout"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, slacktest.Options{Timeout: 200 * time.Millisecond, RetryDelays: short()})
			b.answer(tt.answer)
			b.say(b.mention())
			var tries []string
			all := b.arrived()
			for _, g := range all {
				try := g.header.Get("X-Slack-Retry-Num")
				if try != "" {
					try += " " + g.header.Get("X-Slack-Retry-Reason")
				}
				tries = append(tries, try)
				if g.payload["event_id"] != all[0].payload["event_id"] {
					t.Error("the event_id changes")
				}
			}
			if diff := cmp.Diff(tt.want, tries); diff != "" {
				t.Error(diff)
			}
			if n := len(b.Deliveries()); n != len(tt.want) {
				t.Errorf("the log has %d deliveries", n)
			}
		})
	}
}

func TestLost(t *testing.T) {
	t.Parallel()
	b := setup(t, slacktest.Options{})
	b.LoseDeliveries(1)
	b.say(b.mention() + " lost")
	b.say(b.mention() + " found")
	if got := b.kinds(); len(got) != 1 {
		t.Errorf("arrived: %v", got)
	}
	log := b.Deliveries()
	if len(log) != 2 || !log[0].Lost || log[1].Status != http.StatusOK {
		t.Fatalf("the log is %+v", log)
	}
	release := b.Hold()
	if !b.Redeliver(log[0].ID) || b.Redeliver("Ev0NONE") {
		t.Error("it redelivers what it does not have, or not what it has")
	}
	b.inbox.mu.Lock()
	n := len(b.inbox.all)
	b.inbox.mu.Unlock()
	if n != 1 {
		t.Errorf("%d arrived while held", n)
	}
	release()
	if got := b.arrived(); len(got) != 2 || got[1].payload["event_id"] != log[0].ID {
		t.Errorf("arrived: %v", got)
	}
}

func TestSend(t *testing.T) {
	t.Parallel()
	b := setup(t, slacktest.Options{})
	body := []byte(`{"type":"url_verification"}`)
	resp, err := b.Send(t.Context(), "/webhooks/slack/events", slacktest.Sign(secret, time.Now(), body), body)
	must(t, err)
	must(t, resp.Body.Close())
	if all := b.arrived(); resp.StatusCode != http.StatusOK || len(all) != 1 {
		t.Errorf("arrived: %v", all)
	}
	resp, err = b.Send(t.Context(), "/webhooks/slack/events", slacktest.Sign("other", time.Now(), body), body)
	must(t, err)
	must(t, resp.Body.Close())
	b.inbox.mu.Lock()
	defer b.inbox.mu.Unlock()
	if b.inbox.all[1].signed == nil {
		t.Error("a forged signature is taken")
	}
}
