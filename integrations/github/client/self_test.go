package client_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/integrations/github/client"
	"honk/internal/task"
)

const appReply = `{"id": 42, "slug": "honk-acme", "name": "Honk", "owner": {"login": "acme"},
	"html_url": "https://github.com/apps/honk-acme", "events": ["issue_comment"],
	"permissions": {"contents": "write", "metadata": "read", "issues": "read"}}`

func TestSelf(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.reply("GET /app", appReply)
	b.reply("GET /users/honk-acme[bot]", `{"id": 777, "login": "honk-acme[bot]", "type": "Bot"}`)
	for range 2 {
		got, err := b.app.Self(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := "42 honk-acme Honk acme honk-acme[bot] 777 [issue_comment]"
		said := fmt.Sprint(got.ID, " ", got.Slug, " ", got.Name, " ", got.Owner, " ", got.Login(), " ", got.BotID, " ", got.Events)
		if said != want {
			t.Errorf("Self() = %s, want %s", said, want)
		}
		if host := b.base[len("http://"):]; got.Email() != "777+honk-acme[bot]@users.noreply."+host {
			t.Errorf("Email() = %q", got.Email())
		}
		missing := got.Permissions.Missing(client.Required())
		if diff := cmp.Diff([]string{"checks: read", "issues: write", "pull_requests: write", "statuses: read"}, missing); diff != "" {
			t.Errorf("Missing() (-want +got):\n%s", diff)
		}
	}
	wantLines(t, b, "GET /app", "GET /users/honk-acme%5Bbot%5D")
	if got := b.auth["GET /users/honk-acme%5Bbot%5D"]; got != "" {
		t.Errorf("the account was asked for with %q", got)
	}
}

// A private server shows accounts to installation tokens only.
func TestSelf_privateServer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.reply("GET /app", appReply)
	b.mux.HandleFunc("GET /users/honk-acme[bot]", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+rawToken {
			w.WriteHeader(http.StatusUnauthorized)
		}
		fmt.Fprint(w, `{"id": 777}`)
	})
	got, err := b.app.Self(t.Context())
	if err != nil || got.BotID != 0 || got.Login() != "honk-acme[bot]" {
		t.Errorf("App.Self() = %+v, %v", got, err)
	}
	r := b.open(t)
	for range 2 {
		if got, err = r.Self(t.Context()); err != nil || got.BotID != 777 {
			t.Errorf("Repo.Self() = %+v, %v", got, err)
		}
	}
	wantLines(t, b, "GET /users/honk-acme%5Bbot%5D") // once
}

func TestDeliveries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	entry := func(id int, at string) string {
		return fmt.Sprintf(`{"id": %d, "guid": "g%d", "event": "issue_comment", "action": "created",
			"delivered_at": "2026-01-0%sT00:00:00Z", "status_code": 502, "redelivery": true}`, id, id, at)
	}
	b.mux.HandleFunc("GET /app/hook/deliveries", func(w http.ResponseWriter, r *http.Request) {
		cursor := r.URL.Query().Get("cursor")
		next := map[string]string{"": "v2", "v2": "v3", "v3": "v4"}[cursor]
		w.Header().Set("Link", fmt.Sprintf(`<%s/api/v3/app/hook/deliveries?cursor=%s>; rel="next"`, b.base, next))
		fmt.Fprint(w, map[string]string{
			"":   "[" + entry(9, "9") + "," + entry(8, "8") + "]",
			"v2": "[" + entry(7, "7") + "," + entry(4, "4") + "]",
		}[cursor])
	})
	got, err := b.app.Deliveries(t.Context(), time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	want := []client.DeliveryInfo{}
	for _, id := range []int{7, 8, 9} {
		want = append(want, client.DeliveryInfo{
			ID: int64(id), GUID: fmt.Sprintf("g%d", id), Event: "issue_comment", Action: "created",
			DeliveredAt: time.Date(2026, 1, id, 0, 0, 0, 0, time.UTC), StatusCode: 502, Redelivery: true,
		})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Deliveries() (-want +got):\n%s", diff)
	}
	wantLines(t, b, "GET /app/hook/deliveries?per_page=100", "GET /app/hook/deliveries?cursor=v2&per_page=100")
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.reply("GET /app/hook/deliveries/9", `{"id": 9, "guid": "g9", "event": "ping", "request": {"payload": {"zen": "<x>"}}}`)
	b.reply("GET /app/hook/deliveries/8", `{"id": 8, "guid": "g8", "event": "ping"}`)
	got, err := b.app.Delivery(t.Context(), 9)
	if err != nil || got.GUID != "g9" || got.Event != "ping" || string(got.Payload) != `{"zen": "<x>"}` {
		t.Errorf("Delivery() = %s, %v", got.Payload, err)
	}
	for _, id := range []int64{8, 7} {
		if _, err := b.app.Delivery(t.Context(), id); task.CodeOf(err) != task.CodeNotFound {
			t.Errorf("Delivery(%d) = %v", id, err)
		}
	}
}
