package verify

import (
	"path"
	"slices"
	"strings"
)

// configNames are files that say what is checked and how. A trailing *
// matches any rest.
var configNames = []string{
	// Python; sitecustomize and .pth run before any test, and a pytest.py in
	// the tree is run in place of the real one
	"conftest.py", "pytest.ini", ".pytest.ini", "tox.ini", "noxfile.py", ".coveragerc",
	"sitecustomize.py", "usercustomize.py", "*.pth", "pytest.py",
	"ruff.toml", ".ruff.toml", "mypy.ini", ".mypy.ini", ".flake8", ".pylintrc", "pylintrc",
	"pyrightconfig.json", ".isort.cfg", ".pre-commit-config.yaml",
	// JavaScript
	"jest.config.*", "jest.setup.*", "vitest.config.*", "vitest.workspace.*", "vitest.setup.*",
	"vite.config.*", "karma.conf.*", ".mocharc*", "ava.config.*", "jasmine.json", "playwright.config.*", "cypress.config.*",
	".taprc", ".nycrc*", ".c8rc*", ".eslintrc*", "eslint.config.*", ".eslintignore",
	".prettierrc*", "prettier.config.*", ".prettierignore", "biome.json*", "tslint.json",
	".npmrc", ".yarnrc*", ".pnpmfile.cjs",
	// Go
	".golangci.*", "go.work", "go.work.sum", "staticcheck.conf", ".staticcheck.conf",
	// Rust
	"clippy.toml", ".clippy.toml", "rustfmt.toml", ".rustfmt.toml", "rust-toolchain*", "nextest.toml",
	// JVM
	"checkstyle*.xml", "pmd*.xml", "spotbugs*.xml", "detekt.yml", "gradlew*", "mvnw*",
	"junit-platform.properties", "gradle.properties",
	// Ruby, PHP, .NET
	".rspec", ".rubocop*", "phpunit.xml*", "phpunit.dist.xml", "phpstan*.neon*", "psalm.xml*", ".php-cs-fixer*",
	"*.runsettings", "Directory.Build.*", ".editorconfig",
	// Task runners
	"Makefile", "makefile", "GNUmakefile", "justfile", "Justfile", ".justfile", "Taskfile.y*", "Rakefile",
	".honk.yaml",
}

// configDirs hold nothing but configuration or installed programs, which a
// change could plant to stand in for the real ones.
var configDirs = []string{
	"node_modules", ".venv", "venv", ".cargo", ".mvn", ".husky", ".config", ".bundle",
}

// TestConfig reports whether a path is test, lint or build configuration,
// which the final gate takes from the base commit. package.json,
// pyproject.toml and setup.cfg mix it with dependencies and metadata, so they
// are not in it: MergeConfig takes the two apart.
func TestConfig(file string) bool {
	dir, name := path.Split(path.Clean(file))
	for part := range strings.SplitSeq(strings.Trim(dir, "/"), "/") {
		if slices.Contains(configDirs, part) {
			return true
		}
	}
	if strings.HasSuffix(dir, "gradle/wrapper/") {
		return true
	}
	return slices.ContainsFunc(configNames, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}
