package event_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/integrations/slack/event"
	"honk/internal/task"
)

const form = "application/x-www-form-urlencoded"

// callback is an event in its envelope.
func callback(inner string) string {
	return `{"token":"hunter2","type":"event_callback","team_id":"T1","api_app_id":"A1","event_id":"Ev9","event_time":1,
		"authorizations":[{"team_id":"T1","user_id":"UBOT","is_bot":true}],"is_ext_shared_channel":false,"event":` + inner + `}`
}

const mention = `{"type":"app_mention","user":"U1","user_team":"T1","text":"<@UBOT> fix &amp; go","ts":"1700000000.000001","channel":"C1","event_ts":"1700000000.000001"}`

func click(actions string) string {
	return `{"type":"block_actions","token":"hunter2","api_app_id":"A1","team":{"id":"T1","domain":"acme"},"user":{"id":"U1","team_id":"T1"},
		"channel":{"id":"C1","name":"general"},"trigger_id":"1.2.ab","response_url":"https://hooks.slack.com/actions/T1/1/x",
		"container":{"type":"message","message_ts":"1700000000.000002","channel_id":"C1","thread_ts":"1700000000.000001"},
		"message":{"ts":"1700000000.000002","thread_ts":"1700000000.000001","user":"UBOT","text":"Working"},"actions":` + actions + `}`
}

const stop = `[{"type":"button","action_id":"honk.stop","block_id":"b","value":"01J8Z","action_ts":"1700000100.000003"}]`

const choose = `[{"type":"static_select","action_id":"other","block_id":"x"},{"type":"static_select","action_id":"honk.choose","block_id":"honk:question:k",
	"selected_option":{"text":{"type":"plain_text","text":"acme/api"},"value":"acme/api"},"action_ts":"1700000100.000003"}]`

const submission = `{"type":"view_submission","api_app_id":"A1","team":{"id":"T1"},"user":{"id":"U1","team_id":"T1"},"trigger_id":"1.2.ab",
	"view":{"id":"V1","callback_id":"honk.ask","private_metadata":"C1 1700000000.000001","state":{"values":{
	"a":{"honk.prompt":{"type":"plain_text_input","value":"do it"}},
	"b":{"honk.repository":{"type":"static_select","selected_option":{"value":"acme/api"}}},
	"c":{"honk.none":{"type":"static_select","selected_option":null}}}}}}`

const shortcut = `{"type":"message_action","callback_id":"honk.ask","trigger_id":"1.2.ab","action_ts":"1700000100.000003","api_app_id":"A1",
	"response_url":"http://evil.example/x","team":{"id":"T1"},"user":{"id":"U1","team_id":"T2"},"channel":{"id":"C1"},
	"message":{"type":"message","user":"U2","ts":"1700000000.000001","text":"it is broken"}}`

const command = `token=hunter2&team_id=T1&api_app_id=A1&channel_id=C1&channel_name=general&user_id=U1&command=%2Fhonk&text=status+now&trigger_id=1.2.ab&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2Fx`

func payloadForm(raw string) string { return url.Values{"payload": {raw}}.Encode() }

