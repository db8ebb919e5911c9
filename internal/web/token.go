package web

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"honk/internal/task"
)

// LinkTime is how long an invitation to link an account is good.
const LinkTime = 15 * time.Minute

const (
	// tokenVersion begins every token. Tokens of another are forged.
	tokenVersion = 1
	// maxNonce is far above any nonce, maxToken above any token.
	maxNonce = 128
	maxToken = 256
	// headSize is the version and the time of expiry.
	headSize = 1 + 8
)

// LinkKey derives the key that invitations are signed with from a secret that
// all processes of the service have.
func LinkKey(secret []byte) ([]byte, error) { return derive(secret, "honk account link, tokens, 1") }

func derive(secret []byte, use string) ([]byte, error) {
	if len(secret) < 16 {
		return nil, errors.New("deriving a key: the secret is too short to be one")
	}
	key, err := hkdf.Key(sha256.New, secret, nil, use, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("deriving a key: %w", err)
	}
	return key, nil
}

// LinkURL returns the address that an invitation sends a person to.
func LinkURL(publicURL, token string) string {
	return strings.TrimRight(publicURL, "/") + "/link?token=" + url.QueryEscape(token)
}

// Sign returns the token of an invitation. It can be read by everybody and
// made by nobody else; that it is used once is up to whoever keeps the nonce.
func Sign(key []byte, nonce string, expires time.Time) string {
	token := make([]byte, headSize, headSize+len(nonce)+sha256.Size)
	token[0] = tokenVersion
	binary.BigEndian.PutUint64(token[1:], uint64(max(expires.Unix(), 0)))
	token = append(token, nonce...)
	return base64.RawURLEncoding.EncodeToString(append(token, seal(key, token)...))
}

// Verify returns the nonce of a token that Sign made with the key. The error
// is a *task.Error: invalid for what Sign did not make, not_found for what
// has expired.
func Verify(key []byte, token string, now time.Time) (nonce string, err error) {
	forged := task.Errorf(task.CodeInvalid, "this link is not one that Honk sent, or not all of it")
	if len(token) > maxToken {
		return "", forged
	}
	// Strict, or one token could be written in several ways; and without the
	// line ends that the decoder would skip.
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || strings.ContainsAny(token, "\r\n") || len(raw) <= headSize+sha256.Size {
		return "", forged
	}
	body, mac := raw[:len(raw)-sha256.Size], raw[len(raw)-sha256.Size:]
	if !hmac.Equal(mac, seal(key, body)) || body[0] != tokenVersion || len(body) > headSize+maxNonce {
		return "", forged
	}
	// In whole seconds, as it was written.
	if uint64(max(now.Unix(), 0)) >= binary.BigEndian.Uint64(body[1:]) {
		return "", task.Errorf(task.CodeNotFound, "this link has expired; it was good for %d minutes", int(LinkTime.Minutes()))
	}
	return string(body[headSize:]), nil
}

func seal(key, text []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(text)
	return mac.Sum(nil)
}
