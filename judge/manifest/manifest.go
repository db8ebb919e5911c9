// Package manifest reads what a project depends on from the manifests of Go,
// npm, Cargo and Python, and compares two states of one.
package manifest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Dep is one dependency.
type Dep struct {
	Name string
	// Version is what the manifest asks for, as written.
	Version string
	// Source is where it comes from when that is not the ecosystem's public
	// registry: a URL, a repository or a path.
	Source string
}

// Change is a dependency on both sides; one of them is empty when it came or
// went.
type Change struct{ Old, New Dep }

// Known reports whether Parse reads files of this name.
func Known(name string) bool { return parserOf(name) != nil }

var requirements = regexp.MustCompile(`(?i)^(?:.*[-_.])?requirements(?:[-_.].*)?\.(?:txt|in)$|^constraints\.txt$`)

func parserOf(name string) func([]byte) ([]Dep, error) {
	switch base := path.Base(name); {
	case base == "go.mod":
		return goMod
	case base == "package.json":
		return npm
	case base == "Cargo.toml":
		return cargo
	case base == "pyproject.toml":
		return pyproject
	case requirements.MatchString(base):
		return requirementsTxt
	}
	return nil
}

// Parse returns the dependencies that the manifest of this name declares. An
// empty manifest declares none.
func Parse(name string, data []byte) ([]Dep, error) {
	parse := parserOf(name)
	if parse == nil || len(data) == 0 {
		return nil, nil
	}
	deps, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", name, err)
	}
	return deps, nil
}

// Diff returns what differs between two states, sorted by name.
func Diff(before, after []Dep) []Change {
	old := map[string]Dep{}
	for _, d := range before {
		old[d.Name] = d
	}
	var out []Change
	for _, d := range after {
		if o, ok := old[d.Name]; !ok || o != d {
			out = append(out, Change{Old: o, New: d})
		}
		delete(old, d.Name)
	}
	for _, o := range old {
		out = append(out, Change{Old: o})
	}
	slices.SortFunc(out, func(a, b Change) int {
		return cmp.Compare(a.Old.Name+a.New.Name, b.Old.Name+b.New.Name)
	})
	return out
}

func goMod(data []byte) ([]Dep, error) {
	var deps []Dep
	replaced := map[string]string{}
	block := ""
	for raw := range strings.SplitSeq(string(data), "\n") {
		line, _, _ := strings.Cut(raw, "//")
		f := strings.Fields(line)
		switch {
		case len(f) == 0:
			continue
		case f[0] == ")":
			block = ""
			continue
		case len(f) == 2 && f[1] == "(":
			block = f[0]
			continue
		case block != "":
			f = append([]string{block}, f...)
		}
		switch {
		case f[0] == "require" && len(f) >= 3:
			deps = append(deps, Dep{Name: strings.Trim(f[1], `"`), Version: f[2]})
		case (f[0] == "go" || f[0] == "toolchain") && len(f) == 2:
			deps = append(deps, Dep{Name: f[0], Version: strings.TrimPrefix(f[1], "go")})
		case f[0] == "replace" && slices.Contains(f, "=>"):
			replaced[strings.Trim(f[1], `"`)] = strings.Join(f[slices.Index(f, "=>")+1:], "@")
		}
	}
	for i, d := range deps {
		deps[i].Source = replaced[d.Name]
		delete(replaced, d.Name)
	}
	for name, to := range replaced {
		deps = append(deps, Dep{Name: name, Source: to})
	}
	return deps, nil
}

func npm(data []byte) ([]Dep, error) {
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	var deps []Dep
	for _, section := range []string{"dependencies", "devDependencies", "peerDependencies", "optionalDependencies", "overrides", "resolutions"} {
		var m map[string]any
		if raw, ok := doc[section]; ok && json.Unmarshal(raw, &m) == nil {
			for name, v := range m {
				if s, ok := v.(string); ok {
					deps = append(deps, npmDep(name, s))
				}
			}
		}
	}
	return deps, nil
}

// shorthand is npm's way to name a repository of GitHub: owner/name.
var shorthand = regexp.MustCompile(`^[\w.-]+/[\w.-]+(?:#.*)?$`)

func npmDep(name, spec string) Dep {
	switch {
	case strings.HasPrefix(spec, "workspace:"), strings.HasPrefix(spec, "catalog:"):
		return Dep{Name: name, Version: spec}
	case strings.HasPrefix(spec, "npm:"):
		// An alias: another package under this name.
		return Dep{Name: name, Version: spec[strings.LastIndexByte(spec, '@')+1:], Source: spec}
	case strings.Contains(spec, ":") || strings.HasPrefix(spec, ".") || shorthand.MatchString(spec):
		if shorthand.MatchString(spec) {
			spec = "github:" + spec
		}
		return Dep{Name: name, Source: spec}
	}
	return Dep{Name: name, Version: spec}
}

