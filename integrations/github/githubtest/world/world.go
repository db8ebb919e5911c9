// Package world is what happens on a forge: people and programs change
// records, and each change causes the webhooks that GitHub would send.
//
// A World is guarded by its own lock. Whoever calls a method or touches a
// record holds it.
package world

import (
	"slices"
	"strings"
	"sync"
	"time"

	"honk/integrations/github/githubtest/record"
	"honk/internal/git/githttp"
	"honk/internal/task"
)

// World is all accounts and repositories of a forge.
type World struct {
	sync.Mutex
	Site record.Site
	// App is the one under test; CI is the one that reports checks.
	App, CI       *record.App
	Users         []*record.User
	Repos         []*record.Repo
	Installations []*record.Installation
	// Deliveries are the webhooks sent, the oldest first.
	Deliveries []*record.Delivery
	// NowFunc tells the time.
	NowFunc func() time.Time
	// RepoFunc opens the git repository owner/name.
	RepoFunc func(repo string) *githttp.Repo
	// EmitFunc is told of each event an App is subscribed to.
	EmitFunc func(Event)
	// RedeliverFunc sends a webhook once more.
	RedeliverFunc func(*record.Delivery)
	// Moved are the repositories by the names they had once, in lower case.
	Moved map[string]*record.Repo

	seq   int64
	seeds map[string]seed
}

// Event is a webhook to be sent.
type Event struct {
	Name, Action string
	Repo         *record.Repo
	Installation *record.Installation
	Payload      record.Object
}

// By is who does something; App is set where a program does.
type By struct {
	User *record.User
	App  *record.App
}

// InvalidError is a wish that GitHub answers with 422.
type InvalidError struct {
	Resource, Field, Code, Message string
}

func (e *InvalidError) Error() string {
	if e.Message != "" {
		return e.Message
	}
	return e.Resource + " " + e.Field + " is " + e.Code
}

// ID returns a number nobody has.
func (w *World) ID() int64 {
	w.seq++
	return 1_000_000 + w.seq
}

// Now is the time, in the whole seconds that GitHub knows.
func (w *World) Now() time.Time { return w.NowFunc().UTC().Truncate(time.Second) }

// User finds an account, or nil.
func (w *World) User(login string) *record.User {
	for _, u := range w.Users {
		if strings.EqualFold(u.Login, login) {
			return u
		}
	}
	return nil
}

// ByMail finds the account of a commit's address, or nil.
func (w *World) ByMail(email string) *record.User {
	for _, u := range w.Users {
		if email != "" && (strings.EqualFold(u.Email, email) || strings.EqualFold(u.NoReply(), email)) {
			return u
		}
	}
	return nil
}

// AddUser makes an account, or returns the one there is.
func (w *World) AddUser(login, kind string) *record.User {
	if u := w.User(login); u != nil {
		return u
	}
	u := &record.User{ID: w.ID(), Login: login, Kind: kind, CreatedAt: w.Now()}
	if kind == record.KindUser {
		u.Name, u.Email = login, login+"@example.com"
	}
	w.Users = append(w.Users, u)
	return u
}

// Repo finds a repository by owner/name.
func (w *World) Repo(name string) (*record.Repo, error) {
	for _, r := range w.Repos {
		if strings.EqualFold(r.FullName(), name) {
			return r, nil
		}
	}
	if r := w.Moved[strings.ToLower(name)]; r != nil {
		return r, nil
	}
	return nil, task.Errorf(task.CodeNotFound, "there is no repository %q", name)
}

// Issue finds an issue or pull request.
func (w *World) Issue(repo string, number int) (*record.Repo, *record.Issue, error) {
	r, err := w.Repo(repo)
	if err != nil {
		return nil, nil, err
	}
	i := r.Issue(number)
	if i == nil {
		return nil, nil, task.Errorf(task.CodeNotFound, "%s has no issue %d", repo, number)
	}
	return r, i, nil
}

// Installation finds the App's installation that covers a repository.
func (w *World) Installation(r *record.Repo) *record.Installation {
	for _, i := range w.Installations {
		if i.Has(r) {
			return i
		}
	}
	return nil
}

// emit sends an event about a repository, if the App is installed there and
// subscribed to it.
func (w *World) emit(by By, r *record.Repo, name, action string, payload record.Object) {
	installation := w.Installation(r)
	if installation == nil || !installation.SuspendedAt.IsZero() || !subscribed(installation.App, name) {
		return
	}
	if action != "" {
		payload["action"] = action
	}
	payload["repository"] = w.Site.Repo(r)
	payload["sender"] = w.Site.User(by.User)
	payload["installation"] = w.Site.InstallationLite(installation)
	if r.Owner.Kind == record.KindOrganization {
		payload["organization"] = w.Site.Organization(r.Owner)
	}
	w.EmitFunc(Event{Name: name, Action: action, Repo: r, Installation: installation, Payload: payload})
}

func subscribed(app *record.App, event string) bool {
	return slices.Contains(app.Events, event)
}

// Install gives the App to an account, for the named repositories or, with
// nil, for all. Installing anew changes what there is.
func (w *World) Install(account *record.User, repos []*record.Repo) *record.Installation {
	for _, i := range w.Installations {
		if i.Account == account {
			added, removed := missing(repos, i.Repos), missing(i.Repos, repos)
			i.Repos = repos
			w.installedRepos(i, "added", added)
			w.installedRepos(i, "removed", removed)
			return i
		}
	}
	i := &record.Installation{
		ID: w.ID(), App: w.App, Account: account, Repos: repos, Permissions: w.App.Permissions, CreatedAt: w.Now(),
	}
	w.Installations = append(w.Installations, i)
	w.EmitFunc(Event{Name: "installation", Action: "created", Installation: i, Payload: record.Object{
		"action": "created", "installation": w.Site.Installation(i), "repositories": record.List(repos, brief),
		"sender": w.Site.User(account),
	}})
	return i
}

func (w *World) installedRepos(i *record.Installation, action string, repos []*record.Repo) {
	if len(repos) == 0 {
		return
	}
	payload := record.Object{
		"action": action, "installation": w.Site.Installation(i), "repository_selection": i.Selection(),
		"repositories_added": []record.Object{}, "repositories_removed": []record.Object{}, "requester": nil,
		"sender": w.Site.User(i.Account),
	}
	payload["repositories_"+action] = record.List(repos, brief)
	w.EmitFunc(Event{Name: "installation_repositories", Action: action, Installation: i, Payload: payload})
}

// Uninstall takes the App away from an account.
func (w *World) Uninstall(i *record.Installation) {
	for n, known := range w.Installations {
		if known == i {
			w.Installations = append(w.Installations[:n:n], w.Installations[n+1:]...)
		}
	}
	w.EmitFunc(Event{Name: "installation", Action: "deleted", Installation: i, Payload: record.Object{
		"action": "deleted", "installation": w.Site.Installation(i), "sender": w.Site.User(i.Account),
	}})
}

// missing returns those of a that are not in b.
func missing(a, b []*record.Repo) []*record.Repo {
	var out []*record.Repo
	for _, r := range a {
		found := false
		for _, other := range b {
			found = found || other == r
		}
		if !found {
			out = append(out, r)
		}
	}
	return out
}

func brief(r *record.Repo) record.Object {
	return record.Object{
		"id": r.ID, "node_id": "R_" + r.FullName(), "name": r.Name, "full_name": r.FullName(), "private": r.Private,
	}
}
