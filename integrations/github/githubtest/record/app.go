package record

import (
	"slices"
	"strconv"
	"time"
)

// App is a GitHub App.
type App struct {
	ID          int64
	Slug        string
	Name        string
	Owner       *User
	Bot         *User
	Permissions Permissions
	Events      []string
	CreatedAt   time.Time
}

// App writes an App down.
func (s *Site) App(a *App) Object {
	return Object{
		"id": a.ID, "slug": a.Slug, "node_id": node("Integration", a.ID), "owner": s.User(a.Owner), "name": a.Name,
		"description": nil, "external_url": s.Page("/apps/%s/about", a.Slug), "html_url": s.Page("/apps/%s", a.Slug),
		"created_at": stamp(a.CreatedAt), "updated_at": stamp(a.CreatedAt), "permissions": a.Permissions, "events": a.Events,
	}
}

func (s *Site) via(a *App) any {
	if a == nil {
		return nil
	}
	return s.App(a)
}

// Installation is an App in an account.
type Installation struct {
	ID      int64
	App     *App
	Account *User
	// Repos are those it was given; nil means all of the account.
	Repos       []*Repo
	Permissions Permissions
	CreatedAt   time.Time
	SuspendedAt time.Time
	SuspendedBy *User
}

// Has reports whether a repository belongs to the installation.
func (i *Installation) Has(r *Repo) bool {
	if i.Account != r.Owner {
		return false
	}
	return i.Repos == nil || slices.Contains(i.Repos, r)
}

// Selection is all or selected.
func (i *Installation) Selection() string {
	if i.Repos == nil {
		return "all"
	}
	return "selected"
}

// Installation writes an installation down.
func (s *Site) Installation(i *Installation) Object {
	page := s.Page("/settings/installations/%d", i.ID)
	if i.Account.Kind == KindOrganization {
		page = s.Page("/organizations/%s/settings/installations/%d", i.Account.Login, i.ID)
	}
	return Object{
		"id": i.ID, "account": s.User(i.Account), "repository_selection": i.Selection(),
		"access_tokens_url": s.API("/app/installations/%d/access_tokens", i.ID),
		"repositories_url":  s.API("/installation/repositories"), "html_url": page, "app_id": i.App.ID,
		"app_slug": i.App.Slug, "target_id": i.Account.ID, "target_type": i.Account.Kind, "permissions": i.Permissions,
		"events": i.App.Events, "created_at": stamp(i.CreatedAt), "updated_at": stamp(i.CreatedAt),
		"single_file_name": nil, "has_multiple_single_files": false, "single_file_paths": []string{},
		"suspended_at": stamp(i.SuspendedAt), "suspended_by": s.maybe(i.SuspendedBy),
	}
}

// InstallationLite is what stands in every webhook.
func (s *Site) InstallationLite(i *Installation) Object {
	return Object{"id": i.ID, "node_id": node("IntegrationInstallation", i.ID)}
}

// Delivery is one attempt to send a webhook.
type Delivery struct {
	ID           int64
	GUID         string
	Event        string
	Action       string
	Installation int64
	Repo         int64
	At           time.Time
	Took         time.Duration
	Redelivery   bool
	// Status is the HTTP status of the answer, 0 where there was none.
	Status int
	// Lost deliveries were never sent, and failed for GitHub.
	Lost          bool
	Headers       map[string]string
	Payload       []byte
	Answer        string
	AnswerHeaders map[string]string
	TargetURL     string
}

// Delivery writes a delivery down as it stands in the list.
func (s *Site) Delivery(d *Delivery) Object {
	status := "OK"
	switch {
	case d.Status == 0:
		status = "failed to connect to host"
	case d.Status >= 300:
		status = "Invalid HTTP Response: " + strconv.Itoa(d.Status)
	}
	return Object{
		"id": d.ID, "guid": d.GUID, "delivered_at": stamp(d.At), "redelivery": d.Redelivery,
		"duration": d.Took.Seconds(), "status": status, "status_code": d.Status, "event": d.Event,
		"action": text(d.Action), "installation_id": number(d.Installation), "repository_id": number(d.Repo),
		"throttled_at": nil,
	}
}

// number is an identifier, null where it is 0.
func number(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

// DeliveryFull writes a delivery down with what was sent and answered.
func (s *Site) DeliveryFull(d *Delivery, payload any) Object {
	o := s.Delivery(d)
	o["url"] = d.TargetURL
	o["request"] = Object{"headers": d.Headers, "payload": payload}
	o["response"] = Object{"headers": d.AnswerHeaders, "payload": text(d.Answer)}
	return o
}
