package signature_test

import (
	"strings"
	"testing"

	"honk/fleet/signature"
)

func TestOf_same(t *testing.T) {
	t.Parallel()
	tests := map[string][2]string{
		"paths and lines": {
			"cmd/api/main.go:12:3: undefined: foo",
			"internal/web/server.go:340:17: undefined: foo",
		},
		"times and numbers": {
			"2026-03-02T12:00:00Z error: timed out after 30s (attempt 1 of 3)",
			"2026-04-05T01:02:03.456Z error: timed out after 90s (attempt 3 of 3)",
		},
		"hashes":       {"fatal: bad object 4be1c02aa9f0", "fatal: bad object 93ffe01cc2b7"},
		"quoted names": {`error: cannot find module "left-pad"`, `error: cannot find module "right-pad"`},
		"colours":      {"\x1b[31merror: no such table\x1b[0m", "error: no such table"},
		"what is around": {
			"downloading a\ncompiling b\nerror: no rule to make target\n",
			"downloading c\nerror: no rule to make target\n",
		},
		"URLs": {"error: GET https://a.example/x/1 refused", "error: GET http://b.example/y refused"},
	}
	for name, pair := range tests {
		a, b := signature.Of(pair[0]), signature.Of(pair[1])
		if a.ID == "" || a != b {
			t.Errorf("%s: %q and %q", name, a.Text, b.Text)
		}
	}
}

func TestOf_other(t *testing.T) {
	t.Parallel()
	a, b := signature.Of("error: undefined: foo"), signature.Of("error: permission denied")
	if a.ID == b.ID {
		t.Errorf("%q and %q are one cause", a.Text, b.Text)
	}
	if got := signature.Of(" \n\n"); got != (signature.Signature{}) {
		t.Errorf("an empty log: %+v", got)
	}
	if got := signature.Of("just text\nmore text"); got.Text != "just text\nmore text" {
		t.Errorf("no line names a cause: %q", got.Text)
	}
}

func FuzzOf(f *testing.F) {
	f.Add("error: x\n")
	f.Add("\x1b]0;\xff")
	f.Fuzz(func(t *testing.T, log string) {
		s := signature.Of(log)
		if (s.ID == "") != (s.Text == "") || strings.Count(s.Text, "\n") > 4 {
			t.Errorf("Of(%q) = %+v", log, s)
		}
	})
}
