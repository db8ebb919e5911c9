// Package shift is GitHub as a fleet shift sees it: which repositories there
// are, what is in them, and the pull requests that a shift opens, follows and
// ends, in plain types.
//
// Reads use the App's shared handle for the repository. Each write has a token
// of its own that is good for one repository, holds the least that it takes,
// and is revoked at once. Nothing here sleeps: a limit comes back as
// rate_limited with the wait. Whatever is done again finds what is there.
package shift

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"honk/integrations/github/catalog"
	"honk/integrations/github/client"
	"honk/internal/task"
)

// endTime bounds the revocation of a token whose work is done.
const endTime = 30 * time.Second

// Options says what a Forge works with. All are required.
type Options struct {
	App *client.App
	// GitURL is the base URL that repositories are cloned from.
	GitURL string
	Log    *slog.Logger
}

// Forge asks GitHub, and acts there. It is safe for concurrent use.
type Forge struct {
	app     *client.App
	catalog *catalog.Catalog
	log     *slog.Logger
	// cap is how many hits of a search GitHub shows.
	cap int

	mu    sync.Mutex
	pages map[string]kept // of searches
}

// New returns a Forge.
func New(opts Options) *Forge {
	return &Forge{
		app: opts.App, catalog: catalog.New(opts.App, opts.GitURL), log: opts.Log, cap: maxHits, pages: map[string]kept{},
	}
}

// Why is the reason for a refusal.
type Why string

// The reasons why a pull request stays as it is.
const (
	// WhyClosed: somebody closed or merged it.
	WhyClosed Why = "closed"
	// WhyMoved: the branch is at another commit.
	WhyMoved Why = "moved"
	// WhyConflicted: it does not fit the base any more.
	WhyConflicted Why = "conflicted"
	// WhyBlocked: the repository's rules do not allow it.
	WhyBlocked Why = "blocked"
)

// RefusedError is something that cannot be done as things stand. Its code is
// conflict.
type RefusedError struct {
	Why Why
	Err *task.Error
}

func (e *RefusedError) Error() string { return e.Err.Error() }

func (e *RefusedError) Unwrap() error { return e.Err }

func refuse(why Why, format string, args ...any) error {
	return &RefusedError{Why: why, Err: task.Errorf(task.CodeConflict, format, args...)}
}

// split takes owner/name apart.
func split(repo string) (owner, name string, err error) {
	owner, name, ok := strings.Cut(repo, "/")
	if !ok || owner == "" || name == "" || strings.Contains(name, "/") {
		return "", "", task.Errorf(task.CodeInvalid, "%q is not a repository; write owner/name", repo)
	}
	return owner, name, nil
}

// talk returns the shared handle for reading.
func (f *Forge) talk(ctx context.Context, repo string) (*client.Repo, error) {
	owner, name, err := split(repo)
	if err != nil {
		return nil, err
	}
	return f.app.Talk(ctx, owner, name)
}

// with opens a repository with a token of its own and revokes it after use.
func (f *Forge) with(ctx context.Context, repo string, perms client.Permissions, use func(at *client.Repo) error) error {
	owner, name, err := split(repo)
	if err != nil {
		return err
	}
	at, err := f.app.Open(ctx, owner, name, perms)
	if err != nil {
		return err
	}
	err = use(at)
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	if closeErr := at.Close(end); closeErr != nil {
		// It is in the table of tokens: somebody revokes it later.
		f.log.WarnContext(ctx, "token not revoked", "repo", repo, "error", closeErr)
	}
	return err
}
