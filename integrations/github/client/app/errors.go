package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/gofri/go-github-ratelimit/v2/github_ratelimit/github_primary_ratelimit"
	"github.com/google/go-github/v62/github"

	"honk/internal/task"
)

// How GitHub says that the App lacks a permission, and that it is too fast.
const (
	notAccessible  = "not accessible"
	secondaryLimit = "secondary rate limit"
)

// act is what was asked of GitHub, for the errors.
type act struct {
	// doing is in the words of a person: "reading issue 3".
	doing string
	// need is the permission it takes: "issues: read".
	need string
}

// explain turns whatever went wrong into a *task.Error. The token, and what
// looks like one, is masked in its text and its cause.
func explain(err error, what act, token Token) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*task.Error](err); ok {
		return err
	}
	e := classify(err, what)
	e.Message = token.redact(e.Message)
	if e.Cause == nil {
		// GitHub's error holds the request with its headers: only its text
		// goes on.
		e.Cause = errors.New(token.redact(oneLine(err.Error(), 1000)))
	}
	return e
}

func classify(err error, what act) *task.Error {
	if after, ok := limited(err); ok {
		return &task.Error{
			Code: task.CodeRateLimited, After: after,
			Message: fmt.Sprintf("GitHub's rate limit is reached while %s; it takes requests again in %s",
				what.doing, after.Round(time.Second)),
		}
	}
	if e, ok := errors.AsType[*github.ErrorResponse](err); ok && e.Response != nil {
		return answered(e, what)
	}
	if e, ok := errors.AsType[*github.TwoFactorAuthError](err); ok && e.Response != nil {
		return answered((*github.ErrorResponse)(e), what)
	}
	switch {
	case errors.Is(err, github.ErrPathForbidden):
		return &task.Error{Code: task.CodeInvalid, Message: what.doing + `: the path must not contain ".."`}
	case errors.Is(err, context.Canceled):
		return &task.Error{
			Code: task.CodeCancelled, Message: what.doing + " was cancelled", Cause: context.Canceled,
		}
	case errors.Is(err, context.DeadlineExceeded):
		return &task.Error{
			Code: task.CodeUnavailable, Cause: context.DeadlineExceeded,
			Message: fmt.Sprintf("GitHub gives no answer in time while %s", what.doing),
		}
	case errors.Is(err, errTooLarge):
		return &task.Error{Code: task.CodeInvalid, Message: fmt.Sprintf("%s: %v", what.doing, errTooLarge)}
	}
	return &task.Error{
		Code:    task.CodeUnavailable,
		Message: fmt.Sprintf("GitHub cannot be reached while %s: %s", what.doing, oneLine(rootText(err), 200)),
	}
}

// limited reports whether err is a rate limit and for how long it holds.
func limited(err error) (time.Duration, bool) {
	after := time.Duration(0)
	if e, ok := errors.AsType[*pausedError](err); ok {
		after = time.Until(e.until)
	} else if e, ok := errors.AsType[*github_primary_ratelimit.RateLimitReachedError](err); ok {
		if e.ResetTime != nil {
			after = time.Until(*e.ResetTime)
		}
	} else if e, ok := errors.AsType[*github.RateLimitError](err); ok {
		after = time.Until(e.Rate.Reset.Time)
	} else if e, ok := errors.AsType[*github.AbuseRateLimitError](err); ok {
		if e.RetryAfter != nil {
			after = *e.RetryAfter
		}
	} else if e, ok := errors.AsType[*github.ErrorResponse](err); ok && e.Response != nil &&
		(e.Response.StatusCode == http.StatusTooManyRequests || strings.Contains(e.Message, secondaryLimit)) {
		s, _ := strconv.Atoi(e.Response.Header.Get("Retry-After"))
		after = time.Duration(s) * time.Second
	} else {
		return 0, false
	}
	if after <= 0 {
		after = defaultWait
	}
	return min(after, 24*time.Hour), true
}

// answered explains a refusal that GitHub wrote itself.
func answered(e *github.ErrorResponse, what act) *task.Error {
	said := saidBy(e)
	status := e.Response.StatusCode
	out := func(code task.Code, format string, args ...any) *task.Error {
		return &task.Error{Code: code, Message: fmt.Sprintf(format, args...)}
	}
	switch {
	case status == http.StatusUnauthorized:
		return out(task.CodeForbidden, "GitHub does not accept our credentials for %s (%s); "+
			"check the App's ID, its private key and this machine's clock, and whether the App is still installed",
			what.doing, said)
	case status == http.StatusForbidden && strings.Contains(said, "suspended"):
		return out(task.CodeForbidden, "GitHub refuses %s (%s); unsuspend the App's installation", what.doing, said)
	case status == http.StatusForbidden && strings.Contains(said, notAccessible):
		return out(task.CodeForbidden, "GitHub refuses %s (%s); grant the App %s in its settings "+
			"and accept the change for the installation", what.doing, said, needed(e.Response, what))
	case status == http.StatusForbidden:
		return out(task.CodeForbidden, "GitHub refuses %s (%s); it takes %s",
			what.doing, said, needed(e.Response, what))
	case status == http.StatusNotFound, status == http.StatusGone:
		return out(task.CodeNotFound, "GitHub finds nothing for %s (%s); it is gone, or the App may not see it",
			what.doing, said)
	case status == http.StatusConflict, status == http.StatusMethodNotAllowed,
		status == http.StatusUnprocessableEntity && strings.Contains(said, "already exists"):
		return out(task.CodeConflict, "GitHub has a conflict while %s: %s", what.doing, said)
	case status >= 500:
		return out(task.CodeUnavailable, "GitHub has trouble of its own while %s (%s)", what.doing, said)
	case status >= 300 && status < 400:
		return out(task.CodeNotFound, "GitHub sends us elsewhere while %s; the repository may have moved", what.doing)
	}
	return out(task.CodeInvalid, "GitHub does not accept %s: %s", what.doing, said)
}

var permissionList = regexp.MustCompile(`^[a-z_]+=[a-z]+(?:[,;] ?[a-z_]+=[a-z]+)*$`)

// needed names the missing permission: as GitHub says, else as we know.
func needed(resp *http.Response, what act) string {
	list := resp.Header.Get("X-Accepted-GitHub-Permissions")
	if len(list) > 200 || !permissionList.MatchString(list) {
		if what.need == "" {
			return "a permission which it does not have"
		}
		return "the permission " + what.need
	}
	return "the permission " + strings.ReplaceAll(list, "=", ": ")
}

// saidBy is GitHub's own message in one line.
func saidBy(e *github.ErrorResponse) string {
	parts := []string{e.Message}
	for i, d := range e.Errors {
		switch {
		case i == 3:
			parts = append(parts, "...")
		case i > 3:
		case d.Message != "":
			parts = append(parts, d.Message)
		case d.Field != "":
			parts = append(parts, d.Field+" is "+d.Code)
		}
	}
	said := oneLine(strings.Trim(strings.Join(parts, ": "), ": "), 300)
	if said == "" {
		said = strconv.Itoa(e.Response.StatusCode) + " " + http.StatusText(e.Response.StatusCode)
	}
	return said
}

// rootText is the innermost error's text: the layers above it repeat the URL.
func rootText(err error) string {
	for next := err; next != nil; next = errors.Unwrap(next) {
		err = next
	}
	return err.Error()
}
