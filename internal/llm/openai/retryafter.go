package openai

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// retryAfter returns how long an endpoint asks to wait, 0 when it does not
// say: by header, by the reset time of a limit that is used up, or in the
// details of the error (Google).
func retryAfter(h http.Header, raw []byte, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil {
		return seconds(ms / 1000)
	}
	if v := h.Get("Retry-After"); v != "" {
		if s, err := strconv.ParseFloat(v, 64); err == nil {
			return seconds(s)
		}
		if at, err := http.ParseTime(v); err == nil {
			// Where the endpoint tells its own time, our clock does not count.
			if date, err := http.ParseTime(h.Get("Date")); err == nil {
				now = date
			}
			return max(0, at.Sub(now))
		}
	}
	var wait time.Duration
	for _, limit := range []string{"", "-Requests", "-Tokens"} {
		if h.Get("X-Ratelimit-Remaining"+limit) == "0" {
			wait = max(wait, reset(h.Get("X-Ratelimit-Reset"+limit), now))
		}
	}
	if wait > 0 {
		return wait
	}
	return retryDelay(raw)
}

// reset reads the time at which a limit starts anew: a duration (6m0s),
// seconds from now, or a Unix time in seconds or milliseconds.
func reset(v string, now time.Time) time.Duration {
	if d, err := time.ParseDuration(v); err == nil {
		return max(0, d)
	}
	n, err := strconv.ParseFloat(v, 64)
	switch {
	case err != nil:
		return 0
	case n > 1e11:
		return max(0, time.UnixMilli(int64(min(n, 1e15))).Sub(now))
	case n > 1e8:
		return max(0, time.Unix(int64(n), 0).Sub(now))
	}
	return seconds(n)
}

// retryDelay reads {"error": {"details": [{"retryDelay": "34s"}]}}.
func retryDelay(raw []byte) time.Duration {
	var details []struct {
		RetryDelay string `json:"retryDelay"`
	}
	if json.Unmarshal(errorObject(raw)["details"], &details) != nil {
		return 0
	}
	for _, d := range details {
		if wait, err := time.ParseDuration(strings.TrimSpace(d.RetryDelay)); err == nil {
			return max(0, wait)
		}
	}
	return 0
}

// seconds is a duration of s seconds, at most a day.
func seconds(s float64) time.Duration {
	if math.IsNaN(s) || s < 0 {
		return 0
	}
	return time.Duration(min(s, 86400) * float64(time.Second))
}
