package web_test

import (
	"context"
	"html"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"honk/internal/task"
	"honk/internal/web"
)

const public = "https://honk.example.com"

// desk is the pages of linking over a memory, and a GitHub at which the code
// "code-of-ada" is ada's.
type desk struct {
	http.Handler

	t   *testing.T
	key []byte

	mu    sync.Mutex
	links map[string]web.Link
	kept  []web.Linked
	asked int // how often GitHub was asked
	err   error
}

// newDesk changes the options where change is not nil.
func newDesk(t *testing.T, change func(*web.LinkOptions)) *desk {
	t.Helper()
	d := &desk{t: t, key: linkKey(t), links: map[string]web.Link{}}
	opts := web.LinkOptions{
		PublicURL: public, GitHubURL: "https://github.com", Key: d.key,
		OpenFunc: d.open, KeepFunc: d.keep, IdentifyFunc: d.identify,
		AuthorizeURLFunc: func(redirect, state, verifier string) string {
			return "https://github.com/login/oauth/authorize?" + url.Values{
				"redirect_uri": {redirect}, "state": {state}, "of": {verifier},
			}.Encode()
		},
		Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&opts)
	}
	var err error
	if d.Handler, err = web.NewLink(opts); err != nil {
		t.Fatal(err)
	}
	return d
}

// invite returns the path of a new invitation.
func (d *desk) invite(nonce string, l web.Link) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.links[nonce] = l
	return "/link?token=" + web.Sign(d.key, nonce, time.Now().Add(web.LinkTime))
}

func (d *desk) open(_ context.Context, nonce string) (web.Link, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l, ok := d.links[nonce]
	if !ok {
		return web.Link{}, task.Errorf(task.CodeNotFound, "this link was used already")
	}
	return l, nil
}

func (d *desk) keep(_ context.Context, nonce string, l web.Linked) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.links[nonce]; !ok {
		return task.Errorf(task.CodeNotFound, "this link was used already")
	}
	delete(d.links, nonce)
	d.kept = append(d.kept, l)
	return nil
}

func (d *desk) identify(_ context.Context, redirect, code, verifier string) (string, int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	switch {
	case d.err != nil:
		return "", 0, d.err
	case redirect != public+"/link/callback" || len(verifier) < 43:
		d.t.Errorf("redirect %q, verifier of %d", redirect, len(verifier))
	}
	login, ok := strings.CutPrefix(code, "code-of-")
	if !ok {
		return "", 0, task.Errorf(task.CodeInvalid, "unknown code")
	}
	return login, 7, nil
}

// browser keeps cookies.
type browser struct {
	d       *desk
	cookies map[string]string
	// header is sent along.
	header http.Header
}

func (d *desk) browser() *browser {
	return &browser{d: d, cookies: map[string]string{}, header: http.Header{}}
}

// answer is what a browser got.
type answer struct {
	*http.Response

	body string
}

func (b *browser) do(method, path string, form url.Values) answer {
	b.d.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req := httptest.NewRequestWithContext(b.d.t.Context(), method, public+path, body)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	maps.Copy(req.Header, b.header)
	if host := b.header.Get("Host"); host != "" {
		req.Host = host
	}
	for name, value := range b.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	rec := httptest.NewRecorder()
	b.d.ServeHTTP(rec, req)
	resp := rec.Result()
	for _, c := range resp.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
			continue
		}
		b.cookies[c.Name] = c.Value
	}
	return answer{resp, rec.Body.String()}
}

func (b *browser) get(path string) answer { return b.do(http.MethodGet, path, nil) }

var hidden = regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)">`)

// form returns what a page's form sends.
func (a answer) form() url.Values {
	values := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(a.body, -1) {
		values.Set(m[1], html.UnescapeString(m[2]))
	}
	return values
}

// begin follows an invitation to GitHub and returns the path of the way back.
func (b *browser) begin(invitation, code string) (callback string) {
	b.d.t.Helper()
	page := b.get(invitation)
	resp := b.do(http.MethodPost, "/link", page.form())
	to, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || resp.StatusCode != http.StatusSeeOther || to.Host != "github.com" {
		b.d.t.Fatalf("POST /link: %d to %q: %s", resp.StatusCode, to, resp.body)
	}
	return "/link/callback?" + url.Values{"code": {code}, "state": {to.Query().Get("state")}}.Encode()
}

// reach follows an invitation up to the page that names both accounts.
func (b *browser) reach(invitation, code string) answer {
	b.d.t.Helper()
	resp := b.get(b.begin(invitation, code))
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != public+"/link/confirm" {
		b.d.t.Fatalf("callback: %d to %q: %s", resp.StatusCode, resp.Header.Get("Location"), resp.body)
	}
	page := b.get("/link/confirm")
	if page.StatusCode != http.StatusOK {
		b.d.t.Fatalf("confirm page: %d %s", page.StatusCode, page.body)
	}
	return page
}

func (b *browser) confirm(form url.Values) answer {
	return b.do(http.MethodPost, "/link/confirm", form)
}

// want checks an answer's status, and that the page says something.
func (a answer) want(t *testing.T, what string, status int, texts ...string) {
	t.Helper()
	if a.StatusCode != status {
		t.Errorf("%s: status %d, want %d: %s", what, a.StatusCode, status, a.body)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			t.Errorf("%s: the page lacks %q: %s", what, text, a.body)
		}
	}
}

func ada() web.Link { return web.Link{Name: "Ada in Acme", Account: "U024", Team: "T1"} }
