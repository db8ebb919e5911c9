package client_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"honk/integrations/slack/client"
)

// The tokens, which must be nowhere but in requests.
const (
	botToken = "xoxb-canary-bot"
	appToken = "xapp-canary-app"
)

// bundle is a client with the server it talks to.
type bundle struct {
	*client.Client
	t   *testing.T
	url string
	mux *http.ServeMux

	mu   sync.Mutex
	seen map[string][]url.Values
	logs bytes.Buffer
}

// Write takes in the log.
func (b *bundle) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.logs.Write(p)
}

// setup makes a Slack that knows who the bot is and nothing else.
func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{t: t, mux: http.NewServeMux(), seen: map[string][]url.Values{}}
	server := httptest.NewServer(b.mux)
	t.Cleanup(server.Close)
	b.url = server.URL
	c, err := client.New(client.Options{
		BotToken: botToken, AppToken: appToken, APIURL: server.URL + "/api", Log: slog.New(slog.NewTextHandler(b, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Client = c
	b.handle("auth.test", func(w http.ResponseWriter, _ url.Values) {
		w.Header().Set("X-OAuth-Scopes", "chat:write, commands,users:read")
		fmt.Fprint(w, `{"ok":true,"url":"https://acme.slack.com/","team":"Acme","user":"honk","team_id":"T1","user_id":"UBOT","bot_id":"B1"}`)
	})
	b.answer("bots.info", `{"ok":true,"bot":{"id":"B1","app_id":"A1","name":"honk"}}`)
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if strings.Contains(b.logs.String(), "canary") {
			t.Errorf("a token is in the log: %s", b.logs.String())
		}
	})
	return b
}

// handle answers a method of the Web API.
func (b *bundle) handle(method string, answer func(w http.ResponseWriter, form url.Values)) {
	b.mux.HandleFunc("/api/"+method, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			b.t.Error(err)
		}
		form, _ := url.ParseQuery(string(body))
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			form = url.Values{"json": {string(body)}}
		}
		if token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "); token != "" {
			form.Set("token", token)
		}
		want := botToken
		if method == "apps.connections.open" {
			want = appToken
		}
		if form.Get("token") != want {
			b.t.Errorf("%s comes with the token %q", method, form.Get("token"))
		}
		b.mu.Lock()
		b.seen[method] = append(b.seen[method], form)
		b.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		answer(w, form)
	})
}

func (b *bundle) answer(method, text string) {
	b.handle(method, func(w http.ResponseWriter, _ url.Values) { fmt.Fprint(w, text) })
}

// sent returns what was sent to a method.
func (b *bundle) sent(method string) []url.Values {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seen[method]
}
