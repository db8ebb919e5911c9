package window_test

import (
	"testing"
	"time"

	"honk/fleet/manifest"
	"honk/fleet/window"
)

func mustZone(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestSet_Next(t *testing.T) {
	t.Parallel()
	stockholm := mustZone(t, "Europe/Stockholm")
	week := []manifest.Window{{Days: []string{"mon", "tue", "wed", "thu"}, From: "09:00", To: "16:00", Timezone: "Europe/Stockholm", For: []string{"open"}}}
	owner := []manifest.Window{{From: "09:00", To: "16:00", Timezone: "owner", For: []string{"open", "merge"}}}
	two := []manifest.Window{week[0], {Days: []string{"sat"}, From: "10:00", To: "24:00", Timezone: "UTC", For: []string{"open"}}}
	tests := map[string]struct {
		windows []manifest.Window
		act     window.Act
		now     string
		owner   *time.Location
		want    string
	}{
		"inside":               {week, window.Open, "2026-03-02T09:00:00+01:00", nil, "2026-03-02T09:00:00+01:00"},
		"at the end":           {week, window.Open, "2026-03-02T16:00:00+01:00", nil, "2026-03-03T09:00:00+01:00"},
		"before":               {week, window.Open, "2026-03-02T03:00:00+01:00", nil, "2026-03-02T09:00:00+01:00"},
		"over the weekend":     {week, window.Open, "2026-03-05T17:00:00+01:00", nil, "2026-03-09T09:00:00+01:00"},
		"another act":          {week, window.Merge, "2026-03-07T03:00:00+01:00", nil, "2026-03-07T03:00:00+01:00"},
		"clocks go forward":    {week, window.Open, "2026-03-26T17:00:00+01:00", nil, "2026-03-30T09:00:00+02:00"},
		"of the owner":         {owner, window.Merge, "2026-03-02T03:00:00Z", stockholm, "2026-03-02T09:00:00+01:00"},
		"of an unknown owner":  {owner, window.Merge, "2026-03-02T03:00:00Z", nil, "2026-03-02T09:00:00Z"},
		"the earlier of two":   {two, window.Open, "2026-03-05T17:00:00+01:00", nil, "2026-03-07T10:00:00Z"},
		"a day has 24 hours":   {two, window.Open, "2026-03-07T23:59:00Z", nil, "2026-03-07T23:59:00Z"},
		"no windows are open":  {nil, window.Open, "2026-03-07T23:59:00Z", nil, "2026-03-07T23:59:00Z"},
		"seconds count at end": {week, window.Open, "2026-03-02T15:59:59+01:00", nil, "2026-03-02T15:59:59+01:00"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := window.New(tt.windows)
			if err != nil {
				t.Fatal(err)
			}
			now, _ := time.Parse(time.RFC3339, tt.now)
			want, _ := time.Parse(time.RFC3339, tt.want)
			if got := set.Next(tt.act, now, tt.owner); !got.Equal(want) {
				t.Errorf("Next() = %v, want %v", got, want)
			}
		})
	}
}