func TestRead(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path      event.Path
		kind      string
		body      string
		id, event string
		challenge string
	}{
		"challenge":      {event.PathEvents, "application/json", `{"type":"url_verification","challenge":"abc","token":"x"}`, "", "", "abc"},
		"mention":        {event.PathEvents, "application/json; charset=utf-8", callback(mention), "mention/T1/C1/1700000000.000001", "event", ""},
		"edited mention": {event.PathEvents, "application/json", callback(strings.Replace(mention, `"ts"`, `"edited":{"user":"U1"},"ts"`, 1)), "Ev9", "event", ""},
		"a bot's":        {event.PathEvents, "application/json", callback(strings.Replace(mention, `"ts"`, `"bot_id":"B1","ts"`, 1)), "", "", ""},
		"its own":        {event.PathEvents, "application/json", callback(strings.Replace(mention, `"U1"`, `"UBOT"`, 1)), "", "", ""},
		"a join":         {event.PathEvents, "application/json", callback(strings.Replace(mention, `"ts"`, `"subtype":"channel_join","ts"`, 1)), "", "", ""},
		"message":        {event.PathEvents, "application/json", callback(`{"type":"message","user":"U1"}`), "", "", ""},
		"limited":        {event.PathEvents, "application/json", `{"type":"app_rate_limited"}`, "", "", ""},
		"home":           {event.PathEvents, "application/json", callback(`{"type":"app_home_opened","user":"U1","channel":"D1","tab":"home"}`), "Ev9", "event", ""},
		"tab":            {event.PathEvents, "application/json", callback(`{"type":"app_home_opened","user":"U1","channel":"D1","tab":"messages"}`), "", "", ""},
		"reaction": {
			event.PathEvents, "application/json",
			callback(`{"type":"reaction_added","user":"U1","reaction":"+1","item_user":"UBOT","item":{"type":"message","channel":"C1","ts":"1.000001"}}`), "Ev9", "event", "",
		},
		"reaction to somebody else": {
			event.PathEvents, "application/json",
			callback(`{"type":"reaction_added","user":"U1","reaction":"+1","item_user":"U2","item":{"type":"message","channel":"C1","ts":"1.000001"}}`), "", "", "",
		},
		"click":          {event.PathInteractions, form, payloadForm(click(stop)), "interaction/1.2.ab", "interaction", ""},
		"another's":      {event.PathInteractions, form, payloadForm(click(`[{"action_id":"x","block_id":"b"}]`)), "", "", ""},
		"a link":         {event.PathInteractions, form, payloadForm(click(`[{"action_id":"honk.pull_request","block_id":"b"}]`)), "", "", ""},
		"form sent":      {event.PathInteractions, form, payloadForm(submission), "interaction/1.2.ab", "interaction", ""},
		"form closed":    {event.PathInteractions, form, payloadForm(strings.Replace(submission, "view_submission", "view_closed", 1)), "", "", ""},
		"shortcut":       {event.PathInteractions, form, payloadForm(shortcut), "interaction/1.2.ab", "interaction", ""},
		"command":        {event.PathCommands, form, command, "command/1.2.ab", "command", ""},
		"certificate":    {event.PathCommands, form, "ssl_check=1&token=x", "", "", ""},
		"certificate, 2": {event.PathInteractions, form, "ssl_check=1&token=x", "", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, err := event.Read(tt.path, tt.kind, []byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			d := in.Delivery
			if d.ID != tt.id || d.Event != tt.event || in.Challenge != tt.challenge || in.Wanted != (tt.id != "") {
				t.Errorf("got %+v", in)
			}
			if strings.Contains(string(d.Payload), "hunter2") {
				t.Error("the verification token is stored")
			}
			if in.Wanted {
				if _, err := event.Parse(d.Event, d.Payload); err != nil || d.Source != task.SourceSlack {
					t.Errorf("of %q: %v", d.Source, err)
				}
			}
		})
	}
}

func TestRead_refused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path event.Path
		kind string
		body string
	}{
		"path":           {"other", form, "a=b"},
		"form as JSON":   {event.PathEvents, form, callback(mention)},
		"JSON as form":   {event.PathCommands, "application/json", command},
		"no type":        {event.PathCommands, "", command},
		"no JSON":        {event.PathEvents, "application/json", "{"},
		"no payload":     {event.PathInteractions, form, "x=y"},
		"two payloads":   {event.PathInteractions, form, payloadForm(click(stop)) + "&payload={}"},
		"broken escapes": {event.PathCommands, form, "text=%zz"},
		"no event ID":    {event.PathEvents, "application/json", strings.Replace(callback(mention), "Ev9", "../x", 1)},
		"odd challenge":  {event.PathEvents, "application/json", `{"type":"url_verification","challenge":"<script>"}`},
		"too large":      {event.PathEvents, "application/json", `{"type":"` + strings.Repeat("x", event.MaxPayload) + `"}`},
		"too large form": {event.PathCommands, form, "text=" + strings.Repeat("x", event.MaxPayload)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if in, err := event.Read(tt.path, tt.kind, []byte(tt.body)); task.CodeOf(err) != task.CodeInvalid {
				t.Errorf("Read = %+v, %v", in, err)
			}
		})
	}
}

