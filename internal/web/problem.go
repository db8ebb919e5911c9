package web

import (
	"context"
	"errors"
	"net/http"

	"honk/internal/task"
)

// What a person can do next.
const (
	askAgain  = "Ask Honk in Slack again; it sends you a new link, which is good for 15 minutes."
	openAgain = "Open the link in Honk's message in Slack once more. If it no longer works, ask Honk there again."
)

// problem is a page that says what went wrong and what to do.
type problem struct {
	Status              int
	Title, Text, Remedy string
}

// foreign is for forms that are not of these pages.
func foreign() *problem {
	return &problem{
		http.StatusForbidden, "Not from this page",
		"The form was sent from another website, or not whole. Nothing was linked.", openAgain,
	}
}

// strange is for browsers that have not begun what they are to go on with.
func strange() *problem {
	return &problem{
		http.StatusBadRequest, "Begun elsewhere",
		"This browser did not begin here, took longer than 10 minutes, has begun anew meanwhile, or keeps no cookies. " +
			"Nothing was linked.", openAgain,
	}
}

// declined is for people who said no.
func declined() *problem {
	return &problem{
		http.StatusForbidden, "Declined on GitHub",
		"You did not let Honk see who you are. Nothing was linked.", openAgain,
	}
}

// refused is for what else GitHub says in place of a code.
func refused() *problem {
	return &problem{
		http.StatusBadRequest, "Refused by GitHub",
		"GitHub did not say who you are. Nothing was linked.",
		openAgain + " If this comes again, Honk's operator finds the reason in its log.",
	}
}

// explain turns an error into its page, and logs what is not of the person's
// own making.
func (l *linker) explain(ctx context.Context, err error, remedy string) *problem {
	p := &problem{http.StatusInternalServerError, "Honk broke", "Something went wrong inside Honk. Nothing was linked.", openAgain}
	say, ok := errors.AsType[*task.Error](err)
	switch code := task.CodeOf(err); {
	case !ok:
	case code == task.CodeInvalid:
		p.Status, p.Title, p.Text, p.Remedy = http.StatusBadRequest, "Not a valid link", say.Message, remedy
	case code == task.CodeNotFound:
		p.Status, p.Title, p.Text, p.Remedy = http.StatusGone, "No longer valid", say.Message, remedy
	case code == task.CodeForbidden:
		p.Status, p.Title, p.Text, p.Remedy = http.StatusForbidden, "Refused by GitHub", say.Message, remedy
	case code == task.CodeRateLimited, code == task.CodeUnavailable, code == task.CodeTimeout:
		p.Status, p.Title, p.Text = http.StatusServiceUnavailable, "Not now", say.Message
	}
	switch {
	case errors.Is(err, context.Canceled): // nobody is there any more
	case p.Status >= http.StatusInternalServerError:
		l.Log.ErrorContext(ctx, "linking fails", "error", err)
	case p.Status == http.StatusForbidden:
		l.Log.WarnContext(ctx, "linking refused", "error", err)
	}
	p.Text = sentence(p.Text)
	return p
}
