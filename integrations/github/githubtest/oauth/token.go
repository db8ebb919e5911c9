package oauth

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"honk/integrations/github/githubtest/record"
)

// maxBody caps what a request may send.
const maxBody = 64 << 10

// exchange gives a token for a code. GitHub answers its errors with 200, too.
func (s *Server) exchange(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "Bad Request", http.StatusBadRequest)
		return
	}
	fail := func(code, text string) {
		tell(w, r, url.Values{
			"error": {code}, "error_description": {text},
			"error_uri": {"https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors/"},
		})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !same(r.Form.Get("client_id"), s.ClientID) || !same(r.Form.Get("client_secret"), s.ClientSecret) {
		fail("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect.")
		return
	}
	value := r.Form.Get("code")
	c := s.codes[value]
	// Whatever comes of it, a code is used up.
	delete(s.codes, value)
	switch redirect := r.Form.Get("redirect_uri"); {
	case c == nil, s.now().After(c.at.Add(codeTime)), !c.fits(r.Form.Get("code_verifier")):
		fail("bad_verification_code", "The code passed is incorrect or expired.")
		return
	case redirect != "" && redirect != c.redirect:
		fail("redirect_uri_mismatch", "The redirect_uri MUST match the registered callback URL for this application.")
		return
	}
	secret := "ghu_" + rand.Text() + rand.Text()[:10]
	s.tokens[secret] = &token{login: c.login, at: s.now()}
	tell(w, r, url.Values{
		"access_token": {secret}, "token_type": {"bearer"}, "scope": {""},
		"expires_in":    {strconv.Itoa(int(tokenTime.Seconds()))},
		"refresh_token": {"ghr_" + rand.Text() + rand.Text()}, "refresh_token_expires_in": {"15897600"},
	})
}

// tell answers as a form or, where that is asked for, in JSON.
func tell(w http.ResponseWriter, r *http.Request, values url.Values) {
	w.Header().Set("Cache-Control", "no-store")
	if !strings.Contains(r.Header.Get("Accept"), "json") {
		w.Header().Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		_, _ = io.WriteString(w, values.Encode()) // the client has gone
		return
	}
	out := map[string]any{}
	for key, value := range values {
		out[key] = value[0]
		if n, err := strconv.Atoi(value[0]); err == nil {
			out[key] = n
		}
	}
	answer(w, http.StatusOK, out)
}

// user says whose token it is.
func (s *Server) user(w http.ResponseWriter, r *http.Request) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens[secret]
	switch {
	case strings.HasPrefix(secret, "ghs_"):
		refuse(w, http.StatusForbidden, "Resource not accessible by integration")
		return
	case !strings.EqualFold(scheme, "bearer") && !strings.EqualFold(scheme, "token"):
		refuse(w, http.StatusUnauthorized, "Requires authentication")
		return
	case t == nil, s.now().After(t.at.Add(tokenTime)):
		refuse(w, http.StatusUnauthorized, "Bad credentials")
		return
	}
	u := s.person(t.login)
	s.world.Lock()
	defer s.world.Unlock()
	answer(w, http.StatusOK, s.world.Site.Profile(u))
}

// revoke ends a token, for the App itself only.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	var body struct {
		AccessToken string `json:"access_token"`
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !same(id, s.ClientID) || !same(secret, s.ClientSecret) || r.PathValue("id") != s.ClientID {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&body); err != nil {
		refuse(w, http.StatusUnprocessableEntity, "Invalid request.")
		return
	}
	if s.tokens[body.AccessToken] == nil {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	delete(s.tokens, body.AccessToken)
	w.WriteHeader(http.StatusNoContent)
}

func refuse(w http.ResponseWriter, status int, message string) {
	answer(w, status, record.Object{
		"message": message, "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status),
	})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client has gone
}
