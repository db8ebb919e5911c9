package forge

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"honk/integrations/github/client"
	"honk/internal/postgres"
)

// Tokens keeps the tokens that are in use, sealed with a key made of the App's
// private key, so that those of a killed process can be revoked and nobody
// who reads the database can use them.
type Tokens struct {
	DB *postgres.DB
	// Worker is the process that holds them.
	Worker string
	// Key is the App's private key.
	Key []byte
}

// Keep stores a token that was just made.
func (t *Tokens) Keep(ctx context.Context, token client.Token) error {
	seal, err := t.sealer()
	if err != nil {
		return err
	}
	nonce := make([]byte, seal.NonceSize())
	// rand.Read never returns an error; it ends the program instead.
	_, _ = rand.Read(nonce)
	sealed := seal.Seal(nonce, nonce, []byte(token.Reveal()), nil)
	return t.DB.KeepToken(ctx, postgres.SealedToken{ID: idOf(token.Reveal()), Sealed: sealed}, t.Worker, expiry(token))
}

// Forget removes a token that is revoked.
func (t *Tokens) Forget(ctx context.Context, token client.Token) error {
	return t.DB.ForgetToken(ctx, idOf(token.Reveal()))
}

// Lost returns the tokens of processes that are gone, by their names in the
// table. One that another key sealed is left to expire.
func (t *Tokens) Lost(ctx context.Context) (map[string]string, error) {
	rows, err := t.DB.LostTokens(ctx)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	seal, err := t.sealer()
	if err != nil {
		return nil, err
	}
	lost := map[string]string{}
	for _, row := range rows {
		raw, openErr := open(seal, row.Sealed)
		if openErr != nil {
			continue
		}
		lost[row.ID] = raw
	}
	return lost, nil
}

func open(seal cipher.AEAD, sealed []byte) (string, error) {
	n := seal.NonceSize()
	if len(sealed) < n {
		return "", errors.New("it is too short")
	}
	raw, err := seal.Open(nil, sealed[:n], sealed[n:], nil)
	return string(raw), err
}

func (t *Tokens) sealer() (cipher.AEAD, error) {
	key := sha256.Sum256(append([]byte("honk: sealing tokens\x00"), t.Key...))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, fmt.Errorf("sealing a token: %w", err)
	}
	return cipher.NewGCM(block)
}

// idOf names a token without telling it.
func idOf(raw string) string {
	sum := sha256.Sum256([]byte(raw))
	return hex.EncodeToString(sum[:12])
}

func expiry(token client.Token) time.Time {
	if token.Expires.IsZero() {
		return time.Now().Add(time.Hour)
	}
	return token.Expires
}
