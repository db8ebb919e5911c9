package web_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/internal/task"
	"honk/internal/web"
)

func TestLink(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	b := d.browser()
	invitation := d.invite("n1", ada())
	b.get(invitation).want(t, "invitation", 200, "Ada in Acme", "U024", "T1", "Continue to GitHub")
	page := b.reach(invitation, "code-of-ada")
	page.want(t, "confirm page", 200, "Ada in Acme", "U024", ">ada<", "account number 7", "Do not confirm if the link did not come to you")
	if len(d.kept) != 0 {
		t.Error("something was kept before it was confirmed")
	}
	b.confirm(page.form()).want(t, "done", 200, "Ada in Acme", ">ada<", "You can go back to Slack")
	if diff := cmp.Diff([]web.Linked{{Link: ada(), Login: "ada", ID: 7}}, d.kept); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	if len(b.cookies) != 0 {
		t.Errorf("the browser still has %v", b.cookies)
	}
	b.get(invitation).want(t, "used link", 410, "used already", "Ask Honk in Slack again")
}

func TestLink_cookie(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]http.Cookie{
		public:                  {Name: "__Host-honk-link", Secure: true},
		"http://127.0.0.1:8080": {Name: "honk-link"},
	} {
		d := newDesk(t, func(o *web.LinkOptions) { o.PublicURL = address })
		b := d.browser()
		// The form's origin is as the browser says; httptest has one address.
		b.header.Set("Sec-Fetch-Site", "same-origin")
		page := b.get(d.invite("n1", ada()))
		if len(page.Cookies()) != 0 {
			t.Errorf("looking at the link sets %v", page.Cookies())
		}
		cookies := b.do("POST", "/link", page.form()).Cookies()
		if len(cookies) != 1 {
			t.Fatalf("got cookies %v, want one", cookies)
		}
		got := cookies[0]
		if got.Name != want.Name || got.Secure != want.Secure || !got.HttpOnly || got.SameSite != http.SameSiteLaxMode ||
			got.Path != "/" || got.Domain != "" || got.MaxAge != 600 {
			t.Errorf("%s: cookie %q", address, got.Raw)
		}
		raw, err := base64.RawURLEncoding.DecodeString(got.Value)
		if err != nil || strings.Contains(string(raw), "token") {
			t.Errorf("the cookie can be read: %q, %v", raw, err)
		}
	}
}

func TestLink_headers(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	b := d.browser()
	form := b.reach(d.invite("n1", ada()), "code-of-ada").form()
	answers := []answer{
		b.get(d.invite("n2", ada())), b.get("/link"), b.get("/link/callback"), b.get("/link/confirm"),
		b.do("POST", "/link", url.Values{}), b.confirm(form), b.confirm(form),
	}
	inline := regexp.MustCompile(`(?s)<style>(.*?)</style>`)
	for _, a := range answers {
		m := inline.FindStringSubmatch(a.body)
		if m == nil || strings.Contains(a.body, "ZgotmplZ") {
			t.Fatalf("%d: no style: %s", a.StatusCode, a.body)
		}
		sum := sha256.Sum256([]byte(m[1]))
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
				"'; form-action 'self' https://github.com; frame-ancestors 'none'; base-uri 'none'",
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Content-Type": "text/html; charset=utf-8",
		} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%d: %s is %q, want %q", a.StatusCode, name, got, want)
			}
		}
		if bad := regexp.MustCompile(`(?i)<script|<img|<link|<iframe|\son\w+=|javascript:|src=|style=`).FindString(a.body); bad != "" {
			t.Errorf("the page holds %q", bad)
		}
		if strings.Count(a.body, "<h1>") != 1 || !strings.Contains(a.body, `<html lang="en">`) {
			t.Errorf("not a page of ours: %s", a.body)
		}
	}
}

