// Package message words what a change is called at a forge: the commit's
// message and the pull request's title. Both are made by code from the
// request; nothing of them is the model's, so nobody can smuggle a trailer or a
// closing keyword in.
package message

import (
	"bytes"
	_ "embed"
	"fmt"
	"regexp"
	"text/template"

	"honk/internal/task"
)

//go:embed commit.tmpl
var commitText string

// Commit is the whole message of a commit on base. prompt is the task's, with
// nothing secret in it.
func Commit(t task.Task, prompt, base string) (string, error) {
	tmpl, err := template.New("commit").Option("missingkey=error").Parse(commitText)
	if err != nil {
		return "", fmt.Errorf("parsing the commit template: %w", err)
	}
	actor := t.Request.Actor
	var out bytes.Buffer
	err = tmpl.Execute(&out, map[string]string{
		"Subject": subject(prompt),
		"Task":    string(t.ID),
		"Base":    base,
		"Login":   oneLine(actor.Login),
		"Name":    oneLine(actor.Name),
		"Email":   address(actor.Email),
	})
	return out.String(), err
}

// mail matches an address that cannot be taken for anything else.
var mail = regexp.MustCompile(`^[A-Za-z0-9._%+\[\]-]{1,100}@[A-Za-z0-9.-]{1,200}$`)

// address is a mail address, empty where it is none: unlike other text it needs
// its @, and mentions nobody.
func address(text string) string {
	if !mail.MatchString(text) {
		return ""
	}
	return text
}
