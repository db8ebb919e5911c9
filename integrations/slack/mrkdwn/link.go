package mrkdwn

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"honk/internal/secret"
)

// LinkKind says what a link leads to.
type LinkKind string

// The kinds of link.
const (
	// LinkRepo is a repository, LinkSubject one of its issues or pull
	// requests, LinkFile one of its files.
	LinkRepo    LinkKind = "repo"
	LinkSubject LinkKind = "subject"
	LinkFile    LinkKind = "file"
	// LinkMessage is a message in Slack.
	LinkMessage LinkKind = "message"
)

// Link is a link that Honk can follow.
type Link struct {
	Kind LinkKind
	URL  string
	// Repo is owner/name.
	Repo   string
	Number int
	// Ref and Path name a file, From and To lines of it. A To of 0 is From, and
	// two of 0 are the whole file.
	Ref, Path string
	From, To  int
	// Channel, TS and ThreadTS name a message.
	Channel, TS, ThreadTS string
}

const (
	// maxLinks is how many links are returned.
	maxLinks = 10
	// maxURL bounds an address, in bytes.
	maxURL = 2000
)

var (
	address = regexp.MustCompile("https?://[^\\s<>|\"'`{}\\\\^\\x00-\\x1f\\x7f]+")
	owner   = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9-]{0,98})$`)
	repo    = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)
	ref     = regexp.MustCompile(`^[A-Za-z0-9@_][A-Za-z0-9_.#+,@-]*$`)
	lineRef = regexp.MustCompile(`^L(\d{1,7})(?:C\d+)?(?:-L(\d{1,7})(?:C\d+)?)?$`)
	stamp   = regexp.MustCompile(`^p(\d{10})(\d{6})$`)
	ts      = regexp.MustCompile(`^\d{1,12}\.\d{6}$`)
	// pages are GitHub's own, where an owner would stand.
	pages = regexp.MustCompile(`(?i)^(?:about|apps|collections|contact|enterprise|events|features|gist|issues|login|marketplace|` +
		`new|notifications|orgs|organizations|pricing|pulls|search|security|sessions|settings|site|sponsors|stars|topics|trending|users)$`)
)

// Links returns the links of a text to repositories at host and to messages in
// Slack, in order, each target once.
func Links(text, host string) (links []Link) {
	seen := map[Link]bool{}
	for _, raw := range address.FindAllString(text, -1) {
		raw = tidy(raw)
		if len(raw) > maxURL || len(secret.Invisible(raw)) > 0 {
			continue
		}
		u, err := url.Parse(raw)
		if err != nil || u.User != nil || u.Scheme != "https" && !loopback(u.Hostname()) {
			continue
		}
		l, ok := Link{}, false
		switch name := strings.ToLower(u.Host); {
		case name == strings.ToLower(host):
			l, ok = forgeLink(u)
		case strings.HasSuffix(name, ".slack.com"):
			l, ok = messageLink(u)
		}
		if !ok || seen[l] {
			continue
		}
		seen[l] = true
		l.URL = raw
		if links = append(links, l); len(links) == maxLinks {
			break
		}
	}
	return links
}

// tidy takes from an address what belongs to the text around it.
func tidy(raw string) string {
	raw = strings.ReplaceAll(raw, "&amp;", "&")
	var open []byte
	for i := range len(raw) {
		switch c := raw[i]; c {
		case '(', '[':
			open = append(open, c)
		case ')', ']':
			if n := len(open) - 1; n >= 0 && (open[n] == '(') == (c == ')') {
				open = open[:n]
				continue
			}
			return strings.TrimRight(raw[:i], ".,;:!?*_~")
		}
	}
	return strings.TrimRight(raw, ".,;:!?*_~([")
}

// loopback reports whether a host is this machine, where tests have a forge.
func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// forgeLink reads /owner/name, and what follows.
func forgeLink(u *url.URL) (l Link, ok bool) {
	p := strings.Split(strings.Trim(u.EscapedPath(), "/"), "/")
	for i, part := range p {
		clean, err := url.PathUnescape(part)
		if err != nil || slices.Contains([]string{"", ".", ".."}, clean) || strings.ContainsAny(clean, "/\\\n\t") ||
			len(secret.Invisible(clean)) > 0 {
			return l, false
		}
		p[i] = clean
	}
	if len(p) < 2 || !owner.MatchString(p[0]) || pages.MatchString(p[0]) || !repo.MatchString(p[1]) {
		return l, false
	}
	name := strings.TrimSuffix(p[1], ".git")
	if strings.Trim(name, ".") == "" {
		return l, false
	}
	l = Link{Kind: LinkRepo, Repo: p[0] + "/" + name}
	if len(p) == 2 {
		return l, true
	}
	switch {
	case len(p) >= 4 && (p[2] == "issues" || p[2] == "pull"):
		number, err := strconv.Atoi(p[3])
		if err != nil || number < 1 {
			return l, true
		}
		l.Kind, l.Number = LinkSubject, number
	case len(p) >= 5 && p[2] == "blob" && ref.MatchString(p[3]) && !strings.Contains(p[3], ".."):
		l.Kind, l.Ref, l.Path = LinkFile, p[3], strings.Join(p[4:], "/")
		if m := lineRef.FindStringSubmatch(u.Fragment); m != nil {
			// Digits of that number are a number.
			l.From, _ = strconv.Atoi(m[1])
			l.To, _ = strconv.Atoi(m[2])
			if l.To != 0 && l.To < l.From {
				l.From, l.To = l.To, l.From
			}
		}
	}
	return l, true
}

// messageLink reads /archives/C1/p1700000000123456?thread_ts=1700000000.000001.
func messageLink(u *url.URL) (l Link, ok bool) {
	p := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(p) != 3 || p[0] != "archives" || !id.MatchString(p[1]) {
		return l, false
	}
	m := stamp.FindStringSubmatch(p[2])
	if m == nil {
		return l, false
	}
	l = Link{Kind: LinkMessage, Channel: p[1], TS: m[1] + "." + m[2]}
	if thread := u.Query().Get("thread_ts"); ts.MatchString(thread) {
		l.ThreadTS = thread
	}
	return l, true
}
