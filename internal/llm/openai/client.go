// Package openai asks a model over the OpenAI chat completions protocol, as
// OpenAI and those who imitate it speak it. It mends what go-openai and the
// endpoints get wrong by rewriting bodies on their way out and in.
package openai

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sashabaranov/go-openai"

	"honk/internal/llm"
)

// Config says which model is asked and how.
type Config struct {
	// BaseURL is the part before /chat/completions. Required.
	BaseURL string
	// APIKey is sent as bearer token; local endpoints need none.
	APIKey string
	// Model is the name the endpoint knows. Required.
	Model string
	// Capabilities of the endpoint; nil means Detect(BaseURL, Model).
	Capabilities *Capabilities
	// MaxTokens caps replies to requests without a cap, default 8,192.
	MaxTokens int
	// Temperature is sent where the model accepts one.
	Temperature float64
	// ReasoningEffort is sent as it stands unless empty.
	ReasoningEffort string
	// Timeout bounds one request, default 300 s.
	Timeout time.Duration
	// Log is required.
	Log *slog.Logger
}

var errTimeout = errors.New("the model did not answer in time")

// Client is an llm.Model behind a chat completions endpoint. Each call is one
// request: llm.Meter does the retries. It is safe for concurrent use.
type Client struct {
	cfg  Config
	caps Capabilities
	api  *openai.Client
	cut  atomic.Bool
}

// New returns a Client. It sends nothing.
func New(cfg Config) (*Client, error) {
	base := strings.TrimSuffix(strings.TrimRight(cfg.BaseURL, "/"), "/chat/completions")
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, errors.New("reading the model's base URL: it must look like https://host/v1")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("reading the model's base URL: user, query and fragment are not allowed in it")
	case cfg.Model == "":
		return nil, errors.New("reading the model's configuration: the model has no name")
	case strings.ContainsFunc(cfg.APIKey, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, errors.New("reading the model's API key: it contains spaces or characters that no key has")
	}
	cfg.BaseURL = base
	if cfg.MaxTokens <= 0 {
		cfg.MaxTokens = 8192
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 300 * time.Second
	}
	c := &Client{cfg: cfg, caps: Detect(base, cfg.Model)}
	if cfg.Capabilities != nil {
		c.caps = *cfg.Capabilities
	}
	conf := openai.DefaultConfig(cfg.APIKey)
	conf.BaseURL = base
	conf.HTTPClient = &wire{client: c, http: newHTTPClient()}
	c.api = openai.NewClientWithConfig(conf)
	return c, nil
}

// newHTTPClient returns a client that follows no redirect: a POST would lose
// its body, or carry it and the key to where nobody meant it to go.
func newHTTPClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			ForceAttemptHTTP2:   true,
			MaxIdleConnsPerHost: 8,
			IdleConnTimeout:     90 * time.Second,
			TLSHandshakeTimeout: 15 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Capabilities returns what the client assumes of its endpoint.
func (c *Client) Capabilities() Capabilities { return c.caps }

// Complete implements llm.Model.
func (c *Client) Complete(ctx context.Context, req llm.Request) (llm.Response, error) {
	if req.MaxTokens <= 0 {
		req.MaxTokens = c.cfg.MaxTokens
	}
	x := &exchange{req: req, echo: c.caps.EchoReasoning}
	tryCtx, cancel := context.WithTimeoutCause(withExchange(ctx, x), c.cfg.Timeout, errTimeout)
	defer cancel()
	start := time.Now()
	reply, err := c.api.CreateChatCompletion(tryCtx, typedRequest(req))
	if err != nil && ctx.Err() != nil {
		return llm.Response{}, fmt.Errorf("asking the model: %w", context.Cause(ctx))
	}
	if err != nil && errors.Is(context.Cause(tryCtx), errTimeout) {
		err = errTimeout
	}
	if e := c.refusal(x, err); e != nil {
		c.cfg.Log.DebugContext(ctx, "model refused", "status", e.Status, "class", e.Class, "took", time.Since(start))
		return llm.Response{}, e
	}
	resp, e := x.response(reply)
	c.cfg.Log.DebugContext(ctx, "model answered", "took", time.Since(start),
		"input_tokens", x.usage.InputTokens, "cached_tokens", x.usage.CachedTokens,
		"output_tokens", x.usage.OutputTokens, "finish", resp.Finish)
	c.warnIfCut(ctx, x.usage.InputTokens)
	if e != nil {
		return llm.Response{}, e
	}
	return resp, nil
}

// warnIfCut tells the operator once when the size of the prompt looks like a
// context window that the prompt did not fit into.
func (c *Client) warnIfCut(ctx context.Context, tokens int) {
	if c.caps.CutsPrompts && tokens >= 2048 && tokens&(tokens-1) == 0 && c.cut.CompareAndSwap(false, true) {
		c.cfg.Log.WarnContext(ctx, "endpoint may cut prompts", "input_tokens", tokens,
			"remedy", "set OLLAMA_CONTEXT_LENGTH to the model's context window")
	}
}
