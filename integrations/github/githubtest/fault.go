package githubtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"honk/internal/git/githttp"
)

// Fault is something that goes wrong with a request.
type Fault struct {
	// After lets the request have its effect first.
	After bool
	// Delay passes before anything happens.
	Delay time.Duration
	// Drop closes the connection without an answer.
	Drop bool
	// Status answers in place of the forge; 0 leaves the answer alone.
	Status  int
	Message string
	// RetryAfter is told in seconds. Limited says that the hour's requests
	// are used up for as long.
	RetryAfter time.Duration
	Limited    bool
}

// BadGateway is an answer of GitHub's front, before or after the effect.
func BadGateway(after bool) *Fault {
	return &Fault{After: after, Status: http.StatusBadGateway, Message: "Server Error"}
}

// SecondaryLimit is GitHub's answer to too many requests at once.
func SecondaryLimit(wait time.Duration) *Fault {
	return &Fault{
		Status: http.StatusForbidden, RetryAfter: wait,
		Message: "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
	}
}

// PrimaryLimit is GitHub's answer when the hour's requests are used up.
func PrimaryLimit(wait time.Duration) *Fault {
	return &Fault{
		Status: http.StatusForbidden, RetryAfter: wait, Limited: true, Message: "API rate limit exceeded for installation.",
	}
}

// Dropped is a connection that ends without an answer, before or after the
// effect.
func Dropped(after bool) *Fault { return &Fault{Drop: true, After: after} }

// Slow is an answer that takes its time.
func Slow(d time.Duration) *Fault { return &Fault{Delay: d} }

// Fault sets the function that decides what goes wrong with each request from
// now on, nil for nothing. It is asked from many goroutines.
func (f *Forge) Fault(decide func(*http.Request) *Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = decide
}

// Random returns a function for Fault by which a part of all requests, from 0
// to 1, meets one of the faults. The same seed decides alike in the same
// order of requests.
func Random(seed uint64, part float64, faults ...*Fault) func(*http.Request) *Fault {
	var mu sync.Mutex
	rnd := rand.New(rand.NewPCG(seed, seed))
	return func(*http.Request) *Fault {
		mu.Lock()
		defer mu.Unlock()
		if rnd.Float64() >= part {
			return nil
		}
		return faults[rnd.IntN(len(faults))]
	}
}

func (f *Forge) next(r *http.Request) *Fault {
	f.mu.Lock()
	decide := f.fault
	f.mu.Unlock()
	if decide == nil {
		return nil
	}
	return decide(r)
}

// passes reports whether the forge's own answer is given in the end.
func (f *Fault) passes() bool { return f.Status == 0 && !f.Drop }

func (f *Fault) wait(ctx context.Context) {
	if f == nil || f.Delay <= 0 {
		return
	}
	timer := time.NewTimer(f.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// spoil puts the fault's answer in place of the right one.
func (f *Fault) spoil(a *githttp.Answer, now time.Time) {
	if f.Status == 0 {
		if f.Drop {
			a.Status = http.StatusBadGateway
		}
		return
	}
	a.Status = f.Status
	a.Fields = http.Header{"Content-Type": {"application/json; charset=utf-8"}}
	if f.RetryAfter > 0 && !f.Limited {
		a.Fields.Set("Retry-After", strconv.Itoa(int(f.RetryAfter.Seconds())))
	}
	if f.Limited {
		a.Fields.Set("X-RateLimit-Limit", "5000")
		a.Fields.Set("X-RateLimit-Remaining", "0")
		a.Fields.Set("X-RateLimit-Reset", strconv.FormatInt(now.Add(f.RetryAfter).Unix(), 10))
	}
	a.Body.Reset()
	fmt.Fprintf(&a.Body, "{\"message\":%q,\"documentation_url\":\"https://docs.github.com/rest\"}\n", f.Message)
}
