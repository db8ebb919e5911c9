package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/integrations/github/client"
	"honk/internal/task"
)

func TestToken_neverShows(t *testing.T) {
	t.Parallel()
	token := setup(t).open(t).Token()
	asJSON, err := json.Marshal(map[string]any{"t": token, "list": []client.Token{token}})
	if err != nil {
		t.Fatal(err)
	}
	asKey, err := json.Marshal(map[client.Token]int{token: 1})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "t", token, "p", &token)
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "t", token, "s", struct{ T client.Token }{token})
	shown := map[string]string{"json": string(asJSON), "key": string(asKey), "slog": log.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		shown[verb] = fmt.Sprintf(verb, token)
		shown["pointer "+verb] = fmt.Sprintf(verb, &token)
		shown["struct "+verb] = fmt.Sprintf(verb, struct{ T client.Token }{token})
	}
	for how, text := range shown {
		if strings.Contains(text, rawToken) || strings.Contains(text, fmt.Sprintf("%x", rawToken)) {
			t.Errorf("%s shows the token: %s", how, text)
		}
		if !strings.Contains(text, "[redacted]") {
			t.Errorf("%s does not say [redacted]: %s", how, text)
		}
	}
	if token.Reveal() != rawToken {
		t.Errorf("Reveal() = %q", token.Reveal())
	}
}

func TestOpen_oneRepository(t *testing.T) {
	t.Parallel()
	var kept, forgotten []string
	b := setup(t, func(o *client.Options) {
		o.KeepFunc = func(_ context.Context, tok client.Token) error {
			kept = append(kept, tok.Reveal())
			return nil
		}
		o.ForgetFunc = func(_ context.Context, tok client.Token) error {
			forgotten = append(forgotten, tok.Reveal())
			return nil
		}
	})
	r, err := b.app.Open(t.Context(), "acme", "api", client.ForPublish())
	if err != nil {
		t.Fatal(err)
	}
	calls := b.take()
	if len(calls) != 2 || calls[0].Line != "GET /repos/acme/api/installation" ||
		calls[1].Line != "POST /app/installations/7/access_tokens" {
		t.Fatalf("requests: %v", calls)
	}
	sameJSON(t, `{"repositories": ["api"], "permissions":
		{"contents": "write", "metadata": "read", "pull_requests": "write"}}`, calls[1].Body)
	for _, c := range calls {
		if auth := b.auth[c.Line]; !strings.HasPrefix(auth, "Bearer eyJ") {
			t.Errorf("%s is sent with %q, want the App's JWT", c.Line, auth)
		}
	}
	if time.Until(r.Token().Expires) < 50*time.Minute {
		t.Errorf("token expires %v", r.Token().Expires)
	}

	// Closing works after the caller's time is up, and once is enough.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 2 {
		if err := r.Close(ctx); err != nil {
			t.Errorf("Close() = %v", err)
		}
	}
	wantLines(t, b, "DELETE /installation/token")
	if got := b.auth["DELETE /installation/token"]; got != "Bearer "+rawToken {
		t.Errorf("revoked with %q", got)
	}
	want := []string{rawToken}
	if !cmp.Equal(want, kept) || !cmp.Equal(want, forgotten) {
		t.Errorf("kept %q, forgotten %q", kept, forgotten)
	}

	// The installation is known by now.
	if _, err := b.app.Open(t.Context(), "Acme", "API", client.ForCheckout()); err != nil {
		t.Fatal(err)
	}
	wantLines(t, b, "POST /app/installations/7/access_tokens")
}

func TestOpen_whatIsNotKeptIsRevoked(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *client.Options) {
		o.KeepFunc = func(context.Context, client.Token) error { return errors.New("disk full") }
	})
	_, err := b.app.Open(t.Context(), "acme", "api", client.ForCheckout())
	if err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("Open() = %v", err)
	}
	wantLines(t, b, "GET /repos/acme/api/installation", "POST /app/installations/7/access_tokens",
		"DELETE /installation/token")
}

func TestOpen_tooWide(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.reply("GET /repos/acme/web/installation", `{"id": 8}`)
	b.reply("POST /app/installations/8/access_tokens", tokenReply(rawToken, time.Hour)) // for api
	_, err := b.app.Open(t.Context(), "acme", "web", client.ForCheckout())
	if task.CodeOf(err) != task.CodeInternal {
		t.Errorf("Open() = %v, want internal", err)
	}
	if lines := b.lines(); lines[len(lines)-1] != "DELETE /installation/token" {
		t.Errorf("the token was not revoked: %q", lines)
	}
}

func TestOpen_reinstalled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	calls := 0
	b.mux.HandleFunc("GET /repos/acme/web/installation", func(w http.ResponseWriter, _ *http.Request) {
		calls++
		fmt.Fprintf(w, `{"id": %d}`, 10+calls)
	})
	b.reply("POST /app/installations/12/access_tokens", strings.ReplaceAll(tokenReply(rawToken, time.Hour), "api", "web"))
	if _, err := b.app.Open(t.Context(), "acme", "web", client.ForCheckout()); err != nil {
		t.Errorf("Open() = %v", err)
	}
}

