package web_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"honk/internal/task"
	"honk/internal/web"
)

func linkKey(t testing.TB) []byte {
	t.Helper()
	key, err := web.LinkKey([]byte("the private key of some GitHub App"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestVerify(t *testing.T) {
	t.Parallel()
	key, now := linkKey(t), time.Unix(1_800_000_000, 0)
	good := web.Sign(key, "nonce", now.Add(web.LinkTime))
	raw, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	other, err := web.LinkKey([]byte("the private key of another App"))
	if err != nil {
		t.Fatal(err)
	}
	longer := append([]byte{}, raw...)
	longer[5]++ // the time of expiry
	// 46 bytes leave four bits of the last letter unused: A, Q, g or w.
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	spelled := good[:len(good)-1] + string(letters[strings.IndexByte(letters, good[len(good)-1])+1])
	for name, tt := range map[string]struct {
		token string
		at    time.Time
		want  task.Code
	}{
		"good":          {good, now, ""},
		"last second":   {good, now.Add(web.LinkTime - time.Second), ""},
		"expired":       {good, now.Add(web.LinkTime), task.CodeNotFound},
		"empty":         {"", now, task.CodeInvalid},
		"cut":           {good[:len(good)-4], now, task.CodeInvalid},
		"longer":        {good + "AAAA", now, task.CodeInvalid},
		"padded":        {good + "=", now, task.CodeInvalid},
		"respelled":     {spelled, now, task.CodeInvalid},
		"line end":      {good + "\n", now, task.CodeInvalid},
		"huge":          {strings.Repeat("A", 1<<16), now, task.CodeInvalid},
		"another key":   {web.Sign(other, "nonce", now.Add(time.Hour)), now, task.CodeInvalid},
		"later expiry":  {base64.RawURLEncoding.EncodeToString(longer), now, task.CodeInvalid},
		"no nonce":      {web.Sign(key, "", now.Add(time.Hour)), now, task.CodeInvalid},
		"huge nonce":    {web.Sign(key, strings.Repeat("n", 150), now.Add(time.Hour)), now, task.CodeInvalid},
		"before time":   {web.Sign(key, "nonce", time.Time{}), now, task.CodeNotFound},
		"mac only":      {base64.RawURLEncoding.EncodeToString(raw[len(raw)-32:]), now, task.CodeInvalid},
		"other version": {base64.RawURLEncoding.EncodeToString(append([]byte{2}, raw[1:]...)), now, task.CodeInvalid},
	} {
		nonce, err := web.Verify(key, tt.token, tt.at)
		if task.CodeOf(err) != tt.want || (err == nil) != (nonce == "nonce") {
			t.Errorf("%s: %q, %v; want code %q", name, nonce, err, tt.want)
		}
		if err != nil && tt.token != "" && strings.Contains(err.Error(), tt.token) {
			t.Errorf("%s: the error shows the token: %v", name, err)
		}
	}
}

func TestVerify_everyBitCounts(t *testing.T) {
	t.Parallel()
	key, now := linkKey(t), time.Unix(1_800_000_000, 0)
	raw, err := base64.RawURLEncoding.DecodeString(web.Sign(key, "nonce", now.Add(time.Minute)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(raw) * 8 {
		raw[i/8] ^= 1 << (i % 8)
		if _, err := web.Verify(key, base64.RawURLEncoding.EncodeToString(raw), now); task.CodeOf(err) != task.CodeInvalid {
			t.Errorf("bit %d turned: %v, want it refused", i, err)
		}
		raw[i/8] ^= 1 << (i % 8)
	}
}

func TestLinkKey(t *testing.T) {
	t.Parallel()
	if _, err := web.LinkKey(nil); err == nil {
		t.Error("a key is made of nothing")
	}
	if key := linkKey(t); len(key) != 32 || !bytes.Equal(key, linkKey(t)) {
		t.Errorf("got %d bytes, want the same 32 each time", len(key))
	}
	if got := web.LinkURL("https://honk.example.com/", "a_b-"); got != "https://honk.example.com/link?token=a_b-" {
		t.Errorf("LinkURL = %q", got)
	}
}

// FuzzVerify looks for a token that was not signed, or one written in two
// ways.
func FuzzVerify(f *testing.F) {
	key, now := linkKey(f), time.Unix(1_800_000_000, 0)
	good := web.Sign(key, "nonce", now.Add(time.Minute))
	f.Add(good)
	f.Add(good + "\n")
	f.Add(good[1:])
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		nonce, err := web.Verify(key, token, now)
		if (err == nil) != (token == good) {
			t.Errorf("%q: nonce %q, %v", token, nonce, err)
		}
	})
}

// FuzzSign looks for a nonce that does not come back.
func FuzzSign(f *testing.F) {
	key, now := linkKey(f), time.Unix(1_800_000_000, 0)
	f.Add("nonce", int64(60))
	f.Add("\x00\xff", int64(-1))
	f.Fuzz(func(t *testing.T, nonce string, seconds int64) {
		if len(nonce) == 0 || len(nonce) > 128 || seconds < -1e9 || seconds > 1e9 {
			t.Skip()
		}
		got, err := web.Verify(key, web.Sign(key, nonce, now.Add(time.Duration(seconds)*time.Second)), now)
		if seconds > 0 && (err != nil || got != nonce) || seconds <= 0 && task.CodeOf(err) != task.CodeNotFound {
			t.Errorf("%q for %ds: %q, %v", nonce, seconds, got, err)
		}
	})
}
