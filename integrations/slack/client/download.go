package client

import (
	"context"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/slack-go/slack"

	"honk/internal/task"
)

// Download opens a file that somebody attached, of at most most bytes. The bot
// token goes to Slack only, whatever the address says.
func (c *Client) Download(ctx context.Context, address string, most int64) ([]byte, error) {
	what := act{"opening a file", "files:read"}
	u, err := url.Parse(address)
	if err != nil || address == "" || !c.mayOpen(u) {
		return nil, task.Errorf(task.CodeInvalid, "the file is not kept by Slack, so Honk does not open it")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, c.explain(err, what)
	}
	req.Header.Set("Authorization", "Bearer "+c.opts.BotToken.Reveal())
	files := *c.http
	files.CheckRedirect = c.redirects
	files.Transport = capped{next: c.next, most: most + 1}
	resp, err := files.Do(req)
	if err != nil {
		return nil, c.explain(err, what)
	}
	defer func() { _ = resp.Body.Close() }()
	switch code := resp.StatusCode; {
	case isLogin(resp, u), code == http.StatusUnauthorized, code == http.StatusForbidden:
		return nil, missing(slack.SlackErrorResponse{}, what)
	case code >= 300 && code < 400:
		return nil, task.Errorf(task.CodeForbidden, "the file is kept elsewhere than at Slack, so Honk does not open it")
	case code != http.StatusOK:
		return nil, c.explain(status(code, what), what)
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, c.explain(err, what)
	}
	if int64(len(raw)) > most {
		return nil, task.Errorf(task.CodeInvalid, "the file is larger than %d KiB", most>>10)
	}
	return raw, nil
}

// mayOpen reports whether the bot token may be sent to an address.
func (c *Client) mayOpen(u *url.URL) bool {
	if u.User != nil {
		return false
	}
	host := strings.ToLower(u.Host)
	return u.Scheme == "https" && (host == "slack.com" || strings.HasSuffix(host, ".slack.com")) || c.isAPI(u)
}

// isLogin reports whether an answer is the page to log in at, which Slack sends
// in the place of a file to whoever may not open it.
func isLogin(resp *http.Response, asked *url.URL) bool {
	if resp.Header.Get("Location") != "" && strings.Contains(resp.Header.Get("Location"), "redir=") {
		return true
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if kind != "text/html" || resp.StatusCode != http.StatusOK {
		return false
	}
	moved := resp.Request != nil && resp.Request.URL.String() != asked.String()
	ext := strings.ToLower(path.Ext(asked.Path))
	return moved || ext != ".html" && ext != ".htm"
}
