package page

import (
	"cmp"
	"path"
	"strings"

	"honk/integrations/github/markdown"
	"honk/internal/runner"
	"honk/internal/task"
)

const (
	// maxQuoted is how many lines of a request a pull request quotes.
	maxQuoted = 12
	// maxDrafting is how many files are named for which it is a draft.
	maxDrafting = 5
)

// pullPage is what the template of a pull request's body is filled with.
type pullPage struct {
	Summary []md
	Request []md
	Closes  int
	evidence
}

// PullRequest is the title and the body of a pull request. closes is the issue
// that it closes, 0 for none: the caller knows whether that was asked for. The
// error's code is forbidden where the text would hold a secret.
func (p *Pages) PullRequest(pub runner.Publication, closes int) (title, body string, err error) {
	body, w, err := p.fit(func(w *words) (string, error) {
		title = markdown.Title(cmp.Or(w.clean(pub.Title), "chore: Honk task "+string(pub.Task.ID)))
		page := pullPage{
			Summary: w.lines(pub.Result.Summary, maxSummary, 600),
			Request: w.lines(pub.Task.Request.Prompt, maxQuoted, 300),
			Closes:  closes, evidence: p.evidence(w, pub),
		}
		body, err := p.fill("pull_request", page)
		return tidy(body), err
	})
	if err != nil {
		return "", "", err
	}
	rule := w.scrub.Rule
	if rule == "" && p.opts.Secrets.Redact(title+"\n"+body) != title+"\n"+body {
		rule = "known-secret"
	}
	if rule != "" {
		return "", "", task.Errorf(task.CodeForbidden,
			"the pull request's text would hold a secret (%s); take it out of the request or the change", rule)
	}
	return title, body, nil
}

// Sensitive reports whether a patch touches what decides which code runs, who
// reviews and what Honk may do. Its pull request is always a draft.
func Sensitive(patch task.Patch) bool { return len(sensitive(patch)) > 0 }

// sensitive returns the files for which Sensitive is true.
func sensitive(patch task.Patch) []string {
	var out []string
	for _, f := range patch.Files {
		low := "/" + strings.ToLower(f.Path)
		switch base := path.Base(low); {
		case strings.Contains(low, "/.github/workflows/"), strings.Contains(low, "/.github/actions/"),
			base == "codeowners", base == ".honk.yaml", base == ".honk.yml":
			out = append(out, f.Path)
		}
	}
	return out
}