func cargo(data []byte) ([]Dep, error) {
	var doc map[string]any
	if err := toml.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	var deps []Dep
	walk(doc, func(key string, table map[string]any) bool {
		found := strings.HasSuffix(key, "dependencies") || strings.HasPrefix(key, "patch.") || key == "replace"
		if found {
			deps = append(deps, tomlDeps(table)...)
		}
		return !found
	})
	return deps, nil
}

// tomlDeps reads name = "1.2" and name = { version = "1.2", git = "..." }.
func tomlDeps(table map[string]any) []Dep {
	var deps []Dep
	for name, v := range table {
		d := Dep{Name: name}
		switch v := v.(type) {
		case string:
			d.Version = v
		case map[string]any:
			d.Version, _ = v["version"].(string)
			for _, key := range []string{"git", "url", "path", "file", "registry", "registry-index", "source"} {
				if s, ok := v[key].(string); ok {
					d.Source = s
				}
			}
		default:
			continue
		}
		deps = append(deps, d)
	}
	return deps
}

func pyproject(data []byte) ([]Dep, error) {
	var doc map[string]any
	if err := toml.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	var deps []Dep
	list := func(v any) {
		items, _ := v.([]any)
		for _, it := range items {
			if s, ok := it.(string); ok {
				deps = append(deps, requirement(s)...)
			}
		}
	}
	walk(doc, func(key string, table map[string]any) bool {
		switch {
		case key == "project", key == "build-system":
			list(table["dependencies"])
			list(table["requires"])
		case key == "project.optional-dependencies", key == "dependency-groups":
			for _, v := range table {
				list(v)
			}
		case strings.HasPrefix(key, "tool.poetry") && strings.HasSuffix(key, "dependencies"), key == "tool.uv.sources":
			deps = append(deps, tomlDeps(table)...)
			return false
		}
		return true
	})
	// uv keeps the source of a dependency beside it.
	merged := map[string]Dep{}
	for _, d := range deps {
		m := merged[d.Name]
		merged[d.Name] = Dep{Name: d.Name, Version: cmp.Or(d.Version, m.Version), Source: cmp.Or(d.Source, m.Source)}
	}
	deps = deps[:0]
	for _, d := range merged {
		deps = append(deps, d)
	}
	return deps, nil
}

func requirementsTxt(data []byte) ([]Dep, error) {
	var deps []Dep
	for line := range strings.SplitSeq(string(data), "\n") {
		deps = append(deps, requirement(line)...)
	}
	return deps, nil
}

var pep508 = regexp.MustCompile(`^([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*(.*)$`)

// requirement reads one line in the manner of pip.
func requirement(line string) []Dep {
	if i := strings.Index(line, " #"); i >= 0 {
		line = line[:i]
	}
	line, _, _ = strings.Cut(strings.TrimSpace(line), ";")
	switch {
	case line == "" || line[0] == '#':
		return nil
	case strings.HasPrefix(line, "-e ") || strings.HasPrefix(line, "--editable"), strings.Contains(line, "://") && !strings.Contains(line, "@ ") && line[0] != '-':
		src := strings.TrimSpace(line[strings.IndexByte(line, ' ')+1:])
		return []Dep{{Name: src, Source: src}}
	case strings.HasPrefix(line, "--index-url"), strings.HasPrefix(line, "--extra-index-url"), strings.HasPrefix(line, "-i "), strings.HasPrefix(line, "--find-links"), strings.HasPrefix(line, "-f "):
		flag, src, _ := strings.Cut(strings.ReplaceAll(line, "=", " "), " ")
		return []Dep{{Name: flag, Source: strings.TrimSpace(src)}}
	case line[0] == '-':
		return nil
	}
	m := pep508.FindStringSubmatch(line)
	if m == nil {
		return nil
	}
	d := Dep{Name: strings.ToLower(strings.ReplaceAll(m[1], "_", "-"))}
	if src, ok := strings.CutPrefix(m[2], "@"); ok {
		d.Source = strings.TrimSpace(src)
	} else {
		d.Version = strings.Trim(strings.TrimSpace(m[2]), "()")
	}
	return []Dep{d}
}

// walk calls fn for every table of a TOML document with its dotted key, and
// goes into those for which fn says so.
func walk(doc map[string]any, fn func(key string, table map[string]any) bool) {
	var visit func(prefix string, table map[string]any)
	visit = func(prefix string, table map[string]any) {
		for name, v := range table {
			key := strings.TrimPrefix(prefix+"."+name, ".")
			if sub, ok := v.(map[string]any); ok && fn(key, sub) {
				visit(key, sub)
			}
		}
	}
	visit("", doc)
}
