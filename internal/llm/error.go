package llm

import (
	"errors"
	"fmt"
	"time"
)

// Class sorts model errors by what to do about them.
type Class string

// The classes of a model error.
const (
	// ClassRateLimit: too many requests; wait RetryAfter.
	ClassRateLimit Class = "rate_limit"
	// ClassQuota: the account has no money left; tell the operator.
	ClassQuota Class = "quota"
	// ClassTransient: the network or the endpoint broke; try again later.
	ClassTransient Class = "transient"
	// ClassCaller: the request or the key is wrong; never retried.
	ClassCaller Class = "caller"
	// ClassContext: the conversation is too long; compact it.
	ClassContext Class = "context"
	// ClassHistory: calls and tool messages do not pair up.
	ClassHistory Class = "history"
	// ClassPolicy: the provider refuses the content.
	ClassPolicy Class = "policy"
	// ClassEmpty: the reply had neither text nor calls.
	ClassEmpty Class = "empty"
	// ClassBudget: the meter denied the call; nothing was sent.
	ClassBudget Class = "budget"
)

// Error is why a model did not answer. Message is scrubbed and capped: it may
// be shown to a person.
type Error struct {
	Class   Class
	Status  int // HTTP status, 0 when there was none
	Message string
	// RetryAfter is how long the endpoint asked to wait, 0 when it did not.
	RetryAfter time.Duration
	// Tries is how many requests were sent; the Meter sets it.
	Tries int
	// Usage is what an unusable reply was charged for, when it said so.
	Usage Usage
	// Lost says that the request was sent and its reply never came, or came
	// in pieces: the provider may have charged it.
	Lost bool
	Err  error
}

func (e *Error) Error() string {
	if e.Status != 0 {
		return fmt.Sprintf("model %s error (HTTP %d): %s", e.Class, e.Status, e.Message)
	}
	return fmt.Sprintf("model %s error: %s", e.Class, e.Message)
}

func (e *Error) Unwrap() error { return e.Err }

// ClassOf returns the class of the first Error in err's chain, "" when there
// is none.
func ClassOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	return ""
}
