// Package config reads what Honk is told from outside: the environment, the
// organisation's honk.yaml and a repository's .honk.yaml. It is strict, finds
// all problems at once, and hands out values that need no further check.
package config

//go:generate go run honk/hack/configdoc -o ../../docs/config.md

// Config is everything the operator sets. Load makes it.
type Config struct {
	LLM      LLM
	GitHub   GitHub
	Slack    Slack
	Registry Registry

	// Secret with which monitoring signs what it says of merges of shifts at
	// `/webhooks/health`. Without it nothing is listened to.
	HealthSecret Secret `env:"HONK_HEALTH_SECRET"`
	// PostgreSQL to keep tasks in, as a postgres:// URL. Without it, `honk
	// serve` starts a private one below the data directory.
	DatabaseURL Secret `env:"HONK_DATABASE_URL"`
	// Address and port the server listens on.
	Listen string `env:"HONK_LISTEN" envDefault:"127.0.0.1:8080"`
	// URL at which people reach the server; links in comments and messages
	// begin with it.
	PublicURL string `env:"HONK_PUBLIC_URL"`
	// Sandbox backend: `bwrap`, or `host`, which is none and for tests only.
	Sandbox string `env:"HONK_SANDBOX" envDefault:"bwrap"`
	// Directory for mirrors, caches and task data. Default:
	// `$XDG_DATA_HOME/honk`, else `~/.local/share/honk`, else
	// `/var/lib/honk`.
	DataDir string `env:"HONK_DATA_DIR"`
	// The organisation's honk.yaml. Default: the first that exists of
	// `$XDG_CONFIG_HOME/honk/honk.yaml`, `~/.config/honk/honk.yaml` and
	// `/etc/honk/honk.yaml`; never one in a checkout.
	ConfigFile string `env:"HONK_CONFIG"`

	// Org is ConfigFile's content, the defaults when there is none.
	Org Org `env:"-"`
}

// LLM is the model endpoint, anything that speaks OpenAI's chat completions.
type LLM struct {
	// Base URL of the endpoint, with its version path
	// (`https://api.openai.com/v1`, `http://localhost:11434/v1`). Falls back
	// to `OPENAI_BASE_URL`, and to OpenAI's own where only `OPENAI_API_KEY`
	// is set.
	BaseURL string `env:"HONK_LLM_BASE_URL"`
	// Key of the endpoint; may be empty for a local one. Falls back to
	// `OPENAI_API_KEY`.
	APIKey Secret `env:"HONK_LLM_API_KEY"`
	// Model that makes changes, as the endpoint names it.
	Model string `env:"HONK_LLM_MODEL"`
	// Model that judges them; better one of another family. Default: the
	// same.
	JudgeModel string `env:"HONK_JUDGE_MODEL"`
}

// GitHub is the GitHub App and where its forge is.
type GitHub struct {
	// Number of the GitHub App.
	AppID int64 `env:"HONK_GITHUB_APP_ID"`
	// Private key of the App, PEM.
	PrivateKey Secret `env:"HONK_GITHUB_PRIVATE_KEY"`
	// Secret that webhooks are signed with.
	WebhookSecret Secret `env:"HONK_GITHUB_WEBHOOK_SECRET"`
	// The secret before, accepted as well while a new one is taken into use.
	WebhookSecretPrevious Secret `env:"HONK_GITHUB_WEBHOOK_SECRET_PREVIOUS"`
	// Client ID of the App (`Iv23...`). With the client secret, people in
	// Slack can prove which account on GitHub is theirs.
	ClientID string `env:"HONK_GITHUB_CLIENT_ID"`
	// Client secret of the App.
	ClientSecret Secret `env:"HONK_GITHUB_CLIENT_SECRET"`
	// Base URL of the REST API.
	APIURL string `env:"HONK_GITHUB_API_URL" envDefault:"https://api.github.com"`
	// Base URL that repositories are cloned from.
	GitURL string `env:"HONK_GITHUB_GIT_URL" envDefault:"https://github.com"`
}

// Registry is where the images of shifts come from.
type Registry struct {
	// Logins for the registries that shifts name images of: a `config.json`
	// as `docker login` writes it, with the logins in it (`auths`); no
	// credential helper is run. Public images need none.
	Config Secret `env:"HONK_REGISTRY_CONFIG"`
}

// Slack is the Slack app.
type Slack struct {
	// Bot token (`xoxb-`).
	BotToken Secret `env:"HONK_SLACK_BOT_TOKEN"`
	// Secret that requests are signed with.
	SigningSecret Secret `env:"HONK_SLACK_SIGNING_SECRET"`
	// App-level token (`xapp-`), for socket mode.
	AppToken Secret `env:"HONK_SLACK_APP_TOKEN"`
	// Base URL of the Web API.
	APIURL string `env:"HONK_SLACK_API_URL" envDefault:"https://slack.com/api"`
}
