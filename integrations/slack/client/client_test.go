package client_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"honk/integrations/slack/client"
	"honk/internal/task"
)

func TestNew_refused(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]client.Options{
		"HONK_SLACK_API_URL":   {BotToken: "x", APIURL: "slack"},
		"HONK_SLACK_BOT_TOKEN": {APIURL: "https://slack.com/api"},
	} {
		if _, err := client.New(opts); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not name %s", err, name)
		}
	}
}

func TestSelf(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want := client.Self{
		TeamID: "T1", Team: "Acme", UserID: "UBOT", BotID: "B1", AppID: "A1", URL: "https://acme.slack.com/",
		Scopes: []string{"chat:write", "commands", "users:read"},
	}
	for range 2 {
		got, err := b.Self(t.Context())
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
	}
	if n := len(b.sent("auth.test")); n != 1 {
		t.Errorf("asked %d times", n)
	}
	missing, err := b.Missing(t.Context())
	if err != nil || len(missing) != len(client.Scopes())-3 || missing[0].Name != "app_mentions:read" || missing[0].Why == "" {
		t.Errorf("missing %v, %v", missing, err)
	}
}

func TestScopes_sorted(t *testing.T) {
	t.Parallel()
	if !slices.IsSortedFunc(client.Scopes(), func(a, b client.Scope) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("not sorted")
	}
}

var message = client.Message{Text: "hello", Blocks: slack.Blocks{BlockSet: []slack.Block{
	slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, "hello", false, false), nil, nil, slack.SectionBlockOptionBlockID("honk:task:1")),
}}}

func TestPost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.answer("chat.postMessage", `{"ok":true,"channel":"C1","ts":"2.000001"}`)
	b.answer("chat.update", `{"ok":true,"channel":"C1","ts":"2.000001"}`)
	b.answer("chat.postEphemeral", `{"ok":true,"message_ts":"2.000002"}`)
	ts, err := b.Post(t.Context(), client.Place{Channel: "C1", Thread: "1.000001"}, message)
	if ts != "2.000001" || err != nil {
		t.Errorf("Post = %q, %v", ts, err)
	}
	if err := b.Update(t.Context(), "C1", ts, message); err != nil {
		t.Error(err)
	}
	if err := b.Whisper(t.Context(), client.Place{Channel: "C1", Thread: "1.000001"}, "U1", message); err != nil {
		t.Error(err)
	}
	for method, want := range map[string]map[string]string{
		"chat.postMessage": {
			// Only a new message can have previews.
			"thread_ts": "1.000001", "channel": "C1", "unfurl_links": "false", "unfurl_media": "false",
		},
		"chat.update":        {"ts": "2.000001", "channel": "C1"},
		"chat.postEphemeral": {"thread_ts": "1.000001", "user": "U1", "channel": "C1"},
	} {
		got := b.sent(method)[0]
		maps.Copy(want, map[string]string{
			"parse": "none", "link_names": "false", "text": "hello",
		})
		for key, value := range want {
			if got.Get(key) != value {
				t.Errorf("%s: %s = %q, want %q", method, key, got.Get(key), value)
			}
		}
		if !strings.Contains(got.Get("blocks"), "honk:task:1") {
			t.Errorf("%s: blocks %q", method, got.Get("blocks"))
		}
	}
}

