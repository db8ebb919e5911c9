package app

import (
	"context"
	"errors"

	"github.com/google/go-github/v62/github"

	"honk/internal/task"
)

// maxListed is how many repositories of one installation are looked at.
const maxListed = 10_000

// Repositories lists all repositories in which the App is installed and not
// suspended. It reads them with a token that can do nothing else.
func (a *App) Repositories(ctx context.Context) (all []task.Listing, err error) {
	installed, err := a.Installations(ctx)
	if err != nil {
		return nil, err
	}
	for _, i := range installed {
		if i.Suspended {
			continue
		}
		some, err := a.repositoriesOf(ctx, i)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

func (a *App) repositoriesOf(ctx context.Context, i Installed) (some []task.Listing, err error) {
	at, err := a.OpenAll(ctx, i)
	if err != nil {
		return nil, err
	}
	defer func() {
		err = errors.Join(err, at.Close(ctx))
	}()
	opts := &github.ListOptions{PerPage: 100}
	for {
		page, resp, err := at.gh.Apps.ListRepos(ctx, opts)
		if err != nil {
			return nil, at.Explain(err, "listing the repositories", "metadata: read")
		}
		for _, r := range page.Repositories {
			some = append(some, ListingOf(r))
		}
		if resp.NextPage == 0 || len(some) >= maxListed {
			return some, nil
		}
		opts.Page = resp.NextPage
	}
}

// ListingOf is a repository as GitHub tells of it, without its host and where it
// is cloned from: those are configured.
func ListingOf(r *github.Repository) task.Listing {
	return task.Listing{
		Repo:        task.Repo{Owner: r.GetOwner().GetLogin(), Name: r.GetName()},
		Description: r.GetDescription(), Language: r.GetLanguage(), Topics: r.Topics, DefaultBranch: r.GetDefaultBranch(),
		Private: r.GetPrivate(), Archived: r.GetArchived(), Fork: r.GetFork(), Size: r.GetSize(),
		PushedAt: r.GetPushedAt().Time,
	}
}

// OpenAll returns a handle for all repositories of an installation, which can
// read what GitHub tells of them and nothing in them. The caller closes it.
func (a *App) OpenAll(ctx context.Context, i Installed) (*Session, error) {
	token, err := a.mint(ctx, installation{id: i.ID}, "the installation of "+i.Account, nil, Permissions{"metadata": "read"})
	if err != nil {
		return nil, err
	}
	s := &Session{app: a, owner: i.Account, token: token}
	s.gh = a.client(bearer{a.lane(i.ID), token})
	return s, nil
}

// Covering returns the installation that a repository belongs to, also under
// a name that it had once.
func (a *App) Covering(ctx context.Context, owner, name string) (Installed, error) {
	key, err := nameRepo(owner, name)
	if err != nil {
		return Installed{}, err
	}
	a.lose(key) // it may have moved to another one
	i, err := a.find(ctx, owner, name)
	return Installed{ID: i.id, Account: owner}, err
}
