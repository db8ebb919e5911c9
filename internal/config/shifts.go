package config

import (
	"cmp"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"time"
)

// ShiftRules is what fleet shifts heed beside their manifests.
type ShiftRules struct {
	// Repository of manifests that Honk watches, `owner/name`: a pull request
	// there gets the plan as a comment, and what is merged is applied.
	// Default: none.
	Repository string `yaml:"repository"`
	// Directory of it that manifests are looked for in. Default: its root.
	Path string `yaml:"path"`
	// Prompt shifts that may have `merge.mode: auto`, by name. A person still
	// approves the shape of each change.
	AutoPrompt []string `yaml:"auto_prompt"`
	// Where owners of repositories work, as names of the IANA database:
	// `team-platform: Europe/Stockholm`. It is what `timezone: owner` of a
	// window means. Default: UTC.
	Timezones map[string]string `yaml:"timezones"`
	// What the forge allows Honk in all; shifts together take up to 80 % of
	// it. The defaults are what GitHub documents; raise them where a GitHub
	// Enterprise Server allows more.
	Budget ForgeBudget `yaml:"budget"`
}

// ForgeBudget is what the forge allows one identity.
type ForgeBudget struct {
	// Points in a minute, of which a write costs five. Default 900.
	MinutePoints int `yaml:"minute_points"`
	// Requests in a minute that create something. Default 80.
	MinuteContent int `yaml:"minute_content"`
	// Requests in an hour that create something. Default 500.
	HourContent int `yaml:"hour_content"`
	// The shortest time between two writes. Default 1s.
	Spacing time.Duration `yaml:"spacing"`
}

func (s *ShiftRules) fill() {
	b := &s.Budget
	b.MinutePoints = cmp.Or(b.MinutePoints, 900)
	b.MinuteContent = cmp.Or(b.MinuteContent, 80)
	b.HourContent = cmp.Or(b.HourContent, 500)
	b.Spacing = cmp.Or(b.Spacing, time.Second)
}

// leastPoints and leastContent let each act of a shift through.
const (
	leastPoints  = 30
	leastContent = 5
)

// shiftName is what manifests allow as a shift's name.
var shiftName = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

func (s ShiftRules) check(p *problems, at string) {
	if s.Repository != "" && !repoName.MatchString(s.Repository) {
		p.addf("%s.repository: %q is not a repository; write owner/name", at, s.Repository)
	}
	if s.Path != "" && (!fs.ValidPath(s.Path) || s.Path == "." || s.Repository == "") {
		p.addf("%s.path: %q is not a directory of %s.repository; write it like fleet/shifts, or leave it out", at, s.Path, at)
	}
	for _, name := range s.AutoPrompt {
		if !shiftName.MatchString(name) {
			p.addf("%s.auto_prompt: %q is no shift's name; use that of metadata.name", at, name)
		}
	}
	for _, owner := range slices.Sorted(maps.Keys(s.Timezones)) {
		if _, err := time.LoadLocation(s.Timezones[owner]); err != nil || s.Timezones[owner] == "" {
			p.addf("%s.timezones.%s: %q is no timezone; write one like Europe/Stockholm", at, owner, s.Timezones[owner])
		}
	}
	b := s.Budget
	if b.MinutePoints < leastPoints || min(b.MinuteContent, b.HourContent) < leastContent {
		p.addf("%s.budget: minute_points must be at least %d, minute_content and hour_content at least %d, or nothing is ever let through",
			at, leastPoints, leastContent)
	}
	if b.Spacing < 0 {
		p.addf("%s.budget.spacing %s is negative; use 1ms for none", at, b.Spacing)
	}
}
