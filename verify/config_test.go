package verify_test

import (
	"encoding/json"
	"strings"
	"testing"

	"honk/verify"
)

func TestTestConfig(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"conftest.py": true, "pytest.py": true, "lib/pytest.py": true, "pytest_helper.py": false, "a/b/conftest.py": true, "pytest.ini": true, "tox.ini": true,
		"sitecustomize.py": true, "x.pth": true, "ruff.toml": true, "mypy.ini": true,
		"jest.config.js": true, "packages/a/jest.config.mjs": true, "vitest.config.ts": true,
		".eslintrc.json": true, "eslint.config.js": true, ".golangci.yml": true, "go.work": true,
		"Makefile": true, "phpunit.xml.dist": true, "node_modules/.bin/jest": true,
		"web/node_modules/x/index.js": true, ".venv/bin/python": true, ".mvn/jvm.config": true,
		"gradle/wrapper/gradle-wrapper.properties": true, ".honk.yaml": true, ".cargo/config.toml": true,
		"main.go": false, "a_test.go": false, "package.json": false, "pyproject.toml": false,
		"setup.cfg": false, "go.mod": false, "src/jest.js": false, "tests/test_config.py": false,
		"my_node_modules/x.js": false, "Makefile.md": false, "": false,
	} {
		if got := verify.TestConfig(path); got != want {
			t.Errorf("TestConfig(%q) = %v", path, got)
		}
	}
}

func TestMergeConfig_packageJSON(t *testing.T) {
	t.Parallel()
	base := `{"name": "x", "scripts": {"test": "jest"}, "jest": {"bail": true}, "dependencies": {"a": "1"}}`
	head := `{"name": "x", "scripts": {"test": "true"}, "mocha": {}, "dependencies": {"a": "2", "b": "1"}}`
	raw, err := verify.MergeConfig("web/package.json", []byte(base), []byte(head))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Scripts, Dependencies map[string]string
		Jest, Mocha           any
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if got.Scripts["test"] != "jest" || got.Jest == nil || got.Mocha != nil || got.Dependencies["b"] != "1" || got.Dependencies["a"] != "2" {
		t.Errorf("got %s", raw)
	}
	if _, err := verify.MergeConfig("package.json", nil, []byte("{")); err == nil || !strings.Contains(err.Error(), `parsing "package.json"`) {
		t.Errorf("got error %v", err)
	}
}

func TestMergeConfig_sections(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, file, base, head, want string }{
		{
			"pyproject", "pyproject.toml",
			"[project]\nname = \"a\"\n[tool.pytest.ini_options]\naddopts = \"-x\"\n[tool.poetry]\nv = 1\n",
			"[project]\nname = \"b\"\n[tool.pytest.ini_options]\naddopts = \"--co\"\n[[tool.mypy.overrides]]\nx = 1\n[tool.poetry]\nv = 2\n",
			"[project]\nname = \"b\"\n[tool.poetry]\nv = 2\n[tool.pytest.ini_options]\naddopts = \"-x\"\n",
		},
		{
			"other spellings", "pyproject.toml", "",
			"tool.pytest.ini_options.addopts = \"--co\"\n\"tool\" = {}\n[ \"tool\" . pytest ]\nx = 1\n[tool]\ny = 1\n[toolbox]\nz = 1",
			"[toolbox]\nz = 1\n",
		},
		{
			"setup.cfg", "setup.cfg",
			"[metadata]\nname = a\n[tool:pytest]\naddopts = -x\n",
			"[metadata]\nname = b\n[tool:pytest]\naddopts = --co\n[options.extras_require]\ndev = c\n[flake8]\nignore = E\n",
			"[metadata]\nname = b\n[options.extras_require]\ndev = c\n[tool:pytest]\naddopts = -x\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := verify.MergeConfig(tt.file, []byte(tt.base), []byte(tt.head))
			if err != nil || string(got) != tt.want {
				t.Errorf("got %v\n%s\nwant\n%s", err, got, tt.want)
			}
			if !verify.MixedConfig("a/" + tt.file) {
				t.Error("not mixed")
			}
		})
	}
}

func TestCacheEnv(t *testing.T) {
	t.Parallel()
	for name, value := range verify.CacheEnv("/cache") {
		if !strings.HasPrefix(value, "/cache/") && name != "npm_config_update_notifier" {
			t.Errorf("%s = %q lies outside", name, value)
		}
	}
}
