package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// Post sends by signed requests.
type Post struct {
	Secret  string
	NowFunc func() time.Time
	client  *http.Client

	mu  sync.Mutex
	url string
}

// NewPost makes a Post to below an app's address, which waits so long for an
// answer.
func NewPost(secret, url string, timeout time.Duration, now func() time.Time) *Post {
	return &Post{Secret: secret, NowFunc: now, url: url, client: &http.Client{
		Timeout: timeout, Transport: &http.Transport{MaxIdleConnsPerHost: 4},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// SetURL says where the app is from now on.
func (p *Post) SetURL(url string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.url = url
}

// Close ends idle connections.
func (p *Post) Close() { p.client.CloseIdleConnections() }

// Send implements Sender.
func (p *Post) Send(ctx context.Context, d *Delivery) {
	path, body, form := Encode(d)
	h := Sign(p.Secret, p.NowFunc(), body)
	h.Set("Content-Type", "application/json")
	if form {
		h.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	h.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	if d.Attempt > 0 {
		h.Set("X-Slack-Retry-Num", strconv.Itoa(d.Attempt))
		h.Set("X-Slack-Retry-Reason", d.Reason)
	}
	resp, answer, err := p.Raw(ctx, path, h, body) //nolint:bodyclose // Raw has read and closed it
	if err != nil {
		d.Err = err.Error()
		var late interface{ Timeout() bool }
		d.late = errors.As(err, &late) && late.Timeout()
		return
	}
	d.Status, d.Answer = resp.StatusCode, answer
	d.stop = resp.Header.Get("X-Slack-No-Retry") == "1"
}

// Encode returns the path and body of a delivery's request.
func Encode(d *Delivery) (path string, body []byte, form bool) {
	switch d.Kind {
	case Interactive:
		return "/webhooks/slack/interactions", []byte("payload=" + url.QueryEscape(string(d.Payload))), true
	case Command:
		var fields map[string]string
		_ = json.Unmarshal(d.Payload, &fields) // a command is made of strings
		values := url.Values{}
		for key, value := range fields {
			values.Set(key, value)
		}
		return "/webhooks/slack/commands", []byte(values.Encode()), true
	case Events:
	}
	return "/webhooks/slack/events", d.Payload, false
}

// Raw posts any request, signed or not. The answer's body is read.
func (p *Post) Raw(ctx context.Context, path string, h http.Header, body []byte) (*http.Response, []byte, error) {
	p.mu.Lock()
	target := p.url + path
	p.mu.Unlock()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, nil, fmt.Errorf("sending to %q: %w", path, err)
	}
	req.Header = h.Clone()
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, nil, fmt.Errorf("sending to %q: %w", path, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the answer of %q: %w", path, err)
	}
	return resp, answer, nil
}

// reason is why Slack tries again.
func (d *Delivery) reason() string {
	switch {
	case d.Status != 0:
		return "http_error"
	case d.late:
		return "http_timeout"
	default:
		return "connection_failed"
	}
}
