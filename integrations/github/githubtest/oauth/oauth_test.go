package oauth_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"honk/integrations/github/githubtest/oauth"
	"honk/integrations/github/githubtest/record"
	"honk/integrations/github/githubtest/world"
)

const (
	redirect = "https://honk.example.com/link/callback"
	verifier = "a-verifier-that-is-longer-than-forty-three-characters"
)

type site struct {
	*oauth.Server

	t   *testing.T
	now time.Time
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, now: time.Unix(1_800_000_000, 0)}
	w := &world.World{NowFunc: func() time.Time { return s.now }}
	w.AddUser("ada", record.KindUser)
	w.AddUser("grace", record.KindUser)
	w.AddUser("acme", record.KindOrganization)
	s.Server = oauth.New(w)
	return s
}

func (s *site) do(req *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, req)
	return rec
}

func (s *site) authorize(cookie string, change url.Values) (int, url.Values) {
	s.t.Helper()
	q := url.Values{
		"client_id": {s.ClientID}, "redirect_uri": {redirect}, "state": {"st"},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"},
	}
	maps.Copy(q, change)
	req := httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, "/login/oauth/authorize?"+q.Encode(), nil)
	if cookie != "" {
		req.AddCookie(&http.Cookie{Name: "login", Value: cookie})
	}
	rec := s.do(req)
	back, err := url.Parse(rec.Header().Get("Location"))
	if err != nil {
		s.t.Fatal(err)
	}
	return rec.Code, back.Query()
}

func (s *site) exchange(code string, change url.Values) map[string]any {
	s.t.Helper()
	form := url.Values{
		"client_id": {s.ClientID}, "client_secret": {s.ClientSecret}, "code": {code}, "redirect_uri": {redirect},
		"code_verifier": {verifier},
	}
	maps.Copy(form, change)
	req := httptest.NewRequestWithContext(s.t.Context(), http.MethodPost, "/login/oauth/access_token", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	rec := s.do(req)
	out := map[string]any{}
	if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil || rec.Code != http.StatusOK {
		s.t.Fatalf("exchange: %d %s: %v", rec.Code, rec.Body, err)
	}
	return out
}

func (s *site) user(token string) (int, string) {
	s.t.Helper()
	req := httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, "/api/v3/user", nil)
	req.Header.Set("Authorization", "Bearer "+token)
	rec := s.do(req)
	var u struct{ Login string }
	if err := json.Unmarshal(rec.Body.Bytes(), &u); err != nil {
		s.t.Fatal(err)
	}
	return rec.Code, u.Login
}

func (s *site) revoke(id, secret, token string) int {
	s.t.Helper()
	req := httptest.NewRequestWithContext(s.t.Context(), http.MethodDelete, "/api/v3/applications/"+id+"/token",
		strings.NewReader(`{"access_token":"`+token+`"}`))
	req.SetBasicAuth(id, secret)
	return s.do(req).Code
}

func TestServer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if status, _ := s.authorize("", nil); status != http.StatusUnauthorized {
		t.Errorf("nobody is signed in: %d", status)
	}
	s.LogIn("ada")
	for _, tt := range []struct{ cookie, want string }{{"", "ada"}, {"grace", "grace"}} {
		_, back := s.authorize(tt.cookie, nil)
		token, _ := s.exchange(back.Get("code"), nil)["access_token"].(string)
		if status, login := s.user(token); back.Get("state") != "st" || status != 200 || login != tt.want {
			t.Errorf("cookie %q: %v, then %d %q", tt.cookie, back, status, login)
		}
		if got := s.exchange(back.Get("code"), nil)["error"]; got != "bad_verification_code" {
			t.Errorf("the code again: %v", got)
		}
		if s.revoke(s.ClientID, "x", token) != 404 || s.revoke("x", s.ClientSecret, token) != 404 || s.Tokens() != 1 {
			t.Error("somebody else may revoke")
		}
		if s.revoke(s.ClientID, s.ClientSecret, token) != 204 || s.revoke(s.ClientID, s.ClientSecret, token) != 404 {
			t.Error("the App cannot revoke, or can do so twice")
		}
		if status, _ := s.user(token); status != http.StatusUnauthorized {
			t.Errorf("revoked: %d", status)
		}
	}
	if status, _ := s.user("ghs_1_x.y.z"); status != http.StatusForbidden {
		t.Errorf("an installation's token: %d", status)
	}
}

func TestServer_refuses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.LogIn("ada")
	s.SetCallback(redirect)
	for name, tt := range map[string]struct {
		cookie string
		change url.Values
		want   int
	}{
		"another App":      {"", url.Values{"client_id": {"x"}}, 404},
		"another way back": {"", url.Values{"redirect_uri": {redirect + "/x"}}, 400},
		"no way back":      {"", url.Values{"redirect_uri": {""}}, 400},
		"unknown person":   {"nobody", nil, 401},
		"organisation":     {"acme", nil, 401},
	} {
		if status, back := s.authorize(tt.cookie, tt.change); status != tt.want || back.Has("code") {
			t.Errorf("%s: %d %v, want %d", name, status, back, tt.want)
		}
	}
	for name, tt := range map[string]struct {
		change url.Values
		after  time.Duration
		want   string
	}{
		"secret":   {url.Values{"client_secret": {"x"}}, 0, "incorrect_client_credentials"},
		"redirect": {url.Values{"redirect_uri": {redirect + "/x"}}, 0, "redirect_uri_mismatch"},
		"verifier": {url.Values{"code_verifier": {"x"}}, 0, "bad_verification_code"},
		"none":     {url.Values{"code_verifier": {""}}, 0, "bad_verification_code"},
		"late":     {nil, 11 * time.Minute, "bad_verification_code"},
	} {
		_, back := s.authorize("", nil)
		s.now = s.now.Add(tt.after)
		if got := s.exchange(back.Get("code"), tt.change); got["error"] != tt.want || got["access_token"] != nil {
			t.Errorf("%s: %v, want %s", name, got, tt.want)
		}
	}
	s.Decline(true)
	if status, back := s.authorize("", nil); status != 302 || back.Get("error") != "access_denied" || back.Has("code") {
		t.Errorf("declined: %d %v", status, back)
	}
}
