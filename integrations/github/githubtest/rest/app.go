package rest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"honk/integrations/github/githubtest/record"
)

// appRoutes are the operations of the App and its installations.
var appRoutes = []route{
	{"GET /app", "app", func(c *call) reply { return ok(c.Site.App(c.App)) }},
	{"GET /app/installations", "app", func(c *call) reply {
		return list(c, c.Installations, c.Site.Installation)
	}},
	{"GET /app/installations/{id}", "app", func(c *call) reply {
		if i := c.installation(); i != nil {
			return ok(c.Site.Installation(i))
		}
		return notFound
	}},
	{"GET /repos/{owner}/{repo}/installation", "app", repoInstallation},
	{"POST /app/installations/{id}/access_tokens", "app", mint},
	{"DELETE /installation/token", "token", func(c *call) reply {
		c.token.Revoked = true
		return noContent
	}},
	{"GET /installation/repositories", "token", installationRepos},
	{"GET /app/hook/deliveries", "app", deliveries},
	{"GET /app/hook/deliveries/{id}", "app", func(c *call) reply {
		d := c.delivery()
		if d == nil {
			return notFound
		}
		return ok(c.Site.DeliveryFull(d, json.RawMessage(d.Payload)))
	}},
	{"POST /app/hook/deliveries/{id}/attempts", "app", func(c *call) reply {
		d := c.delivery()
		if d == nil {
			return notFound
		}
		c.RedeliverFunc(d)
		return reply{status: http.StatusAccepted, body: record.Object{}}
	}},
	{"GET /users/{login}", "token", func(c *call) reply {
		if u := c.User(c.PathValue("login")); u != nil {
			return ok(c.Site.Profile(u))
		}
		return notFound
	}},
	{"GET /rate_limit", "token", rateLimit},
}

func (c *call) installation() *record.Installation {
	for _, i := range c.Installations {
		if i.ID == c.number("id") {
			return i
		}
	}
	return nil
}

func (c *call) delivery() *record.Delivery {
	for _, d := range c.Deliveries {
		if d.ID == c.number("id") {
			return d
		}
	}
	return nil
}

func repoInstallation(c *call) reply {
	r, err := c.Repo(c.PathValue("owner") + "/" + c.PathValue("repo"))
	if err != nil {
		return notFound
	}
	if i := c.Installation(r); i != nil {
		return ok(c.Site.Installation(i))
	}
	return notFound
}

// mint makes an installation token, for no more than the installation has.
func mint(c *call) reply {
	i := c.installation()
	if i == nil {
		return notFound
	}
	if !i.SuspendedAt.IsZero() {
		return failed(http.StatusForbidden, "This installation has been suspended")
	}
	var ask struct {
		Repositories  []string           `json:"repositories"`
		RepositoryIDs []int64            `json:"repository_ids"`
		Permissions   record.Permissions `json:"permissions"`
	}
	if r := c.read(&ask); r != nil {
		return *r
	}
	permissions := record.Permissions{}
	maps.Copy(permissions, i.Permissions)
	if len(ask.Permissions) > 0 {
		permissions = record.Permissions{"metadata": "read"}
		for name, level := range ask.Permissions {
			if !i.Permissions.Allows(name + ":" + level) {
				return failed(http.StatusUnprocessableEntity, "The permissions requested are not granted to this installation.")
			}
			permissions[name] = level
		}
	}
	repos, found := c.chosen(i, ask.Repositories, ask.RepositoryIDs)
	if !found {
		return failed(http.StatusUnprocessableEntity,
			"There is at least one repository that does not exist or is not accessible to the parent installation.")
	}
	token := c.api.tokens.mint(i, permissions, repos, c.Now())
	body := record.Object{
		"token": token.Value, "expires_at": token.ExpiresAt.Format("2006-01-02T15:04:05Z"), "permissions": permissions,
		"repository_selection": i.Selection(),
	}
	if repos != nil {
		body["repositories"], body["repository_selection"] = record.List(repos, c.Site.Repo), "selected"
	}
	return created(body)
}

// chosen finds the repositories a token is asked for, nil for all.
func (c *call) chosen(i *record.Installation, names []string, ids []int64) (repos []*record.Repo, found bool) {
	for _, r := range c.Repos {
		if i.Has(r) && (slices.Contains(names, r.Name) || slices.Contains(ids, r.ID)) {
			repos = append(repos, r)
		}
	}
	return repos, len(repos) >= max(len(names), len(ids))
}

func installationRepos(c *call) reply {
	var repos []*record.Repo
	for _, r := range c.Repos {
		if c.token.Reaches(r) {
			repos = append(repos, r)
		}
	}
	answer := wrapped(c, "repositories", repos, c.Site.Repo)
	if body, ok := answer.body.(record.Object); ok {
		body["repository_selection"] = c.token.installation.Selection()
	}
	return answer
}

// deliveries lists the webhooks sent, the newest first, by cursor.
func deliveries(c *call) reply {
	size, _ := c.sizes()
	q := c.URL.Query()
	before := int64(1) << 62
	if cursor := q.Get("cursor"); cursor != "" {
		n, err := strconv.ParseInt(strings.TrimPrefix(cursor, "v1_"), 10, 64)
		if err != nil {
			return failed(http.StatusBadRequest, "Invalid cursor")
		}
		before = n
	}
	var part []*record.Delivery
	more := false
	for _, d := range slices.Backward(c.Deliveries) {
		if d.ID >= before {
			continue
		}
		if len(part) == size {
			more = true
			break
		}
		part = append(part, d)
	}
	answer := ok(record.List(part, c.Site.Delivery))
	if more {
		q.Set("cursor", fmt.Sprintf("v1_%d", part[len(part)-1].ID))
		answer.link = fmt.Sprintf(`<%s%s?%s>; rel="next"`, c.Site.URL, c.URL.EscapedPath(), q.Encode())
	}
	return answer
}

func rateLimit(c *call) reply {
	limit := record.Object{"limit": 5000, "remaining": 5000, "used": 0, "reset": c.Now().Unix() + 3600}
	return ok(record.Object{
		"rate": limit, "resources": record.Object{"core": limit, "search": limit, "graphql": limit},
	})
}
