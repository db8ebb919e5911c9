package record

import (
	"slices"
	"time"
)

// Issue is an issue; with Pull a pull request.
type Issue struct {
	ID          int64
	Number      int
	Title       string
	Body        string
	State       string // open or closed
	StateReason string
	Locked      bool
	User        *User
	Via         *App
	Assignees   []*User
	Labels      []*Label
	CreatedAt   time.Time
	UpdatedAt   time.Time
	ClosedAt    time.Time
	ClosedBy    *User
	Comments    []*Comment
	Reactions   []*Reaction
	Pull        *Pull
}

// Comment is one below an issue or pull request.
type Comment struct {
	ID        int64
	Body      string
	User      *User
	Via       *App
	CreatedAt time.Time
	UpdatedAt time.Time
	Reactions []*Reaction
}

// Reaction is an emoji somebody put on something.
type Reaction struct {
	ID        int64
	User      *User
	Content   string
	CreatedAt time.Time
}

// Issue writes an issue down.
func (s *Site) Issue(r *Repo, i *Issue) Object {
	api := s.API("/repos/%s/issues/%d", r.FullName(), i.Number)
	o := Object{
		"url": api, "repository_url": s.API("/repos/%s", r.FullName()), "labels_url": api + "/labels{/name}",
		"comments_url": api + "/comments", "events_url": api + "/events", "timeline_url": api + "/timeline",
		"html_url": s.Page("/%s/issues/%d", r.FullName(), i.Number),
		"id":       i.ID, "node_id": node("Issue", i.ID), "number": i.Number, "title": i.Title, "user": s.User(i.User),
		"labels": s.labels(r, i), "state": i.State, "locked": i.Locked, "assignee": s.assignee(i),
		"assignees": List(i.Assignees, s.User), "milestone": nil, "comments": len(i.Comments),
		"created_at": stamp(i.CreatedAt), "updated_at": stamp(i.UpdatedAt), "closed_at": stamp(i.ClosedAt),
		"author_association": r.Association(i.User), "active_lock_reason": nil, "body": text(i.Body),
		"reactions": reactions(api, i.Reactions), "state_reason": text(i.StateReason),
		"performed_via_github_app": s.via(i.Via),
	}
	if p := i.Pull; p != nil {
		page := s.Page("/%s/pull/%d", r.FullName(), i.Number)
		o["html_url"], o["draft"] = page, p.Draft
		o["pull_request"] = Object{
			"url": s.API("/repos/%s/pulls/%d", r.FullName(), i.Number), "html_url": page,
			"diff_url": page + ".diff", "patch_url": page + ".patch", "merged_at": stamp(p.MergedAt),
		}
	}
	return o
}

// IssueFull writes an issue down as its own resource.
func (s *Site) IssueFull(r *Repo, i *Issue) Object {
	o := s.Issue(r, i)
	o["closed_by"] = s.maybe(i.ClosedBy)
	return o
}

func (s *Site) labels(r *Repo, i *Issue) []Object {
	return List(i.Labels, func(l *Label) Object { return s.Label(r, l) })
}

func (s *Site) assignee(i *Issue) any {
	if len(i.Assignees) == 0 {
		return nil
	}
	return s.User(i.Assignees[0])
}

// Comment writes a comment down.
func (s *Site) Comment(r *Repo, i *Issue, c *Comment) Object {
	api := s.API("/repos/%s/issues/comments/%d", r.FullName(), c.ID)
	kind := "issues"
	if i.Pull != nil {
		kind = "pull"
	}
	return Object{
		"url": api, "html_url": s.Page("/%s/%s/%d#issuecomment-%d", r.FullName(), kind, i.Number, c.ID),
		"issue_url": s.API("/repos/%s/issues/%d", r.FullName(), i.Number), "id": c.ID, "node_id": node("IssueComment", c.ID),
		"user": s.User(c.User), "created_at": stamp(c.CreatedAt), "updated_at": stamp(c.UpdatedAt),
		"author_association": r.Association(c.User), "body": c.Body, "reactions": reactions(api, c.Reactions),
		"performed_via_github_app": s.via(c.Via),
	}
}

// Reaction writes a reaction down.
func (s *Site) Reaction(r *Reaction) Object {
	return Object{
		"id": r.ID, "node_id": node("Reaction", r.ID), "user": s.User(r.User), "content": r.Content,
		"created_at": stamp(r.CreatedAt),
	}
}

// contents are the reactions there are.
var contents = []string{"+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes"}

// Contents returns the reactions there are.
func Contents() []string { return slices.Clip(contents) }

// reactions is the summary that stands in what was reacted to.
func reactions(api string, list []*Reaction) Object {
	o := Object{"url": api + "/reactions", "total_count": len(list)}
	for _, c := range contents {
		n := 0
		for _, r := range list {
			if r.Content == c {
				n++
			}
		}
		o[c] = n
	}
	return o
}
