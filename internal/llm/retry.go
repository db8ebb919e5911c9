package llm

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Retry is how often and after what time a call is tried again. Zero fields
// mean the defaults.
type Retry struct {
	// Tries is how many requests one call may send, default 6.
	Tries int
	// Min and Max bound the wait the program chooses itself: full jitter,
	// doubling, default 1 s and 60 s.
	Min, Max time.Duration
	// MaxWait is the longest wait an endpoint may ask for, default 5 min.
	// A call that must wait longer ends with the endpoint's error, so that
	// the task can be put off.
	MaxWait time.Duration
	// NoticeFunc, when set, is told of each wait.
	NoticeFunc func(Wait)
}

// Wait is a pause before a call is tried again.
type Wait struct {
	For time.Duration
	// Try is the number of the try that comes after the wait.
	Try int
	// Err is why.
	Err error
}

func (r Retry) withDefaults() Retry {
	if r.Tries <= 0 {
		r.Tries = 6
	}
	if r.Min <= 0 {
		r.Min = time.Second
	}
	if r.Max < r.Min {
		r.Max = max(r.Min, time.Minute)
	}
	if r.MaxWait <= 0 {
		r.MaxWait = 5 * time.Minute
	}
	return r
}

// delay returns how long to wait after the given try, counted from 1, and
// whether to try again at all.
func (r Retry) delay(err error, try int) (time.Duration, bool) {
	e, ok := errors.AsType[*Error](err)
	if !ok || try >= r.Tries {
		return 0, false
	}
	switch e.Class {
	case ClassEmpty:
		return 0, try == 1
	case ClassRateLimit, ClassTransient:
	default:
		return 0, false
	}
	if e.RetryAfter > 0 {
		return e.RetryAfter + rand.N(r.Min), e.RetryAfter <= r.MaxWait
	}
	ceiling := min(r.Max, r.Min<<min(try+1, 20))
	return r.Min + rand.N(ceiling-r.Min+1), true
}

// pause waits before the next try. It returns an error at once when ctx would
// end first: waiting for that is of no use to anyone.
func (r Retry) pause(ctx context.Context, w Wait) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= w.For {
		return w.Err
	}
	if r.NoticeFunc != nil && w.For > 0 {
		r.NoticeFunc(w)
	}
	timer := time.NewTimer(w.For)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("waiting to ask the model again: %w", context.Cause(ctx))
	case <-timer.C:
		return nil
	}
}
