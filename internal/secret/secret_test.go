package secret_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"go/build"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"honk/internal/secret"
)

const (
	base62  = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	hexdig  = "0123456789abcdef"
	canary  = "kT9vQ2xLm4Zr7WbN1pYc8HsDf3Gj6Ae5"
	dsn     = "postgres://honk:t7Rk2Vq9Zx4B@localhost:5432/honk?sslmode=disable"
	webhook = "https://hooks.slack" + ".com/services/T0AB12CD3/B0EF45GH6/u8Jd2Kq0Lw7Xz5Nc1Vb9Rt3Y"
)

func newScanner(t testing.TB, known ...string) *secret.Scanner {
	t.Helper()
	s, err := secret.New(known, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func randomText(rng *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[rng.IntN(len(alphabet))]
	}
	return string(b)
}

func reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

func chunks(s, sep string) string {
	var out []string
	for c := range slices.Chunk([]byte(s), 8) {
		out = append(out, string(c))
	}
	return strings.Join(out, sep)
}

func TestNew_refuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		known, patterns []string
		hidden, want    string
	}{
		"short value":   {known: []string{"longenough1", "hunter2"}, hidden: "hunter2", want: "known secret 2 is shorter than 8 bytes"},
		"blank value":   {known: []string{"            "}, want: "known secret 1"},
		"bad pattern":   {patterns: []string{`a(`}, want: "compiling secret pattern 1"},
		"empty pattern": {patterns: []string{`a*`}, want: "matches the empty text"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := secret.New(tt.known, tt.patterns)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("New: %v, want %q", err, tt.want)
			}
			if tt.hidden != "" && strings.Contains(err.Error(), tt.hidden) {
				t.Errorf("error names the value: %v", err)
			}
		})
	}
}

func TestScan_knownForms(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"token": canary, "hex token": "9f3a1c7be04d52688af1b2c3d4e5f607",
		"anthropic": "sk-ant-api03-q7Wn2Xc9Lk4Vb8Zt1Rm6Yp3D-Hs5Gf0Jd",
		"password":  "correct-horse-battery", "short": "pa55w0rd", "dsn": dsn, "webhook": webhook,
	}
	forms := map[string]func(string) string{
		"raw":      func(v string) string { return "x = " + v + "\n" },
		"reversed": reversed,
		"hex":      func(v string) string { return hex.EncodeToString([]byte(v)) },
		"HEX":      func(v string) string { return strings.ToUpper(hex.EncodeToString([]byte("id=" + v))) },
		"url":      url.QueryEscape,
		"path":     url.PathEscape,
		"embedded": func(v string) string { return "zz" + v + "zz" },
	}
	for off := range 3 {
		forms[fmt.Sprintf("base64 offset %d", off)] = func(v string) string {
			return base64.StdEncoding.EncodeToString([]byte("abc"[:off] + v + "tail"))
		}
		forms[fmt.Sprintf("base64url offset %d", off)] = func(v string) string {
			return base64.RawURLEncoding.EncodeToString([]byte("\xff\xfe\xfd"[:off] + v))
		}
	}
	for vn, v := range values {
		s := newScanner(t, v)
		for fn, form := range forms {
			text := "line one\n" + form(v)
			if got := s.Redact(text); got == text || strings.Contains(got, v) {
				t.Errorf("%s as %s: not masked: %q", vn, fn, got)
			}
			hits := s.Scan(text)
			if len(hits) == 0 || hits[0].Line != 2 {
				t.Errorf("%s as %s: hits %+v", vn, fn, hits)
			}
		}
	}
}

