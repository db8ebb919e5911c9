package event_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"honk/integrations/github/event"
)

func sign(body, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func TestVerify(t *testing.T) {
	t.Parallel()
	const body = "Hello, World!"
	// GitHub's own example, from "Validating webhook deliveries".
	const known = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	for name, tt := range map[string]struct {
		body, signature string
		secrets         []string
		want            bool
	}{
		"GitHub's example": {body, known, []string{"It's a Secret to Everybody"}, true},
		"new of two":       {body, sign(body, "new"), []string{"old", "new"}, true},
		"old of two":       {body, sign(body, "old"), []string{"old", "new"}, true},
		"other secret":     {body, sign(body, "other"), []string{"old", "new"}, false},
		"other body":       {body + " ", known, []string{"It's a Secret to Everybody"}, false},
		"empty secret":     {body, sign(body, ""), []string{""}, false},
		"no secret":        {body, sign(body, ""), nil, false},
		"no signature":     {body, "", []string{"s"}, false},
		"SHA-1":            {body, "sha1=" + sign(body, "s")[7:47], []string{"s"}, false},
		"no prefix":        {body, sign(body, "s")[7:], []string{"s"}, false},
		"cut":              {body, sign(body, "s")[:69], []string{"s"}, false},
		"longer":           {body, sign(body, "s") + "00", []string{"s"}, false},
		"no hexadecimal":   {body, "sha256=" + strings.Repeat("zz", 32), []string{"s"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := event.Verify([]byte(tt.body), tt.signature, tt.secrets...); got != tt.want {
				t.Errorf("Verify() = %v, want %v", got, tt.want)
			}
		})
	}
}

func FuzzVerify(f *testing.F) {
	f.Add([]byte("body"), "sha256=00", "secret")
	f.Fuzz(func(t *testing.T, body []byte, signature, secret string) {
		if event.Verify(body, signature, secret) && !strings.EqualFold(signature, sign(string(body), secret)) {
			t.Errorf("Verify(%q, %q, %q) holds", body, signature, secret)
		}
	})
}
