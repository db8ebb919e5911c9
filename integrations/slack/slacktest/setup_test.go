package slacktest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"honk/integrations/slack/slacktest"
)

const secret = "8f742231b10e8888abcd99yyyzzz85a5"

// got is a request as it arrived.
type got struct {
	path    string
	header  http.Header
	payload map[string]any
	// signed is what the client library says of it.
	signed error
}

// inbox is an app: it notes what arrives, and answers as the test says.
type inbox struct {
	mu   sync.Mutex
	all  []got
	then func(w http.ResponseWriter, g got)
}

func (i *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	g := got{path: r.URL.Path, header: r.Header}
	v, err := slack.NewSecretsVerifier(r.Header, secret)
	if err == nil {
		_, _ = v.Write(body)
		err = v.Ensure()
	}
	g.signed = err
	if r.Header.Get("Content-Type") != "application/json" {
		form, _ := url.ParseQuery(string(body))
		if body = []byte(form.Get("payload")); len(body) == 0 {
			g.payload = map[string]any{}
			for key := range form {
				g.payload[key] = form.Get(key)
			}
		}
	}
	if g.payload == nil {
		_ = json.Unmarshal(body, &g.payload)
	}
	i.mu.Lock()
	i.all = append(i.all, g)
	then := i.then
	i.mu.Unlock()
	if then != nil {
		then(w, g)
	}
}

// bundle is a workspace with ada, in the channel general with the bot, the
// stranger eve, and an app that listens.
type bundle struct {
	*slacktest.Slack
	t       *testing.T
	inbox   *inbox
	client  *slack.Client
	channel string
	ada     string
	// ack answers an envelope, once there is a listen.
	ack func(e socketmode.Event, payload any)
}

func setup(t *testing.T, opts slacktest.Options) *bundle {
	t.Helper()
	in := &inbox{}
	server := httptest.NewServer(in)
	t.Cleanup(server.Close)
	if !opts.SocketMode {
		opts.EventsURL = server.URL
	}
	opts.SigningSecret = secret
	s := slacktest.New(opts)
	must(t, s.Start(t.Context()))
	t.Cleanup(func() { must(t, s.Close()) })
	b := &bundle{Slack: s, t: t, inbox: in}
	b.ada = s.AddUser(slacktest.User{Name: "ada", RealName: "Ada L.", Email: "ada@example.com", EmailConfirmed: true})
	b.channel = s.AddChannel(slacktest.Channel{Name: "general"})
	must(t, s.Join(b.channel, b.ada, s.BotUser()))
	b.client = slack.New(s.BotToken(), slack.OptionAPIURL(s.APIURL()), slack.OptionAppLevelToken(s.AppToken()))
	return b
}

// say has ada mention the bot.
func (b *bundle) say(text string) string {
	b.t.Helper()
	ts, err := b.Say(slacktest.Message{User: b.ada, Channel: b.channel, Text: text})
	must(b.t, err)
	return ts
}

// arrived returns what the app was sent, when all is sent.
func (b *bundle) arrived() []got {
	b.t.Helper()
	must(b.t, b.WaitDeliveries(b.t.Context()))
	b.inbox.mu.Lock()
	defer b.inbox.mu.Unlock()
	for _, g := range b.inbox.all {
		if g.signed != nil {
			b.t.Errorf("%s: %v", g.path, g.signed)
		}
	}
	return append([]got(nil), b.inbox.all...)
}

func (b *bundle) answer(then func(http.ResponseWriter, got)) {
	b.inbox.mu.Lock()
	defer b.inbox.mu.Unlock()
	b.inbox.then = then
}

func (b *bundle) mention() string { return "<@" + b.BotUser() + ">" }

// buttons are blocks with a button, a link and a menu.
func buttons() slack.MsgOption {
	text := func(s string) *slack.TextBlockObject { return slack.NewTextBlockObject("plain_text", s, false, false) }
	link := slack.NewButtonBlockElement("link", "", text("Look"))
	link.URL = "https://example.com/"
	menu := slack.NewOptionsSelectBlockElement("static_select", text("Which?"), "choose",
		slack.NewOptionBlockObject("acme/api", text("acme/api"), nil))
	return slack.MsgOptionBlocks(
		slack.NewSectionBlock(slack.NewTextBlockObject("mrkdwn", "*Working*", false, false), nil, nil),
		slack.NewActionBlock("act", slack.NewButtonBlockElement("stop", "task 1", text("Stop")), link, menu),
	)
}

func modal(input bool) slack.ModalViewRequest {
	text := func(s string) *slack.TextBlockObject { return slack.NewTextBlockObject("plain_text", s, false, false) }
	v := slack.ModalViewRequest{
		Type: "modal", Title: text("Ask Honk"), Submit: text("Ask"), CallbackID: "ask", PrivateMetadata: "C 1",
		NotifyOnClose: true,
	}
	v.Blocks.BlockSet = []slack.Block{slack.NewSectionBlock(text("What?"), nil, nil)}
	if input {
		v.Blocks.BlockSet = append(v.Blocks.BlockSet, slack.NewInputBlock("q", text("Request"), nil,
			slack.NewPlainTextInputBlockElement(text("do this"), "request")))
	}
	return v
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantErr wants an error that says so.
func wantErr(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the error is %v, not %q", err, want)
	}
}

// short delays for tests of what is tried again.
func short() []time.Duration {
	return []time.Duration{time.Millisecond, time.Millisecond, time.Millisecond}
}
