package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"honk/integrations/slack/client"
	"honk/internal/task"
)

// socketServer lets the client connect, and calls talk for each connection.
func socketServer(b *bundle, talk func(n int, conn *websocket.Conn)) {
	var mu sync.Mutex
	connections := 0
	b.handle("apps.connections.open", func(w http.ResponseWriter, _ url.Values) {
		fmt.Fprintf(w, `{"ok":true,"url":%q}`, "ws"+strings.TrimPrefix(b.url, "http")+"/socket?ticket=canary")
	})
	b.mux.HandleFunc("/socket", func(w http.ResponseWriter, r *http.Request) {
		upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			b.t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		mu.Lock()
		connections++
		n := connections
		mu.Unlock()
		say(conn, `{"type":"hello","num_connections":1,"connection_info":{"app_id":"A1"}}`)
		talk(n, conn)
	})
}

// say ignores errors: the other side may have gone.
func say(conn *websocket.Conn, text string) {
	_ = conn.WriteMessage(websocket.TextMessage, []byte(text))
}

func envelope(id, kind, payload string, retry int) string {
	return fmt.Sprintf(`{"envelope_id":%q,"type":%q,"payload":%s,"accepts_response_payload":false,"retry_attempt":%d}`, id, kind, payload, retry)
}

// acknowledged reads which envelope is acknowledged.
func acknowledged(conn *websocket.Conn) string {
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	var ack struct {
		ID string `json:"envelope_id"`
	}
	if err := conn.ReadJSON(&ack); err != nil {
		return err.Error()
	}
	return ack.ID
}

// An envelope is acknowledged once it is taken, on whatever connection there
// is then; one that was not taken is not.
func TestListen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	acks := make(chan string, 10)
	const mention = `{"type":"event_callback","team_id":"T1","event":{"type":"app_mention","user":"U1"}}`
	socketServer(b, func(n int, conn *websocket.Conn) {
		if n == 1 {
			say(conn, envelope("e0", "events_api", mention, 0)) // is not taken
			say(conn, envelope("e1", "events_api", mention, 1))
			acks <- acknowledged(conn)
			say(conn, `{"type":"disconnect","reason":"refresh_requested"}`)
			_, _, _ = conn.ReadMessage()
			return
		}
		say(conn, envelope("e2", "interactive", `{"type":"block_actions","actions":[]}`, 0))
		acks <- acknowledged(conn)
		say(conn, envelope("e3", "slash_commands", `{"command":"/honk"}`, 0))
		acks <- acknowledged(conn)
		say(conn, envelope("e4", "events_api", `{"type":"unheard_of"}`, 0)) // slack-go cannot parse it
		acks <- acknowledged(conn)
		_, _, _ = conn.ReadMessage()
	})
	var mu sync.Mutex
	var taken []string
	done := make(chan error, 1)
	go func() {
		done <- b.Listen(ctx, func(_ context.Context, kind string, payload json.RawMessage, retry int) error {
			mu.Lock()
			defer mu.Unlock()
			taken = append(taken, fmt.Sprintf("%s %d %v", kind, retry, json.Valid(payload)))
			if len(taken) == 1 {
				return errors.New("the database is away")
			}
			return nil
		})
	}()
	for _, want := range []string{"e1", "e2", "e3", "e4"} {
		select {
		case got := <-acks:
			if got != want {
				t.Errorf("acknowledged %q, want %q", got, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("nothing is acknowledged")
		}
	}
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it does not end with its context")
	}
	mu.Lock()
	defer mu.Unlock()
	want := "events_api 0 true, events_api 1 true, interactive 0 true, slash_commands 0 true, events_api 0 true"
	if got := strings.Join(taken, ", "); got != want {
		t.Errorf("taken: %s\nwant:  %s", got, want)
	}
}

// A token that will never do is said at once.
func TestListen_refused(t *testing.T) {
	t.Parallel()
	for _, said := range []string{"invalid_auth", "not_allowed_token_type", "missing_scope", "token_revoked"} {
		t.Run(said, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.answer("apps.connections.open", fmt.Sprintf(`{"ok":false,"error":%q}`, said))
			err := b.Listen(t.Context(), nil)
			checkError(t, err, task.CodeForbidden, "HONK_SLACK_APP_TOKEN.*connections:write")
			err = b.Connects(t.Context())
			checkError(t, err, task.CodeForbidden, "HONK_SLACK_APP_TOKEN.*connections:write")
		})
	}
}

func TestListen_noToken(t *testing.T) {
	t.Parallel()
	c, err := client.New(client.Options{BotToken: botToken, APIURL: "http://127.0.0.1:1", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	checkError(t, c.Listen(t.Context(), nil), task.CodeInvalid, "HONK_SLACK_APP_TOKEN is not set")
}
