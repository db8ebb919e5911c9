package plan

import (
	"io/fs"
	"path"
	"slices"
)

// lockNames are the files that say which dependencies, and so which builds,
// a cache holds.
var lockNames = []string{
	"go.mod", "go.sum", "go.work", "go.work.sum",
	"package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "package.json",
	"uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock", "requirements.txt", "pyproject.toml",
	"Cargo.lock", "Cargo.toml", "rust-toolchain", "rust-toolchain.toml",
	"pom.xml", "gradle.lockfile", "build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts",
	"Gemfile.lock", "composer.lock", "packages.lock.json",
}

// maxLockfiles bounds the key of the cache.
const maxLockfiles = 200

// Lockfiles returns the paths of the base tree whose content keys the warm
// build cache.
func Lockfiles(base fs.FS) []string {
	var out []string
	for _, s := range findScopes(base) {
		for _, name := range lockNames {
			if s.files[name] && len(out) < maxLockfiles {
				out = append(out, path.Join(s.dir, name))
			}
		}
	}
	slices.Sort(out)
	return out
}

// dependencyDirs are where package managers put what they installed, by the
// file that makes them do it.
var dependencyDirs = []struct {
	markers []string
	dirs    []string
}{
	{[]string{"package.json"}, []string{"node_modules"}},
	{[]string{"pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Pipfile"}, []string{".venv", "venv"}},
	{[]string{"Gemfile"}, []string{"vendor/bundle"}},
	{[]string{"composer.json"}, []string{"vendor"}},
}

// DependencyDirs names the ignored directories that a package manager may
// have filled beside the manifests of a local working copy. They are shown to
// the sandbox read-only where they exist. One that the base tree itself has
// is left out: it is part of the commit.
func DependencyDirs(base fs.FS) []string {
	var out []string
	for _, s := range findScopes(base) {
		for _, row := range dependencyDirs {
			if s.has(row.markers...) == "" {
				continue
			}
			for _, dir := range row.dirs {
				dir = path.Join(s.dir, dir)
				if _, err := fs.Stat(base, dir); err != nil && len(out) < maxLockfiles {
					out = append(out, dir)
				}
			}
		}
	}
	return out
}
