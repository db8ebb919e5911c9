package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"honk/internal/postgres"
)

func TestTransient(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{postgres.ErrFenced, false},
		{postgres.ErrNotFound, false},
		{context.Canceled, false},
		{errors.New("the price is unknown"), false},
		{&pgconn.PgError{Code: "23505"}, false},
		{fmt.Errorf("asking: %w", &pgconn.PgError{Code: "57P01"}), true}, // shutdown
		{&pgconn.PgError{Code: "40P01"}, true},                           // deadlock
		{&pgconn.PgError{Code: "53300"}, true},                           // too many connections
		{fmt.Errorf("asking: %w", io.ErrUnexpectedEOF), true},
		{errors.New("asking: conn closed"), true},
	} {
		if got := postgres.Transient(tt.err); got != tt.want {
			t.Errorf("%v: %t, want %t", tt.err, got, tt.want)
		}
	}
}
