// Package githubtest is a forge of one's own: a stand-in for GitHub for tests
// and demonstrations. It serves the part of the REST API that Honk uses and
// real git repositories, sends signed webhooks, and has methods to do what
// people do there.
//
//	<url>/api/v3/...            the REST API
//	<url>/api/graphql           two mutations, also below /api/v3
//	<url>/git/owner/name.git    git
//	<url>/login/oauth/...       whom an App is told of, see OAuth
//
// It records what it was asked, and fails on request.
package githubtest

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"honk/integrations/github/githubtest/lookup"
	"honk/integrations/github/githubtest/oauth"
	"honk/integrations/github/githubtest/record"
	"honk/integrations/github/githubtest/rest"
	"honk/integrations/github/githubtest/world"
	"honk/internal/git/githttp"
)

// Permissions by name, each read or write.
type Permissions = record.Permissions

// Options configures a Forge.
type Options struct {
	// Dir is where the git repositories go. Required.
	Dir string
	// WebhookURL is where the App's webhooks go, WebhookSecret what they are
	// signed with. SetWebhookURL sets it later.
	WebhookURL, WebhookSecret string
	// Slug names the App; its bot is slug[bot]. The default is honk.
	Slug string
	// Permissions and Events are the App's; nil means all that Honk asks for.
	Permissions Permissions
	Events      []string
	// Repeat sends each webhook so many times at once, as GitHub may. The
	// default is 1.
	Repeat int
	// Limit is how many requests an hour are said to be allowed, 5000 by
	// default. It is only told, not held.
	Limit int
	// NowFunc tells the time, time.Now by default.
	NowFunc func() time.Time
}

// Forge is a forge. It is safe for concurrent use.
type Forge struct {
	opts   Options
	world  *world.World
	git    *githttp.Handler
	mux    *http.ServeMux
	key    *rsa.PrivateKey
	tokens rest.Tokens
	oauth  *oauth.Server
	lookup *lookup.Server
	hooks  *hooks
	server *http.Server

	mu       sync.Mutex
	requests []*Request
	fault    func(*http.Request) *Fault
	used     int
}

// New makes a forge without accounts or repositories.
func New(opts Options) (*Forge, error) {
	opts.Slug = cmp.Or(opts.Slug, "honk")
	opts.Repeat, opts.Limit = max(opts.Repeat, 1), cmp.Or(opts.Limit, 5000)
	if opts.NowFunc == nil {
		opts.NowFunc = time.Now
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("making the App's key: %w", err)
	}
	f := &Forge{opts: opts, key: key, mux: http.NewServeMux(), world: &world.World{NowFunc: opts.NowFunc}}
	f.git, err = githttp.New(githttp.Options{
		Root: opts.Dir, AuthFunc: f.authorize, CheckFunc: f.checkPush, PushedFunc: f.pushed, Lock: f.world,
	})
	if err != nil {
		return nil, err
	}
	f.hooks = newHooks(f)
	f.world.RepoFunc, f.world.EmitFunc, f.world.RedeliverFunc = f.git.Repo, f.hooks.emit, f.hooks.redeliver
	f.populate()
	f.mux.Handle("/git/", http.StripPrefix("/git", f.git))
	f.oauth = oauth.New(f.world)
	f.oauth.Mount(f.mux)
	f.lookup, err = lookup.New(f.world, &f.tokens, opts.Dir, rest.New(f.world, &key.PublicKey, &f.tokens))
	if err != nil {
		return nil, err
	}
	f.mux.Handle("/", f.lookup)
	return f, nil
}

// populate makes the two Apps.
func (f *Forge) populate() {
	w := f.world
	hub := w.AddUser("github", record.KindOrganization)
	app := func(slug string, p Permissions, events []string) *record.App {
		return &record.App{
			ID: w.ID(), Slug: slug, Name: slug, Owner: hub, Bot: w.AddUser(slug+"[bot]", record.KindBot),
			Permissions: p, Events: events, CreatedAt: w.Now(),
		}
	}
	permissions, events := f.opts.Permissions, f.opts.Events
	if permissions == nil {
		permissions = Permissions{
			"metadata": "read", "contents": "write", "issues": "write", "pull_requests": "write", "checks": "write",
			"statuses": "read", "actions": "write",
		}
	}
	if events == nil {
		events = []string{
			"issue_comment", "issues", "pull_request", "pull_request_review", "pull_request_review_comment", "check_run",
			"check_suite", "status", "push",
		}
	}
	w.App, w.CI = app(f.opts.Slug, permissions, events), app("github-actions", Permissions{"checks": "write"}, []string{})
}

// Start serves the forge on a free port of this machine until Close.
func (f *Forge) Start(ctx context.Context) error {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	f.SetURL("http://" + listener.Addr().String())
	f.server = &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = f.server.Serve(listener) }() // ends by Close
	return nil
}

// SetURL says where the forge is served, for those who do not Start it.
func (f *Forge) SetURL(url string) {
	f.world.Lock()
	defer f.world.Unlock()
	f.world.Site.URL = url
}

// Close stops serving and sending webhooks.
func (f *Forge) Close() error {
	f.hooks.close()
	if f.server == nil {
		return nil
	}
	if err := f.server.Close(); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("closing the forge: %w", err)
	}
	return nil
}

// URL is the forge's address; the REST API is below /api/v3.
func (f *Forge) URL() string {
	f.world.Lock()
	defer f.world.Unlock()
	return f.world.Site.URL
}

// APIURL is the address of the REST API, with a slash at its end.
func (f *Forge) APIURL() string { return f.URL() + "/api/v3/" }

// GitURL is the address git repositories are below, with a slash at its end.
func (f *Forge) GitURL() string { return f.URL() + "/git/" }

// OAuth is where people tell the App who they are.
func (f *Forge) OAuth() *oauth.Server { return f.oauth }

// Lookup is how repositories are found, and where they move.
func (f *Forge) Lookup() *lookup.Server { return f.lookup }

// AppID is the App's number.
func (f *Forge) AppID() int64 { return f.world.App.ID }

// BotLogin is the login of the App's bot.
func (f *Forge) BotLogin() string { return f.world.App.Bot.Login }

// PrivateKey is the App's key in PEM.
func (f *Forge) PrivateKey() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(f.key)})
}

// SetWebhookURL says where webhooks go from now on.
func (f *Forge) SetWebhookURL(url string) {
	f.hooks.mu.Lock()
	defer f.hooks.mu.Unlock()
	f.opts.WebhookURL = url
}
