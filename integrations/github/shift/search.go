package shift

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"honk/integrations/github/client"
	"honk/internal/task"
)

const (
	// maxHits is how many hits of one search GitHub shows.
	maxHits = 1000
	// perPage is how many hits a page has.
	perPage = 100
	// maxSearches bounds the pages that one query may take.
	maxSearches = 500
	// pageTime is how long a page is good for: GitHub takes 30 searches a
	// minute, so a large query is answered over several tries.
	pageTime = 10 * time.Minute
)

// kept is one page of a search, kept for a while.
type kept struct {
	client.Found

	at time.Time
}

// searching is one query to one installation.
type searching struct {
	forge   *Forge
	account *client.Account
	id      int64
	query   string
	asked   int
	found   map[string]task.Listing // by lower-case owner/name
}

// search returns all hits of a query by lower-case owner/name. Private ones
// are told to the installation only that they belong to, so each is asked that
// the query may be about.
func (f *Forge) search(ctx context.Context, query string) (map[string]task.Listing, error) {
	f.forget()
	accounts, err := f.accounts(ctx, query)
	if err != nil {
		return nil, err
	}
	found := map[string]task.Listing{}
	for _, i := range accounts {
		account, err := f.app.OpenAll(ctx, i)
		if err != nil {
			return nil, err
		}
		s := &searching{forge: f, account: account, id: i.ID, query: query, found: found}
		err = s.all(ctx)
		if err = errors.Join(err, account.Close(ctx)); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// accounts returns the installations that a query may be about: those it names
// or, where it names none, all. Who is asked for what belongs to nobody of
// them does not matter.
func (f *Forge) accounts(ctx context.Context, query string) ([]client.Installed, error) {
	all, err := f.app.Installations(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(i client.Installed) bool { return i.Suspended })
	if len(all) == 0 {
		return nil, task.Errorf(task.CodeNotFound, "the GitHub App is installed nowhere, so there is nothing to search")
	}
	named := map[string]bool{}
	for term := range strings.FieldsSeq(strings.ToLower(query)) {
		key, value, _ := strings.Cut(term, ":")
		if key == "org" || key == "user" || key == "repo" {
			owner, _, _ := strings.Cut(strings.Trim(value, `"`), "/")
			named[owner] = true
		}
	}
	if len(named) == 0 {
		return all, nil
	}
	some := slices.DeleteFunc(slices.Clone(all), func(i client.Installed) bool { return !named[strings.ToLower(i.Account)] })
	if len(some) == 0 {
		return all[:1], nil
	}
	return some, nil
}

// all finds everything, in parts by the date of creation where there is more
// than GitHub shows at once.
func (s *searching) all(ctx context.Context) error {
	first, err := s.page(ctx, s.query, 1)
	if err != nil {
		return err
	}
	if first.Total <= s.forge.cap {
		return s.rest(ctx, s.query, first)
	}
	for term := range strings.FieldsSeq(s.query) {
		if strings.HasPrefix(strings.TrimPrefix(strings.ToLower(term), "-"), "created:") || term == "OR" {
			return task.Errorf(task.CodeInvalid,
				"the search %q has %d hits, GitHub shows %d, and with %q it cannot be taken apart; narrow it, or use several",
				s.query, first.Total, s.forge.cap, term)
		}
	}
	// The end is the same for an hour, so that a further try finds the pages
	// of this one.
	end := time.Now().UTC().Truncate(time.Hour).Add(time.Hour)
	return s.within(ctx, time.Date(2007, time.October, 1, 0, 0, 0, 0, time.UTC), end)
}

// within finds what was created from one time to another, both included.
func (s *searching) within(ctx context.Context, from, to time.Time) error {
	query := fmt.Sprintf("%s created:%s..%s", s.query, from.Format(time.RFC3339), to.Format(time.RFC3339))
	first, err := s.page(ctx, query, 1)
	if err != nil {
		return err
	}
	if first.Total <= s.forge.cap {
		return s.rest(ctx, query, first)
	}
	if !to.After(from) {
		return task.Errorf(task.CodeInvalid,
			"the search %q has %d hits of one second, and GitHub shows %d; narrow it", s.query, first.Total, s.forge.cap)
	}
	middle := from.Add(to.Sub(from) / 2).Truncate(time.Second)
	if err := s.within(ctx, from, middle); err != nil {
		return err
	}
	return s.within(ctx, middle.Add(time.Second), to)
}

// rest reads the pages after the first. Fewer hits than GitHub counts are an
// error: they would be missing without a word.
func (s *searching) rest(ctx context.Context, query string, first client.Found) error {
	got := map[string]task.Listing{}
	for n, hits := 1, first; ; n++ {
		if n > 1 {
			var err error
			if hits, err = s.page(ctx, query, n); err != nil {
				return err
			}
		}
		for _, r := range hits.Repositories {
			got[strings.ToLower(r.Owner+"/"+r.Name)] = r
		}
		if len(got) >= first.Total || len(hits.Repositories) == 0 {
			break
		}
	}
	if len(got) < first.Total {
		s.forge.drop()
		return task.Errorf(task.CodeUnavailable,
			"GitHub counts %d hits of %q and shows %d; try again", first.Total, query, len(got))
	}
	maps.Copy(s.found, got)
	return nil
}

// page asks for one page, unless it was asked for a while ago.
func (s *searching) page(ctx context.Context, query string, n int) (client.Found, error) {
	key := fmt.Sprintf("%d %d %s", s.id, n, query)
	s.forge.mu.Lock()
	have, ok := s.forge.pages[key]
	s.forge.mu.Unlock()
	if ok {
		return have.Found, nil
	}
	if s.asked++; s.asked > maxSearches {
		return client.Found{}, task.Errorf(task.CodeInvalid, "the search %q has too many hits; narrow it", s.query)
	}
	got, err := s.account.Search(ctx, query, n, min(perPage, s.forge.cap))
	if err != nil {
		return client.Found{}, err
	}
	if got.Incomplete {
		return client.Found{}, task.Errorf(task.CodeUnavailable,
			"GitHub gave the search %q up before it had looked everywhere; try again, or narrow it", query)
	}
	s.forge.mu.Lock()
	defer s.forge.mu.Unlock()
	s.forge.pages[key] = kept{got, time.Now()}
	return got, nil
}

// forget drops the pages that have become old.
func (f *Forge) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.pages, func(_ string, p kept) bool { return time.Since(p.at) > pageTime })
}

// drop drops all pages.
func (f *Forge) drop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.pages)
}
