package task

import (
	"errors"
	"fmt"
	"time"
)

// Code classes an error by what the reader can do about it.
type Code string

// The codes. One table per edge maps them to HTTP status, queue action, exit
// code and user text.
const (
	CodeInvalid     Code = "invalid"
	CodeForbidden   Code = "forbidden"
	CodeNotFound    Code = "not_found"
	CodeConflict    Code = "conflict"
	CodeRateLimited Code = "rate_limited"
	CodeBudget      Code = "budget"
	CodeTimeout     Code = "timeout"
	CodeSandbox     Code = "sandbox"
	CodeUnavailable Code = "unavailable"
	CodeCancelled   Code = "cancelled"
	CodeInternal    Code = "internal"
	// CodeStuck: the agent could not go on, and another try would end the
	// same way.
	CodeStuck Code = "stuck"
)

// Error is an error that a person may read: Message says what happened and
// what to do, in one line, without internals or secrets. Cause is for
// operators.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	Cause   error  `json:"-"`
	// After is how long to wait before trying again, where the other side
	// said so.
	After time.Duration `json:"-"`
}

// Errorf returns an Error with a formatted message. A %w verb sets Cause.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Cause: errors.Unwrap(err)}
}

func (e *Error) Error() string { return e.Message }

func (e *Error) Unwrap() error { return e.Cause }

// CodeOf returns the code of the first Error in err's chain, CodeInternal
// when there is none, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}
