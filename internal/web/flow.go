package web

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// flowTime is how long a browser may take from the first page to the last.
const flowTime = 10 * time.Minute

// flow is what a browser remembers of the invitation that it follows: first
// what GitHub will send it back with, then which account that led to. One
// browser follows one at a time.
type flow struct {
	Token string `json:"token"`
	// State and Verifier bind GitHub's answer to this browser.
	State    string `json:"state,omitempty"`
	Verifier string `json:"verifier,omitempty"`
	// Seal binds the last form to this flow; Login and ID are the account
	// that it confirms.
	Seal  string `json:"seal,omitempty"`
	Login string `json:"login,omitempty"`
	ID    int64  `json:"id,omitempty"`

	Expires time.Time `json:"expires"`
}

// cookies keep flows in browsers, encrypted, so that no page and no person
// can write one.
type cookies struct {
	name   string
	secure bool
	aead   cipher.AEAD
}

// newCookies returns the cookies of a service at an address that is https or,
// in a trial, not.
func newCookies(key []byte, secure bool) (*cookies, error) {
	key, err := derive(key, "honk account link, cookies, 1")
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("making the cipher of cookies: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("making the cipher of cookies: %w", err)
	}
	c := &cookies{name: "honk-link", secure: secure, aead: aead}
	if secure {
		// The prefix keeps hosts beside ours from setting it.
		c.name = "__Host-honk-link"
	}
	return c, nil
}

// set gives a flow to the browser.
func (c *cookies) set(w http.ResponseWriter, f flow) error {
	f.Expires = time.Now().Add(flowTime)
	plain, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("encoding a cookie: %w", err)
	}
	sealed := c.aead.Seal(nil, nil, plain, []byte(c.name))
	http.SetCookie(w, c.cookie(base64.RawURLEncoding.EncodeToString(sealed), int(flowTime.Seconds())))
	return nil
}

// clear takes the flow from the browser.
func (c *cookies) clear(w http.ResponseWriter) { http.SetCookie(w, c.cookie("", -1)) }

// Lax, since GitHub sends people back from another site.
func (c *cookies) cookie(value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: c.name, Value: value, MaxAge: age, Path: "/",
		HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteLaxMode,
	}
}

// get returns the browser's flow. An error says only that there is none that
// is still good.
func (c *cookies) get(r *http.Request) (flow, error) {
	none := errors.New("no flow in this browser")
	cookie, err := r.Cookie(c.name)
	if err != nil {
		return flow{}, none
	}
	sealed, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil {
		return flow{}, none
	}
	plain, err := c.aead.Open(nil, nil, sealed, []byte(c.name))
	if err != nil {
		return flow{}, none
	}
	var f flow
	if err := json.Unmarshal(plain, &f); err != nil || !time.Now().Before(f.Expires) {
		return flow{}, none
	}
	return f, nil
}
