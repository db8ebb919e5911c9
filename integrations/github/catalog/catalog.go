// Package catalog is GitHub for those who come from elsewhere: which
// repositories Honk works in, what an account may do there, and what a link
// shows.
package catalog

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"honk/integrations/github/client"
	"honk/integrations/github/forge"
	"honk/integrations/github/markdown"
	"honk/internal/task"
)

// fresh is how long a list of repositories is good for.
const fresh = 2 * time.Minute

// Catalog asks GitHub. It is safe for concurrent use.
type Catalog struct {
	app    *client.App
	gitURL string

	mu     sync.Mutex // held while the list is read
	list   []task.Listing
	listed time.Time
}

// New returns a Catalog; gitURL is the base URL that repositories are cloned
// from.
func New(app *client.App, gitURL string) *Catalog {
	return &Catalog{app: app, gitURL: gitURL}
}

// Repos returns the repositories that Honk works in, those last pushed to
// first. The list may be two minutes old.
func (c *Catalog) Repos(ctx context.Context) ([]task.Listing, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.list != nil && time.Since(c.listed) < fresh {
		return c.list, nil
	}
	all, err := c.app.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]task.Listing, 0, len(all))
	for _, r := range all {
		list = append(list, c.Listing(r))
	}
	slices.SortStableFunc(list, func(a, b task.Listing) int {
		return cmp.Or(b.PushedAt.Compare(a.PushedAt), strings.Compare(a.String(), b.String()))
	})
	c.list, c.listed = list, time.Now()
	return list, nil
}

// Listing completes what GitHub tells of a repository by its host and by where
// it is cloned from.
func (c *Catalog) Listing(l task.Listing) task.Listing {
	l.Host = c.app.Host()
	l.URL = forge.CloneURL(c.gitURL, l.Repo)
	return l
}

// Rights returns what an account may do in a repository.
func (c *Catalog) Rights(ctx context.Context, repo task.Repo, login string) (task.Rights, error) {
	talk, err := c.app.Talk(ctx, repo.Owner, repo.Name)
	if err != nil {
		return task.Rights{}, err
	}
	a, err := talk.Access(ctx, login)
	if err != nil {
		return task.Rights{}, err
	}
	return task.Rights{
		Write: client.CanWrite(a.Permission), Read: a.Permission != "none", AccountID: a.UserID,
	}, nil
}

// Subject returns an issue or pull request as a person sees it; not_found when
// there is none.
func (c *Catalog) Subject(ctx context.Context, repo task.Repo, number int) (string, error) {
	talk, err := c.app.Talk(ctx, repo.Owner, repo.Name)
	if err != nil {
		return "", err
	}
	issue, err := talk.Issue(ctx, number)
	if err != nil {
		return "", err
	}
	kind := "issue"
	if issue.IsPull {
		kind = "pull request"
	}
	title, _ := markdown.Strip(issue.Title)
	body, hidden := markdown.Strip(issue.Body)
	text := fmt.Sprintf("(%s %s#%d by %s, %s) %s\n\n%s", kind, repo, number, issue.Author.Login, issue.State, title, body)
	if len(hidden) > 0 {
		text += "\n(Hidden text was removed here: " + strings.Join(hidden, ", ") + ".)"
	}
	return text, nil
}

// File returns a file at a ref, the default branch where it is empty, and
// whether there is one.
func (c *Catalog) File(ctx context.Context, repo task.Repo, ref, path string) (string, bool, error) {
	talk, err := c.app.Talk(ctx, repo.Owner, repo.Name)
	if err != nil {
		return "", false, err
	}
	raw, found, err := talk.File(ctx, path, ref)
	return string(raw), found, err
}
