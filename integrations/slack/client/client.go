// Package client is everything Honk asks of Slack, in the house's own words:
// every error is a *task.Error that a person may read, and none of them holds
// a token.
//
// Nothing here sleeps. A rate limit comes back at once as rate_limited with
// the time to wait, and callers are jobs that try again. Whatever is asked for
// twice leaves things as if it had been asked for once, posting apart.
package client

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"honk/internal/config"
	"honk/internal/task"
)

const (
	// patience bounds one request.
	patience = 30 * time.Second
	// maxAnswer is the most that is read of an answer of the Web API.
	maxAnswer = 16 << 20
)

// Options say which app talks to which Slack. BotToken, APIURL and Log are
// required, AppToken for Listen.
type Options struct {
	BotToken config.Secret
	AppToken config.Secret
	// APIURL is the base URL of the Web API, https://slack.com/api.
	APIURL string
	// HTTPClient sends the requests; its time limit and redirects are ours. Nil
	// is a new one.
	HTTPClient *http.Client
	Log        *slog.Logger
}

// Client talks to Slack as the app's bot. It is safe for concurrent use.
type Client struct {
	opts Options
	api  *slack.Client
	host *url.URL
	http *http.Client // of the Web API: follows no redirect
	next http.RoundTripper
	// tokens are what no error may hold.
	tokens []string

	mu    sync.Mutex
	self  *Self
	users map[string]known
}

// New returns the client that opts describe. It asks nothing of Slack.
func New(opts Options) (*Client, error) {
	host, err := url.Parse(opts.APIURL)
	if err != nil || host.Host == "" {
		return nil, task.Errorf(task.CodeInvalid, "HONK_SLACK_API_URL is no address; it is https://slack.com/api unless Slack is replaced")
	}
	if opts.BotToken == "" {
		return nil, task.Errorf(task.CodeInvalid, "HONK_SLACK_BOT_TOKEN is not set; it is on the app's page, OAuth & Permissions")
	}
	c := &Client{opts: opts, host: host, users: map[string]known{}}
	for _, s := range []config.Secret{opts.BotToken, opts.AppToken} {
		if s != "" {
			c.tokens = append(c.tokens, s.Reveal())
		}
	}
	plain := http.Client{}
	if opts.HTTPClient != nil {
		plain = *opts.HTTPClient
	}
	plain.Timeout = patience
	plain.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if c.next = plain.Transport; c.next == nil {
		c.next = http.DefaultTransport
	}
	plain.Transport = capped{next: c.next, most: maxAnswer}
	c.http = &plain
	c.api = slack.New(opts.BotToken.Reveal(),
		slack.OptionAppLevelToken(opts.AppToken.Reveal()),
		slack.OptionAPIURL(strings.TrimRight(opts.APIURL, "/")+"/"),
		slack.OptionHTTPClient(c.http),
		slack.OptionLog(silent{}))
	return c, nil
}

// silent is a log of slack-go's, whose words are not ours.
type silent struct{}

// Output drops a line.
func (silent) Output(int, string) error { return nil }

// capped is a transport whose answers end after most bytes.
type capped struct {
	next http.RoundTripper
	most int64
}

// RoundTrip sends a request.
func (c capped) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, c.most), resp.Body}
	return resp, nil
}

// Self is who the app is in its workspace.
type Self struct {
	TeamID string
	Team   string
	// EnterpriseID is set where the workspace belongs to an organisation.
	EnterpriseID string
	// UserID is the bot as a user, BotID as a bot.
	UserID string
	BotID  string
	// AppID is empty where Slack does not tell it.
	AppID string
	// URL is the workspace's.
	URL string
	// Scopes are what the bot token is good for.
	Scopes []string
}

// Self returns who the app is. The answer is kept for good.
func (c *Client) Self(ctx context.Context) (Self, error) {
	c.mu.Lock()
	self := c.self
	c.mu.Unlock()
	if self != nil {
		return *self, nil
	}
	what := act{doing: "asking who the app is"}
	resp, err := c.api.AuthTestContext(ctx)
	if err != nil {
		return Self{}, c.explain(err, what)
	}
	s := Self{
		TeamID: resp.TeamID, Team: resp.Team, EnterpriseID: resp.EnterpriseID,
		UserID: resp.UserID, BotID: resp.BotID, URL: resp.URL,
	}
	for scope := range strings.SplitSeq(resp.Header.Get("X-Oauth-Scopes"), ",") {
		if scope = strings.TrimSpace(scope); scope != "" {
			s.Scopes = append(s.Scopes, scope)
		}
	}
	if s.BotID == "" {
		return Self{}, task.Errorf(task.CodeForbidden, "HONK_SLACK_BOT_TOKEN is the token of a person, not of a bot; "+
			"take the Bot User OAuth Token from the app's page, OAuth & Permissions")
	}
	bot, err := c.api.GetBotInfoContext(ctx, slack.GetBotInfoParameters{Bot: s.BotID, TeamID: s.TeamID})
	switch err := c.explain(err, act{"asking which app the bot is of", "users:read"}); task.CodeOf(err) {
	case "":
		s.AppID = bot.AppID
	case task.CodeUnavailable, task.CodeRateLimited, task.CodeCancelled:
		return Self{}, err
	default:
		c.opts.Log.WarnContext(ctx, "app not known", "error", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.self = &s
	return s, nil
}

// String names the client without its tokens.
func (c *Client) String() string { return fmt.Sprintf("Slack at %s", c.host.Host) }
