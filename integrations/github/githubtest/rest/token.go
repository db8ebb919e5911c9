package rest

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"honk/integrations/github/githubtest/record"
)

// Token is an installation's token.
type Token struct {
	Value       string
	Permissions record.Permissions
	// Repos are the repositories it reaches; nil means all of the
	// installation.
	Repos     []*record.Repo
	CreatedAt time.Time
	ExpiresAt time.Time
	Revoked   bool

	installation *record.Installation
}

// Reaches reports whether the token is for a repository.
func (t *Token) Reaches(r *record.Repo) bool {
	return t.installation.Has(r) && (t.Repos == nil || slices.Contains(t.Repos, r))
}

// Suspended reports whether the installation is.
func (t *Token) Suspended() bool { return !t.installation.SuspendedAt.IsZero() }

// Tokens are all that were ever given out. The world's lock guards them.
type Tokens struct {
	All []*Token
}

// Find returns a token that is valid at a time, or nil.
func (t *Tokens) Find(value string, now time.Time) *Token {
	for _, token := range t.All {
		if token.Value == value && !token.Revoked && now.Before(token.ExpiresAt) {
			return token
		}
	}
	return nil
}

// Revoke ends all tokens of an installation.
func (t *Tokens) Revoke(i *record.Installation) {
	for _, token := range t.All {
		token.Revoked = token.Revoked || token.installation == i
	}
}

// mint makes a token of the form GitHub has given them since 2026: longer
// than any column somebody once thought wide enough, and with dots.
func (t *Tokens) mint(i *record.Installation, p record.Permissions, repos []*record.Repo, now time.Time) *Token {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	token := &Token{
		Value: fmt.Sprintf("ghs_%d_%s.%s.%s", i.App.ID, part(`{"alg":"HS256","typ":"JWT"}`),
			part(fmt.Sprintf(`{"installation":%d,"exp":%d,"jti":%q}`, i.ID, now.Add(time.Hour).Unix(), rand.Text())),
			strings.Repeat(rand.Text(), 8)),
		Permissions: p, Repos: repos, CreatedAt: now, ExpiresAt: now.Add(time.Hour), installation: i,
	}
	t.All = append(t.All, token)
	return token
}
