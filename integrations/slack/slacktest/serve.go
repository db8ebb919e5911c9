package slacktest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"honk/integrations/slack/slacktest/webapi"
)

// Request is one call of the Web API, or a post to a response_url.
type Request struct {
	// Method is the API's, response_url or file.
	Method string
	// Args are the arguments as JSON, without the token.
	Args   map[string]json.RawMessage
	Status int
	Answer []byte
	At     time.Time
	// Fault says that the call met one.
	Fault bool
}

// Text returns an argument of a request as text.
func (r Request) Text(arg string) string { return webapi.Args(r.Args).Text(arg) }

// reply is an answer that is not yet sent.
type reply struct {
	status int
	kind   string
	body   []byte
}

// ServeHTTP serves all that Slack does.
func (s *Slack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch first, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); first {
	case "link":
		s.socket.ServeHTTP(w, r)
	case "files-pri":
		s.answer(w, r, "file", func(_ webapi.Args, token string) reply { return s.file(rest, token) })
	case "response":
		s.answer(w, r, "response_url", func(args webapi.Args, _ string) reply {
			if err := s.api.Respond(rest, args); err != nil {
				a := ended(nil, err)
				a.status = http.StatusNotFound
				return a
			}
			return reply{status: http.StatusOK, kind: "text/html", body: []byte("ok")}
		})
	case "api":
		s.answer(w, r, rest, func(args webapi.Args, token string) reply {
			s.scopes(w, token)
			return ended(s.api.Call(rest, token, args))
		})
	default:
		http.NotFound(w, r)
	}
}

// answer reads a request, lets it meet its fault, answers and records it.
func (s *Slack) answer(w http.ResponseWriter, r *http.Request, name string, do func(webapi.Args, string) reply) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4<<20))
	if err != nil {
		http.Error(w, "too much", http.StatusRequestEntityTooLarge)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	token, args, err := webapi.Read(r, body)
	fault := s.next(name)
	if fault != nil {
		wait(r.Context(), fault.Delay)
	}
	var out reply
	switch {
	case fault.before():
		status, answer := fault.answer(w.Header())
		out = ended(answer, nil)
		out.status = status
	case err != nil:
		out = ended(nil, &webapi.Error{Name: "invalid_json"})
	default:
		out = do(args, token)
	}
	s.mu.Lock()
	s.requests = append(s.requests, Request{
		Method: name, Args: args, Status: out.status, Answer: out.body, At: s.opts.NowFunc(), Fault: fault != nil,
	})
	s.mu.Unlock()
	if fault != nil && (fault.DropBefore || fault.DropAfter) && drop(w) {
		return
	}
	w.Header().Set("Content-Type", out.kind)
	w.WriteHeader(out.status)
	_, _ = w.Write(out.body) // the app has gone
}

// ended makes a reply of what the API says.
func ended(answer map[string]any, err error) reply {
	full := map[string]any{"ok": err == nil}
	maps.Copy(full, answer)
	if problem, ok := errors.AsType[*webapi.Error](err); ok {
		full["error"] = problem.Name
		maps.Copy(full, problem.Extra)
	}
	body, err := json.Marshal(full)
	if err != nil {
		return reply{status: http.StatusInternalServerError, kind: "text/plain", body: []byte(err.Error())}
	}
	return reply{status: http.StatusOK, kind: "application/json; charset=utf-8", body: body}
}

// scopes tells the scopes of the token, as Slack does in every answer.
func (s *Slack) scopes(w http.ResponseWriter, token string) {
	s.world.Lock()
	defer s.world.Unlock()
	switch token {
	case s.opts.BotToken:
		w.Header().Set("X-OAuth-Scopes", strings.Join(s.world.Scopes, ","))
	case s.opts.AppToken:
		w.Header().Set("X-OAuth-Scopes", "connections:write")
	}
}

// file answers a file's content, or the page on which people sign in.
func (s *Slack) file(path, token string) reply {
	id, _, _ := strings.Cut(path, "/")
	s.world.Lock()
	defer s.world.Unlock()
	f := s.world.Files[id]
	if f == nil || token != s.opts.BotToken || !s.world.Has("files:read") {
		return reply{status: http.StatusOK, kind: "text/html; charset=utf-8", body: []byte("<!DOCTYPE html><title>Sign in</title>")}
	}
	return reply{status: http.StatusOK, kind: f.Mimetype, body: []byte(f.Content)}
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

func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Requests returns all requests so far, in the order they were answered.
func (s *Slack) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// ForgetRequests empties the record of requests.
func (s *Slack) ForgetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

// Violations returns what the app has posted against Slack's rules, whether
// Slack refuses it or only warns.
func (s *Slack) Violations() []string {
	s.world.Lock()
	defer s.world.Unlock()
	return slices.Clone(s.world.Violations)
}
