package openai

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"

	"honk/internal/llm"
)

// maxReply bounds what is read of a reply.
const maxReply = 8 << 20

var errTooLarge = errors.New("the reply is larger than 8 MiB")

// exchange is one request and what came of it. go-openai hides most of it.
type exchange struct {
	req  llm.Request
	echo bool // the endpoint wants its reasoning back

	sent   atomic.Bool // the endpoint may have seen the whole request
	status int
	header http.Header
	body   []byte // as received
	usage  llm.Usage
	raw    []byte // what the first choice wants echoed
	broken string // why a reply with status 200 is none
}

type exchangeKey struct{}

func withExchange(ctx context.Context, x *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

// wire is go-openai's HTTP client: it rewrites the body on its way out, keeps
// status, headers and body of the reply, and hands on a mended one.
type wire struct {
	client *Client
	http   *http.Client
}

// Do implements openai.HTTPDoer.
func (w *wire) Do(req *http.Request) (*http.Response, error) {
	x, ok := req.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		return nil, errors.New("sending a request that is not from Complete")
	}
	typed, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, fmt.Errorf("reading go-openai's request: %w", err)
	}
	out, err := w.client.rewrite(typed, x.req)
	if err != nil {
		return nil, err
	}
	trace := &httptrace.ClientTrace{WroteRequest: func(info httptrace.WroteRequestInfo) {
		if info.Err == nil {
			x.sent.Store(true)
		}
	}}
	next, err := http.NewRequestWithContext(httptrace.WithClientTrace(req.Context(), trace),
		req.Method, req.URL.String(), bytes.NewReader(out))
	if err != nil {
		return nil, err
	}
	next.Header = req.Header.Clone()
	next.Header.Set("User-Agent", "honk")
	resp, err := w.http.Do(next)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	x.status, x.header = resp.StatusCode, resp.Header
	x.body, err = io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err != nil {
		return nil, fmt.Errorf("reading the reply: %w", err)
	}
	if len(x.body) > maxReply {
		return nil, errTooLarge
	}
	mended := x.body
	if resp.StatusCode == http.StatusOK {
		mended = x.mend()
	}
	resp.Body = io.NopCloser(bytes.NewReader(mended))
	return resp, nil
}
