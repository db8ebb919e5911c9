package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// SealedToken is a forge token that is not revoked yet.
type SealedToken struct {
	// ID does not tell the token.
	ID     string
	Sealed []byte
}

// KeepToken stores a token until it is revoked.
func (s Store) KeepToken(ctx context.Context, t SealedToken, worker string, expires time.Time) error {
	return s.Exec(ctx, keepToken, pgx.StrictNamedArgs{
		"id": t.ID, "worker": worker, "sealed": t.Sealed, "expires_at": expires,
	})
}

const keepToken = `INSERT INTO tokens (id, worker, sealed, expires_at) VALUES (@id, @worker, @sealed, @expires_at)
	ON CONFLICT DO NOTHING`

// ForgetToken removes a token that is revoked.
func (s Store) ForgetToken(ctx context.Context, id string) error {
	return s.Exec(ctx, forgetToken, pgx.StrictNamedArgs{"id": id})
}

const forgetToken = `DELETE FROM tokens WHERE id = @id`

// LostTokens returns the tokens of workers that are gone and forgets those
// that have expired by themselves.
func (s Store) LostTokens(ctx context.Context) ([]SealedToken, error) {
	if err := s.Exec(ctx, dropTokens, nil); err != nil {
		return nil, err
	}
	return Many(ctx, s, listLostTokens, nil, pgx.RowToStructByPos[SealedToken])
}

const dropTokens = `DELETE FROM tokens WHERE expires_at < now()`

const listLostTokens = `SELECT id, sealed FROM tokens WHERE worker NOT IN (SELECT id FROM workers) LIMIT 100`
