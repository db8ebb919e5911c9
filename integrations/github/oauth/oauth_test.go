package oauth_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"honk/integrations/github/githubtest"
	"honk/integrations/github/oauth"
	"honk/internal/config"
	"honk/internal/task"
)

const (
	redirect = "https://honk.example.com/link/callback"
	verifier = "a-verifier-that-is-longer-than-forty-three-characters"
)

// forge is a GitHub with ada, and a client of its App.
type forge struct {
	*githubtest.Forge

	t      *testing.T
	id     int64
	client *oauth.Client
	log    *bytes.Buffer
}

func newForge(t *testing.T, change func(*oauth.Options)) forge {
	t.Helper()
	f, err := githubtest.New(githubtest.Options{Dir: t.TempDir()})
	if err == nil {
		err = f.Start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	out := forge{Forge: f, t: t, id: f.AddUser("ada"), log: &bytes.Buffer{}}
	f.OAuth().LogIn("ada")
	opts := oauth.Options{
		ClientID: f.OAuth().ClientID, ClientSecret: config.Secret(f.OAuth().ClientSecret),
		GitHubURL: f.URL() + "/", APIURL: f.APIURL(), Log: slog.New(slog.NewTextHandler(out.log, nil)),
	}
	if change != nil {
		change(&opts)
	}
	if out.client, err = oauth.New(opts); err != nil {
		t.Fatal(err)
	}
	return out
}

// authorize goes to GitHub as a browser does, and returns what it is sent back
// with.
func (f forge) authorize() url.Values {
	f.t.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, f.client.AuthorizeURL(redirect, "st&te", verifier), nil)
	if err != nil {
		f.t.Fatal(err)
	}
	resp, err := browser.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		f.t.Fatalf("authorize: %s: %v", resp.Status, err)
	}
	if !strings.HasPrefix(back.String(), redirect+"?") || back.Query().Get("state") != "st&te" {
		f.t.Errorf("sent back to %q", back)
	}
	return back.Query()
}

func TestIdentify(t *testing.T) {
	t.Parallel()
	f := newForge(t, nil)
	code := f.authorize().Get("code")
	login, id, err := f.client.Identify(t.Context(), redirect, code, verifier)
	if login != "ada" || id != f.id || err != nil {
		t.Errorf("Identify: %q, %d, %v; want ada, %d", login, id, err, f.id)
	}
	if n := f.OAuth().Tokens(); n != 0 {
		t.Errorf("%d tokens are still good", n)
	}
	if f.log.Len() != 0 {
		t.Errorf("logged %s", f.log)
	}
	_, _, err = f.client.Identify(t.Context(), redirect, code, verifier)
	if task.CodeOf(err) != task.CodeInvalid || !strings.Contains(err.Error(), "open the link again") || strings.Contains(err.Error(), code) {
		t.Errorf("the same code again: %v", err)
	}
}

func TestIdentify_bound(t *testing.T) {
	t.Parallel()
	f := newForge(t, nil)
	for name, tt := range map[string]struct {
		redirect, code, verifier string
		want                     task.Code
	}{
		"another verifier": {redirect, f.authorize().Get("code"), verifier + "x", task.CodeInvalid},
		"another way back": {redirect + "x", f.authorize().Get("code"), verifier, task.CodeForbidden},
		"another code":     {redirect, "0123456789abcdef0123", verifier, task.CodeInvalid},
	} {
		login, _, err := f.client.Identify(t.Context(), tt.redirect, tt.code, tt.verifier)
		if login != "" || task.CodeOf(err) != tt.want {
			t.Errorf("%s: %q, %v; want %s", name, login, err, tt.want)
		}
	}
	f.OAuth().Decline(true)
	if got := f.authorize(); got.Get("error") != "access_denied" || got.Has("code") {
		t.Errorf("declined: %v", got)
	}
}

