package event_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"testing"
	"time"

	"honk/integrations/slack/event"
	"honk/internal/task"
)

// sign returns the headers that Slack sends with a body.
func sign(secret, version string, at time.Time, body []byte) http.Header {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "v0:%d:%s", at.Unix(), body)
	h := http.Header{}
	h.Set("X-Slack-Request-Timestamp", fmt.Sprint(at.Unix()))
	h.Set("X-Slack-Signature", version+"="+hex.EncodeToString(mac.Sum(nil)))
	return h
}

func TestVerify(t *testing.T) {
	t.Parallel()
	body := []byte(`{"type":"event_callback"}`)
	now := time.Now()
	tests := map[string]struct {
		header  http.Header
		body    string
		secrets []string
		good    bool
	}{
		"good":              {header: sign("s", "v0", now, body), secrets: []string{"s"}, good: true},
		"the second secret": {header: sign("s", "v0", now, body), secrets: []string{"new", "s"}, good: true},
		"the first secret":  {header: sign("s", "v0", now, body), secrets: []string{"s", "", "old"}, good: true},
		"four minutes old":  {header: sign("s", "v0", now.Add(-4*time.Minute), body), secrets: []string{"s"}, good: true},
		"too old":           {header: sign("s", "v0", now.Add(-301*time.Second), body), secrets: []string{"s"}},
		"from the future":   {header: sign("s", "v0", now.Add(302*time.Second), body), secrets: []string{"s"}},
		"another secret":    {header: sign("x", "v0", now, body), secrets: []string{"s", "t"}},
		"another version":   {header: sign("s", "v1", now, body), secrets: []string{"s"}},
		"another body":      {header: sign("s", "v0", now, body), body: `{"type": "event_callback"}`, secrets: []string{"s"}},
		"no secret":         {header: sign("", "v0", now, body)},
		"an empty secret":   {header: sign("", "v0", now, body), secrets: []string{"", ""}},
		"no headers":        {header: http.Header{}, secrets: []string{"s"}},
		"no hexadecimal": {header: http.Header{
			"X-Slack-Request-Timestamp": {fmt.Sprint(now.Unix())}, "X-Slack-Signature": {"v0=zz"},
		}, secrets: []string{"s"}},
		"no time": {header: http.Header{
			"X-Slack-Request-Timestamp": {"now"}, "X-Slack-Signature": sign("s", "v0", now, body)["X-Slack-Signature"],
		}, secrets: []string{"s"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.body == "" {
				tt.body = string(body)
			}
			err := event.Verify(tt.header, []byte(tt.body), tt.secrets...)
			if (err == nil) != tt.good {
				t.Errorf("Verify = %v", err)
			}
			if err != nil && task.CodeOf(err) != task.CodeForbidden {
				t.Errorf("code %q", task.CodeOf(err))
			}
		})
	}
}

// Whatever stands before Honk may look at the other one of two headers.
func TestVerify_twice(t *testing.T) {
	t.Parallel()
	body := []byte(`{}`)
	for _, name := range []string{"X-Slack-Request-Timestamp", "X-Slack-Signature"} {
		h := sign("s", "v0", time.Now(), body)
		h.Add(name, h.Get(name))
		if event.Verify(h, body, "s") == nil {
			t.Errorf("two headers %s are taken", name)
		}
	}
}
