package health_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"honk/integrations/shift/health"
	"honk/internal/task"
)

const body = `{"repository": "acme/a", "healthy": false}`

func TestServeHTTP(t *testing.T) {
	t.Parallel()
	key := []byte("key")
	at := func(ago time.Duration) string { return fmt.Sprint(time.Now().Add(-ago).Unix()) }
	tests := map[string]struct {
		at, signature, body string
		err                 error
		want                int
	}{
		"said":          {at(0), "", body, nil, 202},
		"a bit late":    {at(4 * time.Minute), "", body, nil, 202},
		"too late":      {at(6 * time.Minute), "", body, nil, 401},
		"too early":     {at(-6 * time.Minute), "", body, nil, 401},
		"no time":       {"x", "", body, nil, 401},
		"unsigned":      {at(0), "v1=", body, nil, 401},
		"other key":     {at(0), health.Sign([]byte("other"), at(0), []byte(body)), body, nil, 401},
		"other body":    {at(0), health.Sign(key, at(0), []byte("{}")), body, nil, 401},
		"says nothing":  {at(0), "", "{}", nil, 400},
		"is no JSON":    {at(0), "", "{", nil, 400},
		"is not stored": {at(0), "", body, errors.New("away"), 503},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []task.Delivery
			h := health.Handler{Key: key, Log: slog.New(slog.DiscardHandler), ReceiveFunc: func(_ context.Context, d task.Delivery) (bool, error) {
				got = append(got, d)
				return true, tt.err
			}}
			req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(tt.body))
			req.Header.Set("Honk-Timestamp", tt.at)
			if tt.signature == "" {
				tt.signature = health.Sign(key, tt.at, []byte(tt.body))
			}
			req.Header.Set("Honk-Signature", tt.signature)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, req)
			if w.Code != tt.want {
				t.Errorf("got %d, want %d: %s", w.Code, tt.want, w.Body)
			}
			if stored := len(got) == 1; stored != (tt.want == 202 || tt.want == 503) {
				t.Errorf("stored %v", got)
			}
		})
	}
}
