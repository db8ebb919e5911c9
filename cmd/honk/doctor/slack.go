package doctor

import (
	"context"
	"fmt"
	"strings"

	"honk/integrations/slack/client"
	"honk/internal/task"
)

// slack looks at the Slack app, which is needed only where people ask in Slack.
func (h *house) slack(ctx context.Context) {
	if h.cfg.Slack.BotToken == "" {
		h.look(ctx, check{"Slack app", func(context.Context) (string, error) {
			if h.cfg.Slack.AppToken != "" || h.cfg.Slack.SigningSecret != "" {
				return "", task.Errorf(task.CodeInvalid, "HONK_SLACK_BOT_TOKEN is not set; it is on the app's page, OAuth & Permissions")
			}
			return "", note("none is configured; to ask for changes in Slack see docs/slack-app.md")
		}})
		return
	}
	var app *client.Client
	known := false
	h.look(ctx, check{"Slack app", func(ctx context.Context) (string, error) {
		var err error
		app, err = client.New(client.Options{
			BotToken: h.cfg.Slack.BotToken, AppToken: h.cfg.Slack.AppToken, APIURL: h.cfg.Slack.APIURL, Log: h.opts.Log,
		})
		if err != nil {
			return "", err
		}
		self, err := app.Self(ctx)
		if err != nil {
			return "", err
		}
		known = true
		return fmt.Sprintf("bot %s of %s (%s): Slack takes its token", self.UserID, self.Team, self.URL), nil
	}})
	if known {
		h.look(ctx, check{"Slack scopes", func(ctx context.Context) (string, error) { return scopes(ctx, app) }})
	}
	if app != nil {
		h.look(ctx, check{"Slack requests", func(ctx context.Context) (string, error) { return h.requests(ctx, app) }})
	}
	h.look(ctx, check{"Slack accounts", h.accounts})
}

// scopes names each scope that the bot token lacks.
func scopes(ctx context.Context, app *client.Client) (string, error) {
	missing, err := app.Missing(ctx)
	if err != nil {
		return "", err
	}
	if len(missing) > 0 {
		var lines []string
		for _, s := range missing {
			lines = append(lines, s.Name+" is missing: "+s.Why)
		}
		return "", task.Errorf(task.CodeInvalid, "%s\nadd what is missing on the app's page, OAuth & Permissions, Bot Token Scopes, "+
			"and reinstall the app: a token that Slack shows anew goes into HONK_SLACK_BOT_TOKEN", strings.Join(lines, "\n"))
	}
	return fmt.Sprintf("all %d", len(client.Scopes())), nil
}

// requests says how Slack reaches Honk.
func (h *house) requests(ctx context.Context, app *client.Client) (string, error) {
	switch {
	case h.cfg.Slack.AppToken != "":
		if err := app.Connects(ctx); err != nil {
			return "", err
		}
		return "by Socket Mode: Slack takes HONK_SLACK_APP_TOKEN", nil
	case h.cfg.PublicURL == "":
		return "", note("HONK_SLACK_SIGNING_SECRET is set, HONK_PUBLIC_URL is not; " +
			"the app's settings name Honk's address with /webhooks/slack/events, interactions and commands")
	}
	return "HONK_SLACK_SIGNING_SECRET is set; Slack sends to " + strings.TrimRight(h.cfg.PublicURL, "/") +
		"/webhooks/slack/events, interactions and commands", nil
}

// accounts says how people in Slack are known at GitHub.
func (h *house) accounts(context.Context) (string, error) {
	named := len(h.cfg.Org.Slack.Users)
	switch {
	case h.cfg.GitHub.ClientID != "":
		return fmt.Sprintf("people link theirs themselves; honk.yaml names %d", named), nil
	case named > 0:
		return "", note(fmt.Sprintf("honk.yaml names %d, nobody else can ask: HONK_GITHUB_CLIENT_ID and HONK_GITHUB_CLIENT_SECRET are not set, "+
			"see docs/slack-app.md", named))
	}
	return "", task.Errorf(task.CodeInvalid, "nobody in Slack is known at GitHub, so nobody can ask; set HONK_GITHUB_CLIENT_ID and HONK_GITHUB_CLIENT_SECRET, "+
		"or name people below slack.users in honk.yaml, see docs/slack-app.md")
}
