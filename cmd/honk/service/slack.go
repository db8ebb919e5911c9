package service

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"honk/cmd/honk/parts"
	"honk/integrations/github/catalog"
	"honk/integrations/github/oauth"
	"honk/integrations/shift/health"
	"honk/integrations/slack"
	"honk/integrations/slack/client"
	"honk/integrations/slack/page"
	"honk/integrations/slack/route"
	"honk/internal/config"
	"honk/internal/llm"
	"honk/internal/postgres"
	"honk/internal/postgres/people"
	"honk/internal/task"
	"honk/internal/web"
	"honk/queue/budget"
)

// guessTime is how long a model may think about which repository is meant.
const guessTime = 20 * time.Second

// chat makes the door to Slack, where one is configured.
func (b *building) chat() error {
	cfg := b.cfg
	if cfg.Slack.BotToken == "" {
		return nil
	}
	api, err := client.New(client.Options{
		BotToken: cfg.Slack.BotToken, AppToken: cfg.Slack.AppToken, APIURL: cfg.Slack.APIURL, Log: b.log,
	})
	if err != nil {
		return err
	}
	pages, err := page.New(page.Options{
		PublicURL: cfg.PublicURL, Secrets: b.secrets, Model: cfg.LLM.Model,
		Judge: parts.JudgeMode(cfg, ""), CapUSD: cfg.Org.Limits.CostUSD,
	})
	if err != nil {
		return err
	}
	b.people = people.New(b.db.DB)
	opts := slack.Options{
		Slack: api, DB: b.db.DB, People: b.people, Queue: b.queue, Pages: pages,
		Forge: catalog.New(b.app, cfg.GitHub.GitURL), SigningSecrets: []config.Secret{cfg.Slack.SigningSecret},
		GitHost: b.app.Host(), Models: slices.Sorted(maps.Keys(cfg.Org.Models)), Floor: cfg.Org.Judge.Floor,
		Rules: cfg.Org.Slack, ViewFunc: b.view, GuessFunc: b.guess, Log: b.log,
	}
	if cfg.GitHub.ClientID != "" {
		if err := b.linking(); err != nil {
			return err
		}
		opts.InviteFunc = b.invite
	}
	b.slack = slack.New(opts)
	return nil
}

// listen takes in what Slack sends over Socket Mode. A token that Slack refuses
// must not take GitHub's door down with it.
func (b *building) listen(ctx context.Context) {
	for ctx.Err() == nil {
		if err := b.slack.Listen(ctx); err != nil {
			b.log.ErrorContext(ctx, "slack socket refused", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Minute):
		}
	}
}

// guess asks a model which repository a request is about, on the day's budget.
func (b *building) guess(ctx context.Context, prompt string, among route.Catalogue) (repo, reason string, err error) {
	ctx, cancel := context.WithTimeout(ctx, guessTime)
	defer cancel()
	day := b.cfg.Org.Service.Budget
	models, err := parts.NewModels(b.cfg, parts.Pay{
		Limits: b.cfg.Org.Limits,
		Ledger: budget.Ledger(b.db.DB, task.Task{ID: task.NewID(time.Now())}, budget.Caps{
			Day: llm.Amount{USD: day.DayUSD, Tokens: day.DayTokens},
		}),
		NoticeFunc: func(string) {},
	}, b.log)
	if err != nil {
		return "", "", err
	}
	return route.Guess(ctx, models.Judging, prompt, among)
}

// linking makes the pages at which people in Slack prove who they are at
// GitHub.
func (b *building) linking() (err error) {
	github := b.cfg.GitHub
	if b.linkKey, err = web.LinkKey([]byte(github.PrivateKey.Reveal())); err != nil {
		return err
	}
	login, err := oauth.New(oauth.Options{
		ClientID: github.ClientID, ClientSecret: github.ClientSecret,
		GitHubURL: github.WebURL(), APIURL: github.APIURL, Log: b.log,
	})
	if err != nil {
		return err
	}
	b.link, err = web.NewLink(web.LinkOptions{
		PublicURL: b.cfg.PublicURL, GitHubURL: github.WebURL(), Key: b.linkKey,
		AuthorizeURLFunc: login.AuthorizeURL, IdentifyFunc: login.Identify,
		OpenFunc: func(ctx context.Context, nonce string) (web.Link, error) {
			l, err := b.people.Link(ctx, nonce)
			return web.Link{Name: l.Name, Account: l.Account, Team: l.Team}, notGood(err)
		},
		KeepFunc: func(ctx context.Context, nonce string, l web.Linked) error {
			return notGood(b.people.UseLink(ctx, nonce, people.Identity{
				Source: task.SourceSlack, Team: l.Team, Account: l.Account, Login: l.Login, ForgeID: l.ID,
			}))
		},
		Log: b.log,
	})
	return err
}

// notGood says in words that an invitation is not in the database.
func notGood(err error) error {
	if errors.Is(err, postgres.ErrNotFound) {
		return task.Errorf(task.CodeNotFound, "the invitation was used, or is too old")
	}
	return err
}

// invite returns the address at which somebody in Slack proves who they are.
func (b *building) invite(ctx context.Context, team, account, name string) (string, error) {
	l := people.Link{
		Nonce: rand.Text(), Source: task.SourceSlack, Team: team, Account: account, Name: name,
		ExpiresAt: time.Now().Add(web.LinkTime),
	}
	if err := b.people.AddLink(ctx, l); err != nil {
		return "", err
	}
	return web.LinkURL(b.cfg.PublicURL, web.Sign(b.linkKey, l.Nonce, l.ExpiresAt)), nil
}

// webhooks are the doors by their paths.
func (b *building) webhooks() map[string]http.Handler {
	doors := map[string]http.Handler{"/webhooks/github": b.door}
	if b.slack != nil && b.cfg.Slack.SigningSecret != "" {
		for _, path := range []string{"events", "interactions", "commands"} {
			doors["/webhooks/slack/"+path] = b.slack
		}
	}
	if key := b.cfg.HealthSecret; key != "" {
		doors["/webhooks/health"] = health.Handler{Key: []byte(key.Reveal()), ReceiveFunc: b.queue.Receive, Log: b.log}
	}
	return doors
}
