package act

import (
	"context"

	"honk/internal/runner"
	"honk/internal/task"
)

// Forge is where the repositories are, as far as acts need it. Whatever is
// done again finds what is there. What the forge does not do as things stand
// is a RefusedError; a limit is rate_limited with the wait.
type Forge interface {
	// Repo returns a repository; not_found when there is none within reach.
	Repo(ctx context.Context, repo string) (task.Listing, error)
	// Head returns the commit that a branch is at, the default one when empty.
	Head(ctx context.Context, repo, branch string) (string, error)
	// Owners returns who owns changed files at a commit, at most some.
	Owners(ctx context.Context, repo, sha string, paths []string, most int) (users, teams []string, err error)
	// Push puts the kept patch of a task on a branch, a new one or over a commit
	// of Honk's. The code is conflict when somebody else has written to it.
	Push(ctx context.Context, p runner.Publication) (task.PullRequest, error)
	// Evidence is what is said of a task's change in its pull request, between
	// Honk's markers.
	Evidence(p runner.Publication) (string, error)
	// Open opens the pull request of a branch, or returns the one there is.
	Open(ctx context.Context, repo string, n NewPull) (task.PullRequest, error)
	// Edit gives a pull request another title and body; what stands outside
	// Honk's markers stays.
	Edit(ctx context.Context, repo string, number int, title, body string) error
	Ready(ctx context.Context, repo string, number int) error
	Close(ctx context.Context, repo string, number int, comment string) error
	// Comment comments on a pull request, once for each key.
	Comment(ctx context.Context, repo string, number int, key, body string) error
	RequestReview(ctx context.Context, repo string, number int, users, teams []string) error
	// DeleteBranch deletes a branch that is at sha still.
	DeleteBranch(ctx context.Context, repo, branch, sha string) error
	// Merge merges a pull request whose head is at headSHA still.
	Merge(ctx context.Context, repo string, number int, headSHA, method string) (sha string, err error)
}

// NewPull is a pull request to be opened.
type NewPull struct {
	Branch, Base, Title, Body string
	Draft                     bool
	Labels, Reviewers, Teams  []string
}

// Why is the reason for a refusal.
type Why string

// The reasons why the forge does not do something as things stand.
const (
	WhyClosed     Why = "closed"
	WhyMoved      Why = "moved"
	WhyConflicted Why = "conflicted"
	WhyBlocked    Why = "blocked"
)

// RefusedError is something that cannot be done as things stand.
type RefusedError struct {
	Why Why
	Err error
}

func (e *RefusedError) Error() string { return e.Err.Error() }

func (e *RefusedError) Unwrap() error { return e.Err }
