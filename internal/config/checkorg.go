package config

import (
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/bmatcuk/doublestar/v4"
)

const (
	maxOrgFile      = 1 << 20
	maxSteps        = 250
	maxVerifyTime   = time.Hour
	maxVerifyRunLen = 8 << 10
	maxVerifyName   = 200
)

// ParseOrg parses a honk.yaml and fills in the defaults. Empty data is all
// defaults. The error joins all problems, each a *task.Error of code invalid
// that begins with name.
func ParseOrg(name string, data []byte) (Org, error) {
	var org Org
	if err := decode(name, data, maxOrgFile, &org); err != nil {
		return Org{}, err
	}
	org.fill()
	p := &problems{}
	for _, model := range slices.Sorted(maps.Keys(org.Models)) {
		org.Models[model].check(p, name+": models."+model)
	}
	org.Limits.check(p, name+": limits")
	org.Sandbox.check(p, name+": sandbox")
	org.Judge.check(p, name+": judge")
	org.Policy.check(p, name+": policy")
	org.Secrets.check(p, name+": secrets")
	org.Service.check(p, name+": service")
	org.Slack.check(p, name+": slack")
	org.Shifts.check(p, name+": shifts")
	for _, rule := range org.Verify {
		if !doublestar.ValidatePattern(rule.Repo) || rule.Repo == "" {
			p.addf("%s: verify: repo %q is not a glob; use one like acme/*", name, rule.Repo)
		}
		checkVerify(p, name+": verify."+rule.Repo, rule.Commands)
	}
	if err := p.join(); err != nil {
		return Org{}, err
	}
	return org, nil
}

func (m Model) check(p *problems, at string) {
	if m.MaxOutputTokens < 1 || m.ContextWindow < 2*m.MaxOutputTokens {
		p.addf("%s: max_output_tokens %d does not fit a context_window of %d; "+
			"the window must hold twice as much", at, m.MaxOutputTokens, m.ContextWindow)
	}
	if m.Price != nil && min(m.Price.Input, *m.Price.CachedInput, m.Price.Output) < 0 {
		p.addf("%s: price is negative; use US dollars per million tokens", at)
	}
	fields := []string{"", "max_tokens", "max_completion_tokens"}
	if !slices.Contains(fields, m.Capabilities.MaxTokensField) {
		p.addf("%s: capabilities.max_tokens_field %q is unknown; use max_tokens or "+
			"max_completion_tokens", at, m.Capabilities.MaxTokensField)
	}
}

func (l Limits) check(p *problems, at string) {
	if l.Steps < 1 || l.Steps > maxSteps {
		p.addf("%s.steps %d is out of range; use 1 to %d", at, l.Steps, maxSteps)
	}
	if l.Time < time.Minute {
		p.addf("%s.time %s is too short; use at least 1m", at, l.Time)
	}
	if l.CostUSD < 0 || l.Tokens < 0 {
		p.addf("%s: cost_usd and tokens cannot be negative; leave them out", at)
	}
}

func (s Sandbox) check(p *problems, at string) {
	for _, m := range s.Mounts {
		if !filepath.IsAbs(m.Host) || filepath.Clean(m.Host) != m.Host {
			p.addf("%s.mounts: host %q is not a clean absolute path; write it in full", at, m.Host)
		}
		if top, _, _ := strings.Cut(strings.TrimPrefix(m.Host, "/"), "/"); slices.Contains(
			[]string{"", "proc", "sys", "dev", "run"}, top) {
			p.addf("%s.mounts: host %q would open the sandbox; mount what is needed, "+
				"nothing of /, /proc, /sys, /dev or /run", at, m.Host)
		}
		if clean := path.Clean(m.Guest); clean != m.Guest || clean == "/" || !path.IsAbs(clean) && !filepath.IsLocal(clean) {
			p.addf("%s.mounts: guest %q leaves the sandbox; use an absolute path or one "+
				"below the work tree", at, m.Guest)
		}
	}
	for _, dir := range s.Path {
		if !path.IsAbs(dir) || strings.Contains(dir, ":") {
			p.addf("%s.path: %q is not an absolute directory; write it in full", at, dir)
		}
	}
	name := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	for _, key := range slices.Sorted(maps.Keys(s.Env)) {
		if !name.MatchString(key) || strings.Contains(s.Env[key], "\x00") {
			p.addf("%s.env: %q is not a variable; use letters, digits and _", at, key)
		}
		if key == "PATH" {
			p.addf("%s.env: PATH is set by sandbox.path; list directories there", at)
		}
	}
	if s.Processes < 0 {
		p.addf("%s.processes %d is negative; use 0 for the default", at, s.Processes)
	}
}

func (j Judge) check(p *problems, at string) {
	for _, m := range []JudgeMode{j.Mode, j.Floor} {
		if !m.Valid() {
			p.addf("%s: mode %q is unknown; use veto, advise or off", at, m)
			return
		}
	}
	if j.Mode.Stricter(j.Floor) != j.Mode {
		p.addf("%s.mode %s is milder than judge.floor %s; raise the mode or lower the floor",
			at, j.Mode, j.Floor)
	}
}

func (y Policy) check(p *problems, at string) {
	for _, glob := range y.AllowProtected {
		if glob == "" || !doublestar.ValidatePattern(glob) {
			p.addf("%s.allow_protected: %q is not a glob; use one like .github/workflows/**", at, glob)
		}
	}
	if y.MaxFiles < 1 || y.MaxLines < 1 {
		p.addf("%s: max_files and max_lines must be at least 1; raise them", at)
	}
	host := regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]+)?$`)
	for _, registry := range y.Registries {
		if !host.MatchString(registry) {
			p.addf("%s.registries: %q is not a host; use one like npm.acme.example", at, registry)
		}
	}
}

func (s Secrets) check(p *problems, at string) {
	for _, pattern := range s.Patterns {
		re, err := regexp.Compile(pattern.Regex)
		switch {
		case pattern.Name == "":
			p.addf("%s.patterns: %q has no name; give it one", at, pattern.Regex)
		case err != nil:
			p.addf("%s.patterns.%s: %w; use Go's syntax", at, pattern.Name, err)
		case re.MatchString(""):
			p.addf("%s.patterns.%s matches the empty text; make it narrower", at, pattern.Name)
		}
	}
}

func checkVerify(p *problems, at string, commands []Verify) {
	seen := map[string]bool{}
	for _, v := range commands {
		if seen[v.Name] {
			p.addf("%s: name %q is there twice; make names unique", at, v.Name)
		}
		seen[v.Name] = true
		if len(v.Name) > maxVerifyName || strings.ContainsFunc(v.Name, func(r rune) bool { return !unicode.IsPrint(r) }) {
			p.addf("%s: name %q is not one short line; use at most %d printable bytes", at, v.Name, maxVerifyName)
		}
		if strings.TrimSpace(v.Run) == "" || len(v.Run) > maxVerifyRunLen || strings.Contains(v.Run, "\x00") {
			p.addf("%s: %q has no usable run; give it a command of at most %d bytes", at, v.Name, maxVerifyRunLen)
		}
		if !slices.Contains([]string{"format", "build", "lint", "test"}, v.Kind) {
			p.addf("%s: kind %q is unknown; use format, build, lint or test", at, v.Kind)
		}
		if v.Dir != "" && !filepath.IsLocal(v.Dir) {
			p.addf("%s: dir %q leaves the repository; use a path below its root", at, v.Dir)
		}
		if v.Timeout > maxVerifyTime {
			p.addf("%s: timeout %s is too long; use at most %s", at, v.Timeout, maxVerifyTime)
		}
	}
}
