package llmtest

import (
	"net/http"
	"time"
)

// Fault is a misbehaviour of the Server in place of an answer. A Fault with
// only a Delay answers nothing and is meant to run into the client's timeout.
type Fault struct {
	// Delay is how long the server waits first.
	Delay time.Duration
	// Drop closes the connection without an answer.
	Drop bool
	// Status, Header and Body are the answer; Status 0 means 500.
	Status int
	Header map[string]string
	Body   string
}

func (f *Fault) serve(w http.ResponseWriter, r *http.Request) {
	if f.Delay > 0 {
		select {
		case <-r.Context().Done():
			return
		case <-time.After(f.Delay):
		}
	}
	if f.Drop {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
		return
	}
	for k, v := range f.Header {
		w.Header().Set(k, v)
	}
	status := f.Status
	if status == 0 {
		status = http.StatusInternalServerError
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(f.Body))
}
