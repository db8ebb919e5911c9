package verify

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"strings"
)

// nodeConfig are the keys of package.json that say what is checked and how.
var nodeConfig = []string{
	"scripts", "jest", "vitest", "mocha", "ava", "tap", "nyc", "c8", "xo", "standard",
	"eslintConfig", "eslintIgnore", "prettier", "babel", "husky", "lint-staged", "config", "wireit", "nx",
}

// MixedConfig reports whether a file holds both what a change may bring and
// what the final gate takes from the base commit: MergeConfig puts it
// together.
func MixedConfig(file string) bool {
	switch path.Base(file) {
	case "package.json", "pyproject.toml", "setup.cfg":
		return true
	}
	return false
}

// MergeConfig returns the file as the final gate sees it: test and lint
// configuration as in base, the rest as in head. A base of nil means that the
// base commit does not have it: head's configuration is left out.
func MergeConfig(file string, base, head []byte) ([]byte, error) {
	switch path.Base(file) {
	case "package.json":
		return mergePackageJSON(file, base, head)
	case "pyproject.toml":
		return mergeSections(base, head, func(section string) bool {
			tool, ok := strings.CutPrefix(section, "tool")
			first, _, _ := strings.Cut(strings.TrimPrefix(tool, "."), ".")
			return ok && (tool == "" || tool[0] == '.') && !pythonPackaging[first]
		}), nil
	case "setup.cfg":
		return mergeSections(base, head, func(section string) bool {
			return section != "metadata" && section != "" && !strings.HasPrefix(section, "options")
		}), nil
	}
	return head, nil
}

// pythonPackaging are the tools whose sections declare dependencies or say
// how a package is built.
var pythonPackaging = map[string]bool{
	"poetry": true, "uv": true, "pdm": true, "hatch": true, "setuptools": true,
	"setuptools_scm": true, "flit": true, "maturin": true, "cibuildwheel": true, "rye": true,
}

func mergePackageJSON(file string, base, head []byte) ([]byte, error) {
	var was, now map[string]json.RawMessage
	if base != nil {
		if err := json.Unmarshal(base, &was); err != nil {
			return head, nil //nolint:nilerr // a base that does not parse configures nothing
		}
	}
	if err := json.Unmarshal(head, &now); err != nil || now == nil {
		return nil, fmt.Errorf("parsing %q: %w", file, err)
	}
	for _, key := range nodeConfig {
		delete(now, key)
		if value, ok := was[key]; ok {
			now[key] = value
		}
	}
	out, err := json.MarshalIndent(now, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing %q: %w", file, err)
	}
	return append(out, '\n'), nil
}

var (
	sectionHeader = regexp.MustCompile(`^\s*\[{1,2}\s*([^\[\]]+?)\s*\]{1,2}\s*(?:#.*)?$`)
	// A key of tool outside its own section would be configuration too.
	toolKey = regexp.MustCompile(`^\s*["']?tool["']?\s*[.=]`)
)

// mergeSections puts the sections that config picks from base after all other
// sections of head.
func mergeSections(base, head []byte, config func(section string) bool) []byte {
	var out strings.Builder
	pick := func(text []byte, want bool) {
		section := ""
		for line := range strings.Lines(string(text)) {
			if m := sectionHeader.FindStringSubmatch(strings.TrimRight(line, "\r\n")); m != nil {
				section = strings.NewReplacer(`"`, "", "'", "", " ", "", "\t", "").Replace(m[1])
			}
			stray := section == "" && toolKey.MatchString(line)
			if config(section) == want && !stray {
				out.WriteString(line)
			}
		}
		if n := out.Len(); n > 0 && out.String()[n-1] != '\n' {
			out.WriteByte('\n')
		}
	}
	pick(head, false)
	pick(base, true)
	return []byte(out.String())
}
