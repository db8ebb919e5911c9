package forge_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/integrations/github/client"
	"honk/integrations/github/forge"
	"honk/internal/postgres"
	"honk/internal/postgres/pgtest"
)

func newDB(t *testing.T) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), pgtest.New(t, func(ctx context.Context, url string) error {
		db, err := postgres.Open(ctx, url, 2)
		if err != nil {
			return err
		}
		defer db.Close()
		_, err = db.Migrate(ctx)
		return err
	}, "forge"), 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// Tokens of processes that are gone can be read by whoever has the App's key,
// and by nobody else.
func TestTokens(t *testing.T) {
	t.Parallel()
	b := setup(t, "draft")
	db := newDB(t)
	live := forge.Tokens{DB: db, Worker: "live", Key: []byte("key")}
	dead := forge.Tokens{DB: db, Worker: "dead", Key: []byte("key")}
	b.must(db.Seen(t.Context(), "live", "host"))
	open := func() client.Token {
		repo, err := b.app.Open(t.Context(), "acme", "api", client.ForCheckout())
		b.must(err)
		return repo.Token()
	}
	one, two, three := open(), open(), open()
	b.must(live.Keep(t.Context(), one))
	b.must(dead.Keep(t.Context(), two))
	b.must(dead.Keep(t.Context(), three))
	b.must(dead.Keep(t.Context(), three))
	b.must(dead.Forget(t.Context(), three))
	lost, err := live.Lost(t.Context())
	b.must(err)
	var got []string
	for _, raw := range lost {
		got = append(got, raw)
	}
	if diff := cmp.Diff([]string{two.Reveal()}, got); diff != "" {
		t.Errorf("lost (-want +got):\n%s", diff)
	}
	other := forge.Tokens{DB: db, Worker: "live", Key: []byte("another key")}
	if lost, err := other.Lost(t.Context()); err != nil || len(lost) != 0 {
		t.Errorf("another key reads %d tokens, %v", len(lost), err)
	}
	_, err = db.Pool().Exec(t.Context(), "UPDATE tokens SET sealed = 'x' WHERE worker = 'dead'")
	b.must(err)
	if lost, err := live.Lost(t.Context()); err != nil || len(lost) != 0 {
		t.Errorf("a broken row reads %d tokens, %v", len(lost), err)
	}
	var all []byte
	b.must(db.Pool().QueryRow(t.Context(), "SELECT convert_to(string_agg(t::text, ' '), 'UTF8') FROM tokens t").Scan(&all))
	if bytes.Contains(all, []byte(one.Reveal())) {
		t.Error("the table tells a token")
	}
	_, err = db.Pool().Exec(t.Context(), "UPDATE tokens SET expires_at = $1", time.Now().Add(-time.Minute))
	b.must(err)
	if lost, err := live.Lost(t.Context()); err != nil || len(lost) != 0 {
		t.Errorf("after their time %d tokens are lost, %v", len(lost), err)
	}
}
