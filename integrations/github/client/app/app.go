// Package app is Honk's identity at GitHub. The App itself, by a signed JWT,
// finds installations and reads webhook deliveries. A Session talks with a
// token for exactly one repository and named permissions, which is kept where
// a crash does not lose it and revoked at the end.
package app

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/google/go-github/v62/github"

	"honk/internal/task"
)

// requestTimeout is for one request with its body.
const requestTimeout = 30 * time.Second

// Options say which App talks to which GitHub.
type Options struct {
	// AppID is the App's number. Required.
	AppID int64
	// PrivateKey is the App's RSA key in PEM. Required.
	PrivateKey []byte
	// APIURL is https://api.github.com, which is the default, or
	// https://host/api/v3. Plain http is for this machine's loopback only.
	APIURL string
	// Transport carries the requests; nil is http.DefaultTransport.
	Transport http.RoundTripper
	// Log hears of what is degraded, never of a secret. Required.
	Log *slog.Logger
	// KeepFunc stores a token as soon as it is made, so that it can be
	// revoked even when this process is killed. May be nil.
	KeepFunc func(context.Context, Token) error
	// ForgetFunc removes a token which is no longer good for anything. May
	// be nil.
	ForgetFunc func(context.Context, Token) error
}

// App talks to GitHub as the App. It is safe for concurrent use.
type App struct {
	base   *url.URL // ends with a slash
	host   string   // where people go: github.com
	net    http.RoundTripper
	gh     *github.Client // signs as the App
	log    *slog.Logger
	keep   func(context.Context, Token) error
	forget func(context.Context, Token) error

	mu            sync.Mutex
	self          Self
	lanes         map[int64]*lane
	installations map[string]installation
	talks         map[string]*talk
	retired       []*Session
}

// New returns the App that opts describe. It asks nothing of GitHub.
func New(opts Options) (*App, error) {
	base, host, err := parseAPIURL(opts.APIURL)
	if err != nil {
		return nil, err
	}
	if opts.AppID <= 0 {
		return nil, task.Errorf(task.CodeInvalid, "the GitHub App's ID is missing; set HONK_GITHUB_APP_ID")
	}
	a := &App{
		base: base, host: host, log: opts.Log,
		net:  newWire(opts.Transport, base),
		keep: opts.KeepFunc, forget: opts.ForgetFunc,
		lanes:         map[int64]*lane{},
		installations: map[string]installation{},
		talks:         map[string]*talk{},
	}
	if a.keep == nil {
		a.keep = func(context.Context, Token) error { return nil }
	}
	if a.forget == nil {
		a.forget = func(context.Context, Token) error { return nil }
	}
	signer, err := ghinstallation.NewAppsTransport(a.lane(0), opts.AppID, opts.PrivateKey)
	if err != nil {
		// The parser's complaint is dropped: it may quote the key.
		return nil, task.Errorf(task.CodeInvalid,
			"the GitHub App's private key is not an RSA key in PEM; download it anew from the App's settings")
	}
	a.gh = a.client(signer)
	return a, nil
}

// parseAPIURL returns the address of the API, and the host where people look
// at repositories.
func parseAPIURL(raw string) (base *url.URL, host string, err error) {
	if raw == "" {
		raw = "https://api.github.com"
	}
	u, err := url.Parse(strings.TrimRight(raw, "/") + "/")
	switch {
	case err != nil, u.Host == "", u.User != nil, u.RawQuery != "", u.Fragment != "":
		return nil, "", task.Errorf(task.CodeInvalid,
			"%q is not the address of a GitHub API; use https://api.github.com or https://host/api/v3", raw)
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
	default:
		return nil, "", task.Errorf(task.CodeInvalid, "the GitHub API at %q must be reached by https", raw)
	}
	host = strings.ToLower(u.Host)
	if host == "api.github.com" {
		host = "github.com"
	}
	return u, host, nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// Host returns the host where people look at repositories.
func (a *App) Host() string { return a.host }

// client returns a client whose requests go through tr.
func (a *App) client(tr http.RoundTripper) *github.Client {
	gh := github.NewClient(&http.Client{
		Transport: tr, Timeout: requestTimeout, CheckRedirect: a.sameHost,
	})
	gh.UserAgent = "honk"
	gh.BaseURL = a.base
	return gh
}

// sameHost follows GitHub's redirects for renamed repositories only: every
// request is signed anew on its way, so a redirect elsewhere would carry the
// token there.
func (a *App) sameHost(req *http.Request, via []*http.Request) error {
	if len(via) > 3 || req.URL.Host != a.base.Host || req.URL.Scheme != a.base.Scheme {
		return http.ErrUseLastResponse
	}
	return nil
}

// lane returns the way to GitHub for an installation; 0 is the App itself.
// Limits are counted per installation, so those who share one share what is
// known of them.
func (a *App) lane(id int64) *lane {
	a.mu.Lock()
	defer a.mu.Unlock()
	l, ok := a.lanes[id]
	if !ok {
		l = newLane(a.net)
		a.lanes[id] = l
	}
	return l
}
