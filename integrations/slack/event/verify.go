package event

import (
	"errors"
	"net/http"

	"github.com/slack-go/slack"

	"honk/internal/task"
)

// Verify reports whether these very bytes were signed by Slack with one of the
// secrets, at most five minutes from now. Two are in force while one replaces
// the other; an empty one never fits.
func Verify(header http.Header, body []byte, secrets ...string) error {
	for _, name := range []string{"X-Slack-Signature", "X-Slack-Request-Timestamp"} {
		// Of two, this and whatever stands before it could read another one.
		if n := len(header.Values(name)); n != 1 {
			return task.Errorf(task.CodeForbidden, "the request has %d headers %s, not one", n, name)
		}
	}
	err := errors.New("no signing secret is set")
	fits := false
	// All are tried, so that the time says nothing about which one fits.
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		var v slack.SecretsVerifier
		if v, err = slack.NewSecretsVerifier(header, secret); err != nil {
			break // the same for every secret
		}
		if _, err = v.Write(body); err != nil {
			continue
		}
		if err = v.Ensure(); err == nil {
			fits = true
		}
	}
	if fits {
		return nil
	}
	return task.Errorf(task.CodeForbidden, "checking the signature: %w", err)
}
