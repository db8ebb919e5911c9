package web_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"honk/internal/web"
)

func TestHandler(t *testing.T) {
	t.Parallel()
	var down error
	h := web.Handler(web.Options{
		Webhooks: map[string]http.Handler{"POST /webhooks/github": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusAccepted)
		})},
		ReadyFunc: func(context.Context) error { return down },
		Log:       slog.New(slog.DiscardHandler),
	})
	get := func(method, path string) (int, string) {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), method, path, nil))
		return rec.Code, rec.Body.String()
	}
	for _, tt := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/healthz", 200},
		{"GET", "/readyz", 200},
		{"POST", "/webhooks/github", 202},
		{"GET", "/", 404},
		{"GET", "/link", 404},
		{"GET", "/webhooks/github", 405},
		{"POST", "/healthz", 405},
	} {
		if got, _ := get(tt.method, tt.path); got != tt.want {
			t.Errorf("%s %s: %d, want %d", tt.method, tt.path, got, tt.want)
		}
	}
	down = errors.New("postgres://honk:hunter2@db is away")
	if got, body := get("GET", "/readyz"); got != 503 || strings.Contains(body, "hunter2") {
		t.Errorf("not ready: %d %q, want 503 without the cause", got, body)
	}
	if got, _ := get("GET", "/healthz"); got != 200 {
		t.Errorf("alive: %d, want 200 whatever is away", got)
	}
}

func TestServe_finishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- web.Serve(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			stop()
			_, _ = io.WriteString(w, "whole")
		}), slog.New(slog.DiscardHandler))
	}()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := new(http.Client).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "whole" {
		t.Errorf("got %q, %v", body, err)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}
