// Package oauth is how a forge tells an App who a person is: the pages and
// tokens of GitHub's web application flow, with PKCE.
//
// People have no passwords here: who is signed in is said by LogIn or by the
// browser's cookie "login", and whoever is signed in says yes, unless Decline
// says otherwise.
package oauth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"honk/integrations/github/githubtest/record"
	"honk/integrations/github/githubtest/world"
)

const (
	// codeTime is how long a code is good, tokenTime how long a token.
	codeTime  = 10 * time.Minute
	tokenTime = 8 * time.Hour
)

// Server serves the flow for the App of a world. It is safe for concurrent
// use.
type Server struct {
	world *world.World
	mux   *http.ServeMux
	// ClientID and ClientSecret are the App's.
	ClientID, ClientSecret string

	mu       sync.Mutex
	login    string
	declines bool
	callback string
	codes    map[string]*code
	tokens   map[string]*token
}

// code is what a browser comes back with.
type code struct {
	login, redirect, challenge string
	at                         time.Time
}

// token is what the App gets for it.
type token struct {
	login string
	at    time.Time
}

// New returns the Server of a world, where nobody is signed in.
func New(w *world.World) *Server {
	s := &Server{
		world: w, mux: http.NewServeMux(),
		ClientID: "Iv23li" + rand.Text()[:14], ClientSecret: strings.ToLower(rand.Text() + rand.Text())[:40],
		codes: map[string]*code{}, tokens: map[string]*token{},
	}
	s.mux.HandleFunc("GET /login/oauth/authorize", s.authorize)
	s.mux.HandleFunc("POST /login/oauth/access_token", s.exchange)
	s.mux.HandleFunc("GET /api/v3/user", s.user)
	s.mux.HandleFunc("DELETE /api/v3/applications/{id}/token", s.revoke)
	return s
}

// Mount adds the Server's routes to others.
func (s *Server) Mount(mux *http.ServeMux) {
	for _, at := range []string{"/login/oauth/", "/api/v3/user", "/api/v3/applications/"} {
		mux.Handle(at, s)
	}
}

// ServeHTTP serves what Mount mounts.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// LogIn signs a person in, in every browser without a cookie of its own; ""
// signs out.
func (s *Server) LogIn(login string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.login = login
}

// Decline makes people say no or, with false, yes again.
func (s *Server) Decline(no bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.declines = no
}

// SetCallback sets the App's callback URL, the only one that people are then
// sent back to. Before, any is.
func (s *Server) SetCallback(callback string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.callback = callback
}

// Tokens is how many tokens are good now.
func (s *Server) Tokens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tokens)
}

// person finds the account of a person, or nil.
func (s *Server) person(login string) *record.User {
	s.world.Lock()
	defer s.world.Unlock()
	if u := s.world.User(login); u != nil && u.Kind == record.KindUser {
		return u
	}
	return nil
}

// now is the time of the world.
func (s *Server) now() time.Time { return s.world.NowFunc() }

func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	s.mu.Lock()
	defer s.mu.Unlock()
	redirect, err := url.Parse(q.Get("redirect_uri"))
	switch {
	case q.Get("client_id") != s.ClientID:
		http.Error(w, "Not Found", http.StatusNotFound)
		return
	case err != nil, redirect.Host == "", s.callback != "" && q.Get("redirect_uri") != s.callback:
		http.Error(w, "The redirect_uri is not associated with this application.", http.StatusBadRequest)
		return
	}
	login := s.login
	if cookie, err := r.Cookie("login"); err == nil {
		login = cookie.Value
	}
	if s.person(login) == nil {
		http.Error(w, "Sign in to GitHub", http.StatusUnauthorized)
		return
	}
	back := redirect.Query()
	if state := q.Get("state"); state != "" {
		back.Set("state", state)
	}
	if s.declines {
		back.Set("error", "access_denied")
		back.Set("error_description", "The user has denied your application access.")
	} else {
		value := strings.ToLower(rand.Text())[:20]
		c := &code{login: login, redirect: q.Get("redirect_uri"), at: s.now()}
		if q.Get("code_challenge_method") == "S256" {
			c.challenge = q.Get("code_challenge")
		}
		s.codes[value] = c
		back.Set("code", value)
	}
	redirect.RawQuery = back.Encode()
	http.Redirect(w, r, redirect.String(), http.StatusFound)
}

// fits reports whether a verifier is that of a code's challenge.
func (c *code) fits(verifier string) bool {
	if c.challenge == "" {
		return true
	}
	sum := sha256.Sum256([]byte(verifier))
	return same(base64.RawURLEncoding.EncodeToString(sum[:]), c.challenge)
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
