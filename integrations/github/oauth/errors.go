package oauth

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/oauth2"

	"honk/internal/task"
)

// defaultWait is how long a limit is taken to hold where GitHub does not say.
const defaultWait = time.Minute

// explainExchange says why GitHub gives no token for a code. What GitHub wrote
// is left out: it may quote what it was sent.
func explainExchange(err error) error {
	said, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return unreachable(err)
	}
	switch said.ErrorCode {
	case "":
		return answered(said.Response)
	case "bad_verification_code":
		return task.Errorf(task.CodeInvalid,
			"GitHub no longer knows this sign-in; it was used already or took longer than 10 minutes, open the link again")
	case "incorrect_client_credentials":
		return task.Errorf(task.CodeForbidden, "GitHub does not accept Honk's client secret; "+
			"the operator sets HONK_GITHUB_CLIENT_ID and HONK_GITHUB_CLIENT_SECRET as the GitHub App's settings say")
	case "redirect_uri_mismatch":
		return task.Errorf(task.CodeForbidden, "GitHub does not know Honk's address; "+
			"the operator adds the callback URL of docs/github-app.md to the GitHub App's settings")
	case "unverified_user_email":
		return task.Errorf(task.CodeForbidden,
			"GitHub has not verified your e-mail address; verify it in GitHub's settings and open the link again")
	}
	return task.Errorf(task.CodeForbidden, "GitHub does not let Honk find out who you are; "+
		"the operator checks that the GitHub App is not suspended and its client secret is current")
}

// answered says what a status of GitHub's means.
func answered(resp *http.Response) error {
	status := resp.StatusCode
	switch {
	case status == http.StatusTooManyRequests,
		status == http.StatusForbidden && resp.Header.Get("X-Ratelimit-Remaining") == "0",
		status == http.StatusForbidden && resp.Header.Get("Retry-After") != "":
		after := defaultWait
		if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
			after = min(time.Duration(s)*time.Second, time.Hour)
		}
		return &task.Error{
			Code: task.CodeRateLimited, After: after, Message: "GitHub takes no more requests now; try again in " + after.String(),
		}
	case status >= http.StatusInternalServerError:
		return task.Errorf(task.CodeUnavailable, "GitHub has trouble of its own (status %d); try again in a minute", status)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return task.Errorf(task.CodeForbidden,
			"GitHub does not tell Honk who you are (status %d); open the link again, and ask the operator if that does not help", status)
	}
	return task.Errorf(task.CodeForbidden, "GitHub's address is not what Honk expects (status %d); "+
		"the operator checks HONK_GITHUB_GIT_URL and HONK_GITHUB_API_URL", status)
}

// unreachable explains an error of the network. Only what kind it is goes on:
// its text may hold what was sent.
func unreachable(err error) error {
	if errors.Is(err, context.Canceled) {
		return &task.Error{Code: task.CodeCancelled, Message: "asking GitHub was cancelled", Cause: context.Canceled}
	}
	var timeout net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		return task.Errorf(task.CodeUnavailable, "GitHub gives no answer in time; try again in a minute")
	}
	var why error
	if op, ok := errors.AsType[*net.OpError](err); ok {
		why = op
	}
	return &task.Error{Code: task.CodeUnavailable, Message: "GitHub cannot be reached; try again in a minute", Cause: why}
}
