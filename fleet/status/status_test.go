package status_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"honk/fleet"
	"honk/fleet/manifest"
	"honk/fleet/signature"
	"honk/fleet/status"
)

var now = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func rows() []fleet.Row {
	var all []fleet.Row
	add := func(state fleet.State, change func(*fleet.Row)) {
		r := fleet.Row{Key: fleet.Key{Shift: "s", Repo: fmt.Sprint("acme/r", len(all))}, State: state, Since: now.Add(-time.Duration(len(all)) * time.Hour), CostUSD: 0.5}
		if change != nil {
			change(&r)
		}
		all = append(all, r)
	}
	open := func(r *fleet.Row) { r.PR = fleet.PR{Number: 1, Open: true} }
	cause := func(text string) func(*fleet.Row) {
		return func(r *fleet.Row) { r.Signature = signature.Of("error: " + text) }
	}
	add(fleet.Waiting, func(r *fleet.Row) { r.Wait = fleet.Wait{Kind: fleet.WaitWave, Reason: "wave early"} })
	add(fleet.TransformFailed, cause("out of memory"))
	add(fleet.VerifyFailed, cause("out of memory"))
	add(fleet.CIFailed, cause("no such file"))
	add(fleet.Open, open)
	add(fleet.Running, open)
	add(fleet.Merged, func(r *fleet.Row) { r.Change = fleet.Change{Shape: "a", Exact: "a"} })
	add(fleet.Healthy, func(r *fleet.Row) { r.Change = fleet.Change{Shape: "a", Exact: "a"} })
	add(fleet.Regressed, nil)
	add(fleet.NoChange, nil)
	add(fleet.Closed, nil)
	return all
}

func TestOf(t *testing.T) {
	t.Parallel()
	policy := fleet.Policy{Publish: manifest.PublishReady}
	s := status.Of(fleet.Shift{Name: "s", Phase: fleet.PhaseRunning}, policy, rows())
	want := map[status.Bucket]int{status.NoPR: 5, status.Red: 2, status.Green: 1, status.Merged: 2, status.Regressed: 1}
	if diff := cmp.Diff(want, s.Buckets); diff != "" {
		t.Errorf("buckets:\n%s", diff)
	}
	if len(s.Failures) != 2 || s.Failures[0].Count != 2 || s.Failures[0].Sample.Repo != "acme/r1" {
		t.Errorf("failures = %+v", s.Failures)
	}
	if len(s.Clusters) != 1 || s.Clusters[0].Size() != 2 {
		t.Errorf("clusters = %+v", s.Clusters)
	}
	if s.Residual != 8 || s.CostUSD != 5.5 || s.Waits["wave early"] != 1 {
		t.Errorf("residual %d, cost %v, waits %v", s.Residual, s.CostUSD, s.Waits)
	}
	if len(s.Stuck) != 5 || s.Stuck[0].State != fleet.Regressed {
		t.Errorf("stuck = %+v", s.Stuck)
	}
}

func TestFailOn(t *testing.T) {
	t.Parallel()
	s := status.Of(fleet.Shift{Phase: fleet.PhaseHalted}, fleet.Policy{Publish: manifest.PublishReady}, rows())
	tests := map[string][]string{
		status.DefaultFailOn:     {"failed", "regressed", "halted"},
		"failed>3, failed>2":     {"failed>2"},
		"no_pr>4,red>2,green":    {"no_pr>4", "green"},
		"waiting,needs_human":    {"waiting"},
		"incomplete, residual>8": {"incomplete"},
		"stuck>4":                {"stuck>4"},
	}
	for text, want := range tests {
		f, err := status.ParseFailOn(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, f.Check(s)); diff != "" {
			t.Errorf("%s:\n%s", text, diff)
		}
	}
	for _, bad := range []string{"", "faild", "red>", "red>-1", "red>x"} {
		if _, err := status.ParseFailOn(bad); err == nil {
			t.Errorf("ParseFailOn(%q) has no error", bad)
		}
	}
}

// Every state is in a bucket, and the sum is the whole.
func TestBucketOf(t *testing.T) {
	t.Parallel()
	for _, state := range fleet.States() {
		b := status.BucketOf(&fleet.Row{State: state})
		found := false
		for _, known := range status.Buckets() {
			found = found || known == b
		}
		if !found {
			t.Errorf("%s is in %q", state, b)
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	since := status.Clean(0, time.Time{}, now)
	if !since.Equal(now) || !status.Clean(0, now, now.Add(time.Hour)).Equal(now) || !status.Clean(1, now, now).IsZero() {
		t.Error("Clean() is wrong")
	}
	shift := fleet.Shift{CleanSince: now}
	if shift.Complete(now.Add(fleet.Clean-time.Second)) || !shift.Complete(now.Add(fleet.Clean)) || (fleet.Shift{}).Complete(now) {
		t.Error("Complete() is wrong")
	}
}
