package service

import (
	"context"
	"log/slog"

	"honk/cmd/honk/parts"
	"honk/integrations/github/client"
	"honk/integrations/github/forge"
	"honk/integrations/github/page"
	"honk/internal/config"
	"honk/internal/git"
	"honk/internal/secret"
	"honk/internal/task"
)

// NewForge returns GitHub for one command of the operator's, who holds the
// App's key. done revokes the tokens that are left.
func NewForge(cfg *config.Config, g *git.Git, secrets *secret.Scanner, log *slog.Logger) (f *forge.Forge, done func(context.Context) error, err error) {
	if cfg.GitHub.AppID == 0 {
		return nil, nil, task.Errorf(task.CodeInvalid,
			"a pull request needs a GitHub App: set HONK_GITHUB_APP_ID and HONK_GITHUB_PRIVATE_KEY_FILE, or use --publish none")
	}
	app, err := client.New(client.Options{
		AppID: cfg.GitHub.AppID, PrivateKey: []byte(cfg.GitHub.PrivateKey.Reveal()), APIURL: cfg.GitHub.APIURL, Log: log,
	})
	if err != nil {
		return nil, nil, err
	}
	pages, err := page.New(page.Options{
		Secrets: secrets, Sandbox: cfg.Sandbox + ", no network", Model: cfg.LLM.Model,
		Judge: parts.JudgeMode(cfg, ""), CapUSD: cfg.Org.Limits.CostUSD,
	})
	if err != nil {
		return nil, nil, err
	}
	return forge.New(forge.Options{
		App: app, Git: g, Pages: pages, GitURL: cfg.GitHub.GitURL, PullRequest: cfg.Org.Service.PullRequest, Log: log,
	}), app.Close, nil
}
