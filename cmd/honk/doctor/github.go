package doctor

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"honk/integrations/github/client"
	"honk/integrations/github/event"
	"honk/internal/config"
	"honk/internal/task"
)

// maxSkew is how far the clock may be off. The App signs its requests with the
// time, and GitHub refuses those from half a minute ahead.
const maxSkew = 20 * time.Second

// clock is a transport that notes how far this machine's clock is ahead of the
// server's.
type clock struct {
	mu    sync.Mutex
	known bool
	ahead time.Duration
}

// RoundTrip sends a request and looks at the answer's date.
func (c *clock) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := time.Now()
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if date, parseErr := http.ParseTime(resp.Header.Get("Date")); parseErr == nil {
		// The header knows whole seconds, and the answer took its time.
		middle := sent.Add(time.Since(sent) / 2)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.known, c.ahead = true, middle.Sub(date.Add(time.Second/2))
	}
	return resp, nil
}

// seen reports whether the server has told its time.
func (c *clock) seen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known
}

// check compares the clocks.
func (c *clock) check(context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch off := c.ahead.Abs().Round(time.Second); {
	case off > maxSkew && c.ahead > 0:
		return "", task.Errorf(task.CodeInvalid, "this machine is %s ahead of GitHub, which then refuses the App's key; set its clock (timedatectl set-ntp true)", off)
	case off > maxSkew:
		return "", task.Errorf(task.CodeInvalid, "this machine is %s behind GitHub, which then refuses the App's key; set its clock (timedatectl set-ntp true)", off)
	}
	return "as GitHub's", nil
}

// github looks at the App. Who only uses honk run needs none.
func (h *house) github(ctx context.Context) {
	if h.cfg.GitHub.AppID == 0 {
		h.look(ctx, check{"GitHub App", func(context.Context) (string, error) {
			return "", note("none is configured; honk serve needs one, see docs/github-app.md, and honk run does not")
		}})
		return
	}
	watch := &clock{}
	var app *client.App
	var self client.Self
	h.look(ctx, check{"GitHub App", func(ctx context.Context) (said string, err error) {
		app, err = client.New(client.Options{
			AppID: h.cfg.GitHub.AppID, PrivateKey: []byte(h.cfg.GitHub.PrivateKey.Reveal()),
			APIURL: h.cfg.GitHub.APIURL, Log: h.opts.Log, Transport: watch,
		})
		if err != nil {
			return "", err
		}
		if self, err = app.Self(ctx); err != nil {
			return "", err
		}
		return fmt.Sprintf("%s, number %d, of %s: GitHub takes its key", self.Login(), self.ID, self.Owner), nil
	}})
	if watch.seen() {
		h.look(ctx, check{"clock", watch.check})
	}
	if self.ID != 0 {
		h.look(ctx, check{"permissions", func(context.Context) (string, error) { return permissions(self) }})
		h.look(ctx, check{"events", func(context.Context) (string, error) { return events(self) }})
		h.look(ctx, check{"installations", func(ctx context.Context) (string, error) { return installations(ctx, app, self) }})
	}
	h.look(ctx, check{"service", h.service})
	h.look(ctx, check{"public URL", func(context.Context) (string, error) {
		if h.cfg.PublicURL == "" {
			return "", note("HONK_PUBLIC_URL is not set, so comments hold no link to details")
		}
		return h.cfg.PublicURL + "; GitHub sends webhooks to " + strings.TrimRight(h.cfg.PublicURL, "/") + "/webhooks/github", nil
	}})
}

func permissions(self client.Self) (string, error) {
	if missing := self.Permissions.Missing(client.Required()); len(missing) > 0 {
		return "", task.Errorf(task.CodeInvalid,
			"the App lacks %s; grant it at %s, Permissions, and accept the change for each installation",
			strings.Join(missing, ", "), settings(self))
	}
	return client.Required().String(), nil
}

func events(self client.Self) (string, error) {
	missing := slices.DeleteFunc(event.Subscribed(), func(name string) bool { return slices.Contains(self.Events, name) })
	if len(missing) > 0 {
		return "", task.Errorf(task.CodeInvalid,
			"the App is not told of %s; subscribe to it at %s, Permissions & events", strings.Join(missing, ", "), settings(self))
	}
	return strings.Join(event.Subscribed(), ", "), nil
}

// settings is where the App is changed, in words: the address differs between
// people, organisations and servers.
func settings(self client.Self) string {
	return "the settings of the App " + self.Name + " (owner " + self.Owner + ")"
}

// installations looks at what the owners of repositories have granted.
func installations(ctx context.Context, app *client.App, self client.Self) (string, error) {
	all, err := app.Installations(ctx)
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", task.Errorf(task.CodeInvalid, "the App is installed nowhere; install it at %s/installations/new", self.URL)
	}
	var good, bad []string
	for _, i := range all {
		missing := i.Permissions.Missing(client.Required())
		switch {
		case i.Suspended:
			bad = append(bad, i.Account+" has suspended it; unsuspend it in the settings of "+i.Account)
		case len(missing) > 0:
			bad = append(bad, i.Account+" has not granted "+strings.Join(missing, ", ")+
				"; its owner accepts that at Settings, Installed GitHub Apps, Review request")
		default:
			good = append(good, i.Account)
		}
	}
	if len(bad) > 0 {
		return "", task.Errorf(task.CodeInvalid, "%s", strings.Join(bad, "\n"))
	}
	return fmt.Sprintf("%d: %s", len(good), strings.Join(good[:min(len(good), 10)], ", ")), nil
}

// service says what honk serve would refuse to start for, the webhook secret
// among it.
func (h *house) service(context.Context) (string, error) {
	if _, err := config.LoadService(h.opts.Env, config.Need{Webhooks: true}); err != nil {
		return "", err
	}
	if h.cfg.GitHub.WebhookSecretPrevious != "" {
		return "", note("webhooks are accepted with the previous secret, too; take HONK_GITHUB_WEBHOOK_SECRET_PREVIOUS " +
			"away when GitHub signs with the new one")
	}
	return "configured, webhook secret included", nil
}
