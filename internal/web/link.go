package web

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// maxForm is far above any form of ours, maxCode above any of GitHub's
	// codes.
	maxForm = 8 << 10
	maxCode = 512
)

// Link is an account in Slack that an invitation is for.
type Link struct {
	// Name is what people call the person and their workspace.
	Name string
	// Account and Team are Slack's IDs of the two.
	Account, Team string
}

// Linked is an account in Slack and whose it is on GitHub.
type Linked struct {
	Link

	Login string
	// ID is GitHub's number of the account.
	ID int64
}

// LinkOptions says what NewLink works with. All of it is required.
type LinkOptions struct {
	// PublicURL is where people reach the service, GitHubURL where they reach
	// GitHub.
	PublicURL, GitHubURL string
	// Key is what tokens are signed with, see LinkKey.
	Key []byte
	// OpenFunc returns whom an invitation is for. It changes nothing. A
	// *task.Error of code not_found means that the invitation is unknown, has
	// expired or was used.
	OpenFunc func(ctx context.Context, nonce string) (Link, error)
	// AuthorizeURLFunc returns where GitHub asks people who they are, and
	// IdentifyFunc what it found out. The verifier is that of PKCE.
	AuthorizeURLFunc func(redirect, state, verifier string) string
	IdentifyFunc     func(ctx context.Context, redirect, code, verifier string) (login string, id int64, err error)
	// KeepFunc uses the invitation up and stores what it led to, both or
	// neither; its errors are as OpenFunc's.
	KeepFunc func(ctx context.Context, nonce string, l Linked) error
	Log      *slog.Logger
}

// linker is the way from an invitation to a linked account. What it has to
// remember is with the browser.
type linker struct {
	LinkOptions

	base    string // PublicURL without a slash at its end
	csp     string
	origin  *http.CrossOriginProtection
	cookies *cookies
}

// NewLink returns the pages by which people in Slack prove which account on
// GitHub is theirs, at /link and below:
//
//	GET  /link?token=...    whom the invitation is for; changes nothing
//	POST /link              binds the browser and sends it to GitHub
//	GET  /link/callback     GitHub's answer: who is there
//	GET  /link/confirm      both accounts, to be confirmed; changes nothing
//	POST /link/confirm      stores them
func NewLink(opts LinkOptions) (http.Handler, error) {
	public, err := url.Parse(opts.PublicURL)
	if err != nil || public.Host == "" {
		return nil, errors.New("the public URL is no URL; set HONK_PUBLIC_URL")
	}
	forge, err := url.Parse(opts.GitHubURL)
	if err != nil || forge.Host == "" || strings.ContainsAny(forge.Host, " ;,'\"") {
		return nil, errors.New("GitHub's URL is no URL; set HONK_GITHUB_GIT_URL")
	}
	l := &linker{LinkOptions: opts, base: strings.TrimRight(opts.PublicURL, "/"), origin: http.NewCrossOriginProtection()}
	l.csp = policy(forge.Scheme + "://" + forge.Host)
	if err := l.origin.AddTrustedOrigin(public.Scheme + "://" + public.Host); err != nil {
		return nil, fmt.Errorf("trusting the public URL: %w", err)
	}
	if l.cookies, err = newCookies(opts.Key, public.Scheme == "https"); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /link", l.page(l.ask))
	mux.HandleFunc("POST /link", l.page(l.own(l.begin)))
	mux.HandleFunc("GET /link/callback", l.page(l.callback))
	mux.HandleFunc("GET /link/confirm", l.page(l.review))
	mux.HandleFunc("POST /link/confirm", l.page(l.own(l.confirm)))
	return mux, nil
}

// step is one request on the way.
type step func(w http.ResponseWriter, r *http.Request) *problem

// own lets only forms of these pages through.
func (l *linker) own(next step) step {
	return func(w http.ResponseWriter, r *http.Request) *problem {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := l.origin.Check(r); err != nil {
			return foreign()
		}
		if err := r.ParseForm(); err != nil {
			return foreign()
		}
		return next(w, r)
	}
}

