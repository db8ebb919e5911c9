package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is how much of a name is shown.
const maxName = 80

//go:embed template/link.html
var linkPages string

//go:embed template/style.css
var style string

// pages are the pages of linking, by the names of their views.
var pages = template.Must(template.New("link").Parse(linkPages))

// view is what a page shows.
type view interface {
	page() string
	Title() string
}

// askView is the page an invitation leads to.
type askView struct {
	Link

	Action, Token string
}

// confirmView is the page that names both accounts.
type confirmView struct {
	Linked

	Action, Seal string
}

// doneView is the last page.
type doneView struct{ Linked }

// problemView is any other end.
type problemView struct{ *problem }

func (askView) page() string     { return "ask" }
func (confirmView) page() string { return "confirm" }
func (doneView) page() string    { return "done" }
func (problemView) page() string { return "problem" }

// Title is the page's.
func (askView) Title() string { return "Link your GitHub account" }

// Title is the page's.
func (confirmView) Title() string { return "Confirm both accounts" }

// Title is the page's.
func (doneView) Title() string { return "Linked" }

// Title is the page's.
func (v problemView) Title() string { return v.problem.Title }

// policy returns the content security policy: no script, no source of
// anything, and forms that lead here and on to GitHub only.
func policy(forge string) string {
	sum := sha256.Sum256([]byte(style))
	return fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; form-action 'self' %s; frame-ancestors 'none'; base-uri 'none'",
		base64.StdEncoding.EncodeToString(sum[:]), forge)
}

// page makes a handler of a step, with the headers that all answers have.
func (l *linker) page(next step) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", l.csp)
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		// Other sites learn nothing of our addresses. To ourselves they are
		// told: with no-referrer browsers send forms with "Origin: null".
		h.Set("Referrer-Policy", "same-origin")
		p := next(w, r)
		if p != nil {
			p = l.render(w, r, p.Status, problemView{p})
		}
		if p != nil {
			say(w, p.Status, p.Text)
		}
	}
}

// render writes a page.
func (l *linker) render(w http.ResponseWriter, r *http.Request, status int, v view) *problem {
	var out bytes.Buffer
	err := pages.ExecuteTemplate(&out, v.page(), struct {
		Style template.CSS
		View  view
	}{template.CSS(style), v})
	if err != nil {
		return l.explain(r.Context(), fmt.Errorf("writing page %q: %w", v.page(), err), openAgain)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	// Whoever has hung up reads no answer.
	_, _ = w.Write(out.Bytes())
	return nil
}

// plain returns a name on one line and without the characters that change how
// what is beside it looks.
func plain(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError, unicode.In(r, unicode.C, unicode.Zl, unicode.Zp):
			return -1
		}
		return r
	}, name)
	name = strings.Join(strings.Fields(name), " ")
	if runes := []rune(name); len(runes) > maxName {
		name = string(runes[:maxName-1]) + "…"
	}
	return name
}

// sentence makes one of a message that begins in lower case.
func sentence(message string) string {
	first, size := utf8.DecodeRuneInString(message)
	if size == 0 {
		return ""
	}
	return strings.TrimRight(string(unicode.ToUpper(first))+message[size:], ".") + "."
}
