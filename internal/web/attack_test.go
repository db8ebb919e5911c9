package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"honk/internal/web"
)

// TestLink_getChangesNothing looks at everything as previewers do.
func TestLink_getChangesNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	invitation := d.invite("n1", ada())
	victim := d.browser()
	page := victim.reach(invitation, "code-of-ada")
	before := victim.cookies["__Host-honk-link"]
	asked := d.asked
	paths := []string{
		invitation, "/link/confirm", "/link/confirm?" + page.form().Encode(), invitation + "&confirm=1&seal=1",
		"/link/callback?code=code-of-mallory", "/link/callback?code=code-of-mallory&state=",
	}
	for _, path := range paths {
		for _, method := range []string{"GET", "HEAD"} {
			victim.do(method, path, nil)
		}
		for _, method := range []string{"PUT", "DELETE", "PATCH"} {
			if a := victim.do(method, path, page.form()); a.StatusCode != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: %d", method, path, a.StatusCode)
			}
		}
	}
	if len(d.kept) != 0 || d.asked != asked || victim.cookies["__Host-honk-link"] != before {
		t.Errorf("kept %v, asked %d, cookie changed %v", d.kept, d.asked-asked, victim.cookies["__Host-honk-link"] != before)
	}
	victim.confirm(page.form()).want(t, "after all that", 200)
}

func TestLink_callbackElsewhere(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	mallory, victim, stranger := d.browser(), d.browser(), d.browser()
	malloryBack := mallory.begin(d.invite("n1", web.Link{Name: "Mallory", Account: "U9"}), "code-of-mallory")
	victimBack := victim.begin(d.invite("n2", ada()), "code-of-ada")

	stranger.get(malloryBack).want(t, "no cookie", 400, "Begun elsewhere", "Open the link")
	victim.get(malloryBack).want(t, "another browser's state", 400, "Begun elsewhere")
	victim.get(victimBack+"x").want(t, "state changed", 400)
	victim.get("/link/callback?code=code-of-mallory").want(t, "no state", 400)
	if d.asked != 0 {
		t.Errorf("GitHub was asked %d times", d.asked)
	}
	if a := victim.get(victimBack); a.StatusCode != http.StatusSeeOther {
		t.Errorf("the victim's own way back: %d %s", a.StatusCode, a.body)
	}
	victim.get(victimBack).want(t, "replayed", 400)
	if d.asked != 1 {
		t.Errorf("GitHub was asked %d times, want once", d.asked)
	}
	// Once the account is known, GitHub's answer to nothing is refused too.
	victim.get("/link/callback?code=code-of-mallory&state=").want(t, "empty state", 400)
	victim.confirm(victim.get("/link/confirm").form()).want(t, "confirm", 200)
	if len(d.kept) != 1 || d.kept[0].Account != "U024" || d.kept[0].Login != "ada" {
		t.Errorf("kept %v", d.kept)
	}
}

func TestLink_confirmElsewhere(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	b := d.browser()
	first := b.reach(d.invite("n1", ada()), "code-of-ada").form()
	b.confirm(nil).want(t, "no form", 400)
	b.confirm(url.Values{"seal": {"x"}}).want(t, "wrong seal", 400)
	d.browser().confirm(first).want(t, "another browser", 400)

	// A second invitation in the same browser: the first page no longer says
	// what would be confirmed.
	grace := web.Link{Name: "Grace", Account: "U2", Team: "T1"}
	second := b.reach(d.invite("n2", grace), "code-of-grace").form()
	b.confirm(first).want(t, "the first page", 400, "begun anew meanwhile")
	second.Set("token", strings.TrimPrefix(d.invite("n1", ada()), "/link?token="))
	second.Set("login", "mallory")
	b.confirm(second).want(t, "the second page", 200, "Grace")
	if len(d.kept) != 1 || d.kept[0].Account != "U2" || d.kept[0].Login != "grace" {
		t.Errorf("kept %v", d.kept)
	}

	// Who has not been to GitHub has nothing to confirm.
	early := d.browser()
	early.begin(d.invite("n3", ada()), "")
	early.confirm(url.Values{"seal": {""}}).want(t, "before GitHub", 400)
	early.get("/link/confirm").want(t, "before GitHub", 400)
}

func TestLink_confirmTwice(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	invitation := d.invite("n1", ada())
	one, other := d.browser(), d.browser()
	form := one.reach(invitation, "code-of-ada").form()
	otherForm := other.reach(invitation, "code-of-mallory").form()
	cookie := one.cookies["__Host-honk-link"]
	var wg sync.WaitGroup
	done := make([]answer, 4)
	for i := range done {
		wg.Go(func() {
			again := d.browser()
			again.cookies["__Host-honk-link"] = cookie
			done[i] = again.confirm(form)
		})
	}
	wg.Wait()
	for _, a := range done {
		if a.StatusCode != 200 && a.StatusCode != http.StatusGone {
			t.Errorf("at once: %d %s", a.StatusCode, a.body)
		}
	}
	other.confirm(otherForm).want(t, "by another", 410, "used already", "Ask Honk in Slack again")
	if len(d.kept) != 1 || d.kept[0].Login != "ada" {
		t.Errorf("kept %v", d.kept)
	}
}