// open returns whom a token is for.
func (l *linker) open(ctx context.Context, token string) (nonce string, to Link, p *problem) {
	nonce, err := Verify(l.Key, token, time.Now())
	if err != nil {
		return "", Link{}, l.explain(ctx, err, askAgain)
	}
	to, err = l.OpenFunc(ctx, nonce)
	if err != nil {
		return "", Link{}, l.explain(ctx, err, askAgain)
	}
	to.Name = plain(to.Name)
	return nonce, to, nil
}

func (l *linker) ask(w http.ResponseWriter, r *http.Request) *problem {
	token := r.URL.Query().Get("token")
	_, to, p := l.open(r.Context(), token)
	if p != nil {
		return p
	}
	return l.render(w, r, http.StatusOK, askView{Link: to, Action: l.base + "/link", Token: token})
}

func (l *linker) begin(w http.ResponseWriter, r *http.Request) *problem {
	token := r.PostForm.Get("token")
	if _, _, p := l.open(r.Context(), token); p != nil {
		return p
	}
	// Two texts are more than the 43 characters that PKCE asks for.
	f := flow{Token: token, State: rand.Text(), Verifier: rand.Text() + rand.Text()}
	if err := l.cookies.set(w, f); err != nil {
		return l.explain(r.Context(), err, openAgain)
	}
	http.Redirect(w, r, l.AuthorizeURLFunc(l.redirect(), f.State, f.Verifier), http.StatusSeeOther)
	return nil
}

func (l *linker) redirect() string { return l.base + "/link/callback" }

func (l *linker) callback(w http.ResponseWriter, r *http.Request) *problem {
	query := r.URL.Query()
	f, err := l.cookies.get(r)
	// The cookie stays where the state is another: whoever made that up must
	// not end what the browser's owner has begun.
	if err != nil || f.State == "" || !same(f.State, query.Get("state")) {
		return strange()
	}
	// GitHub's answer counts once.
	l.cookies.clear(w)
	if query.Get("error") == "access_denied" {
		return declined()
	}
	code := query.Get("code")
	if query.Has("error") || code == "" || len(code) > maxCode {
		l.Log.WarnContext(r.Context(), "github refuses authorization", "reason", plain(query.Get("error")))
		return refused()
	}
	if _, _, p := l.open(r.Context(), f.Token); p != nil {
		return p
	}
	login, id, err := l.IdentifyFunc(r.Context(), l.redirect(), code, f.Verifier)
	if err != nil {
		return l.explain(r.Context(), err, openAgain)
	}
	err = l.cookies.set(w, flow{Token: f.Token, Seal: rand.Text(), Login: login, ID: id})
	if err != nil {
		return l.explain(r.Context(), err, openAgain)
	}
	// Another page, so that neither code nor state stays in the address.
	http.Redirect(w, r, l.base+"/link/confirm", http.StatusSeeOther)
	return nil
}

func (l *linker) review(w http.ResponseWriter, r *http.Request) *problem {
	f, err := l.cookies.get(r)
	if err != nil || f.Seal == "" {
		return strange()
	}
	_, to, p := l.open(r.Context(), f.Token)
	if p != nil {
		return p
	}
	return l.render(w, r, http.StatusOK, confirmView{
		Linked: Linked{Link: to, Login: f.Login, ID: f.ID}, Action: l.base + "/link/confirm", Seal: f.Seal,
	})
}

func (l *linker) confirm(w http.ResponseWriter, r *http.Request) *problem {
	f, err := l.cookies.get(r)
	// The seal is that of the page which named these very accounts.
	if err != nil || f.Seal == "" || !same(f.Seal, r.PostForm.Get("seal")) {
		return strange()
	}
	nonce, to, p := l.open(r.Context(), f.Token)
	if p != nil {
		l.cookies.clear(w)
		return p
	}
	linked := Linked{Link: to, Login: f.Login, ID: f.ID}
	if err := l.KeepFunc(r.Context(), nonce, linked); err != nil {
		return l.explain(r.Context(), err, askAgain)
	}
	l.cookies.clear(w)
	l.Log.InfoContext(r.Context(), "account linked", "team", to.Team, "account", to.Account, "login", f.Login, "forge_id", f.ID)
	return l.render(w, r, http.StatusOK, doneView{linked})
}

// same compares without telling by its time where two texts differ.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
