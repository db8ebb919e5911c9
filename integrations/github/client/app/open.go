package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-github/v62/github"

	"honk/internal/task"
)

const (
	// cleanTimeout is for giving a token back after the caller's own time is
	// up.
	cleanTimeout = 15 * time.Second
	// revokeTries is how often that is tried while GitHub does not answer.
	revokeTries = 3
	revokePause = 200 * time.Millisecond
)

// Session talks about one repository with a token that is good for nothing else.
// It is safe for concurrent use.
type Session struct {
	app         *App
	gh          *github.Client
	owner, name string
	key         string
	token       Token
	shared      bool // belongs to the App, see Talk

	mu     sync.Mutex
	closed bool
}

// Open returns a handle with a fresh token for exactly this repository and
// these permissions. The caller closes it.
func (a *App) Open(ctx context.Context, owner, name string, perms Permissions) (*Session, error) {
	key, err := nameRepo(owner, name)
	if err != nil {
		return nil, err
	}
	for attempt := range 2 {
		var inst installation
		if inst, err = a.find(ctx, owner, name); err != nil {
			return nil, err
		}
		var token Token
		token, err = a.mint(ctx, inst, owner+"/"+name, []string{name}, perms)
		if err == nil {
			s := &Session{app: a, owner: owner, name: name, key: key, token: token}
			s.gh = a.client(bearer{a.lane(inst.id), token})
			return s, nil
		}
		// An installation that was made anew has another number.
		a.lose(key)
		if attempt == 1 || task.CodeOf(err) != task.CodeNotFound {
			break
		}
	}
	return nil, err
}

// mint makes a token for some repositories of an installation, nil for all,
// and has it kept before anybody uses it. what says in messages what it is for.
func (a *App) mint(ctx context.Context, inst installation, what string, names []string, perms Permissions) (Token, error) {
	granted, err := perms.wire()
	if err != nil {
		return Token{}, err
	}
	got, _, err := a.gh.Apps.CreateInstallationToken(ctx, inst.id, &github.InstallationTokenOptions{
		Repositories: names, Permissions: granted,
	})
	token := Token{value: got.GetToken(), Expires: got.GetExpiresAt().Time}
	if err != nil {
		return Token{}, explainMint(err, what, perms)
	}
	if token.value == "" || token.Expires.IsZero() {
		return Token{}, task.Errorf(task.CodeUnavailable, "GitHub's answer holds no usable token for %s", what)
	}
	if err := narrow(got, names); err != nil {
		return Token{}, errors.Join(err, a.Revoke(context.WithoutCancel(ctx), token.value))
	}
	if err := a.keep(ctx, token); err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTimeout)
		defer cancel()
		return Token{}, errors.Join(fmt.Errorf("keeping a token for %s: %w", what, err),
			a.Revoke(ctx, token.value))
	}
	return token, nil
}

// narrow checks that the token is for no more than was asked for.
func narrow(got *github.InstallationToken, names []string) error {
	for _, r := range got.Repositories {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, r.GetName()) }) {
			return task.Errorf(task.CodeInternal, "GitHub gave a token for more than %s", strings.Join(names, ", "))
		}
	}
	return nil
}

// explainMint says what a refused token means: GitHub answers 422 both for a
// permission and for a repository that the installation lacks.
func explainMint(err error, repo string, perms Permissions) error {
	what := act{"getting a token for " + repo, perms.String()}
	refused, ok := errors.AsType[*github.ErrorResponse](err)
	if !ok || refused.Response == nil || refused.Response.StatusCode != 422 {
		return explain(err, what, Token{})
	}
	said := saidBy(refused)
	remedy := "add the repository to the App's installation"
	if strings.Contains(strings.ToLower(said), "permission") {
		remedy = "grant the App these permissions in its settings and accept the change for the installation: " +
			perms.String()
	}
	return &task.Error{
		Code:    task.CodeForbidden,
		Message: Token{}.redact(fmt.Sprintf("GitHub gives no token for %s (%s); %s", repo, said, remedy)),
	}
}

// Revoke makes a token worthless. One that is so already is no error.
func (a *App) Revoke(ctx context.Context, raw string) error {
	if raw == "" {
		return nil
	}
	for try := 1; ; try++ {
		err := a.revokeOnce(ctx, Token{value: raw})
		if task.CodeOf(err) != task.CodeUnavailable || try == revokeTries {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(try) * revokePause):
		}
	}
}

func (a *App) revokeOnce(ctx context.Context, token Token) error {
	// Not through a lane: a limit must not keep a token alive.
	_, err := a.client(bearer{a.net, token}).Apps.RevokeInstallationToken(ctx)
	if refused, ok := errors.AsType[*github.ErrorResponse](err); ok && refused.Response != nil {
		if status := refused.Response.StatusCode; status == 401 || status == 404 {
			return nil
		}
	}
	return explain(err, act{doing: "revoking a token"}, token)
}

// GitHub returns the client that uses the session's token.
func (s *Session) GitHub() *github.Client { return s.gh }

// Owner returns who owns the repository.
func (s *Session) Owner() string { return s.owner }

// Name returns the repository's name.
func (s *Session) Name() string { return s.name }

// Token returns the handle's token, for git.
func (s *Session) Token() Token { return s.token }

// String returns owner/name, or what OpenAll is for.
func (s *Session) String() string {
	if s.name == "" {
		return "the installation of " + s.owner
	}
	return s.owner + "/" + s.name
}

// Close revokes the token. It works after ctx has ended, may be called again,
// and does nothing to a handle from Talk. Where GitHub does not take it, the
// App's Close tries once more.
func (s *Session) Close(ctx context.Context) error {
	if s.shared {
		return nil
	}
	err := s.revoke(ctx)
	if err != nil {
		s.app.retire(s)
	}
	return err
}

func (s *Session) revoke(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTimeout)
	defer cancel()
	// An expired token needs no revoking, but is still to be forgotten.
	if time.Now().Before(s.token.Expires) {
		if err := s.app.Revoke(ctx, s.token.value); err != nil {
			return err
		}
	}
	if err := s.app.forget(ctx, s.token); err != nil {
		return fmt.Errorf("forgetting a token for %s: %w", s, err)
	}
	s.closed = true
	return nil
}
