// Package registry reads the logins for registries of images, as docker keeps
// them.
package registry

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Login is what one registry is shown: a name and password, or a token.
type Login struct {
	Username, Password string
	// IdentityToken is exchanged for others, RegistryToken sent as it is.
	IdentityToken, RegistryToken string
}

// String does not tell.
func (l Login) String() string { return "[redacted]" }

// GoString does not tell.
func (l Login) GoString() string { return l.String() }

// Secrets are the values that nobody may see.
func (l Login) Secrets() []string {
	return []string{l.Password, l.IdentityToken, l.RegistryToken, base64.StdEncoding.EncodeToString([]byte(l.Username + ":" + l.Password))}
}

// Parse returns the logins in a config.json by the host of their registry. An
// error does not repeat them. No text has no logins.
func Parse(text string) (map[string]Login, error) {
	if text == "" {
		return nil, nil
	}
	var file struct {
		Auths map[string]struct {
			Auth          string `json:"auth"`
			Username      string `json:"username"`
			Password      string `json:"password"`
			IdentityToken string `json:"identitytoken"`
			RegistryToken string `json:"registrytoken"`
		} `json:"auths"`
	}
	if err := json.Unmarshal([]byte(text), &file); err != nil {
		return nil, errors.New("is not JSON") // the decoder's words quote the file
	}
	logins := map[string]Login{}
	for at, a := range file.Auths {
		l := Login{Username: a.Username, Password: a.Password, IdentityToken: a.IdentityToken, RegistryToken: a.RegistryToken}
		if a.Auth != "" {
			raw, err := base64.StdEncoding.DecodeString(a.Auth)
			user, password, ok := strings.Cut(strings.TrimRight(string(raw), "\x00"), ":")
			if err != nil || !ok {
				return nil, fmt.Errorf("has an auth for %q that is not user:password in base64", at)
			}
			l.Username, l.Password = user, password
		}
		if l.Password == "" && l.IdentityToken == "" && l.RegistryToken == "" {
			return nil, fmt.Errorf("names %q without a login, which a credential helper may hold", at)
		}
		logins[host(at)] = l
	}
	return logins, nil
}

// host is the host that docker's name for a registry means.
func host(name string) string {
	name = strings.TrimPrefix(strings.TrimPrefix(name, "https://"), "http://")
	name, _, _ = strings.Cut(name, "/")
	if name == "docker.io" {
		return "index.docker.io"
	}
	return name
}
