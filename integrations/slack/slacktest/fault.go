package slacktest

import (
	"net/http"
	"strconv"
	"time"
)

// Fault is something that goes wrong with calls.
type Fault struct {
	// Times is how many calls it meets, 1 by default.
	Times int
	// Error is Slack's name for it, such as internal_error.
	Error string
	// Status is the HTTP status, such as 503; 0 is 200.
	Status int
	// RetryAfter makes it a rate limit: 429 and ratelimited.
	RetryAfter time.Duration
	// DropBefore closes the connection before anything has happened, DropAfter
	// after the call had its effect.
	DropBefore, DropAfter bool
	// Delay passes before anything happens.
	Delay time.Duration
}

type planned struct {
	Fault
	method string
}

// Fail makes the next calls of a method fail; * is any, response_url and file
// are what is not the Web API. Faults of a method come one after the other.
func (s *Slack) Fail(method string, f Fault) {
	f.Times = max(f.Times, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &planned{Fault: f, method: method})
}

// next takes the fault that a call meets.
func (s *Slack) next(method string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.faults {
		if p.Times > 0 && (p.method == method || p.method == "*") {
			p.Times--
			f := p.Fault
			return &f
		}
	}
	return nil
}

// before reports whether the fault leaves the call without effect.
func (f *Fault) before() bool {
	return f != nil && (f.DropBefore || !f.DropAfter && (f.Error != "" || f.Status != 0 || f.RetryAfter > 0))
}

// answer is what the fault answers in place of Slack.
func (f *Fault) answer(h http.Header) (status int, body map[string]any) {
	status, name := f.Status, f.Error
	if f.RetryAfter > 0 {
		status = http.StatusTooManyRequests
		h.Set("Retry-After", strconv.Itoa(int((f.RetryAfter+time.Second-1)/time.Second)))
		if name == "" {
			name = "ratelimited"
		}
	}
	if status == 0 {
		status = http.StatusOK
	}
	if name == "" {
		name = "internal_error"
	}
	return status, map[string]any{"ok": false, "error": name}
}
