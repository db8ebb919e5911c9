package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"honk/integrations/github/client"
	"honk/internal/task"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	soon := func() string { return strconv.FormatInt(time.Now().Add(10*time.Minute).Unix(), 10) }
	past := strconv.FormatInt(time.Now().Add(-time.Minute).Unix(), 10)
	const secondary = `{"message": "You have exceeded a secondary rate limit",
		"documentation_url": "https://docs.github.com/rest/overview/rate-limits#about-secondary-rate-limits"}`
	for name, tt := range map[string]struct {
		status  int
		body    string
		headers []string
		code    task.Code
		after   time.Duration // within 20 s
		says    string
	}{
		"permission": {
			403, `{"message": "Resource not accessible by integration"}`, nil,
			task.CodeForbidden, 0, "issues: write in its settings",
		},
		"permission as GitHub names it": {
			403, `{"message": "Resource not accessible by integration"}`,
			[]string{"X-Accepted-GitHub-Permissions", "issues=write; pull_requests=write"},
			task.CodeForbidden, 0, "issues: write; pull_requests: write",
		},
		"archived": {
			403, `{"message": "Repository was archived so is read-only."}`, nil,
			task.CodeForbidden, 0, "archived",
		},
		"credentials": {401, `{"message": "Bad credentials"}`, nil, task.CodeForbidden, 0, "credentials"},
		"not found":   {404, `{"message": "Not Found"}`, nil, task.CodeNotFound, 0, "commenting on #1 in acme/api"},
		"gone":        {410, `{"message": "Issues are disabled"}`, nil, task.CodeNotFound, 0, "disabled"},
		"conflict":    {409, `{"message": "merge conflict"}`, nil, task.CodeConflict, 0, "merge conflict"},
		"exists": {
			422, `{"message": "Validation Failed", "errors": [{"message": "A pull request already exists for a:b."}]}`,
			nil, task.CodeConflict, 0, "already exists for a:b",
		},
		"invalid": {
			422, `{"message": "Validation Failed", "errors": [{"field": "base", "code": "invalid"}]}`,
			nil, task.CodeInvalid, 0, "base is invalid",
		},
		"primary": {
			403, `{"message": "API rate limit exceeded"}`,
			[]string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "soon", "X-RateLimit-Resource", "core"},
			task.CodeRateLimited, 10 * time.Minute, "takes requests again in",
		},
		"primary without resource": {
			403, `{"message": "API rate limit exceeded"}`,
			[]string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "soon"},
			task.CodeRateLimited, 10 * time.Minute, "rate limit",
		},
		"secondary":               {403, secondary, []string{"Retry-After", "30"}, task.CodeRateLimited, 30 * time.Second, ""},
		"secondary as 429":        {429, secondary, []string{"Retry-After", "30"}, task.CodeRateLimited, 30 * time.Second, ""},
		"secondary without end":   {403, secondary, nil, task.CodeRateLimited, time.Minute, ""},
		"secondary in the past":   {403, secondary, []string{"X-RateLimit-Reset", past}, task.CodeRateLimited, time.Minute, ""},
		"429 from something else": {429, "<html>", nil, task.CodeRateLimited, time.Minute, ""},
		"server":                  {500, `{"message": "oops"}`, nil, task.CodeUnavailable, 0, "oops"},
		"gateway":                 {502, "<html>", nil, task.CodeUnavailable, 0, "502 Bad Gateway"},
		"redirect":                {302, "", []string{"Location", "http://elsewhere.example.com/"}, task.CodeNotFound, 0, "moved"},
		"hostile text": {
			400, `{"message": "line\nbreak \u001b[31m ghs_stolen.to-ken and ` + rawToken + `"}`, nil,
			task.CodeInvalid, 0, "line break [31m [redacted] and [redacted]",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			headers := slices.Clone(tt.headers)
			if i := slices.Index(headers, "soon"); i >= 0 {
				headers[i] = soon()
			}
			b.fail("POST /repos/acme/api/issues/1/comments", tt.status, tt.body, headers...)
			r := b.open(t)
			start := time.Now()
			_, err := r.CreateComment(t.Context(), 1, "hello")
			if time.Since(start) > 20*time.Second {
				t.Errorf("it took %v", time.Since(start))
			}
			e, ok := errors.AsType[*task.Error](err)
			if !ok || e.Code != tt.code || !strings.Contains(e.Message, tt.says) {
				t.Fatalf("error %s %q, want %s with %q", task.CodeOf(err), err, tt.code, tt.says)
			}
			if d := tt.after - e.After; d < 0 || d > 20*time.Second {
				t.Errorf("After = %v, want %v", e.After, tt.after)
			}
			if all := fmt.Sprintf("%v %+v %#v", e, e.Cause, e.Cause); strings.Contains(all, rawToken) {
				t.Errorf("the error shows the token: %s", all)
			}
			wantLines(t, b, "POST /repos/acme/api/issues/1/comments") // once
		})
	}
}

