package client_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/integrations/github/client"
)

const rawToken = "ghs_0123456789abcdefSECRET"

var appKey = sync.OnceValue(func() []byte {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{
		Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key),
	})
})

// call is a request that the forge saw.
type call struct {
	Line string // method and path with query
	Body string
}

// bundle is a forge whose answers a test writes by hand.
type bundle struct {
	app  *client.App
	mux  *http.ServeMux
	base string

	mu    sync.Mutex
	calls []call
	auth  map[string]string // by line
}

func setup(t *testing.T, adapt ...func(*client.Options)) *bundle {
	t.Helper()
	b := &bundle{mux: http.NewServeMux(), auth: map[string]string{}}
	server := httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(server.Close)
	b.base = server.URL
	opts := client.Options{
		AppID: 42, PrivateKey: appKey(), APIURL: server.URL + "/api/v3",
		Transport: &http.Transport{DisableKeepAlives: true},
		Log:       slog.New(slog.DiscardHandler),
	}
	for _, f := range adapt {
		f(&opts)
	}
	var err error
	if b.app, err = client.New(opts); err != nil {
		t.Fatal(err)
	}
	b.reply("GET /repos/acme/api/installation", `{"id": 7, "account": {"login": "acme"}}`)
	b.reply("POST /app/installations/7/access_tokens", tokenReply(rawToken, time.Hour))
	b.mux.HandleFunc("DELETE /installation/token", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})
	return b
}

func tokenReply(token string, life time.Duration) string {
	return fmt.Sprintf(`{"token": %q, "expires_at": %q, "repositories": [{"name": "api"}]}`,
		token, time.Now().Add(life).UTC().Format(time.RFC3339))
}

func (b *bundle) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	path, ok := strings.CutPrefix(r.URL.RequestURI(), "/api/v3")
	if !ok {
		http.Error(w, "not the API", http.StatusTeapot)
		return
	}
	line := r.Method + " " + path
	b.mu.Lock()
	b.calls = append(b.calls, call{line, strings.TrimSpace(string(body))})
	b.auth[line] = r.Header.Get("Authorization")
	b.mu.Unlock()
	http.StripPrefix("/api/v3", b.mux).ServeHTTP(w, r)
}

// reply answers a pattern with 200, or 201 for POST, and a body.
func (b *bundle) reply(pattern, body string) {
	b.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusCreated)
		}
		_, _ = io.WriteString(w, body)
	})
}

// fail answers a pattern with a status, a body and headers.
func (b *bundle) fail(pattern string, status int, body string, headers ...string) {
	b.mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// open returns a handle and forgets the calls that led to it.
func (b *bundle) open(t *testing.T) *client.Repo {
	t.Helper()
	r, err := b.app.Open(t.Context(), "acme", "api", client.ForTalk())
	if err != nil {
		t.Fatal(err)
	}
	b.take()
	return r
}

// take returns the calls since the last time.
func (b *bundle) take() []call {
	b.mu.Lock()
	defer b.mu.Unlock()
	calls := b.calls
	b.calls = nil
	return calls
}

func (b *bundle) lines() []string {
	var lines []string
	for _, c := range b.take() {
		lines = append(lines, c.Line)
	}
	return lines
}

func wantLines(t *testing.T, b *bundle, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, b.lines()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// sameJSON compares JSON texts by their meaning.
func sameJSON(t *testing.T, want, got string) {
	t.Helper()
	var w, g any
	if want != "" {
		if err := json.Unmarshal([]byte(want), &w); err != nil {
			t.Fatal(err)
		}
	}
	if got != "" {
		if err := json.Unmarshal([]byte(got), &g); err != nil {
			t.Fatalf("request body %q: %v", got, err)
		}
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("request body (-want +got):\n%s", diff)
	}
}

func TestNew_refuses(t *testing.T) {
	t.Parallel()
	for name, adapt := range map[string]func(*client.Options){
		"plain http": func(o *client.Options) { o.APIURL = "http://github.example.com/api/v3" },
		"password":   func(o *client.Options) { o.APIURL = "https://a:b@github.example.com/api/v3" },
		"query":      func(o *client.Options) { o.APIURL = "https://github.example.com/api/v3?x=1" },
		"no host":    func(o *client.Options) { o.APIURL = "api.github.com" },
		"no App":     func(o *client.Options) { o.AppID = 0 },
		"no key":     func(o *client.Options) { o.PrivateKey = []byte("hunter2") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := client.Options{AppID: 1, PrivateKey: appKey(), Log: slog.New(slog.DiscardHandler)}
			adapt(&opts)
			_, err := client.New(opts)
			if err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("New() = %v, want an error that quotes no key", err)
			}
		})
	}
}
