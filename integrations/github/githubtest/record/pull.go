package record

import (
	"maps"
	"time"
)

// Pull is what a pull request has beyond an issue.
type Pull struct {
	ID int64
	// Head and Base are branches; From is the repository of the head, nil
	// where it is the base's own.
	Head, HeadSHA string
	Base, BaseSHA string
	From          *Repo
	Draft         bool
	Merged        bool
	MergedBy      *User
	MergedAt      time.Time
	MergeSHA      string
	Mergeable     bool
	Undecided     bool // whether it is mergeable is not known yet
	Additions     int
	Deletions     int
	ChangedFiles  int
	Commits       int
	Reviewers     []*User
	Reviews       []*Review
	Threads       []*ReviewComment
}

// Review is somebody's judgement on a pull request.
type Review struct {
	ID          int64
	User        *User
	Body        string
	State       string // APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED
	CommitID    string
	SubmittedAt time.Time
}

// ReviewComment is one on a line of a pull request.
type ReviewComment struct {
	ID        int64
	ReviewID  int64
	ReplyTo   int64 // the first comment of its thread, 0 for the first
	User      *User
	Body      string
	Path      string
	Line      int
	Hunk      string
	CommitID  string
	CreatedAt time.Time
	UpdatedAt time.Time
	Reactions []*Reaction
}

// PullLite writes a pull request down as it stands in lists.
func (s *Site) PullLite(r *Repo, i *Issue) Object {
	p := i.Pull
	api, issue := s.API("/repos/%s/pulls/%d", r.FullName(), i.Number), s.API("/repos/%s/issues/%d", r.FullName(), i.Number)
	page, statuses := s.Page("/%s/pull/%d", r.FullName(), i.Number), s.API("/repos/%s/statuses/%s", r.FullName(), p.HeadSHA)
	from := r
	if p.From != nil {
		from = p.From
	}
	comment := s.API("/repos/%s/pulls/comments{/number}", r.FullName())
	link := func(url string) Object { return Object{"href": url} }
	return Object{
		"url": api, "id": p.ID, "node_id": node("PullRequest", p.ID), "html_url": page, "diff_url": page + ".diff",
		"patch_url": page + ".patch", "issue_url": issue, "number": i.Number, "state": i.State, "locked": i.Locked,
		"title": i.Title, "user": s.User(i.User), "body": text(i.Body), "created_at": stamp(i.CreatedAt),
		"updated_at": stamp(i.UpdatedAt), "closed_at": stamp(i.ClosedAt), "merged_at": stamp(p.MergedAt),
		"merge_commit_sha": text(p.MergeSHA), "assignee": s.assignee(i), "assignees": List(i.Assignees, s.User),
		"requested_reviewers": List(p.Reviewers, s.User), "requested_teams": []Object{}, "labels": s.labels(r, i),
		"milestone": nil, "draft": p.Draft, "commits_url": api + "/commits", "review_comments_url": api + "/comments",
		"review_comment_url": comment, "comments_url": issue + "/comments", "statuses_url": statuses,
		"head": s.side(from, p.Head, p.HeadSHA), "base": s.side(r, p.Base, p.BaseSHA),
		"_links": Object{
			"self": link(api), "html": link(page), "issue": link(issue), "comments": link(issue + "/comments"),
			"review_comments": link(api + "/comments"), "review_comment": link(comment),
			"commits": link(api + "/commits"), "statuses": link(statuses),
		},
		"author_association": r.Association(i.User), "auto_merge": nil, "active_lock_reason": nil,
	}
}

// Pull writes a pull request down in full.
func (s *Site) Pull(r *Repo, i *Issue) Object {
	o, p := s.PullLite(r, i), i.Pull
	state, mergeable := "clean", any(p.Mergeable)
	switch {
	case p.Undecided:
		state, mergeable = "unknown", nil
	case i.State == "closed":
		state = "unknown"
	case p.Draft:
		state = "draft"
	case !p.Mergeable:
		state = "dirty"
	}
	maps.Copy(o, map[string]any{
		"merged": p.Merged, "mergeable": mergeable, "rebaseable": mergeable, "mergeable_state": state,
		"merged_by": s.maybe(p.MergedBy), "comments": len(i.Comments), "review_comments": len(p.Threads),
		"maintainer_can_modify": false, "commits": p.Commits, "additions": p.Additions, "deletions": p.Deletions,
		"changed_files": p.ChangedFiles,
	})
	return o
}

func (s *Site) side(r *Repo, branch, sha string) Object {
	return Object{
		"label": r.Owner.Login + ":" + branch, "ref": branch, "sha": sha, "user": s.User(r.Owner), "repo": s.Repo(r),
	}
}

// Review writes a review down.
func (s *Site) Review(r *Repo, i *Issue, v *Review) Object {
	page := s.Page("/%s/pull/%d#pullrequestreview-%d", r.FullName(), i.Number, v.ID)
	api := s.API("/repos/%s/pulls/%d", r.FullName(), i.Number)
	return Object{
		"id": v.ID, "node_id": node("PullRequestReview", v.ID), "user": s.User(v.User), "body": v.Body,
		"commit_id": v.CommitID, "submitted_at": stamp(v.SubmittedAt), "state": v.State, "html_url": page,
		"pull_request_url": api, "author_association": r.Association(v.User),
		"_links": Object{"html": Object{"href": page}, "pull_request": Object{"href": api}},
	}
}

// ReviewComment writes a comment on a line down.
func (s *Site) ReviewComment(r *Repo, i *Issue, c *ReviewComment) Object {
	api := s.API("/repos/%s/pulls/comments/%d", r.FullName(), c.ID)
	page := s.Page("/%s/pull/%d#discussion_r%d", r.FullName(), i.Number, c.ID)
	pull := s.API("/repos/%s/pulls/%d", r.FullName(), i.Number)
	o := Object{
		"url": api, "pull_request_review_id": c.ReviewID, "id": c.ID, "node_id": node("PullRequestReviewComment", c.ID),
		"diff_hunk": c.Hunk, "path": c.Path, "position": 1, "original_position": 1, "commit_id": c.CommitID,
		"original_commit_id": c.CommitID, "user": s.User(c.User), "body": c.Body, "created_at": stamp(c.CreatedAt),
		"updated_at": stamp(c.UpdatedAt), "html_url": page, "pull_request_url": pull,
		"author_association": r.Association(c.User), "start_line": nil, "original_start_line": nil, "start_side": nil,
		"line": c.Line, "original_line": c.Line, "side": "RIGHT", "subject_type": "line",
		"reactions": reactions(api, c.Reactions),
		"_links": Object{
			"self": Object{"href": api}, "html": Object{"href": page}, "pull_request": Object{"href": pull},
		},
	}
	if c.ReplyTo != 0 {
		o["in_reply_to_id"] = c.ReplyTo
	}
	return o
}
