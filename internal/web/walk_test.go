package web_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/integrations/github/githubtest"
	"honk/integrations/github/oauth"
	"honk/internal/config"
	"honk/internal/postgres"
	"honk/internal/postgres/people"
	"honk/internal/postgres/pgtest"
	"honk/internal/task"
	"honk/internal/web"
)

// town is the service's pages on a real database, and a GitHub where ada and
// mallory are.
type town struct {
	t      *testing.T
	forge  *githubtest.Forge
	people people.Store
	key    []byte
	url    string
	adaID  int64
}

func newTown(t *testing.T) *town {
	t.Helper()
	db, err := postgres.Open(t.Context(), pgtest.New(t, migrate, "web"), 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	forge, err := githubtest.New(githubtest.Options{Dir: t.TempDir()})
	if err == nil {
		err = forge.Start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = forge.Close() }) // nothing is lost with it
	w := &town{t: t, forge: forge, people: people.New(db), adaID: forge.AddUser("ada")}
	forge.AddUser("mallory")
	if w.key, err = web.LinkKey(forge.PrivateKey()); err != nil {
		t.Fatal(err)
	}
	// The pages need to know where they are served.
	var pages http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { pages.ServeHTTP(rw, r) }))
	t.Cleanup(server.Close)
	w.url = server.URL
	forge.OAuth().SetCallback(server.URL + "/link/callback")
	client, err := oauth.New(oauth.Options{
		ClientID: forge.OAuth().ClientID, ClientSecret: config.Secret(forge.OAuth().ClientSecret),
		GitHubURL: forge.URL(), APIURL: forge.APIURL(),
	})
	if err != nil {
		t.Fatal(err)
	}
	link, err := web.NewLink(web.LinkOptions{
		PublicURL: server.URL, GitHubURL: forge.URL(), Key: w.key, OpenFunc: w.open, KeepFunc: w.keep,
		AuthorizeURLFunc: client.AuthorizeURL, IdentifyFunc: client.Identify, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	pages = web.Handler(web.Options{Link: link, Log: slog.New(slog.DiscardHandler)})
	return w
}

func migrate(ctx context.Context, url string) error {
	db, err := postgres.Open(ctx, url, 2)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Migrate(ctx)
	return err
}

func (w *town) open(ctx context.Context, nonce string) (web.Link, error) {
	l, err := w.people.Link(ctx, nonce)
	return web.Link{Name: l.Name, Account: l.Account, Team: l.Team}, gone(err)
}

func (w *town) keep(ctx context.Context, nonce string, l web.Linked) error {
	return gone(w.people.UseLink(ctx, nonce, people.Identity{
		Source: task.SourceSlack, Team: l.Team, Account: l.Account, Login: l.Login, ForgeID: l.ID,
	}))
}

func gone(err error) error {
	if errors.Is(err, postgres.ErrNotFound) {
		return task.Errorf(task.CodeNotFound, "this link was used already, or a newer one was sent")
	}
	return err
}

// invite returns the address that Slack shows to a person.
func (w *town) invite(nonce, account, name string) string {
	w.t.Helper()
	expires := time.Now().Add(web.LinkTime)
	err := w.people.AddLink(w.t.Context(), people.Link{
		Nonce: nonce, Source: task.SourceSlack, Team: "T1", Account: account, Name: name, ExpiresAt: expires,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return web.LinkURL(w.url, web.Sign(w.key, nonce, expires))
}

// visitor is a browser whose person is signed in to GitHub.
type visitor struct {
	*http.Client

	w *town
}

func (w *town) visitor(login string) visitor {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	at, err := url.Parse(w.forge.URL())
	if err != nil {
		w.t.Fatal(err)
	}
	jar.SetCookies(at, []*http.Cookie{{Name: "login", Value: login, Path: "/login/"}})
	return visitor{&http.Client{Jar: jar}, w}
}

func (v visitor) send(method, address string, form url.Values) answer {
	v.w.t.Helper()
	req, err := http.NewRequestWithContext(v.w.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		v.w.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", v.w.url)
	}
	resp, err := v.Do(req)
	if err != nil {
		v.w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		v.w.t.Fatal(err)
	}
	return answer{resp, string(body)}
}

func TestLink_walk(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	address := w.invite("n1", "U024", "Ada in Acme")
	ada := w.visitor("ada")
	page := ada.send("GET", address, nil)
	page.want(t, "invitation", 200, "Ada in Acme")
	both := ada.send("POST", w.url+"/link", page.form())
	both.want(t, "both accounts", 200, "Ada in Acme", ">ada<", "Do not confirm if the link did not come to you")
	if both.Request.URL.String() != w.url+"/link/confirm" {
		t.Errorf("the address is %s, want it without code and state", both.Request.URL)
	}
	if _, err := w.people.Identity(t.Context(), task.SourceSlack, "T1", "U024"); !errors.Is(err, postgres.ErrNotFound) {
		t.Errorf("known before it was confirmed: %v", err)
	}
	if n := w.forge.OAuth().Tokens(); n != 0 {
		t.Errorf("%d tokens are still good", n)
	}

	// Mallory has got hold of the link, and is slower.
	mallory := w.visitor("mallory")
	theirs := mallory.send("POST", w.url+"/link", page.form())
	theirs.want(t, "mallory", 200, ">mallory<")
	ada.send("POST", w.url+"/link/confirm", both.form()).want(t, "done", 200, "You can go back to Slack")
	mallory.send("POST", w.url+"/link/confirm", theirs.form()).want(t, "mallory confirms", 410, "Ask Honk in Slack again")
	ada.send("POST", w.url+"/link/confirm", both.form()).want(t, "once more", 400)
	ada.send("GET", address, nil).want(t, "the link again", 410, "Ask Honk in Slack again")

	got, err := w.people.Identity(t.Context(), task.SourceSlack, "T1", "U024")
	want := people.Identity{Source: task.SourceSlack, Team: "T1", Account: "U024", Login: "ada", ForgeID: w.adaID}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("identity: %v (-want +got):\n%s", err, diff)
	}
}

func TestLink_walkNewerLink(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	first := w.invite("n1", "U024", "Ada in Acme")
	ada := w.visitor("ada")
	both := ada.send("POST", w.url+"/link", ada.send("GET", first, nil).form())
	both.want(t, "both accounts", 200)
	second := w.invite("n2", "U024", "Ada in Acme")
	ada.send("GET", first, nil).want(t, "the older link", 410, "a newer one was sent")
	ada.send("POST", w.url+"/link/confirm", both.form()).want(t, "its last page", 410)
	w.forge.OAuth().Decline(true)
	ada.send("POST", w.url+"/link", ada.send("GET", second, nil).form()).want(t, "declined", 403, "Declined on GitHub")
	w.forge.OAuth().Decline(false)
	both = ada.send("POST", w.url+"/link", ada.send("GET", second, nil).form())
	ada.send("POST", w.url+"/link/confirm", both.form()).want(t, "the newer link", 200)
}