func TestIdentify_wrongSecret(t *testing.T) {
	t.Parallel()
	f := newForge(t, func(o *oauth.Options) { o.ClientSecret = "hunter2hunter2" })
	_, _, err := f.client.Identify(t.Context(), redirect, f.authorize().Get("code"), verifier)
	if task.CodeOf(err) != task.CodeForbidden || !strings.Contains(err.Error(), "HONK_GITHUB_CLIENT_SECRET") ||
		strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

// TestIdentify_troubles answers as GitHub, and what is between, may.
func TestIdentify_troubles(t *testing.T) {
	t.Parallel()
	const token = `{"access_token":"ghu_hunter2","token_type":"bearer"}`
	for name, tt := range map[string]struct {
		token  string
		user   string
		status int
		want   task.Code
		logged string
	}{
		"good":          {token, `{"login":"ada","id":7,"type":"User"}`, 200, "", "status=500"},
		"no token":      {`{"token_type":"bearer"}`, "", 200, task.CodeUnavailable, ""},
		"suspended":     {`{"error":"application_suspended","error_description":"ghu_hunter2"}`, "", 200, task.CodeForbidden, ""},
		"not JSON":      {`<html>ghu_hunter2`, "", 200, task.CodeUnavailable, ""},
		"bad token":     {token, `{"message":"ghu_hunter2"}`, 401, task.CodeForbidden, "status=500"},
		"gone":          {token, `{}`, 404, task.CodeForbidden, "status=500"},
		"trouble":       {token, `ghu_hunter2`, 502, task.CodeUnavailable, "status=500"},
		"too fast":      {token, `{}`, 429, task.CodeRateLimited, "status=500"},
		"elsewhere":     {token, `{}`, 302, task.CodeForbidden, "status=500"},
		"no account":    {token, `{}`, 200, task.CodeUnavailable, "status=500"},
		"hostile login": {token, `{"login":"../ghu_hunter2","id":7}`, 200, task.CodeUnavailable, "status=500"},
		"huge":          {token, `{"login":"` + strings.Repeat("a", 1<<20) + `"}`, 200, task.CodeUnavailable, "status=500"},
		"bot":           {token, `{"login":"ada","id":7,"type":"Bot"}`, 200, task.CodeForbidden, "status=500"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			say := func(status int, body string) http.HandlerFunc {
				return func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "application/json")
					w.Header().Set("Location", "/elsewhere")
					w.WriteHeader(status)
					_, _ = w.Write([]byte(body)) // the client has gone
				}
			}
			mux.Handle("POST /login/oauth/access_token", say(200, tt.token))
			mux.Handle("GET /user", say(tt.status, tt.user))
			mux.Handle("DELETE /applications/Iv1/token", say(500, "ghu_hunter2"))
			mux.HandleFunc("/elsewhere", func(_ http.ResponseWriter, r *http.Request) {
				t.Errorf("followed elsewhere with %q", r.Header.Get("Authorization"))
			})
			server := httptest.NewServer(mux)
			defer server.Close()
			var log bytes.Buffer
			client, err := oauth.New(oauth.Options{
				ClientID: "Iv1", ClientSecret: "hunter2hunter2", GitHubURL: server.URL, APIURL: server.URL,
				Log: slog.New(slog.NewTextHandler(&log, nil)),
			})
			if err != nil {
				t.Fatal(err)
			}
			login, _, err := client.Identify(t.Context(), redirect, "hunter2code", verifier)
			if task.CodeOf(err) != tt.want || (err == nil) != (login == "ada") {
				t.Errorf("got %q, %v; want code %q", login, err, tt.want)
			}
			if !strings.Contains(log.String(), tt.logged) || err != nil && strings.Contains(err.Error(), "hunter2") ||
				strings.Contains(log.String(), "hunter2") {
				t.Errorf("error %v, log %s", err, &log)
			}
		})
	}
}

func TestIdentify_unreachable(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	client, err := oauth.New(oauth.Options{ClientID: "Iv1", ClientSecret: "hunter2hunter2", GitHubURL: server.URL, APIURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := client.Identify(t.Context(), redirect, "hunter2code", verifier); task.CodeOf(err) != task.CodeUnavailable {
		t.Errorf("down: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := client.Identify(ctx, redirect, "hunter2code", verifier); task.CodeOf(err) != task.CodeCancelled {
		t.Errorf("cancelled: %v", err)
	}
}

func TestNew_refuses(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]oauth.Options{
		"no ID":      {ClientSecret: "s"},
		"no secret":  {ClientID: "Iv1"},
		"plain http": {ClientID: "Iv1", ClientSecret: "s", GitHubURL: "http://github.example.com"},
		"plain API":  {ClientID: "Iv1", ClientSecret: "s", APIURL: "http://api.github.example.com"},
		"no URL":     {ClientID: "Iv1", ClientSecret: "s", GitHubURL: "github.com"},
		"password":   {ClientID: "Iv1", ClientSecret: "s", GitHubURL: "https://u:hunter2@github.com"},
	} {
		_, err := oauth.New(opts)
		if task.CodeOf(err) != task.CodeInvalid || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, err := oauth.New(oauth.Options{ClientID: "Iv1", ClientSecret: "s"})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(c.AuthorizeURL(redirect, "a b", verifier))
	if err != nil || u.Host != "github.com" || u.Scheme != "https" || u.Path != "/login/oauth/authorize" {
		t.Errorf("AuthorizeURL: %v, %v", u, err)
	}
	q := u.Query()
	if q.Get("redirect_uri") != redirect || q.Get("state") != "a b" || q.Get("code_challenge_method") != "S256" ||
		len(q.Get("code_challenge")) != 43 || strings.Contains(u.RawQuery, verifier) || q.Has("scope") || q.Has("client_secret") {
		t.Errorf("AuthorizeURL: %v", q)
	}
}
