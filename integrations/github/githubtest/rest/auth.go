package rest

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"honk/integrations/github/githubtest/world"
)

// bearer returns the secret of an Authorization header.
func bearer(r *http.Request) string {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "bearer") || strings.EqualFold(scheme, "token") {
		return strings.TrimSpace(secret)
	}
	return ""
}

// authorize fills in who asks, and returns the answer for whoever may not.
func (c *call) authorize() *reply {
	secret := bearer(c.Request)
	if secret == "" {
		return new(failed(http.StatusUnauthorized, "Requires authentication"))
	}
	if c.need == "app" {
		if message := c.api.checkJWT(secret, c.Now()); message != "" {
			return new(failed(http.StatusUnauthorized, message))
		}
		c.by = world.By{User: c.App.Bot, App: c.App}
		return nil
	}
	if strings.Count(secret, ".") == 2 && strings.HasPrefix(secret, "ey") {
		// The App itself may do nothing that takes an installation.
		return new(forbidden)
	}
	token := c.api.tokens.Find(secret, c.Now())
	if token == nil {
		return new(failed(http.StatusUnauthorized, "Bad credentials"))
	}
	c.token, c.by = token, world.By{User: c.App.Bot, App: c.App}
	if !token.installation.SuspendedAt.IsZero() {
		return new(failed(http.StatusForbidden, "This installation has been suspended"))
	}
	if owner := c.PathValue("owner"); owner != "" {
		if refused := c.findRepo(owner + "/" + c.PathValue("repo")); refused != nil {
			return refused
		}
	}
	if !c.allowed() {
		return new(forbidden)
	}
	if c.repo != nil && c.repo.Archived && c.Method != http.MethodGet {
		return new(failed(http.StatusForbidden, "Repository was archived so is read-only."))
	}
	return nil
}

// findRepo finds the repository of a path, if the token reaches it.
func (c *call) findRepo(name string) *reply {
	r, err := c.Repo(name)
	if err != nil {
		return new(notFound)
	}
	if !c.token.Reaches(r) {
		if r.Private {
			return new(notFound)
		}
		return new(forbidden)
	}
	c.repo = r
	return nil
}

// allowed reports whether the token holds the permission, or one of those
// that a thread takes.
func (c *call) allowed() bool {
	kind, level, _ := strings.Cut(c.need, ":")
	switch kind {
	case "token":
		return true
	case "thread":
		return c.token.Permissions.Allows("issues:"+level) || c.token.Permissions.Allows("pull_requests:"+level)
	}
	return c.token.Permissions.Allows(c.need)
}

// checkJWT returns what is wrong with the App's own token, or "".
func (a *API) checkJWT(token string, now time.Time) string {
	const broken = "A JSON web token could not be decoded"
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return broken
	}
	var header struct{ Alg string }
	var claims struct {
		Iss      any
		Iat, Exp float64
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || decode(parts[0], &header) != nil || decode(parts[1], &claims) != nil || header.Alg != "RS256" {
		return broken
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(a.key, crypto.SHA256, sum[:], signature) != nil {
		return broken
	}
	iss, _ := claims.Iss.(string)
	if n, ok := claims.Iss.(float64); ok {
		iss = strconv.FormatInt(int64(n), 10)
	}
	at := func(seconds float64) time.Time { return time.Unix(int64(seconds), 0) }
	const drift = time.Minute
	switch {
	case iss != strconv.FormatInt(a.world.App.ID, 10):
		return "'Issuer' claim ('iss') must be an Integer"
	case at(claims.Iat).After(now.Add(drift)):
		return "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
	case !at(claims.Exp).After(now.Add(-drift)):
		return "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"
	case at(claims.Exp).After(now.Add(10*time.Minute + drift)):
		return "'Expiration time' claim ('exp') is too far in the future"
	}
	return ""
}

func decode(part string, into any) error {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}