func TestLink_crossOrigin(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		header map[string]string
		ok     bool
	}{
		"own page":           {map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": public}, true},
		"old browser":        {map[string]string{"Origin": public}, true},
		"proxy renames host": {map[string]string{"Origin": public, "Host": "127.0.0.1:8080"}, true},
		"another site":       {map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, false},
		"neighbour":          {map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "https://evil.example.com"}, false},
		"old, another site":  {map[string]string{"Origin": "https://evil.example"}, false},
		"hidden origin":      {map[string]string{"Origin": "null"}, false},
		"looks alike":        {map[string]string{"Origin": public + ".evil.example"}, false},
	} {
		d := newDesk(t, nil)
		invitation := d.invite("n1", ada())
		b := d.browser()
		begin := b.get(invitation).form()
		form := b.reach(invitation, "code-of-ada").form()
		for key, value := range tt.header {
			b.header.Set(key, value)
		}
		before := b.cookies["__Host-honk-link"]
		confirmed := b.confirm(form)
		if got := len(d.kept) == 1; got != tt.ok || !got && confirmed.StatusCode != http.StatusForbidden {
			t.Errorf("%s: confirm %d, kept %v", name, confirmed.StatusCode, d.kept)
		}
		d.invite("n1", ada())
		began := b.do("POST", "/link", begin)
		if got := began.StatusCode == http.StatusSeeOther; got != tt.ok {
			t.Errorf("%s: begin %d", name, began.StatusCode)
		}
		if !tt.ok && b.cookies["__Host-honk-link"] != before {
			t.Errorf("%s: the cookie changed", name)
		}
	}
}

func TestLink_forgedCookie(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	b := d.browser()
	form := b.reach(d.invite("n1", ada()), "code-of-ada").form()
	good := b.cookies["__Host-honk-link"]
	plain := `eyJ0b2tlbiI6IngiLCJzZWFsIjoieCIsImxvZ2luIjoiYWRhIiwiaWQiOjd9`
	for _, forged := range []string{"", "x", plain, good[:len(good)-2], good[2:], strings.Repeat("A", 4000)} {
		b.cookies["__Host-honk-link"] = forged
		b.confirm(form).want(t, "forged", 400)
	}
	delete(b.cookies, "__Host-honk-link")
	b.cookies["honk-link"] = good
	b.confirm(form).want(t, "under the name without https", 400)
	if len(d.kept) != 0 {
		t.Errorf("kept %v", d.kept)
	}
}

func TestLink_hostileNames(t *testing.T) {
	t.Parallel()
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>'</title>{{.}}`
	d := newDesk(t, nil)
	b := d.browser()
	page := b.reach(d.invite("n1", web.Link{Name: evil, Account: evil, Team: evil}), "code-of-"+evil)
	first := b.get(d.invite("n1", web.Link{Name: evil, Account: evil, Team: evil}))
	done := b.confirm(page.form())
	done.want(t, "done", 200)
	for _, a := range []answer{first, page, done} {
		if strings.Contains(a.body, "<script") || strings.Contains(a.body, "<img") || strings.Contains(a.body, `"">`) {
			t.Errorf("not escaped: %s", a.body)
		}
		if !strings.Contains(a.body, "&lt;script&gt;") {
			t.Errorf("the name is missing: %s", a.body)
		}
	}
	// Nothing turns the text around, hides in it or pushes the rest away.
	name := "Ada\u202egnp\u2066 \u200bLove\x00lace\n\n\u2028in\tAcme " + strings.Repeat("x", 5000)
	a := b.get(d.invite("n2", web.Link{Name: name, Account: "U1"}))
	a.want(t, "invisible", 200, "<bdi>Adagnp Lovelace in Acme xxx", "x…</bdi>")
	if len(a.body) > 8000 || strings.ContainsAny(a.body, "\u202e\u2066\u200b\x00") {
		t.Errorf("%d bytes: %q", len(a.body), a.body)
	}
	b.get(d.invite("n3", web.Link{Name: "\u200b", Account: "U1"})).want(t, "no name", 200, "<bdi>U1</bdi>")
}

func TestLink_openRedirect(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	b := d.browser()
	b.header.Set("Host", "evil.example")
	b.header.Set("X-Forwarded-Host", "evil.example")
	b.header.Set("Sec-Fetch-Site", "same-origin")
	extra := "&redirect_uri=https://evil.example&next=//evil.example&return_to=https://evil.example"
	page := b.get(d.invite("n1", ada()) + extra)
	page.want(t, "page", 200, `action="`+public+`/link"`)
	begun := b.do("POST", "/link?redirect_uri=https://evil.example", page.form())
	to, err := url.Parse(begun.Header.Get("Location"))
	if err != nil || to.Host != "github.com" || to.Query().Get("redirect_uri") != public+"/link/callback" {
		t.Fatalf("begin leads to %q", to)
	}
	back := b.get("/link/callback?code=code-of-ada&state=" + to.Query().Get("state") + extra)
	if got := back.Header.Get("Location"); got != public+"/link/confirm" {
		t.Errorf("callback leads to %q", got)
	}
	for _, path := range []string{"/link//evil.example", "//evil.example/link", "/link/confirm/..//evil.example", `/link/\evil.example`} {
		if got := b.get(path).Header.Get("Location"); strings.HasPrefix(got, "//") || strings.Contains(got, "://") {
			t.Errorf("%s leads to %q", path, got)
		}
	}
	if strings.Contains(page.body, "evil") {
		t.Errorf("the page holds another address: %s", page.body)
	}
}
