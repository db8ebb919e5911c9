// Package oauth finds out which account on GitHub a person has: GitHub asks
// them in their browser, and tells the App by a code. What else the code is
// good for is given back at once.
package oauth

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"honk/internal/config"
	"honk/internal/task"
)

const (
	// identifyTime bounds all that is asked about one person, who waits.
	identifyTime = 20 * time.Second
	// revokeTime is for giving the token back, also after that.
	revokeTime = 5 * time.Second
)

// Options say which App asks at which GitHub.
type Options struct {
	// ClientID and ClientSecret are those of the GitHub App. Required.
	ClientID     string
	ClientSecret config.Secret
	// GitHubURL is where people go, https://github.com by default, and APIURL
	// where the REST API is, https://api.github.com by default. Plain http is
	// for this machine's loopback only.
	GitHubURL, APIURL string
	// HTTPClient carries the requests; nil is one of our own.
	HTTPClient *http.Client
	// Log hears of tokens that could not be given back. May be nil.
	Log *slog.Logger
}

// Client asks as the App. It is safe for concurrent use.
type Client struct {
	config oauth2.Config
	api    string // without a slash at its end
	http   *http.Client
	log    *slog.Logger
}

// New returns the Client that opts describe. It asks nothing of GitHub.
func New(opts Options) (*Client, error) {
	if opts.ClientID == "" || opts.ClientSecret == "" {
		return nil, task.Errorf(task.CodeInvalid,
			"the GitHub App's client ID or client secret is missing; set HONK_GITHUB_CLIENT_ID and HONK_GITHUB_CLIENT_SECRET")
	}
	web, err := address(cmp.Or(opts.GitHubURL, "https://github.com"))
	if err != nil {
		return nil, err
	}
	api, err := address(cmp.Or(opts.APIURL, "https://api.github.com"))
	if err != nil {
		return nil, err
	}
	carrier := http.Client{}
	if opts.HTTPClient != nil {
		carrier = *opts.HTTPClient
	}
	// A redirect would carry code, secret or token elsewhere.
	carrier.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c := &Client{api: api, http: &carrier, log: opts.Log, config: oauth2.Config{
		ClientID: opts.ClientID, ClientSecret: opts.ClientSecret.Reveal(),
		Endpoint: oauth2.Endpoint{
			AuthURL: web + "/login/oauth/authorize", TokenURL: web + "/login/oauth/access_token",
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// address returns a base URL without a slash at its end.
func address(raw string) (string, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		// It is not repeated: it may hold a password.
		return "", task.Errorf(task.CodeInvalid, "GitHub's address is no plain URL; use https://github.com or https://host")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
	default:
		return "", task.Errorf(task.CodeInvalid, "GitHub at %q must be reached by https", raw)
	}
	return strings.TrimRight(raw, "/"), nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// AuthorizeURL returns where GitHub asks a person who they are, and sends them
// back to redirect from. The state comes back with them; the verifier, of
// which the address holds only the hash, is Identify's.
func (c *Client) AuthorizeURL(redirect, state, verifier string) string {
	conf := c.config
	conf.RedirectURL = redirect
	return conf.AuthCodeURL(state,
		oauth2.S256ChallengeOption(verifier),
		oauth2.SetAuthURLParam("allow_signup", "false"),
		// Whoever has several accounts sees which one it is.
		oauth2.SetAuthURLParam("prompt", "select_account"))
}

// Identify returns whose account a code stands for. A code is good for once.
// Errors are *task.Errors that hold neither code nor token.
func (c *Client) Identify(ctx context.Context, redirect, code, verifier string) (login string, id int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, identifyTime)
	defer cancel()
	conf := c.config
	conf.RedirectURL = redirect
	token, err := conf.Exchange(context.WithValue(ctx, oauth2.HTTPClient, c.http), code, oauth2.VerifierOption(verifier))
	if err != nil {
		return "", 0, explainExchange(err)
	}
	defer c.giveBack(ctx, token.AccessToken)
	return c.user(ctx, token.AccessToken)
}
