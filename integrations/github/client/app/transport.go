package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/gofri/go-github-ratelimit/v2/github_ratelimit"
	"github.com/gofri/go-github-ratelimit/v2/github_ratelimit/github_secondary_ratelimit"
)

const (
	// maxResponse bounds what an answer may weigh: a webhook's payload has
	// up to 25 MB and comes back in a delivery.
	maxResponse = 32 << 20
	// defaultWait is what GitHub asks for when it names no time.
	defaultWait = time.Minute
)

// wire sends requests to the API's host and nowhere else, repeats a GET once
// when the connection or a proxy dropped it, and bounds what comes back.
type wire struct {
	next http.RoundTripper
	base *url.URL
}

func newWire(next http.RoundTripper, base *url.URL) *wire {
	if next == nil {
		next = http.DefaultTransport
	}
	return &wire{next: next, base: base}
}

// RoundTrip sends req.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host != w.base.Host || req.URL.Scheme != w.base.Scheme {
		return nil, fmt.Errorf("%q is not the API's host", req.URL.Host)
	}
	resp, err := w.next.RoundTrip(req)
	if req.Method == http.MethodGet && dropped(resp, err) && req.Context().Err() == nil {
		if resp != nil {
			_ = resp.Body.Close()
		}
		resp, err = w.next.RoundTrip(req)
	}
	if err != nil {
		return nil, err
	}
	resp.Body = &capped{ReadCloser: resp.Body, left: maxResponse}
	wait(resp)
	return resp, nil
}

func dropped(resp *http.Response, err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		err == nil && resp.StatusCode == http.StatusBadGateway
}

// wait gives a limit without a future end the wait GitHub documents. The
// limiter would otherwise try again at once, for as long as our clock is
// ahead of GitHub's.
func wait(resp *http.Response) {
	if resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusTooManyRequests {
		return
	}
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
		return
	}
	reset, _ := strconv.ParseInt(resp.Header.Get("X-RateLimit-Reset"), 10, 64)
	if time.Until(time.Unix(reset, 0)) < time.Second {
		resp.Header.Set("Retry-After", strconv.Itoa(int(defaultWait/time.Second)))
	}
}

// errTooLarge ends an answer beyond maxResponse.
var errTooLarge = errors.New("the answer is larger than 32 MB")

type capped struct {
	io.ReadCloser
	left int64
}

// Read reads up to the cap.
func (c *capped) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooLarge
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.ReadCloser.Read(p)
	c.left -= int64(n)
	return n, err
}

// pausedError says that GitHub asked us to wait and we still do.
type pausedError struct{ until time.Time }

func (e *pausedError) Error() string {
	return "waiting for GitHub's secondary rate limit until " + e.until.Format(time.RFC3339)
}

// lane is one installation's way to GitHub. Once a limit is met it refuses at
// once until the limit ends; it never sleeps.
type lane struct {
	next http.RoundTripper

	mu    sync.Mutex
	until time.Time
}

func newLane(next http.RoundTripper) *lane {
	l := &lane{}
	// WithNoSleep of this version forgets to apply itself; a limit of zero
	// for one sleep is what it means.
	l.next = github_ratelimit.New(next, github_secondary_ratelimit.WithSingleSleepLimit(0,
		func(c *github_secondary_ratelimit.CallbackContext) {
			l.mu.Lock()
			defer l.mu.Unlock()
			if c.ResetTime != nil && c.ResetTime.After(l.until) {
				l.until = *c.ResetTime
			}
		}))
	return l
}

// RoundTrip sends req unless a limit is in force.
func (l *lane) RoundTrip(req *http.Request) (*http.Response, error) {
	l.mu.Lock()
	until := l.until
	l.mu.Unlock()
	if time.Now().Before(until) {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, &pausedError{until}
	}
	return l.next.RoundTrip(req)
}

// bearer adds a token to requests.
type bearer struct {
	next  http.RoundTripper
	token Token
}

// RoundTrip sends a copy of req that carries the token.
func (b bearer) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+b.token.Reveal())
	return b.next.RoundTrip(req)
}

// oneLine makes a foreign text fit for a message: one line of at most max
// bytes without control characters.
func oneLine(text string, max int) string {
	clean := bytes.ToValidUTF8([]byte(text), nil)
	clean = bytes.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, clean)
	clean = bytes.Join(bytes.Fields(clean), []byte(" "))
	if len(clean) > max {
		clean = append(bytes.ToValidUTF8(clean[:max], nil), "..."...)
	}
	return string(clean)
}
