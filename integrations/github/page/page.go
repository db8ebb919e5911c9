// Package page writes every text that Honk posts on GitHub: the one comment of
// a task, pull requests and replies. Code writes the facts; what people or a
// model wrote is scrubbed, escaped and capped first. All of it is pure.
package page

import (
	"embed"
	"errors"
	"fmt"
	"strings"
	"text/template"

	"honk/internal/runner/fact"
	"honk/internal/secret"
	"honk/internal/task"
	"honk/judge"
)

// MaxText is the most bytes any text holds; GitHub takes 65,536 characters.
const MaxText = 65_000

//go:embed template/*.md.tmpl
var files embed.FS

// Options says what a Pages knows beside what it is given. Secrets is
// required.
type Options struct {
	// PublicURL is where people reach Honk. With Details set, a task's text
	// links to its page there.
	PublicURL string
	Details   bool
	Secrets   *secret.Scanner
	// Sandbox is the sandbox in a few words: "bwrap, no network".
	Sandbox string
	// Model is the name of the model that works where a request names none.
	Model string
	// Judge is the organisation's mode of the judge, where a request names none.
	Judge judge.Mode
	// CapUSD is what a task may cost, 0 when that is not known.
	CapUSD float64
	// Trigger is the word that calls Honk, by default /honk.
	Trigger string
}

// Pages writes texts. It is safe for concurrent use.
type Pages struct {
	opts      Options
	templates *template.Template
}

// New returns a Pages.
func New(opts Options) (*Pages, error) {
	if opts.Secrets == nil {
		return nil, errors.New("making GitHub's texts: there is no scanner for secrets")
	}
	if opts.Trigger == "" {
		opts.Trigger = "/honk"
	}
	if err := fact.CheckPublicURL(opts.PublicURL); err != nil {
		return nil, err
	}
	t, err := template.New("").Option("missingkey=error").
		Funcs(template.FuncMap{"plural": fact.Plural}).ParseFS(files, "template/*.md.tmpl")
	if err != nil {
		return nil, fmt.Errorf("parsing GitHub's texts: %w", err)
	}
	return &Pages{opts: opts, templates: t}, nil
}

// details is the address of a task's page, "" where there is none.
func (p *Pages) details(id task.ID) string {
	if !p.opts.Details {
		return ""
	}
	return fact.TaskURL(p.opts.PublicURL, id)
}

// fill fills the template of a name (without .md.tmpl).
func (p *Pages) fill(name string, data any) (string, error) {
	var b strings.Builder
	if err := p.templates.ExecuteTemplate(&b, name+".md.tmpl", data); err != nil {
		return "", fmt.Errorf("filling %q: %w", name, err)
	}
	return b.String(), nil
}

// fit calls build with ever less room for each passage until the text is
// short enough. Every list that build makes is capped, so it comes to an end.
func (p *Pages) fit(build func(*words) (string, error)) (string, *words, error) {
	w := &words{scrub: fact.NewScrubber(p.opts.Secrets)}
	for w.room = maxRoom; ; w.room /= 4 {
		text, err := build(w)
		if err != nil {
			return "", w, err
		}
		text = strings.TrimSpace(text) + "\n"
		if len(text) <= MaxText || w.room <= minRoom {
			return text, w, nil
		}
	}
}
