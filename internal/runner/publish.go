package runner

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"regexp"
	"strings"
	"text/template"
	"unicode"

	"honk/internal/git"
	"honk/internal/secret"
	"honk/internal/task"
)

// maxSubject is the length of a commit's first line, in characters.
const maxSubject = 72

//go:embed commit.tmpl
var commitText string

// publish hands the change to the forge, or ends with the patch alone.
func (a *attempt) publish(ctx context.Context) error {
	if !a.opts.Publish {
		a.res.Status = task.StatusDelivered
		return nil
	}
	branch := git.Branch(a.task.ID, a.opts.Secrets.Redact(a.task.Request.Prompt))
	if err := a.phase(ctx, "publish", branch); err != nil {
		return err
	}
	message, err := a.commitMessage()
	if err != nil {
		return err
	}
	for _, text := range []string{branch, message} {
		if hits := a.opts.Secrets.Scan(text); len(hits) > 0 {
			a.end(task.StatusVetoed, "The commit message would hold a secret ("+hits[0].Rule+
				"); take it out of the request.")
			return nil
		}
	}
	pr, err := a.opts.Forge.Publish(ctx, Publication{
		Task: a.task, Checkout: a.base, Patch: a.res.Patch,
		Branch: branch, Message: message, Result: a.res,
	})
	if err != nil {
		return fmt.Errorf("publishing %s: %w", branch, err)
	}
	a.res.PullRequest, a.res.Branch = &pr, pr.Branch
	a.res.Status = task.StatusDelivered
	return nil
}

// commitMessage is made by code from the request; nothing of it is the
// model's, so nobody can smuggle a trailer or a closing keyword in.
func (a *attempt) commitMessage() (string, error) {
	tmpl, err := template.New("commit").Option("missingkey=error").Parse(commitText)
	if err != nil {
		return "", fmt.Errorf("parsing the commit template: %w", err)
	}
	actor := a.task.Request.Actor
	var out bytes.Buffer
	err = tmpl.Execute(&out, map[string]string{
		"Subject": subject(a.opts.Secrets.Redact(a.task.Request.Prompt)),
		"Task":    string(a.task.ID),
		"Base":    a.base.BaseSHA,
		"Login":   oneLine(actor.Login),
		"Name":    oneLine(actor.Name),
		"Email":   oneLine(actor.Email),
	})
	return out.String(), err
}

// subject is the request's first line, cut at a word.
func subject(prompt string) string {
	line := ""
	for l := range strings.Lines(prompt) {
		if line = oneLine(l); line != "" {
			break
		}
	}
	line = strings.TrimRight(line, ".")
	runes := []rune(line)
	if len(runes) <= maxSubject {
		return line
	}
	cut := string(runes[:maxSubject-1])
	if i := strings.LastIndexByte(cut, ' '); i > maxSubject/2 {
		cut = cut[:i]
	}
	return strings.TrimRightFunc(cut, unicode.IsPunct) + "…"
}

// reference is how forges find an issue that a commit closes: #9, GH-9, or a
// URL.
var reference = regexp.MustCompile(`(?i)(?:#|\bGH-)(\d)|https?://\S*?/(?:issues|pull)/(\d)`)

// oneLine makes text safe to stand inside one line of a commit message: no
// control or invisible characters, no skip-CI marker, no comment, no mention,
// nothing that closes an issue.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(secret.Clean(text, 1<<10)), " ")
	text = reference.ReplaceAllString(text, "$1$2")
	text = strings.NewReplacer("[", "(", "]", ")", "@", "", "***", "").Replace(text)
	return strings.TrimLeft(text, "#-: ")
}
