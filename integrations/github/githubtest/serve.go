package githubtest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"honk/internal/git/githttp"
)

// Request is one request the forge was sent, without its secret.
type Request struct {
	Method, Path, Query string
	// Body and Answer are those of REST requests.
	Body, Answer []byte
	Status       int
	// As is who asked: app, "token 3" for the third of Tokens, or empty.
	As string
	At time.Time
	// Fault says that the request met one.
	Fault bool
}

// ServeHTTP serves the REST API and git.
func (f *Forge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest := !strings.HasPrefix(r.URL.Path, "/git/")
	seen := &Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, At: f.opts.NowFunc(), As: f.who(r)}
	if rest {
		var err error
		if seen.Body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, 8<<20)); err != nil {
			http.Error(w, "too much", http.StatusRequestEntityTooLarge)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(seen.Body))
	}
	fault := f.next(r)
	fault.wait(r.Context())
	ans := &githttp.Answer{}
	if fault == nil || fault.After || fault.passes() {
		// What has begun is ended, though the client may have hung up.
		f.mux.ServeHTTP(ans, r.WithContext(context.WithoutCancel(r.Context())))
		f.count(ans.Header())
	}
	if fault != nil {
		seen.Fault = true
		fault.spoil(ans, f.opts.NowFunc())
	}
	seen.Status = ans.Status
	if rest {
		seen.Answer = bytes.Clone(ans.Body.Bytes())
	}
	f.mu.Lock()
	f.requests = append(f.requests, seen)
	f.mu.Unlock()
	if fault != nil && fault.Drop && drop(w) {
		return
	}
	maps.Copy(w.Header(), ans.Header())
	w.WriteHeader(ans.Status)
	_, _ = w.Write(ans.Body.Bytes()) // the client has gone
}

// drop closes the connection without an answer.
func drop(w http.ResponseWriter) bool {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return false
	}
	_ = conn.Close() // it is lost either way
	return true
}

// who finds out who asks.
func (f *Forge) who(r *http.Request) string {
	_, secret, ok := r.BasicAuth()
	if !ok {
		_, secret, _ = strings.Cut(r.Header.Get("Authorization"), " ")
	}
	if strings.HasPrefix(secret, "ey") {
		return "app"
	}
	f.world.Lock()
	defer f.world.Unlock()
	for n, token := range f.tokens.All {
		if token.Value == secret {
			return "token " + strconv.Itoa(n+1)
		}
	}
	return ""
}

// count puts the hour's account into an answer.
func (f *Forge) count(h http.Header) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.used++
	h.Set("X-RateLimit-Limit", strconv.Itoa(f.opts.Limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(f.opts.Limit-f.used, 0)))
	h.Set("X-RateLimit-Used", strconv.Itoa(f.used))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(f.opts.NowFunc().Add(time.Hour).Unix(), 10))
	h.Set("X-RateLimit-Resource", "core")
	h.Set("X-GitHub-Request-Id", guid())
}

// Requests returns all requests so far, in the order they were answered.
func (f *Forge) Requests() []Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]Request, 0, len(f.requests))
	for _, r := range f.requests {
		out = append(out, *r)
	}
	return out
}

// ForgetRequests empties the record of requests.
func (f *Forge) ForgetRequests() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = nil
}

// Evidence writes the REST requests and the webhooks down, one JSON object on
// a line, as tools/npm/check-github.mjs reads them.
func (f *Forge) Evidence() []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	for _, r := range f.Requests() {
		if !strings.HasPrefix(r.Path, "/api/v3/") || r.Fault {
			continue
		}
		_ = enc.Encode(map[string]any{ // strings and numbers only
			"kind": "request", "method": r.Method, "path": strings.TrimPrefix(r.Path, "/api/v3"), "query": r.Query,
			"body": string(r.Body), "status": r.Status, "answer": string(r.Answer),
		})
	}
	for _, d := range f.Deliveries() {
		_ = enc.Encode(map[string]any{
			"kind": "webhook", "event": d.Event, "action": d.Action, "payload": json.RawMessage(d.Payload),
		})
	}
	return out.Bytes()
}