func TestOpen_refusals(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		owner, repo string
		prepare     func(*bundle)
		code        task.Code
		says        string
	}{
		"not installed": {"acme", "web", func(*bundle) {}, task.CodeNotFound, "not installed for acme/web"},
		"suspended": {"acme", "web", func(b *bundle) {
			b.reply("GET /repos/acme/web/installation", `{"id": 8, "suspended_at": "2024-01-01T00:00:00Z"}`)
		}, task.CodeForbidden, "unsuspend"},
		"permission": {"acme", "web", func(b *bundle) {
			b.reply("GET /repos/acme/web/installation", `{"id": 8}`)
			b.fail("POST /app/installations/8/access_tokens", 422,
				`{"message": "The permissions requested are not granted to this installation."}`)
		}, task.CodeForbidden, "contents: read"},
		"repository": {"acme", "web", func(b *bundle) {
			b.reply("GET /repos/acme/web/installation", `{"id": 8}`)
			b.fail("POST /app/installations/8/access_tokens", 422,
				`{"message": "There is at least one repository that does not exist or is not accessible."}`)
		}, task.CodeForbidden, "add the repository"},
		"path":  {"acme", "..", func(*bundle) {}, task.CodeInvalid, "owner/name"},
		"query": {"acme", "api?x=", func(*bundle) {}, task.CodeInvalid, "owner/name"},
		"key": {"acme", "web", func(b *bundle) {
			b.fail("GET /repos/acme/web/installation", 401, `{"message": "A JSON web token could not be decoded"}`)
		}, task.CodeForbidden, "private key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			tt.prepare(b)
			_, err := b.app.Open(t.Context(), tt.owner, tt.repo, client.ForCheckout())
			if task.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Open() = %s: %v, want %s with %q", task.CodeOf(err), err, tt.code, tt.says)
			}
		})
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		want   task.Code
	}{{204, ""}, {401, ""}, {404, ""}, {500, task.CodeUnavailable}, {403, task.CodeForbidden}} {
		t.Run(fmt.Sprint(tt.status), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.mux = http.NewServeMux()
			b.fail("DELETE /installation/token", tt.status, `{"message": "about ghs_left and ghs_old1"}`)
			err := b.app.Revoke(t.Context(), "ghs_left")
			if got := task.CodeOf(err); got != tt.want {
				t.Errorf("Revoke() = %v, want code %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error()+errors.Unwrap(err).Error(), "ghs_") {
				t.Errorf("the error shows a token: %v", err)
			}
			if got := b.auth["DELETE /installation/token"]; got != "Bearer ghs_left" {
				t.Errorf("revoked with %q", got)
			}
		})
	}
}

// What GitHub does not take back at once is tried again, by Close and in the
// end by the App.
func TestClose_tryAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		failures int
		want     task.Code
		calls    int
	}{
		{name: "once", failures: 1, calls: 2},
		{name: "for long", failures: 3, want: task.CodeUnavailable, calls: 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			forgotten, failures := 0, tt.failures
			b := setup(t, func(o *client.Options) {
				o.ForgetFunc = func(context.Context, client.Token) error { forgotten++; return nil }
			})
			r := b.open(t)
			mux := b.mux
			b.mux = http.NewServeMux()
			b.mux.Handle("/", mux)
			b.mux.HandleFunc("DELETE /installation/token", func(w http.ResponseWriter, _ *http.Request) {
				if failures--; failures >= 0 {
					w.WriteHeader(http.StatusBadGateway)
					return
				}
				w.WriteHeader(http.StatusNoContent)
			})
			if err := r.Close(t.Context()); task.CodeOf(err) != tt.want {
				t.Errorf("Close() = %v, want code %q", err, tt.want)
			}
			if got := len(b.take()); got != tt.calls {
				t.Errorf("%d calls, want %d", got, tt.calls)
			}
			if err := b.app.Close(t.Context()); err != nil || forgotten != 1 {
				t.Errorf("the App's Close() = %v, %d tokens forgotten, want 1", err, forgotten)
			}
		})
	}
}

func TestTalk_sharesUntilShortBeforeTheEnd(t *testing.T) {
	t.Parallel()
	forgotten := 0
	b := setup(t, func(o *client.Options) {
		o.ForgetFunc = func(context.Context, client.Token) error { forgotten++; return nil }
	})
	b.reply("GET /repos/acme/web/installation", `{"id": 8}`)
	life, minted := 4*time.Minute, 0
	b.mux.HandleFunc("POST /app/installations/8/access_tokens", func(w http.ResponseWriter, _ *http.Request) {
		minted++
		fmt.Fprint(w, strings.ReplaceAll(tokenReply(fmt.Sprintf("ghs_%d", minted), life), "api", "web"))
		life = time.Hour
	})
	talk := func() string {
		t.Helper()
		r, err := b.app.Talk(t.Context(), "acme", "web")
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(t.Context()); err != nil { // does nothing
			t.Fatal(err)
		}
		return r.Token().Reveal()
	}
	got := []string{talk(), talk(), talk()}
	if diff := cmp.Diff([]string{"ghs_1", "ghs_2", "ghs_2"}, got); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
	b.take()
	if err := b.app.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantLines(t, b, "DELETE /installation/token", "DELETE /installation/token")
	if forgotten != 2 {
		t.Errorf("%d tokens forgotten, want 2", forgotten)
	}
}

func TestTalk_dropsRefusedToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fail("GET /repos/acme/api/issues/1", 401, `{"message": "Bad credentials"}`)
	r, err := b.app.Talk(t.Context(), "acme", "api")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Issue(t.Context(), 1); task.CodeOf(err) != task.CodeForbidden {
		t.Errorf("Issue() = %v", err)
	}
	b.take()
	if _, err := b.app.Talk(t.Context(), "acme", "api"); err != nil {
		t.Fatal(err)
	}
	wantLines(t, b, "GET /repos/acme/api/installation", "POST /app/installations/7/access_tokens")
}