func TestLink_badToken(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	d.invite("n1", ada())
	other, err := web.LinkKey([]byte("the private key of another App"))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		token  string
		status int
	}{
		"none":    {"", 400},
		"junk":    {"<b>junk", 400},
		"foreign": {web.Sign(other, "n1", time.Now().Add(time.Minute)), 400},
		"expired": {web.Sign(d.key, "n1", time.Now().Add(-time.Second)), 410},
		"unknown": {web.Sign(d.key, "n2", time.Now().Add(time.Minute)), 410},
	} {
		b := d.browser()
		b.get("/link?token="+url.QueryEscape(tt.token)).want(t, name, tt.status, "Ask Honk in Slack again")
		a := b.do("POST", "/link", url.Values{"token": {tt.token}})
		a.want(t, name+" sent", tt.status, "Ask Honk in Slack again")
		if len(b.cookies) != 0 || a.Header.Get("Location") != "" {
			t.Errorf("%s: cookies %v, location %q", name, b.cookies, a.Header.Get("Location"))
		}
	}
}

func TestLink_takesTooLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, nil)
		slow, slower, late := d.browser(), d.browser(), d.browser()
		back := slow.begin(d.invite("n1", ada()), "code-of-ada")
		form := slower.reach(d.invite("n2", ada()), "code-of-ada").form()
		late.get(d.invite("n3", ada()))
		time.Sleep(9 * time.Minute) //nolint:forbidigo // the bubble's time
		form3 := late.reach(d.invite("n3", ada()), "code-of-ada").form()
		time.Sleep(time.Minute) //nolint:forbidigo // the bubble's time
		slow.get(back).want(t, "callback after 10 minutes", 400, "Open the link")
		slower.confirm(form).want(t, "confirm after 10 minutes", 400, "Open the link")
		time.Sleep(8 * time.Minute) //nolint:forbidigo // the bubble's time
		// invite made a new token meanwhile; only the cookie counts here.
		late.confirm(form3).want(t, "confirm in time", 200)
		if len(d.kept) != 1 {
			t.Errorf("kept %v", d.kept)
		}
	})
}

func TestLink_refused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err    error
		status int
		text   string
	}{
		"invalid":     {task.Errorf(task.CodeInvalid, "the code is old"), 400, "The code is old."},
		"forbidden":   {task.Errorf(task.CodeForbidden, "no <b>"), 403, "No &lt;b&gt;."},
		"unavailable": {task.Errorf(task.CodeUnavailable, "GitHub is away"), 503, "GitHub is away."},
		"limit":       {task.Errorf(task.CodeRateLimited, "too fast"), 503, "Too fast."},
		"internal":    {errors.New("password hunter2"), 500, "Something went wrong"},
		"ours":        {task.Errorf(task.CodeInternal, "password hunter2"), 500, "Something went wrong"},
	} {
		d := newDesk(t, nil)
		d.err = tt.err
		b := d.browser()
		a := b.get(b.begin(d.invite("n1", ada()), "code-of-ada"))
		a.want(t, name, tt.status, tt.text, "Open the link in Honk")
		if strings.Contains(a.body, "hunter2") || len(b.cookies) != 0 {
			t.Errorf("%s: cookies %v, page %s", name, b.cookies, a.body)
		}
	}
}

func TestLink_declined(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	for query, text := range map[string]string{
		"error=access_denied&error_description=%3Cb%3Ehostile": "Declined on GitHub",
		"error=redirect_uri_mismatch&code=code-of-ada":         "Refused by GitHub",
		"":                                 "Refused by GitHub",
		"code=" + strings.Repeat("x", 600): "Refused by GitHub",
	} {
		b := d.browser()
		state := strings.SplitAfter(b.begin(d.invite("n1", ada()), ""), "&")[1]
		a := b.get("/link/callback?" + state + "&" + query)
		if a.StatusCode < 400 || a.StatusCode > 499 || !strings.Contains(a.body, text) || strings.Contains(a.body, "hostile") {
			t.Errorf("%q: %d %s", query, a.StatusCode, a.body)
		}
	}
	if d.asked != 0 {
		t.Errorf("GitHub was asked %d times", d.asked)
	}
}

func TestNewLink_refuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*web.LinkOptions){
		"no public URL": func(o *web.LinkOptions) { o.PublicURL = "" },
		"no GitHub":     func(o *web.LinkOptions) { o.GitHubURL = "" },
		"no key":        func(o *web.LinkOptions) { o.Key = nil },
	} {
		opts := web.LinkOptions{PublicURL: public, GitHubURL: "https://github.com", Key: linkKey(t)}
		change(&opts)
		if _, err := web.NewLink(opts); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
