package client_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"honk/integrations/github/client"
	"honk/internal/task"
)

func TestInstallations(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.mux.HandleFunc("GET /app/installations", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("page") == "" {
			w.Header().Set("Link", fmt.Sprintf(`<%s/api/v3/app/installations?page=2>; rel="next"`, b.base))
			fmt.Fprint(w, `[{"id": 1, "account": {"login": "acme"}, "permissions": {"contents": "write"}}]`)
			return
		}
		fmt.Fprint(w, `[{"id": 2, "account": {"login": "ada"}, "suspended_at": "2026-01-01T00:00:00Z"}]`)
	})
	got, err := b.app.Installations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []client.Installed{
		{ID: 1, Account: "acme", Permissions: client.Permissions{"contents": "write"}},
		{ID: 2, Account: "ada", Suspended: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Installations() (-want +got):\n%s", diff)
	}
}

func TestInstallations_refused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.mux.HandleFunc("GET /app/installations", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"message": "A JSON web token could not be decoded"}`)
	})
	if _, err := b.app.Installations(t.Context()); task.CodeOf(err) != task.CodeForbidden {
		t.Errorf("got error %v", err)
	}
}
