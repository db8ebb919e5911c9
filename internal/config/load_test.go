package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"honk/internal/config"
	"honk/internal/task"
)

// environ returns an environment whose home is empty, so that no file of the
// machine is read.
func environ(t *testing.T, pairs ...string) map[string]string {
	t.Helper()
	env := map[string]string{"HOME": t.TempDir()}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	return env
}

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoad_defaults(t *testing.T) {
	t.Parallel()
	env := environ(t)
	cfg, err := config.Load(env)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(env["HOME"], ".local/share/honk"); cfg.DataDir != want {
		t.Errorf("DataDir = %q, want %q", cfg.DataDir, want)
	}
	if cfg.Sandbox != "bwrap" || cfg.Listen != "127.0.0.1:8080" || cfg.Org.Limits.Steps != 80 {
		t.Errorf("defaults missing: %+v", cfg)
	}
	if err := cfg.LLM.Require(); task.CodeOf(err) != task.CodeInvalid ||
		!strings.Contains(err.Error(), "HONK_LLM_BASE_URL") || !strings.Contains(err.Error(), "HONK_LLM_MODEL") {
		t.Errorf("Require() = %v, want it to name both variables", err)
	}
}

func TestLoad_llm(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		env       []string
		base, key string
	}{
		"ours": {
			[]string{"HONK_LLM_BASE_URL=http://a/v1", "HONK_LLM_API_KEY=k", "OPENAI_API_KEY=o", "OPENAI_BASE_URL=http://o/v1"},
			"http://a/v1", "k",
		},
		"fall back":       {[]string{"OPENAI_API_KEY=o", "OPENAI_BASE_URL=http://o/v1"}, "http://o/v1", "o"},
		"OpenAI key only": {[]string{"OPENAI_API_KEY=o"}, "https://api.openai.com/v1", "o"},
		"our key only":    {[]string{"HONK_LLM_API_KEY=k"}, "", "k"},
		"no key":          {[]string{"HONK_LLM_BASE_URL=http://localhost:11434/v1"}, "http://localhost:11434/v1", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := config.Load(environ(t, append(tt.env, "HONK_LLM_MODEL=m")...))
			if err != nil {
				t.Fatal(err)
			}
			if cfg.LLM.BaseURL != tt.base || cfg.LLM.APIKey.Reveal() != tt.key {
				t.Errorf("base %q key %q, want %q %q", cfg.LLM.BaseURL, cfg.LLM.APIKey.Reveal(), tt.base, tt.key)
			}
			if err := cfg.LLM.Require(); (err == nil) != (tt.base != "") {
				t.Errorf("Require() = %v", err)
			}
		})
	}
}

func TestLoad_secretFile(t *testing.T) {
	t.Parallel()
	path := writeFile(t, "key", "sk-from-file\n")
	env := environ(t, "HONK_LLM_API_KEY_FILE="+path)
	cfg, err := config.Load(env)
	if err != nil {
		t.Fatal(err)
	}
	if got := cfg.LLM.APIKey.Reveal(); got != "sk-from-file" {
		t.Errorf("key %q, want the file's content without the newline", got)
	}
	if _, ok := env["HONK_LLM_API_KEY"]; ok {
		t.Error("Load changed the map it was given")
	}
}

func TestLoad_configFile(t *testing.T) {
	t.Parallel()
	path := writeFile(t, "honk.yaml", "limits: {steps: 7}")
	cfg, err := config.Load(environ(t, "HONK_CONFIG="+path))
	if err != nil || cfg.Org.Limits.Steps != 7 {
		t.Errorf("named file: %v, steps %d, want 7", err, cfg.Org.Limits.Steps)
	}

	xdg := t.TempDir()
	found := filepath.Join(xdg, "honk", "honk.yaml")
	if err := os.MkdirAll(filepath.Dir(found), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(found, []byte("limits: {steps: 8}"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err = config.Load(environ(t, "XDG_CONFIG_HOME="+xdg, "XDG_DATA_HOME="+xdg))
	if err != nil || cfg.Org.Limits.Steps != 8 || cfg.ConfigFile != found || cfg.DataDir != filepath.Join(xdg, "honk") {
		t.Errorf("found file: %v, %+v, want %q with 8 steps", err, cfg, found)
	}
}

func TestLoad_refused(t *testing.T) {
	t.Parallel()
	empty := writeFile(t, "empty", "\n")
	tests := map[string]struct{ env, want string }{
		"sandbox":      {"HONK_SANDBOX=chroot", `HONK_SANDBOX "chroot" is unknown; use one of bwrap, docker, host`},
		"listen":       {"HONK_LISTEN=8080", `HONK_LISTEN "8080" is not an address with a port`},
		"scheme":       {"HONK_LLM_BASE_URL=ftp://x", "HONK_LLM_BASE_URL is not an http or https URL"},
		"password":     {"HONK_LLM_BASE_URL=https://u:hunter2@x/v1", "HONK_LLM_BASE_URL holds a user or password"},
		"query":        {"HONK_PUBLIC_URL=https://x?a=b", "HONK_PUBLIC_URL holds a query"},
		"database":     {"HONK_DATABASE_URL=mysql://u:hunter2@x", "HONK_DATABASE_URL is not a postgres:// URL"},
		"app number":   {"HONK_GITHUB_APP_ID=abc", "HONK_GITHUB_APP_ID is not a valid int64"},
		"app alone":    {"HONK_GITHUB_APP_ID=12", "HONK_GITHUB_APP_ID and HONK_GITHUB_PRIVATE_KEY go together"},
		"client alone": {"HONK_GITHUB_CLIENT_ID=Iv23li", "HONK_GITHUB_CLIENT_ID and HONK_GITHUB_CLIENT_SECRET go together"},
		"secret alone": {"HONK_GITHUB_CLIENT_SECRET=hunter2", "HONK_GITHUB_CLIENT_ID and HONK_GITHUB_CLIENT_SECRET go together"},
		"no way back":  {"HONK_GITHUB_CLIENT_ID=Iv23li", "HONK_GITHUB_CLIENT_ID needs HONK_PUBLIC_URL"},
		"not PEM":      {"HONK_GITHUB_PRIVATE_KEY=hunter2", "HONK_GITHUB_PRIVATE_KEY is not an RSA key"},
		"broken key":   {"HONK_GITHUB_PRIVATE_KEY=-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----", "HONK_GITHUB_PRIVATE_KEY is not an RSA key"},
		"slack alone":  {"HONK_SLACK_BOT_TOKEN=hunter2", "HONK_SLACK_BOT_TOKEN and HONK_SLACK_SIGNING_SECRET go together"},
		"no file":      {"HONK_LLM_API_KEY_FILE=/nonexistent/x", "reading HONK_LLM_API_KEY_FILE: "},
		"empty file":   {"HONK_LLM_API_KEY_FILE=" + empty, "HONK_LLM_API_KEY_FILE names an empty file"},
		"endless file": {"HONK_LLM_API_KEY_FILE=/dev/zero", `"/dev/zero" is not a regular file`},
		"no honk.yaml": {"HONK_CONFIG=/nonexistent/honk.yaml", "reading HONK_CONFIG: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load(environ(t, tt.env))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got error %v, want it to hold %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows the secret: %v", err)
			}
			if got := task.CodeOf(err); got != task.CodeInvalid {
				t.Errorf("code %q, want invalid", got)
			}
		})
	}
}

