package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"

	"honk/internal/config/registry"
	"honk/internal/task"
)

const (
	openAIKey     = "OPENAI_API_KEY"
	openAIBaseURL = "OPENAI_BASE_URL"
	// maxSecretFile is far above any key or token.
	maxSecretFile = 64 << 10
)

// Load returns the configuration in environ and the honk.yaml it leads to.
// The error joins all problems, each a *task.Error of code invalid that names
// the variable or the place in the file and the remedy. Load does not change
// the process's environment: the caller removes SecretNames from it.
func Load(environ map[string]string) (*Config, error) {
	return load(environ, func(*Config, *problems) {})
}

// LoadService is Load for a process of the service: what such a process cannot
// do without is a problem, too.
func LoadService(environ map[string]string, need Need) (*Config, error) {
	return load(environ, func(c *Config, p *problems) { c.checkService(need, p) })
}

func load(environ map[string]string, check func(*Config, *problems)) (*Config, error) {
	environ = maps.Clone(environ)
	var p problems
	readSecretFiles(environ, &p)
	fallBack(environ)

	cfg := &Config{}
	if err := env.ParseWithOptions(cfg, env.Options{Environment: environ}); err != nil {
		p.addParse(err)
	}
	cfg.locate(environ, &p)
	cfg.check(&p)
	org, err := loadOrg(cfg.ConfigFile)
	if err != nil {
		p = append(p, err)
	}
	cfg.Org = org
	check(cfg, &p)
	if err := p.join(); err != nil {
		return nil, err
	}
	return cfg, nil
}

// SecretNames returns the variables that hold secrets, which no child process
// may inherit.
func SecretNames() []string {
	names := []string{openAIKey}
	for _, field := range variables() {
		if field.Type == reflect.TypeFor[Secret]() {
			names = append(names, field.Tag.Get("env"))
		}
	}
	return names
}

// minKnown is the length below which a key is a placeholder ("none",
// "ollama"): as a known secret it would be found in ordinary text.
const minKnown = 8

// Known returns the values of all secrets held here, the database's password
// by itself too: none of them may ever leave.
func (c *Config) Known() []string {
	values := []string{
		c.LLM.APIKey.Reveal(), c.DatabaseURL.Reveal(),
		c.GitHub.PrivateKey.Reveal(), c.GitHub.WebhookSecret.Reveal(),
		c.GitHub.WebhookSecretPrevious.Reveal(), c.GitHub.ClientSecret.Reveal(),
		c.Slack.BotToken.Reveal(), c.Slack.SigningSecret.Reveal(), c.Slack.AppToken.Reveal(), c.Registry.Config.Reveal(),
	}
	if u, err := url.Parse(c.DatabaseURL.Reveal()); err == nil {
		password, _ := u.User.Password()
		values = append(values, password)
	}
	logins, _ := registry.Parse(c.Registry.Config.Reveal()) // Load has told of an error
	for _, l := range logins {
		values = append(values, l.Secrets()...)
	}
	return slices.DeleteFunc(values, func(v string) bool { return len(v) < minKnown })
}

// variables returns the fields of Config that are read from the environment.
func variables() []reflect.StructField {
	var found []reflect.StructField
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		name, ok := f.Tag.Lookup("env")
		switch {
		case ok && name != "-":
			found = append(found, f)
		case !ok && f.Type.Kind() == reflect.Struct:
			found = append(found, reflect.VisibleFields(f.Type)...)
		}
	}
	return found
}

// readSecretFiles puts the content of each file named by a _FILE variable
// under the name without the suffix.
func readSecretFiles(environ map[string]string, p *problems) {
	for _, name := range SecretNames() {
		path := environ[name+"_FILE"]
		if path == "" {
			continue
		}
		if environ[name] != "" {
			p.addf("%s and %s_FILE are both set; unset one of them", name, name)
			continue
		}
		text, err := readFile(path, maxSecretFile)
		if err != nil {
			p.addf("reading %s_FILE: %w; name a readable file", name, err)
			continue
		}
		environ[name] = strings.TrimSpace(string(text))
		if environ[name] == "" {
			p.addf("%s_FILE names an empty file; put the secret into it", name)
		}
	}
}

// fallBack fills unset HONK_LLM_ variables from OpenAI's. Where a key for
// OpenAI is all there is, OpenAI is meant.
func fallBack(environ map[string]string) {
	const key, base = "HONK_LLM_API_KEY", "HONK_LLM_BASE_URL"
	environ[base] = cmp.Or(environ[base], environ[openAIBaseURL])
	if environ[key] != "" {
		return
	}
	environ[key] = environ[openAIKey]
	if environ[key] != "" {
		environ[base] = cmp.Or(environ[base], "https://api.openai.com/v1")
	}
}

// locate finds the data directory and honk.yaml where they are not named.
func (c *Config) locate(environ map[string]string, p *problems) {
	home := environ["HOME"]
	dir := func(xdg, below string) string {
		if base := environ[xdg]; filepath.IsAbs(base) {
			return base
		}
		if filepath.IsAbs(home) {
			return filepath.Join(home, below)
		}
		return ""
	}
	if c.DataDir == "" {
		c.DataDir = "/var/lib/honk"
		if base := dir("XDG_DATA_HOME", ".local/share"); base != "" {
			c.DataDir = filepath.Join(base, "honk")
		}
	}
	abs, err := filepath.Abs(c.DataDir)
	if err != nil {
		p.addf("HONK_DATA_DIR: %w; use an absolute path", err)
	}
	c.DataDir = abs
	if c.ConfigFile != "" {
		return
	}
	for _, base := range []string{dir("XDG_CONFIG_HOME", ".config"), "/etc"} {
		path := filepath.Join(base, "honk", "honk.yaml")
		if _, err := os.Stat(path); base != "" && !errors.Is(err, fs.ErrNotExist) {
			c.ConfigFile = path
			return
		}
	}
}

func loadOrg(path string) (Org, error) {
	if path == "" {
		return ParseOrg("honk.yaml", nil)
	}
	data, err := readFile(path, maxOrgFile)
	if err != nil {
		return Org{}, task.Errorf(task.CodeInvalid,
			"reading HONK_CONFIG: %w; name a readable honk.yaml or unset it", err)
	}
	return ParseOrg(path, data)
}

// readFile returns a regular file of at most max bytes.
func readFile(path string, max int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is not a regular file", path)
	}
	if info.Size() > max {
		return nil, fmt.Errorf("%q has %d bytes, at most %d are read", path, info.Size(), max)
	}
	return os.ReadFile(path)
}
