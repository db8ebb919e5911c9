// Package client is everything Honk asks of GitHub's API, in the house's own
// words: nothing of go-github gets out of it, and every error is a *task.Error
// that a person may read.
//
// Nothing here sleeps. A rate limit comes back at once as rate_limited with
// the time to wait, and callers are jobs that try again.
package client

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/go-github/v62/github"

	"honk/integrations/github/client/app"
)

// The words of package app which callers need.
type (
	// Options say which App talks to which GitHub.
	Options = app.Options
	// Self is who the App is.
	Self = app.Self
	// Token is an installation's token; it never prints itself.
	Token = app.Token
	// Permissions are what a token may do.
	Permissions = app.Permissions
	// DeliveryInfo says that GitHub tried to deliver a webhook.
	DeliveryInfo = app.DeliveryInfo
	// Delivery is one webhook as GitHub sent it.
	Delivery = app.Delivery
)

// ForCheckout is what cloning and fetching need.
func ForCheckout() Permissions { return app.ForCheckout() }

// ForPublish is what pushing one branch and opening its pull request need.
func ForPublish() Permissions { return app.ForPublish() }

// ForReview is what a pull request itself needs, whose branch is there.
func ForReview() Permissions { return app.ForReview() }

// ForMerge is what merging a pull request and deleting its branch need.
func ForMerge() Permissions { return app.ForMerge() }

// ForTalk is what a conversation needs.
func ForTalk() Permissions { return app.ForTalk() }

// Required is what an installation must have granted for all of the above.
func Required() Permissions { return app.Required() }

// App talks to GitHub as the App. It is safe for concurrent use.
type App struct {
	id  *app.App
	log *slog.Logger
}

// New returns the App that opts describe. It asks nothing of GitHub.
func New(opts Options) (*App, error) {
	id, err := app.New(opts)
	if err != nil {
		return nil, err
	}
	return &App{id: id, log: opts.Log}, nil
}

// Self returns who the App is. The answer is kept for good. BotID is 0 on a
// server that tells it to tokens only, see Repo.Self.
func (a *App) Self(ctx context.Context) (Self, error) { return a.id.Self(ctx) }

// Open returns a handle with a fresh token for exactly this repository and
// these permissions. The caller closes it.
func (a *App) Open(ctx context.Context, owner, name string, perms Permissions) (*Repo, error) {
	s, err := a.id.Open(ctx, owner, name, perms)
	if err != nil {
		return nil, err
	}
	return a.repo(s), nil
}

// Talk returns the shared handle for conversation in a repository. Callers do
// not close it, and ask again for every job rather than keep it, since its
// token ends within the hour.
func (a *App) Talk(ctx context.Context, owner, name string) (*Repo, error) {
	s, err := a.id.Talk(ctx, owner, name)
	if err != nil {
		return nil, err
	}
	return a.repo(s), nil
}

func (a *App) repo(s *app.Session) *Repo {
	return &Repo{at: s, gh: s.GitHub(), owner: s.Owner(), name: s.Name(), host: a.id.Host(), log: a.log}
}

// Revoke makes a token worthless that a killed process left behind. One that
// is so already is no error.
func (a *App) Revoke(ctx context.Context, raw string) error { return a.id.Revoke(ctx, raw) }

// Deliveries lists the App's webhook deliveries since a time, oldest first.
func (a *App) Deliveries(ctx context.Context, since time.Time) ([]DeliveryInfo, error) {
	return a.id.Deliveries(ctx, since)
}

// Delivery reads one delivery with its payload.
func (a *App) Delivery(ctx context.Context, id int64) (Delivery, error) {
	return a.id.Delivery(ctx, id)
}

// Close revokes the tokens of all shared handles. The App is usable after it.
func (a *App) Close(ctx context.Context) error { return a.id.Close(ctx) }

// Repo talks about one repository with a token that is good for nothing else.
// It is safe for concurrent use.
type Repo struct {
	at          *app.Session
	gh          *github.Client
	owner, name string
	host        string
	log         *slog.Logger
}

// Self returns who the App is, with the bot's number also on a server that
// tells it to tokens only: commits need it.
func (r *Repo) Self(ctx context.Context) (Self, error) { return r.at.Self(ctx) }

// Token returns the handle's token, for git.
func (r *Repo) Token() Token { return r.at.Token() }

// String returns owner/name.
func (r *Repo) String() string { return r.owner + "/" + r.name }

// Close revokes the token. It works after ctx has ended, may be called again,
// and does nothing to a handle from Talk.
func (r *Repo) Close(ctx context.Context) error { return r.at.Close(ctx) }
