package openai

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"honk/internal/llm"
)

// sign is a text by which an error body, in lower case, gives away its class.
type sign struct {
	class llm.Class
	texts []string
}

// signs are looked for in this order, before the status counts.
func signs() []sign {
	return []sign{
		{llm.ClassContext, []string{
			"prompt is too long",
			"context length exceeded",
			"context_length_exceeded",
			"maximum context length",
			"please reduce the length of",
			"exceeds the available context size",
			"exceeds the maximum number of tokens allowed",
			"input length and `max_tokens` exceed context limit",
			"input exceeds the context window",
			"context window exceeds limit",
		}},
		{llm.ClassHistory, []string{
			"ids were found without `tool_result`",
			"must have a corresponding `tool_use` block",
			"must be followed by tool messages responding to each 'tool_call_id'",
			"must be a response to a prece",
			"failed to parse tool call arguments as json",
			"each tool_use must have a single result",
		}},
		{llm.ClassQuota, []string{
			"insufficient_quota",
			"insufficient credits",
			"insufficient balance",
			"credit balance is too low",
		}},
		{llm.ClassPolicy, []string{"content_policy", "content filtering", "content management policy"}},
		// llama.cpp answers 500 to what no repetition mends.
		{llm.ClassCaller, []string{"requires --jinja"}},
	}
}

// statusClass sorts by HTTP status alone.
func statusClass(status int) llm.Class {
	switch {
	case status == http.StatusTooManyRequests:
		return llm.ClassRateLimit
	case status == http.StatusPaymentRequired:
		return llm.ClassQuota
	case status == http.StatusRequestEntityTooLarge:
		return llm.ClassContext
	case status == http.StatusRequestTimeout, status == http.StatusConflict,
		status == http.StatusTooEarly, status >= 500:
		return llm.ClassTransient
	}
	return llm.ClassCaller
}

// refusal turns an exchange without an answer into an error, nil when there
// is an answer.
func (c *Client) refusal(x *exchange, err error) *llm.Error {
	switch {
	case x.status == 0 || x.status == http.StatusOK && err != nil && x.broken == "":
		return c.unanswered(x, err)
	case x.status == http.StatusOK && x.broken == "":
		return nil
	case x.status == http.StatusOK && bytes.HasPrefix(bytes.TrimSpace(x.body), []byte("<")):
		return &llm.Error{
			Class: llm.ClassCaller, Status: x.status, Err: err,
			Message: "the endpoint answered with a web page; does the base URL lack a path such as /v1?",
		}
	}
	e := &llm.Error{Status: x.status, Usage: x.usage, Err: c.clean(err)}
	e.Class, e.Message = classify(x.status, x.body)
	switch {
	case x.broken != "":
		e.Message = strings.TrimSuffix(x.broken+": "+e.Message, ": ")
		e.Lost = x.usage == llm.Usage{} && len(errorObject(x.body)) == 0
	case x.status == http.StatusRequestTimeout, x.status == http.StatusGatewayTimeout, x.status == 524:
		e.Lost = true
	case x.status/100 == 3:
		e.Message = "the endpoint redirects to " + x.header.Get("Location") + "; change the base URL"
	case x.status == http.StatusUnauthorized, x.status == http.StatusForbidden:
		e.Message += "; check the API key"
	case x.status == http.StatusNotFound:
		e.Message += "; check the base URL and the model's name"
	}
	if e.Class == llm.ClassRateLimit || e.Class == llm.ClassTransient {
		e.RetryAfter = retryAfter(x.header, x.body, time.Now())
	}
	if e.Message = c.scrub(e.Message); e.Message == "" {
		e.Message = strings.ToLower(http.StatusText(x.status))
	}
	return e
}

// classify sorts a refused request by body, then by status. An error with
// status 200 may carry the real status as its code.
func classify(status int, raw []byte) (llm.Class, string) {
	message := errorMessage(raw)
	// The message once more, because its quotes may be escaped in the body.
	lower := strings.ToLower(string(raw) + "\n" + message)
	for _, s := range signs() {
		for _, text := range s.texts {
			if strings.Contains(lower, text) {
				return s.class, message
			}
		}
	}
	if status == http.StatusOK {
		status = http.StatusBadGateway
		if code, err := strconv.Atoi(readScalar(errorObject(raw)["code"])); err == nil && code >= 400 && code < 600 {
			status = code
		}
	}
	return statusClass(status), message
}

// unanswered sorts what broke before or while the reply came.
func (c *Client) unanswered(x *exchange, err error) *llm.Error {
	e := &llm.Error{Class: llm.ClassTransient, Status: x.status, Err: c.clean(err), Lost: x.sent.Load()}
	var dns *net.DNSError
	var op *net.OpError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.Is(err, errTimeout):
		e.Message = "no complete reply within " + c.cfg.Timeout.String()
	case errors.Is(err, errTooLarge):
		e.Class, e.Message = llm.ClassCaller, errTooLarge.Error()
	case errors.As(err, &cert):
		e.Class, e.Message = llm.ClassCaller, "the endpoint's certificate is not trusted: "+cert.Error()
	case errors.As(err, &dns), errors.As(err, &op) && op.Op == "dial":
		e.Message = "cannot reach the endpoint: " + err.Error() + "; check the base URL"
	case x.sent.Load():
		e.Message = "the connection broke before the reply was complete: " + err.Error()
	default:
		e.Message = "sending the request: " + err.Error()
	}
	e.Message = c.scrub(e.Message)
	return e
}

// errorObject returns the error of a body: {"error": {...}}, a list of such,
// the error of the first choice, or an object without the wrapping.
func errorObject(raw []byte) object {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil && len(list) > 0 {
		raw = list[0]
	}
	var top struct {
		Error   json.RawMessage `json:"error"`
		Choices []choice        `json:"choices"`
	}
	_ = json.Unmarshal(raw, &top)
	if len(top.Error) == 0 && len(top.Choices) > 0 {
		top.Error = top.Choices[0].Error
	}
	if len(top.Error) == 0 {
		top.Error = raw
	}
	var e object
	if json.Unmarshal(top.Error, &e) == nil {
		return e
	}
	var s string
	if json.Unmarshal(top.Error, &s) == nil {
		return object{"message": quote(s)}
	}
	return nil
}

// errorMessage returns the part of an error body meant for people.
func errorMessage(raw []byte) string {
	e := errorObject(raw)
	for _, field := range []string{"message", "detail", "error"} {
		if s := readText(e[field]); s != "" {
			return s
		}
	}
	page := string(raw)
	if _, rest, ok := strings.Cut(page, "<title>"); ok {
		page, _, _ = strings.Cut(rest, "</title>")
	}
	return page
}

// readScalar reads a string or a number as text.
func readScalar(raw json.RawMessage) string {
	if s := readText(raw); s != "" {
		return s
	}
	return string(raw)
}
