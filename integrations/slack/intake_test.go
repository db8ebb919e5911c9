package slack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"honk/integrations/slack"
	"honk/integrations/slack/slacktest"
	"honk/internal/config"
	"honk/internal/postgres"
	"honk/internal/task"
)

const signingSecret = "a-signing-secret"

// store is a queue that only takes deliveries in.
type store struct {
	mu    sync.Mutex
	taken []task.Delivery
	// slow is how long storing takes, err what comes of it.
	slow time.Duration
	err  error
}

func (s *store) Receive(ctx context.Context, d task.Delivery) (bool, error) {
	select {
	case <-time.After(s.slow):
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = append(s.taken, d)
	return true, s.err
}

func (*store) Submit(context.Context, task.Request, ...func(context.Context, *postgres.Tx) (bool, error)) (task.Task, bool, error) {
	panic("a request submits nothing")
}

func (*store) Reply(context.Context, task.Notice, string) error { panic("a request answers nobody") }

func newDoor(s *store) *slack.Door {
	return slack.New(slack.Options{
		Queue: s, SigningSecrets: []config.Secret{signingSecret, "the-secret-before"}, Log: slog.New(slog.DiscardHandler),
	})
}

func mention(ts string) []byte {
	raw, err := json.Marshal(map[string]any{
		"type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event_id": "Ev" + strings.ReplaceAll(ts, ".", ""), "event_time": 1,
		"event": map[string]any{"type": "app_mention", "user": "U1", "text": "<@UBOT> fix it", "ts": ts, "channel": "C1", "event_ts": ts},
	})
	if err != nil {
		panic(err)
	}
	return raw
}

func TestServeHTTP(t *testing.T) {
	t.Parallel()
	body := mention("1700000000.000001")
	now := time.Now()
	signed := func(secret string, at time.Time) http.Header {
		h := slacktest.Sign(secret, at, body)
		h.Set("Content-Type", "application/json")
		return h
	}
	with := func(h http.Header, key, value string) http.Header {
		h.Set(key, value)
		return h
	}
	for name, tt := range map[string]struct {
		header http.Header
		body   []byte
		want   int
		taken  int
	}{
		"right":                  {signed(signingSecret, now), body, 200, 1},
		"the secret before":      {signed("the-secret-before", now), body, 200, 1},
		"almost too late":        {signed(signingSecret, now.Add(-4*time.Minute)), body, 200, 1},
		"too late":               {signed(signingSecret, now.Add(-6*time.Minute)), body, 401, 0},
		"too early":              {signed(signingSecret, now.Add(6*time.Minute)), body, 401, 0},
		"another secret":         {signed("guessed", now), body, 401, 0},
		"no secret":              {signed("", now), body, 401, 0},
		"no signature":           {http.Header{"Content-Type": {"application/json"}}, body, 401, 0},
		"another version":        {with(signed(signingSecret, now), "X-Slack-Signature", "v1="+strings.Repeat("0", 64)), body, 401, 0},
		"another time":           {with(signed(signingSecret, now), "X-Slack-Request-Timestamp", fmt.Sprint(now.Unix()+1)), body, 401, 0},
		"another body":           {signed(signingSecret, now), append(bytes.Clone(body), ' '), 401, 0},
		"the same, encoded anew": {signed(signingSecret, now), bytes.ReplaceAll(body, []byte(`"T1"`), []byte(`"\u0054\u0031"`)), 401, 0},
		"two signatures":         {http.Header{"Content-Type": {"application/json"}, "X-Slack-Signature": append(signed(signingSecret, now)["X-Slack-Signature"], "v0=00"), "X-Slack-Request-Timestamp": signed(signingSecret, now)["X-Slack-Request-Timestamp"]}, body, 401, 0},
		"another kind":           {with(signed(signingSecret, now), "Content-Type", "text/plain"), body, 400, 0},
		"a retry":                {with(signed(signingSecret, now), "X-Slack-Retry-Num", "2"), body, 200, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &store{}
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/slack/events", bytes.NewReader(tt.body))
			r.Header = tt.header
			newDoor(s).ServeHTTP(w, r)
			if w.Code != tt.want || len(s.taken) != tt.taken {
				t.Errorf("%d %q, %d stored; want %d and %d", w.Code, w.Body, len(s.taken), tt.want, tt.taken)
			}
		})
	}
}

// TestServeHTTP_challenge answers Slack's question whether anybody is there,
// if it is Slack that asks.
func TestServeHTTP_challenge(t *testing.T) {
	t.Parallel()
	body := []byte(`{"type":"url_verification","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","token":"old"}`)
	for secret, want := range map[string]int{signingSecret: 200, "guessed": 401} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/slack/events", bytes.NewReader(body))
		r.Header = slacktest.Sign(secret, time.Now(), body)
		r.Header.Set("Content-Type", "application/json")
		newDoor(&store{}).ServeHTTP(w, r)
		if w.Code != want || (want == 200) != (w.Body.String() == "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P") {
			t.Errorf("signed with %q: %d %q", secret, w.Code, w.Body)
		}
	}
}

func TestServeHTTP_notPost(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	newDoor(&store{}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/webhooks/slack/events", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != http.MethodPost {
		t.Errorf("%d, allowed %q", w.Code, w.Header().Get("Allow"))
	}
}

// TestServeHTTP_threeSeconds holds that Slack has its answer within three
// seconds however slow the database is, and that it is one after which Slack
// sends again.
func TestServeHTTP_threeSeconds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		slow time.Duration
		err  error
		want int
	}{
		{2 * time.Second, nil, 200},
		{time.Minute, nil, 503},
		{0, errors.New("the database is gone"), 503},
	} {
		synctest.Test(t, func(t *testing.T) {
			body := mention("1700000000.000001")
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/slack/events", bytes.NewReader(body))
			r.Header = slacktest.Sign(signingSecret, time.Now(), body)
			r.Header.Set("Content-Type", "application/json")
			begun := time.Now()
			newDoor(&store{slow: tt.slow, err: tt.err}).ServeHTTP(w, r)
			if took := time.Since(begun); took >= 3*time.Second || w.Code != tt.want {
				t.Errorf("storing takes %s, %v: %d after %s, want %d", tt.slow, tt.err, w.Code, took, tt.want)
			}
		})
	}
}
