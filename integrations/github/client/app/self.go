package app

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/go-github/v62/github"

	"honk/internal/task"
)

// Self is who the App is.
type Self struct {
	ID    int64
	Slug  string
	Name  string
	Owner string
	// URL is the App's public page.
	URL string
	// Permissions and Events are what the App's settings ask for; an
	// installation may have granted less.
	Permissions Permissions
	Events      []string
	// BotID is the account number of the App's bot user. App.Self has 0
	// where GitHub tells it to a session only.
	BotID int64

	host string
}

// Login returns the login under which the App comments: slug[bot].
func (s Self) Login() string { return s.Slug + "[bot]" }

// Email returns the address for the App's commits.
func (s Self) Email() string {
	id := ""
	if s.BotID != 0 {
		id = strconv.FormatInt(s.BotID, 10) + "+"
	}
	return id + s.Login() + "@users.noreply." + s.host
}

// Self returns who the App is. The answer is kept for good.
func (a *App) Self(ctx context.Context) (Self, error) {
	if s := a.known(); s.ID != 0 {
		return s, nil
	}
	got, _, err := a.gh.Apps.Get(ctx, "")
	if err != nil {
		return Self{}, explain(err, act{doing: "reading the App's own settings"}, Token{})
	}
	s := Self{
		ID: got.GetID(), Slug: got.GetSlug(), Name: got.GetName(), Owner: got.GetOwner().GetLogin(),
		URL: got.GetHTMLURL(), Permissions: permissionsOf(got.Permissions), Events: got.Events, host: a.host,
	}
	if s.ID == 0 || s.Slug == "" {
		return Self{}, task.Errorf(task.CodeUnavailable, "GitHub's answer about the App names neither ID nor slug")
	}
	if s.BotID, err = a.botID(ctx, s.Login()); err != nil {
		return Self{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.self = s
	return s, nil
}

func (a *App) known() Self {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.self
}

// botID asks without credentials first: a user is public, and the App's JWT
// is meant for the App's own endpoints. A private server answers neither.
func (a *App) botID(ctx context.Context, login string) (int64, error) {
	for _, gh := range []*github.Client{a.client(a.net), a.gh} {
		id, err := accountID(ctx, gh, login)
		err = explain(err, act{doing: "reading the account of " + login}, Token{})
		switch task.CodeOf(err) {
		case "":
			return id, nil
		case task.CodeForbidden, task.CodeNotFound, task.CodeRateLimited:
		default:
			return 0, err
		}
	}
	return 0, nil
}

func accountID(ctx context.Context, gh *github.Client, login string) (int64, error) {
	req, err := gh.NewRequest(http.MethodGet, "users/"+url.PathEscape(login), nil)
	if err != nil {
		return 0, fmt.Errorf("asking for %q: %w", login, err)
	}
	var user github.User
	_, err = gh.Do(ctx, req, &user)
	return user.GetID(), err
}

// Self returns who the App is, with the bot's number also where only a
// session is told.
func (s *Session) Self(ctx context.Context) (Self, error) {
	self, err := s.app.Self(ctx)
	if err != nil || self.BotID != 0 {
		return self, err
	}
	doing := "reading the account of " + self.Login()
	if self.BotID, err = accountID(ctx, s.gh, self.Login()); err != nil {
		return Self{}, s.Explain(err, doing, "metadata: read")
	}
	s.app.mu.Lock()
	defer s.app.mu.Unlock()
	s.app.self.BotID = self.BotID
	return self, nil
}

// installation is where the App may work.
type installation struct{ id int64 }

var namePattern = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}$`)

// nameRepo checks what will stand in the path of a request.
func nameRepo(owner, name string) (key string, err error) {
	for _, part := range []string{owner, name} {
		if !namePattern.MatchString(part) || strings.Trim(part, ".") == "" {
			return "", task.Errorf(task.CodeInvalid, "%q is not a repository; write owner/name", owner+"/"+name)
		}
	}
	return strings.ToLower(owner + "/" + name), nil
}

// find returns the installation that covers a repository.
func (a *App) find(ctx context.Context, owner, name string) (installation, error) {
	key, err := nameRepo(owner, name)
	if err != nil {
		return installation{}, err
	}
	a.mu.Lock()
	got, ok := a.installations[key]
	a.mu.Unlock()
	if ok {
		return got, nil
	}
	found, _, err := a.gh.Apps.FindRepositoryInstallation(ctx, owner, name)
	repo := owner + "/" + name
	err = explain(err, act{doing: "finding the App's installation for " + repo}, Token{})
	switch {
	case task.CodeOf(err) == task.CodeNotFound:
		return installation{}, task.Errorf(task.CodeNotFound,
			"the GitHub App is not installed for %s, or there is no such repository; %s", repo, a.installHint())
	case err != nil:
		return installation{}, err
	case found.GetID() == 0:
		return installation{}, task.Errorf(task.CodeUnavailable, "GitHub names no installation for %s", repo)
	case found.SuspendedAt != nil:
		return installation{}, task.Errorf(task.CodeForbidden,
			"the GitHub App's installation for %s is suspended; unsuspend it in the settings of %s", repo, owner)
	}
	got = installation{id: found.GetID()}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.installations[key] = got
	return got, nil
}

func (a *App) installHint() string {
	if u := a.known().URL; u != "" {
		return "install it at " + u + "/installations/new or add the repository to its installation"
	}
	return "install it from the App's page or add the repository to its installation"
}

// lose forgets the installation of a repository, so that the next one asks
// anew.
func (a *App) lose(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.installations, key)
}
