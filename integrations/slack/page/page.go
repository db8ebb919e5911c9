// Package page writes every text that Honk posts in Slack, in Slack's blocks:
// the one message of a task, its end, questions, forms and private answers.
// Code writes the facts; what people, a model or a repository wrote is
// scrubbed, escaped and cut first. All of it is pure, and nothing fails: where
// a text has no room it is cut, where an address is not to be trusted it is
// left out.
package page

import (
	"errors"
	"net/url"
	"regexp"
	"strings"

	"honk/internal/runner/fact"
	"honk/internal/secret"
	"honk/internal/task"
	"honk/judge"
)

// Options says what a Pages knows beside what it is given. Secrets is
// required.
type Options struct {
	// PublicURL is where people reach Honk. With Details set, a task's details
	// link to its page there.
	PublicURL string
	Details   bool
	Secrets   *secret.Scanner
	// Model is the name of the model that works where a request names none.
	Model string
	// Judge is the organisation's mode of the judge, where a request names
	// none.
	Judge judge.Mode
	// CapUSD is what a task may cost, 0 when that is not known.
	CapUSD float64
}

// Pages writes texts. It is safe for concurrent use.
type Pages struct {
	opts Options
}

// New returns a Pages.
func New(opts Options) (*Pages, error) {
	if opts.Secrets == nil {
		return nil, errors.New("making Slack's texts: there is no scanner for secrets")
	}
	if err := fact.CheckPublicURL(opts.PublicURL); err != nil {
		return nil, err
	}
	return &Pages{opts: opts}, nil
}

func (p *Pages) words() *words {
	return &words{scrub: fact.NewScrubber(p.opts.Secrets), secrets: p.opts.Secrets}
}

// plainID matches the ID of a task, which is ours.
var plainID = regexp.MustCompile(`^[0-9A-Z]{1,40}$`)

// details is the address of a task's page, "" where there is none.
func (p *Pages) details(id task.ID) string {
	if !p.opts.Details || !plainID.MatchString(string(id)) {
		return ""
	}
	return trusted(fact.TaskURL(p.opts.PublicURL, id))
}

// trusted is an address that may be linked to, "" for another: encrypted, or
// on this machine.
func trusted(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.User != nil || u.Hostname() == "" || len(raw) > 1000 {
		return ""
	}
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1"):
	default:
		return ""
	}
	if out := u.String(); !strings.ContainsFunc(out, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`<>|"\^`+"`", r)
	}) {
		return out
	}
	return ""
}