// Known tokens cut into pieces, or robbed of their first seven letters, still
// betray themselves.
func TestScan_chunks(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	missed := map[string]int{}
	for i := range 500 {
		v := randomText(rng, base62, 32)
		if i%2 == 1 {
			v = "ghs_" + v
		}
		s := newScanner(t, v)
		for name, text := range map[string]string{
			"cut prefix":      v[7:],
			"cut both ends":   v[7 : len(v)-5],
			"lines":           chunks(v, "\n"),
			"string pieces":   chunks(v, `" + "`),
			"reversed pieces": chunks(reversed(v), "\n"),
			"base64, cut":     base64.StdEncoding.EncodeToString([]byte(v))[9:],
			"hex, cut":        hex.EncodeToString([]byte(v))[7:],
		} {
			if s.Redact(text) == text {
				missed[name]++
			}
		}
	}
	// Of four pieces of eight letters one may look like a word, hardly all.
	for name, n := range missed {
		if strings.Contains(name, "cut") || n > 5 {
			t.Errorf("%s: %d of 500 secrets not found", name, n)
		}
	}
	t.Logf("missed of 500: %v", missed)
}

// What is public in a secret (hosts, prefixes, armour) is no secret.
func TestScan_publicParts(t *testing.T) {
	t.Parallel()
	s := newScanner(
		t, dsn, webhook, "sk-ant-api03-q7Wn2Xc9Lk4Vb8Zt1Rm6Yp3D-Hs5Gf0Jd", "correct-horse-battery", "getUserName2",
		"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\nq7Wn2Xc9Lk4Vb8Zt1Rm6Yp3DHs5Gf0Jd\n-----END PRIVATE KEY-----",
		"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhMWIyYzMifQ.q7Wn2Xc9Lk4Vb8Zt1Rm6Yp3D",
	)
	for _, text := range []string{
		`db, err := Open("postgres://honk:secret@localhost:5432/honk?sslmode=disable")`,
		"POST https://hooks.slack.com/services/T000/B000/XXX",
		`if strings.HasPrefix(key, "sk-ant-api03-") {`,
		"the horse-battery is correct", "func getUserName() string",
		"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
		`header := "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"`,
	} {
		if got := s.Redact(text); got != text {
			t.Errorf("masked public text: %q became %q", text, got)
		}
	}
	for _, text := range []string{"t7Rk2Vq9Zx4B", "u8Jd2Kq0Lw7X", "q7Wn2Xc9", "q7Wn2Xc9Lk4Vb8Zt1Rm6Yp3DHs5Gf0Jd"} {
		if s.Redact(text) == text {
			t.Errorf("missed secret part %q", text)
		}
	}
}

// The Go standard library holds no piece of a random secret.
func TestScan_noFalsePositives(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	var known []string
	for range 50 {
		known = append(known, randomText(rng, base62, 40), randomText(rng, hexdig, 40), "ghs_"+randomText(rng, base62, 36))
	}
	known = append(known, dsn, webhook, canary)
	s := newScanner(t, known...)
	own := newScanner(t)
	size, begin := 0, time.Now()
	err := filepath.WalkDir(filepath.Join(build.Default.GOROOT, "src"), func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(p) != ".go" {
			return err
		}
		text, err := os.ReadFile(p)
		size += len(text)
		// Keys in the tests of the crypto packages are keys.
		if s.Redact(string(text)) != own.Redact(string(text)) {
			t.Errorf("%s: a known secret was found", p)
		}
		if own.Redact(string(text)) != string(text) && !strings.Contains(p, "crypto") && !strings.HasSuffix(p, "_test.go") {
			t.Errorf("%s: an own rule fired", p)
		}
		return err
	})
	if err != nil || size < 10<<20 {
		t.Fatalf("walked %d bytes: %v", size, err)
	}
	t.Logf("%d MB with %d secrets in %v", size>>20, len(known), time.Since(begin))
}