func TestLoad_allProblemsAtOnce(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "honk.yaml", "limits: {steps: -1}\njudge: {mode: x}")
	_, err := config.Load(environ(t, "HONK_SANDBOX=x", "HONK_GITHUB_APP_ID=x", "HONK_CONFIG="+file,
		"HONK_SLACK_APP_TOKEN=a", "HONK_SLACK_APP_TOKEN_FILE=b"))
	for _, want := range []string{
		"HONK_SANDBOX", "HONK_GITHUB_APP_ID", "limits.steps", "judge", "HONK_SLACK_APP_TOKEN_FILE are both set",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %q", err, want)
		}
	}
	if task.CodeOf(err) != task.CodeInvalid {
		t.Errorf("got %T, want a *task.Error in it", err)
	}
}

func TestConfig_known(t *testing.T) {
	t.Parallel()
	env := environ(t, "HONK_LLM_API_KEY=ollama", "HONK_DATABASE_URL=postgres://honk:hunter2-hunter2@db/honk",
		"HONK_GITHUB_CLIENT_ID=Iv23li", "HONK_PUBLIC_URL=https://honk.example.com")
	for _, name := range config.SecretNames() {
		switch name {
		case "HONK_LLM_API_KEY", "OPENAI_API_KEY", "HONK_DATABASE_URL", "HONK_GITHUB_PRIVATE_KEY":
		case "HONK_REGISTRY_CONFIG":
			env[name] = `{"auths": {"a.example": {"registrytoken": "value-of-registry"}}}`
		default:
			env[name] = "value-of-" + name
		}
	}
	cfg, err := config.Load(env)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"hunter2-hunter2", "postgres://honk:hunter2-hunter2@db/honk", "value-of-HONK_GITHUB_CLIENT_SECRET",
		"value-of-HONK_GITHUB_WEBHOOK_SECRET", "value-of-HONK_GITHUB_WEBHOOK_SECRET_PREVIOUS",
		"value-of-HONK_SLACK_APP_TOKEN", "value-of-HONK_SLACK_BOT_TOKEN", "value-of-HONK_SLACK_SIGNING_SECRET",
		"value-of-registry", `{"auths": {"a.example": {"registrytoken": "value-of-registry"}}}`,
	}
	if got := slices.Sorted(slices.Values(cfg.Known())); !slices.Equal(got, want) {
		t.Errorf("Known() = %q, want %q", got, want)
	}
}

func TestGitHub_webURL(t *testing.T) {
	t.Parallel()
	for git, want := range map[string]string{
		"https://github.com":         "https://github.com",
		"https://ghe.example.com/":   "https://ghe.example.com",
		"http://127.0.0.1:4000/git/": "http://127.0.0.1:4000",
	} {
		if got := (config.GitHub{GitURL: git}).WebURL(); got != want {
			t.Errorf("WebURL of %s: %q, want %q", git, got, want)
		}
	}
}

func TestSecretNames(t *testing.T) {
	t.Parallel()
	want := []string{
		"HONK_DATABASE_URL", "HONK_GITHUB_CLIENT_SECRET", "HONK_GITHUB_PRIVATE_KEY", "HONK_GITHUB_WEBHOOK_SECRET", "HONK_GITHUB_WEBHOOK_SECRET_PREVIOUS", "HONK_HEALTH_SECRET", "HONK_LLM_API_KEY",
		"HONK_REGISTRY_CONFIG", "HONK_SLACK_APP_TOKEN", "HONK_SLACK_BOT_TOKEN", "HONK_SLACK_SIGNING_SECRET", "OPENAI_API_KEY",
	}
	if got := slices.Sorted(slices.Values(config.SecretNames())); !slices.Equal(got, want) {
		t.Errorf("SecretNames() = %q, want %q", got, want)
	}
}
