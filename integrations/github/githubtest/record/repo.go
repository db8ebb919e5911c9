package record

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"honk/internal/git/githttp"
)

// Repo is a repository with everything in it.
type Repo struct {
	ID            int64
	Owner         *User
	Name          string
	Description   string
	Language      string
	Topics        []string
	DefaultBranch string
	Private       bool
	Archived      bool
	CreatedAt     time.Time
	PushedAt      time.Time
	// Roles are the collaborators' by login: admin, maintain, write, triage
	// or read.
	Roles map[string]string
	// Required are the checks by branch without which nothing is merged.
	Required map[string][]string
	Labels   []*Label
	Issues   []*Issue
	Suites   []*Suite
	Runs     []*Run
	Statuses []*Status
	Git      *githttp.Repo
}

// FullName returns owner/name.
func (r *Repo) FullName() string { return r.Owner.Login + "/" + r.Name }

// Issue finds an issue or pull request by number.
func (r *Repo) Issue(number int) *Issue {
	for _, i := range r.Issues {
		if i.Number == number {
			return i
		}
	}
	return nil
}

// Label finds a label by name, whose case does not count.
func (r *Repo) Label(name string) *Label {
	for _, l := range r.Labels {
		if strings.EqualFold(l.Name, name) {
			return l
		}
	}
	return nil
}

// Pulls returns the pull requests, the newest first.
func (r *Repo) Pulls() []*Issue {
	var pulls []*Issue
	for _, i := range r.Issues {
		if i.Pull != nil {
			pulls = append(pulls, i)
		}
	}
	slices.Reverse(pulls)
	return pulls
}

// Role returns what an account may do here: admin, maintain, write, triage,
// read or none.
func (r *Repo) Role(login string) string {
	for name, role := range r.Roles {
		if strings.EqualFold(name, login) {
			return role
		}
	}
	switch {
	case strings.EqualFold(login, r.Owner.Login):
		return "admin"
	case !r.Private:
		return "read"
	}
	return "none"
}

// Association is how GitHub describes an author's relation to a repository.
func (r *Repo) Association(u *User) string {
	if u == nil {
		return "NONE"
	}
	if u == r.Owner {
		return "OWNER"
	}
	if _, ok := r.Roles[u.Login]; !ok {
		return "NONE"
	}
	if r.Owner.Kind == KindOrganization {
		return "MEMBER"
	}
	return "COLLABORATOR"
}

// links are the addresses below a repository's own.
var links = map[string]string{
	"archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}", "blobs_url": "/git/blobs{/sha}",
	"branches_url": "/branches{/branch}", "collaborators_url": "/collaborators{/collaborator}",
	"comments_url": "/comments{/number}", "commits_url": "/commits{/sha}", "compare_url": "/compare/{base}...{head}",
	"contents_url": "/contents/{+path}", "contributors_url": "/contributors", "deployments_url": "/deployments",
	"downloads_url": "/downloads", "events_url": "/events", "forks_url": "/forks",
	"git_commits_url": "/git/commits{/sha}", "git_refs_url": "/git/refs{/sha}", "git_tags_url": "/git/tags{/sha}",
	"hooks_url": "/hooks", "issue_comment_url": "/issues/comments{/number}", "issue_events_url": "/issues/events{/number}",
	"issues_url": "/issues{/number}", "keys_url": "/keys{/key_id}", "labels_url": "/labels{/name}",
	"languages_url": "/languages", "merges_url": "/merges", "milestones_url": "/milestones{/number}",
	"notifications_url": "/notifications{?since,all,participating}", "pulls_url": "/pulls{/number}",
	"releases_url": "/releases{/id}", "stargazers_url": "/stargazers", "statuses_url": "/statuses/{sha}",
	"subscribers_url": "/subscribers", "subscription_url": "/subscription", "tags_url": "/tags", "teams_url": "/teams",
	"trees_url": "/git/trees{/sha}",
}

// RepoLite writes down what a repository is and where its parts are.
func (s *Site) RepoLite(r *Repo) Object {
	api := s.API("/repos/%s", r.FullName())
	o := Object{
		"id": r.ID, "node_id": node("Repository", r.ID), "name": r.Name, "full_name": r.FullName(),
		"private": r.Private, "owner": s.User(r.Owner), "html_url": s.Page("/%s", r.FullName()),
		"description": text(r.Description), "fork": false, "url": api,
	}
	for key, path := range links {
		o[key] = api + path
	}
	return o
}

// Repo writes a repository down.
func (s *Site) Repo(r *Repo) Object {
	o := s.RepoLite(r)
	open := 0
	for _, i := range r.Issues {
		if i.State == "open" {
			open++
		}
	}
	visibility := "public"
	if r.Private {
		visibility = "private"
	}
	host := strings.TrimPrefix(strings.TrimPrefix(s.URL, "http://"), "https://")
	maps.Copy(o, map[string]any{
		"created_at": stamp(r.CreatedAt), "updated_at": stamp(r.PushedAt), "pushed_at": stamp(r.PushedAt),
		"git_url": "git://" + host + "/" + r.FullName() + ".git", "ssh_url": "git@" + host + ":" + r.FullName() + ".git",
		"clone_url": s.Clone(r), "svn_url": s.Page("/%s", r.FullName()), "homepage": nil, "size": 1,
		"stargazers_count": 0, "watchers_count": 0, "watchers": 0, "language": text(r.Language), "has_issues": true,
		"has_projects": false, "has_downloads": true, "has_wiki": false, "has_pages": false, "has_discussions": false,
		"forks_count": 0, "forks": 0, "mirror_url": nil, "archived": r.Archived, "disabled": false,
		"open_issues_count": open, "open_issues": open, "license": nil, "allow_forking": true, "is_template": false,
		"web_commit_signoff_required": false, "topics": append([]string{}, r.Topics...), "visibility": visibility,
		"default_branch": cmp.Or(r.DefaultBranch, "main"), "custom_properties": Object{},
	})
	return o
}

// RepoFull writes a repository down as its own resource.
func (s *Site) RepoFull(r *Repo) Object {
	o := s.Repo(r)
	o["network_count"], o["subscribers_count"] = 0, 0
	o["allow_squash_merge"], o["allow_merge_commit"], o["allow_rebase_merge"] = true, true, true
	o["delete_branch_on_merge"] = false
	return o
}

// Label is a coloured word on issues.
type Label struct {
	ID          int64
	Name        string
	Color       string
	Description string
}

// Label writes a label down.
func (s *Site) Label(r *Repo, l *Label) Object {
	return Object{
		"id": l.ID, "node_id": node("Label", l.ID), "url": s.API("/repos/%s/labels/%s", r.FullName(), escape(l.Name)),
		"name": l.Name, "color": l.Color, "default": false, "description": text(l.Description),
	}
}
