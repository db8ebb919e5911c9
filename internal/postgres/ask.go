package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Exec runs a query that returns nothing, for the packages below this one as
// well, which have tables of their own.
func (s Store) Exec(ctx context.Context, sql string, args pgx.StrictNamedArgs) error {
	_, err := s.Affect(ctx, sql, args)
	return err
}

// Affect runs a query and returns how many rows it changed.
func (s Store) Affect(ctx context.Context, sql string, args pgx.StrictNamedArgs) (int64, error) {
	tag, err := s.q.Exec(ctx, sql, args)
	if err != nil {
		return 0, wrap(sql, err)
	}
	return tag.RowsAffected(), nil
}

// clean is text fit for a column of text, which takes neither a NUL nor what is
// no UTF-8: texts of others would otherwise keep a row from being written.
func clean(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "\uFFFD")
}

// One returns the only row of a query as a T; ErrNotFound when there is none.
func One[T any](ctx context.Context, s Store, sql string, args pgx.StrictNamedArgs, row pgx.RowToFunc[T]) (T, error) {
	var none T
	rows, err := s.q.Query(ctx, sql, args)
	if err != nil {
		return none, wrap(sql, err)
	}
	got, err := pgx.CollectExactlyOneRow(rows, row)
	if errors.Is(err, pgx.ErrNoRows) {
		return none, ErrNotFound
	}
	return got, wrap(sql, err)
}

// Many returns the rows of a query.
func Many[T any](ctx context.Context, s Store, sql string, args pgx.StrictNamedArgs, row pgx.RowToFunc[T]) ([]T, error) {
	rows, err := s.q.Query(ctx, sql, args)
	if err != nil {
		return nil, wrap(sql, err)
	}
	got, err := pgx.CollectRows(rows, row)
	return got, wrap(sql, err)
}

// wrap says which query failed, by its first words.
func wrap(sql string, err error) error {
	if err == nil {
		return nil
	}
	words := strings.Fields(sql)
	return fmt.Errorf("asking the database (%s): %w", strings.Join(words[:min(4, len(words))], " "), err)
}
