package fleet_test

import (
	"testing"
	"time"

	"honk/fleet"
	"honk/internal/task"
)

func TestParseKey(t *testing.T) {
	t.Parallel()
	for _, key := range []fleet.Key{{Shift: "s", Repo: "acme/api"}, {Shift: "s", Repo: "acme/api", Unit: "cmd/x"}} {
		if got, err := fleet.ParseKey(key.String()); err != nil || got != key {
			t.Errorf("ParseKey(%q) = %v, %v", key.String(), got, err)
		}
	}
	for _, bad := range []string{"", "s", "s/acme", "s//x", "/acme/x", "s/acme/"} {
		if got, err := fleet.ParseKey(bad); task.CodeOf(err) != task.CodeInvalid {
			t.Errorf("ParseKey(%q) = %v, %v", bad, got, err)
		}
	}
}

func TestEndings(t *testing.T) {
	t.Parallel()
	exits := map[int]fleet.Ending{0: fleet.EndChanged, 20: fleet.EndSkip, 21: fleet.EndHuman, 1: fleet.EndFailed, 137: fleet.EndFailed, -1: fleet.EndFailed}
	for code, want := range exits {
		if got := fleet.EndingOfExit(code, true); got != want {
			t.Errorf("exit %d = %s, want %s", code, got, want)
		}
	}
	if got := fleet.EndingOfExit(0, false); got != fleet.EndClean {
		t.Errorf("exit 0 without a diff = %s", got)
	}
	tests := []struct {
		status     task.Status
		red, broke bool
		want       fleet.Ending
	}{
		{task.StatusDelivered, false, false, fleet.EndChanged},
		{task.StatusNoChange, false, false, fleet.EndClean},
		{task.StatusVerifyFailed, false, false, fleet.EndVerify},
		{task.StatusVerifyFailed, true, false, fleet.EndBase},
		{task.StatusBlocked, false, false, fleet.EndHuman},
		{task.StatusVetoed, false, false, fleet.EndHuman},
		{task.StatusBudgetExhausted, false, false, fleet.EndRowBudget},
		{task.StatusBudgetExhausted, false, true, fleet.EndBudget},
		{task.StatusCancelled, false, false, fleet.EndCancelled},
		{task.StatusFailed, false, false, fleet.EndFailed},
	}
	for _, tt := range tests {
		if got := fleet.EndingOf(tt.status, tt.red, tt.broke); got != tt.want {
			t.Errorf("EndingOf(%s, %v, %v) = %s, want %s", tt.status, tt.red, tt.broke, got, tt.want)
		}
	}
}

func TestBucket(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	var b fleet.Bucket
	taken := 0
	// A day of asking every second gives the burst and then the rate.
	for second := range 24 * 3600 {
		at := now.Add(time.Duration(second) * time.Second)
		if b.Next(at, 60, 10).After(at) {
			continue
		}
		b = b.Take(at, 60)
		taken++
	}
	full := b
	for range 5 {
		b = b.Take(now.Add(24*time.Hour), 60).Give()
	}
	if b.Next(now.Add(24*time.Hour), 60, 10) != full.Next(now.Add(24*time.Hour), 60, 10) {
		t.Error("what was given back is gone")
	}
	if (fleet.Bucket{}).Give() != (fleet.Bucket{}) {
		t.Error("more than full")
	}
	if taken < 24*60-20 || taken > 24*60+10 {
		t.Errorf("%d in a day of 60 an hour with a burst of 10", taken)
	}
}
