package client_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"honk/integrations/slack/client"
	"honk/integrations/slack/event"
	"honk/integrations/slack/slacktest"
	"honk/internal/config"
)

// workspace is a whole Slack, with ada in the channel general.
type workspace struct {
	*slacktest.Slack
	client       *client.Client
	ada, channel string
}

func newWorkspace(t *testing.T, opts slacktest.Options) *workspace {
	t.Helper()
	w := &workspace{Slack: slacktest.New(opts)}
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	w.ada = w.AddUser(slacktest.User{Name: "ada", Email: "ada@example.com", EmailConfirmed: true})
	w.channel = w.AddChannel(slacktest.Channel{Name: "general"})
	if err := w.Join(w.channel, w.ada, w.BotUser()); err != nil {
		t.Fatal(err)
	}
	var err error
	w.client, err = client.New(client.Options{
		BotToken: config.Secret(w.BotToken()), AppToken: config.Secret(w.AppToken()), APIURL: w.APIURL(), Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// do has ada do everything that Honk listens to, but for forms.
func (w *workspace) do(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	ts, err := w.Say(slacktest.Message{
		User: w.ada, Channel: w.channel, Text: "<@" + w.BotUser() + "> fix it",
		Files: []slacktest.File{{Name: "log.txt", Mimetype: "text/plain", Content: "it broke"}},
	})
	check(t, err)
	button := slack.NewButtonBlockElement("honk.stop", "01J8Z", slack.NewTextBlockObject("plain_text", "Stop", false, false))
	m := client.Message{Text: "Working", Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewActionBlock("honk:task:1", button)}}}
	posted, err := w.client.Post(ctx, client.Place{Channel: w.channel, Thread: ts}, m)
	check(t, err)
	found, ok, err := w.client.Find(ctx, client.Place{Channel: w.channel, Thread: ts}, "honk:task:1")
	if check(t, err); !ok || found != posted {
		t.Errorf("found %q, posted %q", found, posted)
	}
	check(t, w.client.Update(ctx, w.channel, posted, m))
	check(t, w.Click(ctx, slacktest.Click{User: w.ada, Channel: w.channel, TS: posted, ActionID: "honk.stop"}))
	check(t, w.React(w.ada, w.channel, posted, "+1"))
	check(t, w.Shortcut(ctx, w.ada, w.channel, ts))
	check(t, w.Command(ctx, w.ada, w.channel, "status"))
	check(t, w.OpenHome(w.ada))
	check(t, w.WaitDeliveries(ctx))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever ada does arrives and can be parsed, by HTTP as by the socket.
func TestWorkspace(t *testing.T) {
	t.Parallel()
	t.Run("HTTP", func(t *testing.T) {
		t.Parallel()
		got := make(chan event.Incoming, 100)
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err == nil {
				err = event.Verify(r.Header, body, "old", "secret")
			}
			if err != nil {
				t.Error(err)
			}
			in, err := event.Read(event.Path(path.Base(r.URL.Path)), r.Header.Get("Content-Type"), body)
			if err != nil {
				t.Error(err)
			}
			got <- in
		}))
		t.Cleanup(server.Close)
		w := newWorkspace(t, slacktest.Options{SigningSecret: "secret", EventsURL: server.URL})
		w.do(t)
		w.arrived(t, got)
	})
	t.Run("socket", func(t *testing.T) {
		t.Parallel()
		got := make(chan event.Incoming, 100)
		w := newWorkspace(t, slacktest.Options{SocketMode: true, Timeout: 20 * time.Second})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- w.client.Listen(ctx, func(_ context.Context, kind string, payload json.RawMessage, _ int) error {
				in, err := event.ReadSocket(kind, payload)
				if err == nil {
					got <- in
				}
				return err
			})
		}()
		w.do(t)
		w.arrived(t, got)
		cancel()
		check(t, <-done)
	})
}

// arrived looks at what came, and does what it allows to be done.
func (w *workspace) arrived(t *testing.T, got chan event.Incoming) {
	t.Helper()
	ctx := t.Context()
	var kinds []string
	for len(got) > 0 {
		in := <-got
		if !in.Wanted {
			continue
		}
		e, err := event.Parse(in.Delivery.Event, in.Delivery.Payload)
		check(t, err)
		kinds = append(kinds, string(e.Kind))
		if e.TeamID != w.TeamID() || e.User != w.ada || e.AppID != w.AppID() || e.Bot || e.External {
			t.Errorf("got %+v", e)
		}
		switch e.Kind {
		case event.Mention:
			raw, err := w.client.Download(ctx, e.Files[0].URL, 100)
			if check(t, err); string(raw) != "it broke" {
				t.Errorf("the file holds %q", raw)
			}
			check(t, w.client.React(ctx, e.Channel, e.TS, "eyes"))
			check(t, w.client.React(ctx, e.Channel, e.TS, "eyes"))
			check(t, w.client.Unreact(ctx, e.Channel, e.TS, "eyes"))
			check(t, w.client.Unreact(ctx, e.Channel, e.TS, "eyes"))
			check(t, w.client.Whisper(ctx, client.Place{Channel: e.Channel}, e.User, client.Message{Text: "psst"}))
			said, err := w.client.History(ctx, e.Channel, e.At().Add(-time.Minute))
			if check(t, err); len(said) != 1 || said[0].TS != e.TS || said[0].Files[0].Name != "log.txt" {
				t.Errorf("said %+v", said)
			}
		case event.Action:
			if e.Action.Value != "01J8Z" || e.ThreadTS == "" {
				t.Errorf("got %+v", e)
			}
			check(t, w.client.Respond(ctx, e.ResponseURL, client.Message{Text: "stopped"}, false))
		case event.Command:
			check(t, w.client.Respond(ctx, e.ResponseURL, client.Message{Text: "all is well"}, false))
		case event.Shortcut:
			if !strings.Contains(e.Message.Text, "fix it") {
				t.Errorf("got %+v", e)
			}
		case event.Home, event.Reaction, event.Submission:
		}
	}
	slices.Sort(kinds)
	if all := strings.Join(kinds, " "); all != "action command home mention reaction shortcut" {
		t.Errorf("arrived: %s", all)
	}
	user, err := w.client.User(ctx, w.ada)
	if check(t, err); user.Name == "" || !user.EmailConfirmed || user.Stranger || user.Guest {
		t.Errorf("user %+v", user)
	}
	ch, err := w.client.Channel(ctx, w.channel)
	if check(t, err); ch.Name != "general" || !ch.Member {
		t.Errorf("channel %+v", ch)
	}
	missing, err := w.client.Missing(ctx)
	if check(t, err); len(missing) != 0 {
		t.Errorf("missing %v", missing)
	}
	if v := w.Violations(); len(v) > 0 {
		t.Errorf("violations: %q", v)
	}
}
