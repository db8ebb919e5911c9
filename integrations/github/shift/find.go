package shift

import (
	"context"
	"slices"
	"strings"

	"honk/internal/task"
)

// Query says which repositories are wanted. What is empty does not count.
type Query struct {
	Org string
	// Topics must all be there.
	Topics   []string
	Archived *bool
	// Search is a search for repositories in GitHub's own words.
	Search string
}

// Found is what a query found, by name.
type Found struct {
	Repos []task.Listing
	// Unreachable are hits of the search in which the App is not installed,
	// as owner/name.
	Unreachable []string
}

// Find returns the repositories that a query is about. The list of those in
// which the App is installed may be two minutes old, the hits of a search ten.
// A search that GitHub does not answer in full is an error.
func (f *Forge) Find(ctx context.Context, q Query) (Found, error) {
	all, err := f.catalog.Repos(ctx)
	if err != nil {
		return Found{}, err
	}
	var out Found
	if q.Search != "" {
		if all, out.Unreachable, err = f.hits(ctx, q.Search, all); err != nil {
			return Found{}, err
		}
	} else if q.Org != "" && !slices.ContainsFunc(all, func(l task.Listing) bool { return strings.EqualFold(l.Owner, q.Org) }) {
		return Found{}, task.Errorf(task.CodeNotFound,
			"the GitHub App reaches no repository of %s; install it there, or correct the name", q.Org)
	}
	for _, l := range all {
		if q.fits(l) {
			out.Repos = append(out.Repos, l)
		}
	}
	slices.SortFunc(out.Repos, func(a, b task.Listing) int { return strings.Compare(a.String(), b.String()) })
	return out, nil
}

func (q Query) fits(l task.Listing) bool {
	for _, topic := range q.Topics {
		if !slices.ContainsFunc(l.Topics, func(t string) bool { return strings.EqualFold(t, topic) }) {
			return false
		}
	}
	return (q.Org == "" || strings.EqualFold(l.Owner, q.Org)) && (q.Archived == nil || *q.Archived == l.Archived)
}

// hits returns what a search finds: where the App is installed, and elsewhere.
func (f *Forge) hits(ctx context.Context, query string, installed []task.Listing) (in []task.Listing, out []string, err error) {
	found, err := f.search(ctx, query)
	if err != nil {
		return nil, nil, err
	}
	known := map[string]bool{}
	for _, l := range installed {
		known[strings.ToLower(l.String())] = true
	}
	for key, hit := range found {
		l := f.catalog.Listing(hit)
		if known[key] {
			in = append(in, l)
		} else {
			out = append(out, l.String())
		}
	}
	slices.Sort(out)
	return in, out, nil
}

// Repo returns a repository under the name it has now, also where it was
// renamed or transferred since. The code is not_found where there is none, or
// the App is not installed.
func (f *Forge) Repo(ctx context.Context, repo string) (task.Listing, error) {
	owner, name, err := split(repo)
	if err != nil {
		return task.Listing{}, err
	}
	talk, err := f.app.Talk(ctx, owner, name)
	if err == nil {
		l, readErr := talk.Listed(ctx)
		if err = readErr; err == nil {
			return f.catalog.Listing(l), nil
		}
	}
	// GitHub gives no token for one repository by a name that it had once.
	switch task.CodeOf(err) {
	case task.CodeForbidden, task.CodeNotFound:
	default:
		return task.Listing{}, err
	}
	l, err := f.app.Moved(ctx, owner, name)
	if err != nil {
		return task.Listing{}, err
	}
	return f.catalog.Listing(l), nil
}
