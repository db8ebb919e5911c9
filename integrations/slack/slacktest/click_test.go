package slacktest_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"honk/integrations/slack/slacktest"
)

// last is the last interaction that arrived, and what is clicked in it. Events
// come when they come.
func (b *bundle) last() (payload, action map[string]any) {
	b.t.Helper()
	for _, a := range b.arrived() {
		if a.payload["type"] != "event_callback" {
			payload = a.payload
		}
	}
	if list, ok := payload["actions"].([]any); ok {
		action = list[0].(map[string]any)
	}
	return payload, action
}

func TestClick(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, slacktest.Options{}), t.Context()
	_, ts, err := b.client.PostMessageContext(ctx, b.channel, slack.MsgOptionText("Working", false), buttons())
	must(t, err)
	if m := b.Messages(b.channel)[0]; m.Shown != "*Working*\n[Stop] [Look] Which?" {
		t.Errorf("shown is %q", m.Shown)
	} else if diff := cmp.Diff([]string{"Stop", "Look", "Which?"}, m.Labels()); diff != "" {
		t.Error(diff)
	}
	at := slacktest.Click{User: b.ada, Channel: b.channel, TS: ts, ActionID: "stop"}
	must(t, b.Click(ctx, at))
	p, a := b.last()
	if p["type"] != "block_actions" || a["value"] != "task 1" || a["block_id"] != "act" || p["message"] == nil {
		t.Errorf("the payload is %v", p)
	}
	hook := p["response_url"].(string)
	for n := range 6 {
		err := slack.PostWebhookContext(ctx, hook, &slack.WebhookMessage{Text: fmt.Sprint(n), ReplaceOriginal: true})
		if (err == nil) != (n < 5) {
			t.Errorf("post %d to the response_url: %v", n, err)
		}
	}
	if m := b.Messages(b.channel)[0]; m.Shown != "4" || m.Edits != 5 {
		t.Errorf("the message is %+v", m)
	}
	wantErr(t, b.Click(ctx, at), `no "stop" to click`)

	_, err = b.client.PostEphemeralContext(ctx, b.channel, b.ada, slack.MsgOptionText("Which?", false), buttons())
	must(t, err)
	at.TS, at.ActionID, at.Option = b.Whispers(b.ada)[0].TS, "choose", "acme/api"
	must(t, b.Click(ctx, at))
	p, a = b.last()
	chosen := a["selected_option"].(map[string]any)["value"]
	if chosen != "acme/api" || p["container"].(map[string]any)["is_ephemeral"] != true || p["message"] != nil {
		t.Errorf("the payload is %v", p)
	}
	at.Option = "acme/none"
	wantErr(t, b.Click(ctx, at), "no option")
	b.answer(func(w http.ResponseWriter, _ got) { w.WriteHeader(http.StatusInternalServerError) })
	at.ActionID = "stop"
	wantErr(t, b.Click(ctx, at), "status 500")
}