// An interaction without a trigger is still taken once.
func TestRead_noTrigger(t *testing.T) {
	t.Parallel()
	read := func(text string) string {
		in, err := event.Read(event.PathCommands, form, []byte(strings.NewReplacer("&trigger_id=1.2.ab", "", "now", text).Replace(command)))
		if err != nil {
			t.Fatal(err)
		}
		return in.Delivery.ID
	}
	if a := read("a"); a != read("a") || a == read("b") || len(a) != len("command/")+64 {
		t.Errorf("ID %q", a)
	}
}

func TestReadSocket(t *testing.T) {
	t.Parallel()
	for kind, payload := range map[string]string{
		"events_api": callback(mention), "interactive": click(stop),
		"slash_commands": `{"team_id":"T1","user_id":"U1","channel_id":"C1","command":"/honk","text":"","is_enterprise_install":"false","trigger_id":"9.9"}`,
	} {
		in, err := event.ReadSocket(kind, json.RawMessage(payload))
		if err != nil || !in.Wanted {
			t.Errorf("%s: %+v, %v", kind, in, err)
		}
		if _, err := event.Parse(in.Delivery.Event, in.Delivery.Payload); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if in, err := event.ReadSocket("hello", nil); in.Wanted || err != nil {
		t.Errorf("hello: %+v, %v", in, err)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	commandPayload, err := event.Read(event.PathCommands, form, []byte(command))
	if err != nil {
		t.Fatal(err)
	}
	clicked := event.Event{
		Kind: event.Action, TeamID: "T1", AppID: "A1", User: "U1", UserTeam: "T1", Channel: "C1",
		TS: "1700000000.000002", ThreadTS: "1700000000.000001", ActionTS: "1700000100.000003",
		TriggerID: "1.2.ab", ResponseURL: "https://hooks.slack.com/actions/T1/1/x",
		Action:  event.Clicked{ID: "honk.stop", BlockID: "b", Value: "01J8Z"},
		Message: event.Message{TS: "1700000000.000002", ThreadTS: "1700000000.000001", Text: "Working", User: "UBOT"},
	}
	chosen := clicked
	chosen.Action = event.Clicked{ID: "honk.choose", BlockID: "honk:question:k", Value: "acme/api"}
	mentioned := event.Event{
		Kind: event.Mention, TeamID: "T1", AppID: "A1", User: "U1", UserTeam: "T1", Channel: "C1",
		TS: "1700000000.000001", Text: "<@UBOT> fix &amp; go",
	}
	with := func(e event.Event, adapt func(*event.Event)) event.Event { adapt(&e); return e }
	tests := map[string]struct {
		event, payload string
		want           event.Event
	}{
		"mention": {"event", callback(mention), mentioned},
		"edited, with files": {
			"event", callback(strings.Replace(mention, `"ts"`, `"edited":{"user":"U1","ts":"1.000000"},"thread_ts":"1600000000.000001","channel_type":"mpim",
				"files":[{"id":"F1","name":"a.png","mimetype":"image/png","size":5,"url_private":"https://files.slack.com/a"},{"id":"../x"},
				{"id":"F2","url_private_download":"http://evil.example/x","url_private":"ftp://x"}],"ts"`, 1)),
			with(mentioned, func(e *event.Event) {
				e.Edited, e.DirectMessage, e.ThreadTS = true, true, "1600000000.000001"
				e.Files = []event.File{{ID: "F1", Name: "a.png", Mimetype: "image/png", Size: 5, URL: "https://files.slack.com/a"}, {ID: "F2"}}
			}),
		},
		"a bot's":     {"event", callback(strings.Replace(mention, `"ts"`, `"bot_id":"B1","ts"`, 1)), with(mentioned, func(e *event.Event) { e.Bot = true })},
		"shared":      {"event", strings.Replace(callback(mention), `channel":false`, `channel":true`, 1), with(mentioned, func(e *event.Event) { e.External = true })},
		"a stranger":  {"event", strings.Replace(callback(mention), `user_team":"T1`, `user_team":"T2`, 1), with(mentioned, func(e *event.Event) { e.UserTeam, e.External = "T2", true })},
		"a colleague": {"event", strings.Replace(strings.Replace(callback(mention), `user_team":"T1`, `user_team":"T2`, 1), `"api_app_id"`, `"enterprise_id":"E1","api_app_id"`, 1), with(mentioned, func(e *event.Event) { e.UserTeam, e.EnterpriseID = "T2", "E1" })},
		"reaction": {
			"event", callback(`{"type":"reaction_removed","user":"U1","reaction":"thumbsup::skin-tone-2","item_user":"UBOT","item":{"type":"message","channel":"C1","ts":"1.000001"}}`),
			event.Event{Kind: event.Reaction, TeamID: "T1", AppID: "A1", User: "U1", Channel: "C1", Reaction: "thumbsup::skin-tone-2", ItemUser: "UBOT", ItemTS: "1.000001"},
		},
		"home": {
			"event", callback(`{"type":"app_home_opened","user":"U1","channel":"D1","tab":"home"}`),
			event.Event{Kind: event.Home, TeamID: "T1", AppID: "A1", User: "U1", Channel: "D1", DirectMessage: true},
		},
		"click":  {"interaction", click(stop), clicked},
		"choice": {"interaction", click(choose), chosen},
		"form": {"interaction", submission, event.Event{
			Kind: event.Submission, TeamID: "T1", AppID: "A1", User: "U1", UserTeam: "T1", TriggerID: "1.2.ab",
			Callback: "honk.ask", Metadata: "C1 1700000000.000001", ViewID: "V1",
			Values: map[string]string{"honk.prompt": "do it", "honk.repository": "acme/api", "honk.none": ""},
		}},
		"shortcut": {"interaction", shortcut, event.Event{
			Kind: event.Shortcut, TeamID: "T1", AppID: "A1", User: "U1", UserTeam: "T2", Channel: "C1", External: true,
			TS: "1700000000.000001", ActionTS: "1700000100.000003", TriggerID: "1.2.ab", Callback: "honk.ask",
			Message: event.Message{TS: "1700000000.000001", Text: "it is broken", User: "U2"},
		}},
		"command": {"command", string(commandPayload.Delivery.Payload), event.Event{
			Kind: event.Command, TeamID: "T1", AppID: "A1", User: "U1", Channel: "C1", Text: "status now", Command: "/honk",
			TriggerID: "1.2.ab", ResponseURL: "https://hooks.slack.com/commands/x",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := event.Parse(tt.event, []byte(tt.payload))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestParse_refused(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string][2]string{
		"name":     {"other", "{}"},
		"no JSON":  {"event", "{"},
		"null":     {"interaction", "null"},
		"kind":     {"event", callback(`{"type":"message","user":"U1"}`)},
		"team":     {"event", strings.Replace(callback(mention), `"team_id":"T1","api`, `"team_id":"T/1","api`, 1)},
		"channel":  {"event", strings.Replace(callback(mention), "C1", "C1/../x", 1)},
		"user":     {"event", strings.Replace(callback(mention), `"U1"`, `"@channel"`, 1)},
		"no user":  {"event", strings.Replace(callback(mention), `"U1"`, `""`, 1)},
		"time":     {"event", strings.Replace(callback(mention), `"1700000000.000001"`, `"1700000000.1"`, 1)},
		"reaction": {"event", callback(`{"type":"reaction_added","user":"U1","reaction":"a b","item":{"type":"message","channel":"C1","ts":"1.000001"}}`)},
		"trigger":  {"interaction", strings.Replace(click(stop), "1.2.ab", "a b", 1)},
		"long":     {"interaction", strings.Replace(click(stop), "01J8Z", strings.Repeat("x", 4000), 1)},
		"action":   {"interaction", click("[]")},
		"modal":    {"interaction", strings.Replace(submission, "V1", "", 1)},
		"command":  {"command", `{"team_id":"T1","user_id":"U1","channel_id":"C1","command":"rm -rf"}`},
	} {
		if e, err := event.Parse(payload[0], []byte(payload[1])); task.CodeOf(err) != task.CodeInvalid {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
}

func TestEvent_At(t *testing.T) {
	t.Parallel()
	for ts, want := range map[string]time.Time{
		"1700000000.000001": time.Unix(1700000000, 1000).UTC(), "1700000000.999999": time.Unix(1700000000, 999999000).UTC(), "": {}, "x": {},
	} {
		if got := (event.Event{TS: ts}).At(); !got.Equal(want) {
			t.Errorf("At of %q = %v, want %v", ts, got, want)
		}
	}
	if got := (event.Event{TS: "1.000000", ActionTS: "2.000000"}).At(); got.Unix() != 2 {
		t.Errorf("a click is at %v", got)
	}
}

// What was missed has the ID of what Slack would have sent.
func TestMissed(t *testing.T) {
	t.Parallel()
	f := event.Found{Channel: "C1", TS: "1700000000.000001", ThreadTS: "1700000000.000001", User: "U1", Text: "<@UBOT> fix &amp; go"}
	f.Files = []event.File{{ID: "F1", Name: "log.txt", Mimetype: "text/plain", Size: 3, URL: "https://files.slack.com/log.txt"}}
	in, ok := event.Missed("T1", "UBOT", f)
	if !ok || !in.Wanted {
		t.Fatalf("got %+v", in)
	}
	sent, err := event.Read(event.PathEvents, "application/json", []byte(callback(mention)))
	if err != nil || sent.Delivery.ID != in.Delivery.ID {
		t.Errorf("IDs %q and %q, %v", sent.Delivery.ID, in.Delivery.ID, err)
	}
	got, err := event.Parse(in.Delivery.Event, in.Delivery.Payload)
	want := event.Event{Kind: event.Mention, TeamID: "T1", User: "U1", Channel: "C1", TS: f.TS, Text: f.Text, Files: f.Files}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	for name, adapt := range map[string]func(*event.Found){
		"bot":     func(f *event.Found) { f.Bot = true },
		"edited":  func(f *event.Found) { f.Edited = true },
		"own":     func(f *event.Found) { f.User = "UBOT" },
		"another": func(f *event.Found) { f.Text = "<@UBOTTOM> hi" },
		"user":    func(f *event.Found) { f.User = "" },
		"time":    func(f *event.Found) { f.TS = "x" },
	} {
		odd := f
		adapt(&odd)
		if in, ok := event.Missed("T1", "UBOT", odd); ok {
			t.Errorf("%s: %+v", name, in)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		callback(mention), click(stop), click(choose), submission, shortcut, "null", "[]", `{"actions":[null]}`, `{"view":{"state":{"values":{"a":null}}}}`,
	} {
		f.Add("event", []byte(seed))
		f.Add("interaction", []byte(seed))
		f.Add("command", []byte(seed))
	}
	f.Fuzz(func(t *testing.T, name string, payload []byte) {
		for _, path := range []event.Path{event.PathEvents, event.PathInteractions, event.PathCommands} {
			_, _ = event.Read(path, "application/json", payload)
			_, _ = event.Read(path, form, payload)
		}
		for _, kind := range []string{"events_api", "interactive", "slash_commands"} {
			in, err := event.ReadSocket(kind, payload)
			if err == nil && in.Wanted && !json.Valid(in.Delivery.Payload) {
				t.Errorf("no JSON: %q", in.Delivery.Payload)
			}
		}
		e, err := event.Parse(name, payload)
		if err != nil {
			return
		}
		_ = e.At()
		for _, id := range []string{e.TeamID, e.Channel, e.TS, e.ThreadTS, e.ViewID} {
			if strings.ContainsAny(id, "/ \n<>&") {
				t.Errorf("odd ID %q", id)
			}
		}
		if u := e.ResponseURL; u != "" && !strings.HasPrefix(u, "https://") && !strings.HasPrefix(u, "http://") {
			t.Errorf("odd URL %q", fmt.Sprint(u))
		}
	})
}
