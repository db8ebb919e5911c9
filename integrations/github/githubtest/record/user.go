package record

import (
	"fmt"
	"strings"
	"time"
)

// The kinds of account.
const (
	KindUser         = "User"
	KindBot          = "Bot"
	KindOrganization = "Organization"
)

// User is an account: a person, a bot or an organisation.
type User struct {
	ID        int64
	Login     string
	Name      string
	Email     string
	Kind      string
	CreatedAt time.Time
}

// NoReply is the address GitHub puts into commits.
func (u *User) NoReply() string {
	return fmt.Sprintf("%d+%s@users.noreply.github.com", u.ID, u.Login)
}

// User writes an account down, null for none.
func (s *Site) User(u *User) Object {
	if u == nil {
		return nil
	}
	login := escape(u.Login)
	api := s.API("/users/%s", login)
	page := s.Page("/%s", login)
	if u.Kind == KindBot {
		page = s.Page("/apps/%s", strings.TrimSuffix(u.Login, "[bot]"))
	}
	return Object{
		"login": u.Login, "id": u.ID, "node_id": node("User", u.ID), "avatar_url": s.Page("/avatars/u/%d", u.ID),
		"gravatar_id": "", "url": api, "html_url": page,
		"followers_url": api + "/followers", "following_url": api + "/following{/other_user}",
		"gists_url": api + "/gists{/gist_id}", "starred_url": api + "/starred{/owner}{/repo}",
		"subscriptions_url": api + "/subscriptions", "organizations_url": api + "/orgs", "repos_url": api + "/repos",
		"events_url": api + "/events{/privacy}", "received_events_url": api + "/received_events",
		"type": u.Kind, "site_admin": false,
	}
}

// Profile writes an account down in full.
func (s *Site) Profile(u *User) Object {
	o := s.User(u)
	for _, key := range []string{"company", "location", "hireable", "bio"} {
		o[key] = nil
	}
	o["name"], o["email"], o["blog"] = text(u.Name), text(u.Email), ""
	for _, key := range []string{"public_repos", "public_gists", "followers", "following"} {
		o[key] = 0
	}
	o["created_at"], o["updated_at"] = stamp(u.CreatedAt), stamp(u.CreatedAt)
	return o
}

// Organization writes an account down as the organisation of a webhook.
func (s *Site) Organization(u *User) Object {
	api := s.API("/orgs/%s", escape(u.Login))
	return Object{
		"login": u.Login, "id": u.ID, "node_id": node("Organization", u.ID), "url": api, "repos_url": api + "/repos",
		"events_url": api + "/events", "hooks_url": api + "/hooks", "issues_url": api + "/issues",
		"members_url": api + "/members{/member}", "public_members_url": api + "/public_members{/member}",
		"avatar_url": s.Page("/avatars/u/%d", u.ID), "description": nil,
	}
}

// maybe turns an absent account into null.
func (s *Site) maybe(u *User) any {
	if u == nil {
		return nil
	}
	return s.User(u)
}
