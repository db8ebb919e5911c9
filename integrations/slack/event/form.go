package event

import (
	"net"
	"net/url"
	"regexp"
)

const (
	maxName  = 255  // of an action, block or callback
	maxValue = 3000 // of a button, option or metadata
	maxFiles = 50
)

var (
	idPattern        = regexp.MustCompile(`^[A-Z0-9]{1,32}$`)
	tsPattern        = regexp.MustCompile(`^\d{1,12}\.\d{6}$`)
	eventIDPattern   = regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`)
	triggerPattern   = regexp.MustCompile(`^[A-Za-z0-9._-]{1,255}$`)
	challengePattern = regexp.MustCompile(`^[A-Za-z0-9._~+/=-]{1,512}$`)
	commandPattern   = regexp.MustCompile(`^/[a-z0-9_-]{1,64}$`)
	reactionPattern  = regexp.MustCompile(`^[\p{L}\p{M}\p{N}_'+.&():-]{1,128}$`)
)

// optional reports whether s is empty or of the form.
func optional(p *regexp.Regexp, s string) bool { return s == "" || p.MatchString(s) }

// address returns a URL that a token may be sent to or an answer posted at, ""
// for one that is not encrypted on its way to another machine.
func address(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return ""
	}
	if u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()) {
		return u.String()
	}
	return ""
}

func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
