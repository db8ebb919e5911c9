package config

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/url"
	"slices"
	"strings"

	"honk/internal/config/registry"
	"honk/internal/task"
)

// Require returns a *task.Error of code invalid that says what to set when no
// model can be asked, nil otherwise.
func (l LLM) Require() error {
	var missing []string
	if l.BaseURL == "" {
		missing = append(missing, "HONK_LLM_BASE_URL (for example https://api.openai.com/v1)")
	}
	if l.Model == "" {
		missing = append(missing, "HONK_LLM_MODEL")
	}
	if len(missing) == 0 {
		return nil
	}
	return task.Errorf(task.CodeInvalid, "no model is configured: set %s",
		strings.Join(missing, " and "))
}

// check finds what is wrong in values that parsed.
func (c *Config) check(p *problems) {
	checkURL(p, "HONK_LLM_BASE_URL", c.LLM.BaseURL)
	checkURL(p, "HONK_PUBLIC_URL", c.PublicURL)
	checkURL(p, "HONK_GITHUB_API_URL", c.GitHub.APIURL)
	checkURL(p, "HONK_GITHUB_GIT_URL", c.GitHub.GitURL)
	checkURL(p, "HONK_SLACK_API_URL", c.Slack.APIURL)
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		p.addf("HONK_LISTEN %q is not an address with a port; use 127.0.0.1:8080 or :8080", c.Listen)
	}
	if backends := []string{"bwrap", "docker", "host"}; !slices.Contains(backends, c.Sandbox) {
		p.addf("HONK_SANDBOX %q is unknown; use one of %s", c.Sandbox, strings.Join(backends, ", "))
	}
	if s := c.DatabaseURL.Reveal(); s != "" {
		if u, err := url.Parse(s); err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
			p.addf("HONK_DATABASE_URL is not a postgres:// URL; use postgres://user@host/database")
		}
	}
	c.GitHub.check(p)
	if _, err := registry.Parse(c.Registry.Config.Reveal()); err != nil {
		p.addf("HONK_REGISTRY_CONFIG %w; use a config.json with its logins in auths, best by HONK_REGISTRY_CONFIG_FILE", err)
	}
	if c.GitHub.ClientID != "" && c.PublicURL == "" {
		p.addf("HONK_GITHUB_CLIENT_ID needs HONK_PUBLIC_URL, where GitHub sends people back to; set it")
	}
	if (c.Slack.BotToken == "") != (c.Slack.SigningSecret == "") && c.Slack.AppToken == "" {
		p.addf("HONK_SLACK_BOT_TOKEN and HONK_SLACK_SIGNING_SECRET go together; set both or neither")
	}
}

func (g GitHub) check(p *problems) {
	if g.AppID < 0 {
		p.addf("HONK_GITHUB_APP_ID is negative; use the number on the App's page")
	}
	if (g.AppID == 0) != (g.PrivateKey == "") {
		p.addf("HONK_GITHUB_APP_ID and HONK_GITHUB_PRIVATE_KEY go together; set both or neither")
	}
	if (g.ClientID == "") != (g.ClientSecret == "") {
		p.addf("HONK_GITHUB_CLIENT_ID and HONK_GITHUB_CLIENT_SECRET go together; set both or neither")
	}
	if g.PrivateKey == "" {
		return
	}
	if !isKey(g.PrivateKey) {
		p.addf("HONK_GITHUB_PRIVATE_KEY is not an RSA key in PEM; use the file GitHub gave, " +
			"best by HONK_GITHUB_PRIVATE_KEY_FILE")
	}
}

// WebURL returns where people reach GitHub, without a slash at its end: the
// host that repositories are cloned from, since GitHub is at its root.
func (g GitHub) WebURL() string {
	u, err := url.Parse(g.GitURL)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// checkURL accepts an empty value. The value is not repeated when it may hold
// a password.
func checkURL(p *problems, name, value string) {
	if value == "" {
		return
	}
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		p.addf("%s is not an http or https URL; use one like https://host/path", name)
	case u.User != nil:
		p.addf("%s holds a user or password; take it out", name)
	case u.RawQuery != "" || u.Fragment != "":
		p.addf("%s holds a query or fragment; use the base URL alone", name)
	}
}

// isKey reports whether a secret is an RSA key in one of the forms that GitHub
// and openssl write.
func isKey(s Secret) bool {
	block, _ := pem.Decode([]byte(s.Reveal()))
	if block == nil {
		return false
	}
	if _, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return true
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	_, ok := key.(*rsa.PrivateKey)
	return err == nil && ok
}
