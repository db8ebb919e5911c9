// Package origin is where repositories come from and branches go to: a path of
// this machine, or a URL with a mirror in between.
package origin

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"honk/internal/task"
)

// Source says where a repository is fetched from and pushed to: an absolute
// path of this machine or a URL in Repo.URL.
type Source struct {
	Repo task.Repo
	// Auth is sent to Repo.URL and nowhere else. The zero value sends
	// nothing.
	Auth Header
	// Protocols are what the operator allows beside https for this source:
	// http, file. Plain http to this machine's loopback needs no leave.
	Protocols []string
}

// Header is an HTTP header line that holds a secret. However it is printed,
// it shows [redacted].
type Header struct{ line string }

// BasicAuth returns the header for a user name and a password or token.
func BasicAuth(user, password string) Header {
	raw := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	return Header{"Authorization: Basic " + raw}
}

// Format writes [redacted] whatever the verb.
func (h Header) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

// MarshalText returns [redacted].
func (h Header) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

// Local reports whether s is a path of this machine.
func (s Source) Local() bool { return filepath.IsAbs(s.Repo.URL) }

// remote checks the URL and returns the command environment that reaches it.
func (s Source) remote() (env []string, err error) {
	u, err := url.Parse(s.Repo.URL)
	if err != nil || u.Scheme == "" {
		return nil, task.Errorf(task.CodeInvalid,
			"the address of %q is neither an absolute path nor a URL", s.Repo.String())
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.ContainsFunc(s.Repo.URL, isControl) {
		return nil, task.Errorf(task.CodeInvalid,
			"the URL of %q must hold no user, password, query or fragment", s.Repo.String())
	}
	allowed := append([]string{"https"}, s.Protocols...)
	if u.Scheme == "http" && loopback(u.Hostname()) {
		allowed = append(allowed, "http")
	}
	// Transport helpers (ext::, fd::) execute commands; no operator wants
	// them here.
	if !slices.Contains([]string{"https", "http", "file"}, u.Scheme) || !slices.Contains(allowed, u.Scheme) {
		return nil, task.Errorf(task.CodeForbidden,
			"fetching %q by %s is not allowed; use an https URL", s.Repo.String(), u.Scheme)
	}
	env = []string{"GIT_ALLOW_PROTOCOL=" + u.Scheme}
	if s.Auth.line != "" {
		env = append(env, "GIT_CONFIG_COUNT=1",
			"GIT_CONFIG_KEY_0=http."+s.Repo.URL+".extraHeader",
			"GIT_CONFIG_VALUE_0="+s.Auth.line)
	}
	return env, nil
}

func isControl(r rune) bool { return r <= ' ' || r == 0x7f }

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

var shaPattern = regexp.MustCompile(`^[0-9a-f]{40}$`)

var pathPart = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)

// mirrorPath is where the source's mirror lies below the data directory.
func (s Source) mirrorPath() (string, error) {
	host := strings.ReplaceAll(s.Repo.Host, ":", "_")
	path := host + "/" + strings.TrimPrefix(s.Repo.Owner+"/"+s.Repo.Name, "/")
	for part := range strings.SplitSeq(path, "/") {
		if !pathPart.MatchString(part) {
			return "", task.Errorf(task.CodeInvalid, "%q at %q is not a usable repository name",
				s.Repo.String(), s.Repo.Host)
		}
	}
	return filepath.Join("mirrors", filepath.FromSlash(path)+".git"), nil
}