func TestScan_ownRules(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	s, err := secret.New(nil, []string{`ACME-\d{6}`})
	if err != nil {
		t.Fatal(err)
	}
	r := func(n int) string { return randomText(rng, base62, n) }
	for rule, texts := range map[string][]string{
		"llm-key":            {"sk-ant-api03-" + r(80), "sk-proj-" + r(60) + "_" + r(60), "sk-or-v1-" + r(64)},
		"github-token":       {"ghp_" + r(36), "ghs_" + r(20), "ghs_12345_eyJ" + r(40) + "." + r(200) + "." + r(43), "github_pat_" + r(82)},
		"slack-token":        {"xoxb-1234567890-" + r(24), "xapp-1-A0" + r(30)},
		"private-key":        {"-----BEGIN RSA PRIVATE KEY-----\n" + r(64) + "\n" + r(64) + "\n-----END"},
		"operator-pattern-1": {"ACME-123456"},
	} {
		for _, text := range texts {
			hits := s.Scan("a b\n\nkey: " + text + " // gitleaks:allow\n")
			if len(hits) == 0 || hits[0].Rule != rule || hits[0].Line != 3 {
				t.Errorf("%s: %q: %+v", rule, text, hits)
			}
			if got := s.Redact("x " + text); strings.Contains(got, text) {
				t.Errorf("%s: not masked: %q", rule, got)
			}
		}
	}
	for _, text := range []string{
		"sk-ant-your-key-goes-here-please", "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "ghs_installation_token_expired_at",
		"task-ant-colony-optimisation-algorithm", `strings.HasPrefix(t, "ghp_")`, "ACME-12345",
		`pem.Decode("-----BEGIN RSA PRIVATE KEY-----")`,
	} {
		if hits := s.Scan(text); len(hits) != 0 {
			t.Errorf("%q: %+v", text, hits)
		}
	}
}

func TestScan_gitleaks(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 8))
	s := newScanner(t)
	token := "glpat-" + randomText(rng, base62, 20)
	text := "package x\n\nconst token = \"" + token + "\" // gitleaks:allow\n"
	hits := s.Scan(text)
	if len(hits) != 1 || !strings.HasPrefix(hits[0].Rule, "gitlab") || hits[0].Line != 3 || !strings.Contains(text[hits[0].Start:hits[0].End], token) {
		t.Fatalf("hits %+v", hits)
	}
	if got := s.Redact(text); got != text {
		t.Errorf("the cheap path asked gitleaks: %q", got)
	}
	// In the midst of a long line, over the seam of two pieces.
	long := strings.Repeat("lorem ipsum ", 338) + token + strings.Repeat(" dolor sit", 500)
	if hits := s.Scan(long); len(hits) != 1 || long[hits[0].Start:hits[0].End] != token {
		t.Errorf("long line: %+v", hits)
	}
}

func TestScan_boundedOnHostileText(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	t.Parallel()
	s := newScanner(t, canary, strings.Repeat("ab", 300))
	for name, text := range map[string]string{
		"one line":        strings.Repeat("x", 5<<20),
		"prefixes":        strings.Repeat("sk-ant-ghp_xoxb-", 1<<16),
		"repeated secret": strings.Repeat("ab", 1<<19),
		"key = value":     strings.Repeat(`api_key="a8Fk2Lq9Zx7B1c3D5e7f" `, 1<<15),
	} {
		begin := time.Now()
		s.Scan(text)
		if took := time.Since(begin); took > 60*time.Second {
			t.Errorf("%s: %v", name, took)
		} else {
			t.Logf("%s: %d KB in %v", name, len(text)>>10, took)
		}
	}
}

func TestScan_concurrent(t *testing.T) {
	t.Parallel()
	s := newScanner(t, canary)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if hits := s.Scan("a\n" + canary); len(hits) != 1 || hits[0].Rule != "known-secret" {
				t.Errorf("hits %+v", hits)
			}
		})
	}
	wg.Wait()
}

func BenchmarkRedact(b *testing.B) {
	rng := rand.New(rand.NewPCG(9, 10))
	var known []string
	for range 20 {
		known = append(known, randomText(rng, base62, 40))
	}
	s := newScanner(b, known...)
	text := strings.Repeat("func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {\n", 15000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		s.Redact(text)
	}
}