// While a limit holds nothing is sent, by no handle of the installation.
func TestLimit_holdsForTheInstallation(t *testing.T) {
	t.Parallel()
	reset := strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)
	for name, headers := range map[string][]string{
		"primary":   {"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", reset, "X-RateLimit-Resource", "core"},
		"secondary": {"Retry-After", "3600"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.fail("GET /repos/acme/api/issues/1", 403,
				`{"message": "You have exceeded a secondary rate limit"}`, headers...)
			one, two := b.open(t), b.open(t)
			_, err := one.Issue(t.Context(), 1)
			if task.CodeOf(err) != task.CodeRateLimited {
				t.Errorf("Issue() = %v", err)
			}
			b.take()
			_, err = two.Issue(t.Context(), 1)
			e, ok := errors.AsType[*task.Error](err)
			if !ok || e.Code != task.CodeRateLimited || e.After < 50*time.Minute {
				t.Errorf("Issue() = %v, want rate_limited for an hour", err)
			}
			wantLines(t, b)
			// A limit keeps no token alive, and the App itself has its own.
			if err := two.Close(t.Context()); err != nil {
				t.Errorf("Close() = %v", err)
			}
		})
	}
}

func TestGet_isRepeatedOnce(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		breaks int
		code   task.Code
		want   int
	}{"once": {1, "", 2}, "twice": {2, task.CodeUnavailable, 2}} {
		for _, how := range []string{"502", "EOF"} {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				var count atomic.Int32
				b.mux.HandleFunc("GET /repos/acme/api/issues/1", func(w http.ResponseWriter, _ *http.Request) {
					switch seen := int(count.Add(1)); {
					case seen > tt.breaks:
						fmt.Fprint(w, `{"number": 1}`)
					case how == "502":
						w.WriteHeader(http.StatusBadGateway)
					default:
						panic(http.ErrAbortHandler)
					}
				})
				_, err := b.open(t).Issue(t.Context(), 1)
				seen := int(count.Load())
				if task.CodeOf(err) != tt.code || seen != tt.want {
					t.Errorf("Issue() = %v after %d requests, want code %q after %d", err, seen, tt.code, tt.want)
				}
			})
		}
	}
}

func TestErrors_ofTheWay(t *testing.T) {
	t.Parallel()
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		r := setup(t).open(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := r.Issue(ctx, 1)
		if task.CodeOf(err) != task.CodeCancelled || !errors.Is(err, context.Canceled) {
			t.Errorf("Issue() = %v", err)
		}
	})
	t.Run("late", func(t *testing.T) {
		t.Parallel()
		r := setup(t).open(t)
		ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		defer cancel()
		_, err := r.Issue(ctx, 1)
		if task.CodeOf(err) != task.CodeUnavailable || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Issue() = %v", err)
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(o *client.Options) { o.APIURL = "http://127.0.0.1:1" })
		_, err := b.app.Self(t.Context())
		if task.CodeOf(err) != task.CodeUnavailable {
			t.Errorf("Self() = %v", err)
		}
	})
	t.Run("endless answer", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.mux.HandleFunc("GET /repos/acme/api/issues/1", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"body": "`)
			for chunk := strings.Repeat("x", 1<<20); ; {
				if _, err := io.WriteString(w, chunk); err != nil {
					return
				}
			}
		})
		_, err := b.open(t).Issue(t.Context(), 1)
		if task.CodeOf(err) != task.CodeInvalid || !strings.Contains(err.Error(), "32 MB") {
			t.Errorf("Issue() = %v", err)
		}
	})
}

// A redirect within the API is followed; one that leads out is not, and takes
// no token along.
func TestRedirect(t *testing.T) {
	t.Parallel()
	b, other := setup(t), setup(t)
	b.mux.HandleFunc("GET /repos/acme/api/issues/1", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, b.base+"/api/v3/repositories/5/issues/1", http.StatusMovedPermanently)
	})
	b.reply("GET /repositories/5/issues/1", `{"number": 1}`)
	b.mux.HandleFunc("GET /repos/acme/api/issues/2", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.base+"/api/v3/repos/acme/api/issues/2", http.StatusFound)
	})
	r := b.open(t)
	if got, err := r.Issue(t.Context(), 1); err != nil || got.Number != 1 {
		t.Errorf("Issue(1) = %v, %v", got, err)
	}
	if _, err := r.Issue(t.Context(), 2); task.CodeOf(err) != task.CodeNotFound {
		t.Errorf("Issue(2) = %v", err)
	}
	wantLines(t, other)
}
