package check

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"honk/internal/task"
	"honk/judge/diff"
	"honk/judge/manifest"
)

// registries are the public ones; lock files name them.
var registries = []string{
	"registry.npmjs.org", "registry.yarnpkg.com", "npm.jsr.io", "proxy.golang.org", "crates.io", "static.crates.io", "index.crates.io",
	"github.com/rust-lang/crates.io-index", "pypi.org", "files.pythonhosted.org", "repo.maven.apache.org", "repo1.maven.org", "rubygems.org", "repo.packagist.org",
}

// dependencies lists what is new, and vetoes what comes from elsewhere or
// goes back in version.
func (c *checker) dependencies() {
	for _, f := range c.files {
		if isLock(f.Path) {
			c.lockSources(f)
		}
		if !manifest.Known(f.Path) || f.Kind == task.ChangeDeleted {
			continue
		}
		changes, err := c.depChanges(f)
		if err != nil {
			c.report(Finding{Check: "dependencies", Severity: Flag, File: f.Path}, "the dependencies could not be compared: %v", err)
			continue
		}
		for _, ch := range changes {
			c.dependency(f, ch)
		}
		if len(changes) > 0 {
			c.lockBehind(f)
		}
	}
}

func (c *checker) depChanges(f *diff.File) ([]manifest.Change, error) {
	base, known := c.base(f.Path)
	var before, after []byte
	switch {
	case known || f.Kind == task.ChangeAdded:
		full, err := f.After(base)
		if err != nil {
			return nil, err
		}
		before, after = base, full
	default:
		// Only a diff: line by line, where the format allows it.
		before, after = f.Side('-'), f.Side('+')
		if path.Base(f.Path) == "go.mod" {
			before, after = append([]byte("require (\n"), before...), append([]byte("require (\n"), after...)
		}
	}
	old, err := manifest.Parse(f.Path, before)
	if err != nil && known {
		// A manifest that was broken before may be mended.
		old = nil
	} else if err != nil {
		return nil, err
	}
	deps, err := manifest.Parse(f.Path, after)
	if err != nil {
		return nil, err
	}
	return manifest.Diff(old, deps), nil
}

func (c *checker) dependency(f *diff.File, ch manifest.Change) {
	at := Finding{Check: "dependencies", Severity: Veto, File: f.Path}
	at.Line = f.LineOf(ch.New.Name)
	o, n := ch.Old, ch.New
	if n.Source != "" && n.Source != o.Source {
		switch {
		case c.localPath(f, n.Source):
			at.Severity = Flag
			c.report(at, "dependency %q comes from the path %s", n.Name, n.Source)
		case !c.allowedSource(n.Source):
			c.report(at, "dependency %q comes from %s, which is no allowed registry (policy.registries)", n.Name, n.Source)
			return
		}
	}
	switch {
	case n.Name == "":
	case o.Name == "":
		at.Severity = Flag
		c.report(at, "new dependency %s", strings.TrimSpace(n.Name+" "+n.Version))
	case manifest.Lower(o.Version, n.Version) && !c.ask.does(lowering, `.*`+regexp.QuoteMeta(path.Base(n.Name))+`.*|dependenc(?:y|ies)|versions?`):
		c.report(at, "%s goes back from %s to %s, which the request does not ask for; keep the version", n.Name, o.Version, n.Version)
	}
}

// localPath reports whether a source is a path within the repository.
func (c *checker) localPath(f *diff.File, src string) bool {
	src = strings.TrimPrefix(strings.TrimPrefix(src, "file:"), "link:")
	if strings.Contains(src, ":") || path.IsAbs(src) || !(strings.HasPrefix(src, ".") || !strings.Contains(src, "@") && c.isDir(path.Join(path.Dir(f.Path), src))) {
		return false
	}
	joined := path.Join(path.Dir(f.Path), src)
	return joined != ".." && !strings.HasPrefix(joined, "../")
}

func (c *checker) isDir(name string) bool {
	if c.Base == nil {
		return false
	}
	d, err := c.Base.Open(name)
	if err != nil {
		return false
	}
	defer func() { _ = d.Close() }()
	st, err := d.Stat()
	return err == nil && st.IsDir()
}

// allowedSource reports whether the host of a source is a public registry or
// one of the operator's.
func (c *checker) allowedSource(src string) bool {
	host := hostOf(src)
	return host != "" && (slices.Contains(registries, host) || slices.ContainsFunc(c.Policy.Registries, func(r string) bool {
		r = strings.ToLower(r)
		return host == r || strings.HasSuffix(host, "."+r)
	}))
}

// hostOf returns the host a source names: "git+https://host/path",
// "git@host:path", "github:owner/name" and "host/path@version" alike.
func hostOf(src string) string {
	src = strings.ToLower(strings.TrimPrefix(src, "git+"))
	if strings.Contains(src, "://") {
		u, err := url.Parse(src)
		if err != nil {
			return ""
		}
		if strings.HasSuffix(u.Path, "/crates.io-index") {
			return u.Hostname() + u.Path
		}
		return u.Hostname()
	}
	for _, forge := range []string{"github", "gitlab", "bitbucket"} {
		if strings.HasPrefix(src, forge+":") {
			return forge + ".com"
		}
	}
	if _, rest, ok := strings.Cut(src, "@"); ok && strings.Contains(rest, ":") {
		host, _, _ := strings.Cut(rest, ":")
		return host
	}
	if strings.HasPrefix(src, "npm:") {
		return "registry.npmjs.org"
	}
	host, _, _ := strings.Cut(src, "/")
	return host
}

// lockURL finds where a lock file fetches from.
var lockURL = regexp.MustCompile(`(?:git\+)?(?:https?|ssh|git|sparse\+https)://[^\s"'#,}]+`)

// lockSources vetoes hosts in a lock file that were not there before and are
// no registry.
func (c *checker) lockSources(f *diff.File) {
	base, _ := c.base(f.Path)
	for _, l := range f.Lines('+') {
		for _, src := range lockURL.FindAllString(l.Text, -1) {
			host := hostOf(strings.TrimPrefix(src, "sparse+"))
			if c.allowedSource(src) || strings.Contains(l.Text, "funding") || strings.Contains(l.Text, `"url":`) && path.Base(f.Path) == "package-lock.json" ||
				strings.Contains(string(base), "//"+host+"/") {
				continue
			}
			c.report(Finding{Check: "dependencies", Severity: Veto, File: f.Path, Line: l.Num},
				"the lock file fetches from %s, which is no allowed registry (policy.registries)", host)
			return
		}
	}
}

// lockBehind flags a manifest whose lock file did not follow.
func (c *checker) lockBehind(f *diff.File) {
	for lock, manifests := range locks {
		if !slices.Contains(manifests, path.Base(f.Path)) {
			continue
		}
		name := path.Join(path.Dir(f.Path), lock)
		if _, ok := c.base(name); ok && !c.touches(name, lock) {
			c.report(Finding{Check: "dependencies", Severity: Flag, File: f.Path}, "dependencies change but %s does not", lock)
		}
	}
}