func TestModal(t *testing.T) {
	t.Parallel()
	var skew atomic.Int64
	b := setup(t, slacktest.Options{NowFunc: func() time.Time { return time.Now().Add(time.Duration(skew.Load())) }})
	ctx := t.Context()
	root := b.say("it breaks")
	must(t, b.Shortcut(ctx, b.ada, b.channel, root))
	p, _ := b.last()
	if p["type"] != "message_action" || p["callback_id"] != "honk.ask" || p["message_ts"] != root {
		t.Errorf("the payload is %v", p)
	}
	trigger := p["trigger_id"].(string)
	_, err := b.client.OpenViewContext(ctx, trigger, modal(true))
	must(t, err)
	_, err = b.client.OpenViewContext(ctx, trigger, modal(true))
	wantErr(t, err, "exchanged_trigger_id")
	v, ok := b.View(b.ada)
	if !ok || v.Title != "Ask Honk" || v.PrivateMetadata != "C 1" || !strings.Contains(v.Text, "What?\nRequest\ndo this") {
		t.Errorf("the view is %+v", v)
	}
	wantErr(t, b.Submit(ctx, b.ada, nil), "must be filled in")
	wantErr(t, b.Submit(ctx, b.ada, map[string]string{"x": "y"}), "filled in")
	b.answer(func(w http.ResponseWriter, _ got) {
		fmt.Fprint(w, `{"response_action":"errors","errors":{"q":"Too short."}}`)
	})
	wantErr(t, b.Submit(ctx, b.ada, map[string]string{"request": "fix"}), "Too short.")
	b.answer(nil)
	must(t, b.Submit(ctx, b.ada, map[string]string{"request": "fix it"}))
	p, _ = b.last()
	state := p["view"].(map[string]any)["state"].(map[string]any)["values"].(map[string]any)["q"].(map[string]any)
	if diff := cmp.Diff(any(map[string]any{"type": "plain_text_input", "value": "fix it"}), state["request"]); diff != "" {
		t.Error(diff)
	}
	wantErr(t, b.Submit(ctx, b.ada, nil), "no modal open")

	must(t, b.Shortcut(ctx, b.ada, b.channel, root))
	p, _ = b.last()
	skew.Store(int64(4 * time.Second))
	_, err = b.client.OpenViewContext(ctx, p["trigger_id"].(string), modal(true))
	wantErr(t, err, "expired_trigger_id")
	must(t, b.Shortcut(ctx, b.ada, b.channel, root))
	p, _ = b.last()
	_, err = b.client.OpenViewContext(ctx, p["trigger_id"].(string), modal(false))
	must(t, err)
	must(t, b.Dismiss(ctx, b.ada))
	if p, _ = b.last(); p["type"] != "view_closed" {
		t.Errorf("the payload is %v", p)
	}
}

func TestHome(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, slacktest.Options{}), t.Context()
	text := slack.NewTextBlockObject("plain_text", "Mine", false, false)
	view := slack.HomeTabViewRequest{Type: "home", Blocks: slack.Blocks{BlockSet: []slack.Block{
		slack.NewHeaderBlock(text), slack.NewActionBlock("", slack.NewButtonBlockElement("stop", "1", text)),
	}}}
	first, err := b.client.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: b.ada, View: view})
	must(t, err)
	_, err = b.client.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: b.ada, View: view})
	must(t, err)
	_, err = b.client.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: b.ada, View: view, Hash: &first.Hash})
	wantErr(t, err, "hash_conflict")
	must(t, b.Click(ctx, slacktest.Click{User: b.ada, Home: true, ActionID: "stop"}))
	if p, _ := b.last(); p["view"] == nil || p["response_url"] != nil {
		t.Errorf("the payload is %v", p)
	}
	must(t, b.OpenHome(b.ada))
	if h, ok := b.Home(b.ada); !ok || h.Text != "Mine\n[Mine]" {
		t.Errorf("the Home is %+v", h)
	}
}

func TestCommand(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, slacktest.Options{}), t.Context()
	b.answer(func(w http.ResponseWriter, _ got) { fmt.Fprint(w, `{"text":"Nothing runs."}`) })
	must(t, b.Command(ctx, b.ada, b.channel, "status"))
	p, _ := b.last()
	if p["command"] != "/honk" || p["text"] != "status" || p["user_id"] != b.ada || p["channel_id"] != b.channel {
		t.Errorf("the payload is %v", p)
	}
	must(t, slack.PostWebhookContext(ctx, p["response_url"].(string), &slack.WebhookMessage{
		Text: "Later.", ResponseType: "in_channel",
	}))
	if w, m := b.Whispers(b.ada), b.Messages(b.channel); len(w) != 1 || w[0].Shown != "Nothing runs." || len(m) != 1 {
		t.Errorf("whispered %+v, said %+v", w, m)
	}
	if log := b.Deliveries(); len(log) != 1 {
		t.Errorf("the log is %+v", log)
	}
}
