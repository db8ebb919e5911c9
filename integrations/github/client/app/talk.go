package app

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/go-github/v62/github"
)

// spare is how long before its end a shared token is replaced.
const spare = 5 * time.Minute

// talk is the shared handle for one repository.
type talk struct {
	mu      sync.Mutex // held while a token is being made
	session *Session
}

// Talk returns the shared handle for conversation in a repository. It belongs
// to the App: callers do not close it, and ask again for every job rather than
// keep it, since its token ends within the hour.
func (a *App) Talk(ctx context.Context, owner, name string) (*Session, error) {
	key, err := nameRepo(owner, name)
	if err != nil {
		return nil, err
	}
	a.sweep(ctx)
	t := a.talk(key)
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.session; s != nil {
		if time.Until(s.token.Expires) > spare {
			return s, nil
		}
		t.session = nil
		a.retire(s)
	}
	s, err := a.Open(ctx, owner, name, ForTalk())
	if err != nil {
		return nil, err
	}
	s.shared = true
	t.session = s
	return s, nil
}

func (a *App) talk(key string) *talk {
	a.mu.Lock()
	defer a.mu.Unlock()
	t, ok := a.talks[key]
	if !ok {
		t = &talk{}
		a.talks[key] = t
	}
	return t
}

// retire puts a handle aside that others may still be using.
func (a *App) retire(s *Session) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.retired = append(a.retired, s)
}

// doubt takes a shared handle out of use whose token GitHub did not accept.
func (a *App) doubt(s *Session) {
	t := a.talk(s.key)
	t.mu.Lock()
	found := t.session == s
	if found {
		t.session = nil
	}
	t.mu.Unlock()
	if found {
		a.lose(s.key)
		a.retire(s)
	}
}

// sweep forgets retired handles whose tokens have ended by themselves.
func (a *App) sweep(ctx context.Context) {
	a.mu.Lock()
	var over, rest []*Session
	for _, s := range a.retired {
		if time.Now().Before(s.token.Expires) {
			rest = append(rest, s)
		} else {
			over = append(over, s)
		}
	}
	a.retired = rest
	a.mu.Unlock()
	for _, s := range over {
		if err := s.revoke(ctx); err != nil {
			a.log.WarnContext(ctx, "token not forgotten", "repo", s.String(), "error", err)
		}
	}
}

// Close revokes the tokens of all shared handles, and of those that could not
// be closed. The App is usable after it.
func (a *App) Close(ctx context.Context) error {
	a.mu.Lock()
	all := a.retired
	talks := a.talks
	a.retired, a.talks = nil, map[string]*talk{}
	a.mu.Unlock()
	for _, t := range talks {
		t.mu.Lock()
		if t.session != nil {
			all = append(all, t.session)
			t.session = nil
		}
		t.mu.Unlock()
	}
	var errs []error
	for _, s := range all {
		errs = append(errs, s.revoke(ctx))
	}
	return errors.Join(errs...)
}

// Explain turns an error into words: doing is what was tried ("reading #3"),
// need the permission it takes ("issues: read"). It takes a shared handle out of use
// when its token is no longer accepted or lacks what may since be granted.
func (s *Session) Explain(err error, doing, need string) error {
	if err == nil {
		return nil
	}
	if refused, ok := errors.AsType[*github.ErrorResponse](err); ok && s.shared && refused.Response != nil {
		status := refused.Response.StatusCode
		if status == http.StatusUnauthorized ||
			status == http.StatusForbidden && strings.Contains(refused.Message, notAccessible) {
			s.app.doubt(s)
		}
	}
	return explain(err, act{doing + " in " + s.String(), need}, s.token)
}
