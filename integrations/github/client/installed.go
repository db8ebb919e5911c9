package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/go-github/v62/github"

	"honk/integrations/github/client/app"
	"honk/internal/task"
)

// Installed is an account that has the App installed.
type Installed = app.Installed

// Installations lists where the App is installed.
func (a *App) Installations(ctx context.Context) ([]Installed, error) { return a.id.Installations(ctx) }

// Repositories lists where the App is installed, repository by repository.
func (a *App) Repositories(ctx context.Context) ([]task.Listing, error) {
	return a.id.Repositories(ctx)
}

// Account asks for all repositories of an installation with a token that can
// read what GitHub tells of them and nothing in them.
type Account struct{ at *app.Session }

// OpenAll returns the handle of an installation. The caller closes it.
func (a *App) OpenAll(ctx context.Context, i Installed) (*Account, error) {
	s, err := a.id.OpenAll(ctx, i)
	return &Account{at: s}, err
}

// Close revokes the token, as Repo.Close does.
func (c *Account) Close(ctx context.Context) error { return c.at.Close(ctx) }

// Found is one page of what a search found.
type Found struct {
	// Total is how many there are in all.
	Total int
	// Incomplete: GitHub gave up before it had looked everywhere.
	Incomplete   bool
	Repositories []task.Listing
}

// Search searches repositories and returns the page of that number, which has
// up to size of them. GitHub shows the first thousand only.
func (c *Account) Search(ctx context.Context, query string, page, size int) (Found, error) {
	got, _, err := c.at.GitHub().Search.Repositories(ctx, query, &github.SearchOptions{
		ListOptions: github.ListOptions{Page: page, PerPage: size},
	})
	if err != nil {
		return Found{}, c.at.Explain(err, fmt.Sprintf("searching repositories by %q", query), "metadata: read")
	}
	out := Found{Total: got.GetTotal(), Incomplete: got.GetIncompleteResults()}
	for _, r := range got.Repositories {
		out.Repositories = append(out.Repositories, app.ListingOf(r))
	}
	return out, nil
}

// Listed reads what GitHub tells of the repository. Its name is the one it
// has now, which may be another than it was asked for by.
func (r *Repo) Listed(ctx context.Context) (task.Listing, error) {
	return read(ctx, r.at, r.owner, r.name)
}

func read(ctx context.Context, at *app.Session, owner, name string) (task.Listing, error) {
	got, _, err := at.GitHub().Repositories.Get(ctx, owner, name)
	if err != nil {
		return task.Listing{}, at.Explain(err, "reading the repository "+owner+"/"+name, "metadata: read")
	}
	return app.ListingOf(got), nil
}

// Moved reads a repository by a name that it had once, which takes a token
// that knows more than one.
func (a *App) Moved(ctx context.Context, owner, name string) (l task.Listing, err error) {
	i, err := a.id.Covering(ctx, owner, name)
	if err != nil {
		return task.Listing{}, err
	}
	s, err := a.id.OpenAll(ctx, i)
	if err != nil {
		return task.Listing{}, err
	}
	defer func() { err = errors.Join(err, s.Close(ctx)) }()
	return read(ctx, s, owner, name)
}

// Host returns the host where people look at repositories.
func (a *App) Host() string { return a.id.Host() }
