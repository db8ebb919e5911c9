package console_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"honk/cmd/honk/console"
	"honk/internal/secret"
	"honk/internal/task"
	"honk/verify"
)

func TestProgress_print(t *testing.T) {
	t.Parallel()
	scanner, err := secret.New([]string{"known-secret-9f2c4e6a"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	console.NewProgress(&out, false, scanner).Notice("a\x1b[31mred\x1b[0m known-secret-9f2c4e6a\nnext \u202eline")
	got := out.String()
	if strings.Count(got, "\n") != 1 {
		t.Errorf("an event is more than one line: %q", got)
	}
	for _, bad := range []string{"\x1b", "known-secret", "\u202e"} {
		if strings.Contains(got, bad) {
			t.Errorf("%q is printed in %q", bad, got)
		}
	}
}

// A red check that does not count is explained, and nothing is said twice.
func TestProgress_gate(t *testing.T) {
	t.Parallel()
	scanner, err := secret.New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(verify.Gate{
		Notes: []string{"lint was red on the base commit already", "test: cannot be counted"},
		Report: verify.Report{Results: []verify.Result{
			{Name: "lint", Status: verify.Fail}, {Name: "test", Status: verify.Pass, Reason: "cannot be counted"},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	p := console.NewProgress(&out, false, scanner)
	if err := p.Record(t.Context(), task.Event{Kind: task.EventVerify, Data: data}); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{"red on the base commit already": 1, "cannot be counted": 1} {
		if got := strings.Count(out.String(), text); got != want {
			t.Errorf("%q is said %d times, want %d:\n%s", text, got, want, out.String())
		}
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	tests := map[time.Duration]string{
		0:                       "0.0s",
		1500 * time.Millisecond: "1.5s",
		12 * time.Second:        "12s",
		192 * time.Second:       "3m 12s",
		2 * time.Hour:           "120m 0s",
	}
	for d, want := range tests {
		if got := console.Clock(d); got != want {
			t.Errorf("clock(%s) = %q, want %q", d, got, want)
		}
	}
}

func TestMoney(t *testing.T) {
	t.Parallel()
	for usd, want := range map[float64]string{0: "$0.00", 0.001: "<$0.01", 1.239: "$1.24"} {
		if got := console.Money(usd); got != want {
			t.Errorf("money(%g) = %q, want %q", usd, got, want)
		}
	}
}
