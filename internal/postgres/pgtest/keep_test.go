package pgtest_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"honk/internal/postgres/pgtest"
)

// TestNew_outlivesCollection collects garbage while the private server is in
// use: what keeps it alive must be none.
func TestNew_outlivesCollection(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t, func(context.Context, string) error { return nil }, "collection")
	for range 3 {
		runtime.GC()
		<-time.After(200 * time.Millisecond)
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