func TestRespond(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var body string
	b.mux.HandleFunc("/respond/1", func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		body = string(raw) + r.Header.Get("Authorization")
		fmt.Fprint(w, "ok")
	})
	b.mux.HandleFunc("/respond/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/", http.StatusTemporaryRedirect)
	})
	if err := b.Respond(t.Context(), b.url+"/respond/1", message, true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"replace_original":true`, `"unfurl_links":false`, "honk:task:1", `"response_type":"ephemeral"`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s lacks %s", body, want)
		}
	}
	if strings.Contains(body, "canary") {
		t.Error("the token is sent along")
	}
	for _, address := range []string{
		"", "https://evil.example/", "http://hooks.slack.com/x", "https://hooks.slack.com.evil.example/x", "https://x@hooks.slack.com/x",
		"http://127.0.0.1:1/", "file:///etc/passwd", b.url + "/respond/away", strings.Replace(b.url, "http:", "https:", 1) + "/respond/1",
	} {
		if err := b.Respond(t.Context(), address, message, false); task.CodeOf(err) != task.CodeForbidden {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestReact(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.answer("reactions.add", `{"ok":false,"error":"already_reacted"}`)
	b.answer("reactions.remove", `{"ok":false,"error":"no_reaction"}`)
	if err := b.React(t.Context(), "C1", "1.000001", "eyes"); err != nil {
		t.Error(err)
	}
	if err := b.Unreact(t.Context(), "C1", "1.000001", "eyes"); err != nil {
		t.Error(err)
	}
	if got := b.sent("reactions.add")[0]; got.Get("name") != "eyes" || got.Get("timestamp") != "1.000001" || got.Get("channel") != "C1" {
		t.Errorf("sent %v", got)
	}
}

func TestUser(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.handle("users.info", func(w http.ResponseWriter, form url.Values) {
		switch form.Get("user") {
		case "U1":
			fmt.Fprint(w, `{"ok":true,"user":{"id":"U1","team_id":"T1","name":"ada.l","real_name":"Ada L","is_email_confirmed":true,
				"profile":{"display_name":"ada","email":"ada@acme.example"}}}`)
		case "U2":
			fmt.Fprint(w, `{"ok":true,"user":{"id":"U2","team_id":"T2","name":"bo","is_restricted":true,"is_email_confirmed":true,"profile":{}}}`)
		default:
			fmt.Fprint(w, `{"ok":false,"error":"user_not_found"}`)
		}
	})
	want := client.User{
		ID: "U1", TeamID: "T1", Name: "ada", RealName: "Ada L", Email: "ada@acme.example", EmailConfirmed: true,
	}
	for range 2 {
		got, err := b.User(t.Context(), "U1")
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
	}
	if n := len(b.sent("users.info")); n != 1 {
		t.Errorf("asked %d times", n)
	}
	got, err := b.User(t.Context(), "U2")
	if diff := cmp.Diff(client.User{ID: "U2", TeamID: "T2", Name: "bo", Guest: true, Stranger: true}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if _, err := b.User(t.Context(), "U3"); task.CodeOf(err) != task.CodeNotFound {
		t.Error(err)
	}
}

func TestChannel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.answer("conversations.info", `{"ok":true,"channel":{"id":"C1","name":"api","is_private":true,"is_ext_shared":true,"is_member":true}}`)
	b.handle("conversations.members", func(w http.ResponseWriter, form url.Values) {
		if form.Get("cursor") == "" {
			fmt.Fprint(w, `{"ok":true,"members":["U1"],"response_metadata":{"next_cursor":"c"}}`)
			return
		}
		fmt.Fprint(w, `{"ok":true,"members":["U2"]}`)
	})
	got, err := b.Channel(t.Context(), "C1")
	if diff := cmp.Diff(client.Channel{ID: "C1", Name: "api", Private: true, External: true, Member: true}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	for user, want := range map[string]bool{"U1": true, "U2": true, "U3": false} {
		if got, err := b.IsMember(t.Context(), "C1", user); got != want || err != nil {
			t.Errorf("%s is a member: %v, %v", user, got, err)
		}
	}
}

func TestViews(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.answer("views.open", `{"ok":false,"error":"expired_trigger_id"}`)
	b.answer("views.publish", `{"ok":true,"view":{"id":"V1"}}`)
	b.answer("chat.getPermalink", `{"ok":true,"permalink":"https://acme.slack.com/archives/C1/p1"}`)
	err := b.OpenView(t.Context(), "1.2.ab", slack.ModalViewRequest{Type: slack.VTModal})
	if task.CodeOf(err) != task.CodeTimeout || !strings.Contains(err.Error(), "click again") {
		t.Error(err)
	}
	if err := b.PublishHome(t.Context(), "U1", slack.HomeTabViewRequest{Type: slack.VTHomeTab}); err != nil {
		t.Error(err)
	}
	if link, err := b.Permalink(t.Context(), "C1", "1.000001"); link != "https://acme.slack.com/archives/C1/p1" || err != nil {
		t.Error(link, err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	long := time.Hour
	tests := map[string]struct {
		status int
		header string
		body   string
		code   task.Code
		after  time.Duration
		words  string
	}{
		"limited":          {status: 429, header: "7", code: task.CodeRateLimited, after: 7 * time.Second, words: "in 7s"},
		"limited for long": {status: 429, header: "99999999", code: task.CodeRateLimited, after: long},
		"limited, no wait": {status: 429, code: task.CodeRateLimited, after: 30 * time.Second},
		"limited by word":  {body: `{"ok":false,"error":"ratelimited"}`, code: task.CodeRateLimited, after: 30 * time.Second},
		"scope": {
			body: `{"ok":false,"error":"missing_scope","needed":"chat:write,im:write","provided":"commands"}`, code: task.CodeForbidden,
			words: "lacks the scope chat:write,im:write; .*reinstall the app",
		},
		"scope unsaid":  {body: `{"ok":false,"error":"missing_scope"}`, code: task.CodeForbidden, words: "the scope chat:write;"},
		"token":         {body: `{"ok":false,"error":"invalid_auth"}`, code: task.CodeForbidden, words: "HONK_SLACK_BOT_TOKEN"},
		"revoked":       {body: `{"ok":false,"error":"token_revoked"}`, code: task.CodeForbidden, words: "still installed"},
		"inactive":      {body: `{"ok":false,"error":"account_inactive"}`, code: task.CodeForbidden},
		"no channel":    {body: `{"ok":false,"error":"channel_not_found"}`, code: task.CodeNotFound, words: "/invite"},
		"archived":      {body: `{"ok":false,"error":"is_archived"}`, code: task.CodeNotFound},
		"not in":        {body: `{"ok":false,"error":"not_in_channel"}`, code: task.CodeForbidden, words: "invite Honk with /invite"},
		"long":          {body: `{"ok":false,"error":"msg_too_long"}`, code: task.CodeInternal},
		"blocks":        {body: `{"ok":false,"error":"invalid_blocks","response_metadata":{"messages":["[ERROR] no"]}}`, code: task.CodeInternal},
		"their trouble": {body: `{"ok":false,"error":"internal_error"}`, code: task.CodeUnavailable},
		"hostile word":  {body: `{"ok":false,"error":"<!channel> xoxb-canary-bot"}`, code: task.CodeForbidden, words: "unknown reason"},
		"503":           {status: 503, body: "<html>", code: task.CodeUnavailable, words: "HTTP 503"},
		"no JSON":       {body: "<html>xoxb-canary-bot", code: task.CodeUnavailable},
		"redirect":      {status: 302, code: task.CodeForbidden},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.handle("chat.postMessage", func(w http.ResponseWriter, _ url.Values) {
				if tt.header != "" {
					w.Header().Set("Retry-After", tt.header)
				}
				w.Header().Set("Location", "http://127.0.0.1:1/")
				if tt.status != 0 {
					w.WriteHeader(tt.status)
				}
				fmt.Fprint(w, tt.body)
			})
			_, err := b.Post(t.Context(), client.Place{Channel: "C1"}, message)
			checkError(t, err, tt.code, tt.words)
			if e, ok := errors.AsType[*task.Error](err); !ok || e.After != tt.after {
				t.Errorf("wait of %#v, want %s", err, tt.after)
			}
		})
	}
}

func TestErrors_unreachable(t *testing.T) {
	t.Parallel()
	c, err := client.New(client.Options{
		BotToken: botToken, APIURL: "http://127.0.0.1:1/api?token=" + botToken, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Self(t.Context())
	checkError(t, err, task.CodeUnavailable, "Slack cannot be reached while asking who the app is")
}
