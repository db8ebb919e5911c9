package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"honk/internal/task"
)

// defaultWait is how long a rate limit holds when Slack does not say.
const defaultWait = 30 * time.Second

// act is what was asked of Slack, for the errors.
type act struct {
	// doing is in the words of a person: "posting a message".
	doing string
	// need is the scope it takes.
	need string
}

// explain turns whatever went wrong into a *task.Error, without tokens.
func (c *Client) explain(err error, what act) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*task.Error](err); ok {
		return err
	}
	e := classify(err, what)
	e.Message = c.redact(e.Message)
	if e.Cause == nil {
		e.Cause = errors.New(c.redact(rootText(err)))
	}
	return e
}

// redact takes the tokens out of a text.
func (c *Client) redact(text string) string {
	for _, token := range c.tokens {
		text = strings.ReplaceAll(text, token, "[redacted]")
	}
	return text
}

// rootText is an error without the address that was asked: some addresses are
// as good as a token.
func rootText(err error) string {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	text := strings.Join(strings.Fields(err.Error()), " ")
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "…"
	}
	return text
}

func classify(err error, what act) *task.Error {
	if e, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return limited(e.RetryAfter, what)
	}
	if e, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		return answered(e, what)
	}
	if e, ok := errors.AsType[slack.StatusCodeError](err); ok {
		return status(e.Code, what)
	}
	switch {
	case errors.Is(err, context.Canceled):
		return &task.Error{Code: task.CodeCancelled, Message: what.doing + " was cancelled", Cause: context.Canceled}
	case errors.Is(err, context.DeadlineExceeded):
		return &task.Error{
			Code: task.CodeUnavailable, Message: "Slack gives no answer in time while " + what.doing, Cause: context.DeadlineExceeded,
		}
	case errors.Is(err, slack.ErrBlockIDNotUnique), errors.Is(err, slack.ErrParametersMissing):
		return &task.Error{Code: task.CodeInternal, Message: "Honk made a mistake while " + what.doing}
	}
	return &task.Error{
		Code: task.CodeUnavailable, Message: fmt.Sprintf("Slack cannot be reached while %s: %s", what.doing, rootText(err)),
	}
}

func limited(after time.Duration, what act) *task.Error {
	if after <= 0 {
		after = defaultWait
	}
	after = min(after, time.Hour)
	return &task.Error{
		Code: task.CodeRateLimited, After: after,
		Message: fmt.Sprintf("Slack's rate limit is reached while %s; it takes requests again in %s", what.doing, after.Round(time.Second)),
	}
}

// status explains an answer that is none of the Web API's.
func status(code int, what act) *task.Error {
	switch {
	case code == http.StatusTooManyRequests:
		return limited(0, what)
	case code >= 500:
		return &task.Error{Code: task.CodeUnavailable, Message: fmt.Sprintf("Slack has trouble of its own while %s (HTTP %d)", what.doing, code)}
	case code == http.StatusNotFound, code == http.StatusGone:
		return &task.Error{Code: task.CodeNotFound, Message: fmt.Sprintf("Slack finds nothing while %s (HTTP %d)", what.doing, code)}
	}
	return &task.Error{Code: task.CodeForbidden, Message: fmt.Sprintf("Slack refuses %s (HTTP %d)", what.doing, code)}
}

// wordPattern is what Slack's own words for errors and scopes look like.
var wordPattern = regexp.MustCompile(`^[a-z][a-z0-9_.:,-]{0,199}$`)

// word is one of Slack's words, which may come from anywhere.
func word(s string) string {
	if s = strings.ReplaceAll(s, " ", ""); wordPattern.MatchString(s) {
		return s
	}
	return "an unknown reason"
}

// answered explains a refusal that Slack wrote itself.
func answered(e slack.SlackErrorResponse, what act) *task.Error {
	said := word(e.Err)
	code, remedy := refusal(e.Err)
	switch {
	case e.Err == "missing_scope":
		return missing(e, what)
	case code == task.CodeRateLimited:
		return limited(0, what)
	case code == task.CodeInternal:
		// Slack says which block it is about. This is for operators.
		return &task.Error{
			Code: code, Message: fmt.Sprintf("Slack does not accept what Honk made of it while %s (%s)", what.doing, said),
			Cause: errors.New(strings.Join(append([]string{e.Err}, e.ResponseMetadata.Messages...), ": ")),
		}
	case remedy == "":
		return &task.Error{Code: code, Message: fmt.Sprintf("Slack refuses %s (%s)", what.doing, said)}
	}
	return &task.Error{Code: code, Message: fmt.Sprintf("Slack refuses %s (%s); %s", what.doing, said, remedy)}
}

// missing names the scope that the app lacks.
func missing(e slack.SlackErrorResponse, what act) *task.Error {
	need := what.need
	if e.Needed != "" && wordPattern.MatchString(e.Needed) {
		need = e.Needed
	}
	return &task.Error{Code: task.CodeForbidden, Message: fmt.Sprintf(
		"Slack refuses %s: the app lacks the scope %s; add it on the app's page, OAuth & Permissions, and reinstall the app", what.doing, need)}
}

// refusal says what one of Slack's words means, and what to do about it.
func refusal(said string) (code task.Code, remedy string) {
	switch said {
	case "ratelimited", "rate_limited", "message_limit_exceeded":
		return task.CodeRateLimited, ""
	case "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "not_allowed_token_type":
		return task.CodeForbidden, "compare HONK_SLACK_BOT_TOKEN with the Bot User OAuth Token on the app's page, " +
			"OAuth & Permissions, and see whether the app is still installed"
	case "not_in_channel":
		return task.CodeForbidden, "invite Honk with /invite"
	case "restricted_action", "restricted_action_read_only_channel", "restricted_action_thread_only_channel",
		"restricted_action_thread_locked", "restricted_action_non_threadable_channel":
		return task.CodeForbidden, "the channel lets only some people post"
	case "channel_not_found":
		return task.CodeNotFound, "it is gone, or private and Honk was not invited: /invite"
	case "message_not_found", "is_archived", "thread_not_found", "invalid_thread_ts", "user_not_found", "users_not_found",
		"user_not_visible", "user_not_in_channel", "messages_tab_disabled", "cannot_dm_bot", "user_disabled", "file_not_found", "file_deleted", "cant_update_message", "edit_window_closed", "not_found":
		return task.CodeNotFound, ""
	case "expired_trigger_id", "trigger_expired", "trigger_exchanged", "exchanged_trigger_id", "invalid_trigger_id", "invalid_trigger":
		return task.CodeTimeout, "it was clicked too long ago: click again"
	case "msg_too_long", "msg_blocks_too_long", "invalid_blocks", "invalid_blocks_format", "invalid_arguments", "invalid_arg_name",
		"invalid_array_arg", "no_text", "view_too_large", "duplicate_external_id", "invalid_form_data", "invalid_json":
		return task.CodeInternal, ""
	case "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org", "ekm_access_denied":
		return task.CodeUnavailable, "it is trouble of Slack's own"
	}
	return task.CodeForbidden, ""
}
