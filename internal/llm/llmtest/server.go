package llmtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"honk/internal/llm"
)

// maxBody bounds a request to the Server.
const maxBody = 32 << 20

// Server answers chat completion requests from a script, over HTTP at any
// path that ends in /chat/completions. A request whose only tool is called
// ping is a client's probe: it is answered by that call and uses no step.
type Server struct {
	// Key, when set, is the bearer token that requests must carry.
	Key string

	model  *Model
	mu     sync.Mutex
	bodies [][]byte
}

// NewServer returns a Server that plays a script.
func NewServer(steps ...Step) *Server { return &Server{model: New(steps...)} }

// Requests returns deep copies of all requests so far, probes excepted.
func (s *Server) Requests() []llm.Request { return s.model.Requests() }

// Left returns how many steps of the script were never used.
func (s *Server) Left() int { return s.model.Left() }

// Bodies returns the bodies of all requests so far as they were received.
func (s *Server) Bodies() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([][]byte(nil), s.bodies...)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/chat/completions") {
		writeError(w, http.StatusNotFound, "not_found", "the scripted model only answers POST .../chat/completions")
		return
	}
	if s.Key != "" && r.Header.Get("Authorization") != "Bearer "+s.Key {
		writeError(w, http.StatusUnauthorized, "invalid_api_key", "incorrect API key provided")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		writeError(w, http.StatusBadRequest, "invalid_request_error", err.Error())
		return
	}
	s.mu.Lock()
	s.bodies = append(s.bodies, bytes.Clone(body))
	s.mu.Unlock()
	s.answer(w, r, body)
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, body []byte) {
	var wire wireRequest
	if err := json.Unmarshal(body, &wire); err != nil {
		writeError(w, http.StatusBadRequest, "invalid_request_error", err.Error())
		return
	}
	req := wire.request()
	if len(req.Tools) == 1 && req.Tools[0].Name == "ping" {
		step := Use("ping", nil)
		resp, _ := step.reply(r.Context(), req)
		writeJSON(w, http.StatusOK, newWireResponse(wire.Model, resp))
		return
	}
	step, err := s.model.take(req)
	if err != nil {
		writeError(w, http.StatusBadRequest, "script_exhausted", err.Error())
		return
	}
	if step.Fault != nil {
		step.Fault.serve(w, r)
		return
	}
	if err := CheckHistory(req.Messages); err != nil {
		writeError(w, http.StatusBadRequest, "invalid_request_error", err.Error())
		return
	}
	resp, err := step.reply(r.Context(), req)
	if err != nil {
		status := http.StatusInternalServerError
		if e, ok := errors.AsType[*llm.Error](err); ok && e.Status != 0 {
			status = e.Status
		}
		writeError(w, status, "server_error", err.Error())
		return
	}
	writeJSON(w, http.StatusOK, newWireResponse(wire.Model, resp))
}

func writeError(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, map[string]any{
		"error": map[string]any{"message": message, "type": code, "code": code},
	})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, fmt.Sprintf("writing reply: %v", err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}
