package check

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"honk/internal/task"
)

// Paths that decide what runs, who reviews and what agents obey: only the
// operator's policy opens them. All are matched in lower case.
var guarded = []string{
	"**/.github/workflows/**", "**/.github/actions/**", "**/codeowners", "**/.gitmodules", "**/.gitattributes",
	"**/.gitconfig", "**/.githooks/**", "**/.husky/**", "**/.mcp.json", "**/.claude/**", "**/.cursor/**",
	"**/.vscode/**", "**/.devcontainer/**", "**/.envrc", "**/.honk.yaml", ".honk.yml",
	"**/.gitea/workflows/**", "**/.forgejo/workflows/**", ".github/settings.yml", ".github/rulesets/**", "**/lefthook.y*ml", "**/.lefthook.y*ml",
	// Python takes these for the test runner, or runs them before it.
	"**/pytest.py", "**/pytest/__init__.py", "**/pytest/__main__.py", "**/sitecustomize.py", "**/usercustomize.py", "**/*.pth",
}

// named is a kind of file that changes only when the request asks for it.
type named struct {
	globs []string
	kind  *regexp.Regexp
}

var asked = []named{
	{[]string{"**/dockerfile", "**/dockerfile.*", "**/*.dockerfile", "**/containerfile"}, re(`(?i)\b(?:docker(?:file)?s?|container(?:file)?s?|(?:base|container) image)\b`)},
	{[]string{"**/*.tf", "**/*.tfvars", "**/*.tf.json"}, re(`(?i)\b(?:terraform|tofu|\.?tf|tfvars)\b`)},
	{
		[]string{"**/agents.md", "**/claude.md", "**/gemini.md", "**/.gemini/**", "**/.cursorrules", "**/.windsurfrules", "**/.clinerules", ".github/copilot-instructions.md", ".github/instructions/**"},
		re(`(?i)\b(?:AGENTS|CLAUDE|GEMINI)\.md\b|\bagent (?:instructions|guide)`),
	},
	{
		[]string{"**/.npmrc", "**/.yarnrc", "**/.yarnrc.yml", "**/.pnpmfile.cjs", "**/.cargo/config", "**/.cargo/config.toml", "**/.mvn/**", "**/gradle/wrapper/**", "**/pip.conf", "**/.pypirc"},
		re(`(?i)\b(?:npm|yarn|pnpm|cargo|maven|mvn|gradle|wrapper|pip|registr(?:y|ies)) (?:config\w*|settings?|wrapper|mirror|proxy|version)\b|\b(?:gradle|maven) wrapper\b`),
	},
	{[]string{".github/dependabot.y*ml", "**/renovate.json*", "**/.renovaterc*"}, re(`(?i)\b(?:dependabot|renovate)\b`)},
}

// locks names the lock files and the manifests they belong to.
var locks = map[string][]string{
	"go.sum": {"go.mod"}, "go.work.sum": {"go.work", "go.mod"},
	"package-lock.json": {"package.json"}, "npm-shrinkwrap.json": {"package.json"}, "yarn.lock": {"package.json"},
	"pnpm-lock.yaml": {"package.json", "pnpm-workspace.yaml"}, "bun.lock": {"package.json"}, "bun.lockb": {"package.json"},
	"cargo.lock": {"Cargo.toml"}, "poetry.lock": {"pyproject.toml"}, "uv.lock": {"pyproject.toml"}, "pdm.lock": {"pyproject.toml"},
	"pipfile.lock": {"Pipfile"}, "gemfile.lock": {"Gemfile", "*.gemspec"}, "composer.lock": {"composer.json"},
	"gradle.lockfile": {"build.gradle", "build.gradle.kts", "libs.versions.toml"}, "mix.lock": {"mix.exs"}, "flake.lock": {"flake.nix"},
}

var lockWords = re(`(?i)\b(?:lock ?files?|dependenc(?:y|ies)|bump\w*|upgrad\w*|tidy|audit|go\.sum|vulnerabilit\w+|CVE-\d+\S*)\b`)

// protected vetoes changes to files that reach beyond the code.
func (c *checker) protected() {
	for _, f := range c.files {
		if glob(c.Policy.AllowProtected, f.Path) {
			continue
		}
		low := strings.ToLower(f.Path)
		at := Finding{Check: "protected", Severity: Veto, File: f.Path}
		if glob(guarded, low) {
			c.report(at, "this file may change only where the operator's policy allows it (policy.allow_protected); restore it and say in the summary what a person should change")
			continue
		}
		for _, n := range asked {
			if glob(n.globs, low) && !c.ask.names(f.Path) && !c.ask.matches(n.kind) {
				c.report(at, "this file changes although the request names neither it nor its kind; restore it")
			}
		}
		if manifests, ok := locks[path.Base(low)]; ok && !c.touches(f.Path, manifests...) && !c.ask.names(f.Path) && !c.ask.matches(lockWords) {
			c.report(at, "a lock file changes without its manifest (%s), which the request does not ask for; restore it", strings.Join(manifests, ", "))
		}
	}
}

func isLock(name string) bool {
	_, ok := locks[strings.ToLower(path.Base(name))]
	return ok
}

// scope holds what is larger or elsewhere than expected for a person.
func (c *checker) scope() {
	files, lines := 0, 0
	var unseen []string
	for _, f := range c.files {
		if len(c.Policy.AllowPaths) > 0 && !glob(c.Policy.AllowPaths, f.Path) {
			c.report(Finding{Check: "scope", Severity: Human, File: f.Path}, "outside the paths that may change (%s)", strings.Join(c.Policy.AllowPaths, ", "))
		}
		if isLock(f.Path) {
			continue
		}
		files++
		lines += f.Added + f.Removed
		if c.Viewed != nil && f.Kind != task.ChangeAdded && !slices.Contains(c.Viewed, f.Path) {
			unseen = append(unseen, f.Path)
		}
	}
	if limit := cmp.Or(c.Policy.MaxFiles, 30); files > limit {
		c.report(Finding{Check: "scope", Severity: Human}, "%d files change, more than %d", files, limit)
	}
	if limit := cmp.Or(c.Policy.MaxLines, 1500); lines > limit {
		c.report(Finding{Check: "scope", Severity: Human}, "%d lines change, more than %d", lines, limit)
	}
	if len(unseen) > 0 {
		c.report(Finding{Check: "scope", Severity: Human, File: unseen[0]}, "%d files were changed and never looked at: %s",
			len(unseen), strings.Join(unseen[:min(5, len(unseen))], ", "))
	}
}
