package verify

import "path"

// CacheEnv returns the environment that puts every build cache below root,
// which the runner mounts writable. What it does not move are stores of
// dependencies (the module cache, ~/.m2, cargo's registry): nobody can fill
// them here without a network, so the operator mounts them read-only.
func CacheEnv(root string) map[string]string {
	return map[string]string{
		"GOCACHE":                    path.Join(root, "go-build"),
		"GOLANGCI_LINT_CACHE":        path.Join(root, "golangci-lint"),
		"CARGO_TARGET_DIR":           path.Join(root, "cargo-target"),
		"npm_config_cache":           path.Join(root, "npm"),
		"YARN_CACHE_FOLDER":          path.Join(root, "yarn"),
		"PIP_CACHE_DIR":              path.Join(root, "pip"),
		"UV_CACHE_DIR":               path.Join(root, "uv"),
		"MYPY_CACHE_DIR":             path.Join(root, "mypy"),
		"RUFF_CACHE_DIR":             path.Join(root, "ruff"),
		"GRADLE_USER_HOME":           path.Join(root, "gradle"),
		"DOTNET_CLI_HOME":            path.Join(root, "dotnet"),
		"COMPOSER_CACHE_DIR":         path.Join(root, "composer"),
		"RUBOCOP_CACHE_ROOT":         path.Join(root, "rubocop"),
		"XDG_CACHE_HOME":             path.Join(root, "xdg"),
		"npm_config_update_notifier": "false",
	}
}
