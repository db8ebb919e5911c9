package keep_test

import (
	"strings"
	"testing"
	"time"

	"honk/fleet/manifest"
	"honk/integrations/shift/keep"
)

// A schedule ends with its last day, where the schedule is.
func TestNext(t *testing.T) {
	t.Parallel()
	at := func(clock string) time.Time {
		when, err := time.Parse(time.RFC3339, clock)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	tests := []struct{ zone, cron, now, want string }{
		{"America/Los_Angeles", "0 22 * * *", "2026-12-31T20:00:00-08:00", "2026-12-31T22:00:00-08:00"},
		{"America/Los_Angeles", "0 22 * * *", "2026-12-31T23:00:00-08:00", ""},
		{"UTC", "0 0 * * *", "2026-12-31T12:00:00Z", ""},
		{"UTC", "0 0 * * *", "2026-12-30T12:00:00Z", "2026-12-31T00:00:00Z"},
	}
	for _, tt := range tests {
		m := &manifest.Manifest{}
		m.Spec.Schedule = &manifest.Schedule{Cron: tt.cron, Timezone: tt.zone, Until: "2026-12-31"}
		got, want := keep.Next(m, at(tt.now)), time.Time{}
		if tt.want != "" {
			want = at(tt.want)
		}
		if !got.Equal(want) {
			t.Errorf("%+v: next is %s", tt, got)
		}
	}
}

func TestPossible(t *testing.T) {
	t.Parallel()
	image := &manifest.Container{Image: "images.acme.example/fix@sha256:" + strings.Repeat("0", 64), Network: "none"}
	tests := map[string]struct {
		change func(*manifest.Spec)
		want   string
	}{
		"container":         {func(s *manifest.Spec) { s.Transform.Container = image }, ""},
		"verify":            {func(s *manifest.Spec) { s.Verify = manifest.Verify{Run: []string{"true"}} }, ""},
		"container network": {func(s *manifest.Spec) { s.Transform.Container = &manifest.Container{Network: "full"} }, "f.yaml: spec.transform.container.network: full cannot be done yet"},
		"script network":    {func(s *manifest.Spec) { s.Transform.Script = &manifest.Script{Network: "full"} }, "f.yaml: spec.transform.script.network: full cannot be done yet"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &manifest.Manifest{}
			tt.change(&m.Spec)
			got := ""
			if err := keep.Possible("f.yaml", m); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
