package manifest

import (
	"fmt"
	"hash"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/robfig/cron/v3"

	"honk/fleet/strict"
)

const (
	// maxGlob caps the length of a glob, and maxStars its double stars: what
	// matching costs grows with their number.
	maxGlob  = 256
	maxStars = 4
	// maxRegexp caps the length of a regular expression.
	maxRegexp = 1000
)

// checker finds what types cannot say.
type checker struct {
	*strict.Report
	m    *Manifest
	opts Options
	sum  hash.Hash
}

func (c *checker) all() {
	c.names()
	c.targets()
	c.transform()
	c.globs("spec.scope.allow", c.m.Spec.Scope.Allow)
	c.globs("spec.scope.deny", c.m.Spec.Scope.Deny)
	c.schedule()
	c.waves()
	c.windows()
	c.publish()
	c.merge()
	c.templates()
}

// names checks the keys that become names of variables.
func (c *checker) names() {
	for name, value := range c.m.Spec.Params {
		at := "spec.params." + name
		if !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`).MatchString(name) {
			c.Add(at, "cannot be the name of a variable", "use letters, digits and _, and begin with a letter")
		}
		c.variable(at, value)
	}
	if container := c.m.Spec.Transform.Container; container != nil {
		for name, value := range container.Env {
			at := "spec.transform.container.env." + name
			if !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`).MatchString(name) {
				c.Add(at, "cannot be the name of a variable", "use letters, digits and _, and begin with a letter")
			}
			if strings.HasPrefix(name, "SHIFT_") {
				c.Add(at, "is a name that Honk sets", "use one that does not begin with SHIFT_")
			}
			c.variable(at, value)
		}
	}
}

// variable checks what becomes the value of an environment variable.
func (c *checker) variable(at, value string) {
	if strings.ContainsRune(value, 0) || len(value) > 8<<10 {
		c.Add(at, "cannot be the value of a variable", "use at most 8 KiB of text without NUL")
	}
}

func (c *checker) globs(at string, globs []string) {
	for i, glob := range globs {
		c.glob(fmt.Sprintf("%s[%d]", at, i), glob)
	}
}

func (c *checker) glob(at, glob string) {
	switch {
	case glob == "" || !doublestar.ValidatePattern(glob):
		c.Add(at, fmt.Sprintf("is %q, which is no glob", shorten(glob)), "close every [ and {; ** stands for any directories")
	case len(glob) > maxGlob || strings.Count(glob, "**") > maxStars || strings.Count(glob, "{") > maxStars:
		c.Add(at, "is too costly a glob", fmt.Sprintf("use at most %d characters, %d ** and %d {", maxGlob, maxStars, maxStars))
	case strings.HasPrefix(glob, "/") || strings.Contains(glob, ".."):
		c.Add(at, fmt.Sprintf("is %q, which is outside", shorten(glob)), "name paths from the root, without a leading / and without ..")
	}
}

func (c *checker) regexp(at, expr string) {
	if len(expr) > maxRegexp {
		c.Add(at, "is too long", fmt.Sprintf("use at most %d characters", maxRegexp))
		return
	}
	if _, err := regexp.Compile("(?m)" + expr); err != nil {
		text := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		c.Add(at, "is no regular expression: "+text, "see https://pkg.go.dev/regexp/syntax")
	}
}

func (c *checker) schedule() {
	s := c.m.Spec.Schedule
	if s == nil {
		return
	}
	at := "spec.schedule"
	if s.Cron != "" {
		if strings.HasPrefix(s.Cron, "@") || strings.Contains(s.Cron, "TZ=") {
			c.Add(at+".cron", fmt.Sprintf("is %q", shorten(s.Cron)), "write five fields, as 0 6 * * 1-5; the timezone has a key of its own")
		} else if _, err := cron.ParseStandard(s.Cron); err != nil {
			c.Add(at+".cron", fmt.Sprintf("is %q, which is no schedule", shorten(s.Cron)), "write five fields, as 0 6 * * 1-5")
		}
	}
	c.timezone(at+".timezone", s.Timezone)
	if s.Until != "done" && s.Until != "forever" {
		if _, err := time.Parse(time.DateOnly, s.Until); err != nil {
			c.Add(at+".until", fmt.Sprintf("is %q", shorten(s.Until)), "use done, forever or a date as 2026-12-31")
		}
	}
}

func (c *checker) timezone(at, name string) {
	if name == "Local" {
		c.Add(at, `is "Local", which every machine reads its own way`, "use a name as Europe/Stockholm")
		return
	}
	if _, err := time.LoadLocation(name); err != nil {
		c.Add(at, fmt.Sprintf("is %q, which is no timezone", shorten(name)), "use a name as Europe/Stockholm")
	}
}

func (c *checker) windows() {
	for i, w := range c.m.Spec.Rollout.Windows {
		at := fmt.Sprintf("spec.rollout.windows[%d]", i)
		if w.From >= w.To {
			c.Add(at, fmt.Sprintf("closes at %s, before it opens at %s", w.To, w.From), "put from before to; a night is two windows")
		}
		if w.Timezone != TimezoneOwner {
			c.timezone(at+".timezone", w.Timezone)
		}
		if len(w.Days) != len(slices.Compact(slices.Sorted(slices.Values(w.Days)))) {
			c.Add(at+".days", "names a day twice", "keep one")
		}
	}
}

func shorten(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:77], "") + "..."
	}
	return s
}
