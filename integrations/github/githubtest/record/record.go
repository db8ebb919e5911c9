// Package record holds what a forge knows (users, repositories, issues, pull
// requests, checks) and writes it down as GitHub's API and webhooks do.
//
// The records are plain values without a lock; whoever owns them guards them.
package record

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Object is a JSON object.
type Object = map[string]any

// Site writes records down with links to itself.
type Site struct {
	// URL is the forge's address, without a slash at its end.
	URL string
}

// API returns the address of a resource of the REST API.
func (s *Site) API(format string, args ...any) string {
	return s.URL + "/api/v3" + fmt.Sprintf(format, args...)
}

// Page returns the address of a page for people.
func (s *Site) Page(format string, args ...any) string {
	return s.URL + fmt.Sprintf(format, args...)
}

// Clone returns the address git clones a repository from.
func (s *Site) Clone(r *Repo) string { return s.URL + "/git/" + r.FullName() + ".git" }

// node is the identifier of GitHub's other API.
func node(kind string, id int64) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%03d:%s%d", len(kind), kind, id))
}

// stamp is a time as GitHub writes it; the zero time is null.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

// text is a string, null where it is empty.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// List writes records down with one function.
func List[T any](records []T, write func(T) Object) []Object {
	out := make([]Object, 0, len(records))
	for _, r := range records {
		out = append(out, write(r))
	}
	return out
}

// escape makes a branch or path safe inside an address.
func escape(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}

// Permissions by name, each read, write or admin.
type Permissions map[string]string

// Allows reports whether they hold what is asked, like issues:write.
func (p Permissions) Allows(need string) bool {
	name, level, _ := strings.Cut(need, ":")
	return rank(p[name]) >= rank(level)
}

func rank(level string) int {
	switch level {
	case "read":
		return 1
	case "write":
		return 2
	case "admin":
		return 3
	}
	return 0
}
