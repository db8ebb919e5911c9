package event

import (
	"cmp"
	"strings"
	"time"
)

// payload is what is read of GitHub's JSON; all else is ignored.
type payload struct {
	Action       string        `json:"action"`
	Repository   *repository   `json:"repository"`
	Installation *installation `json:"installation"`
	Sender       *user         `json:"sender"`
	Issue        *subject      `json:"issue"`
	PullRequest  *subject      `json:"pull_request"`
	Comment      *comment      `json:"comment"`
	Review       *review       `json:"review"`
	Label        *struct {
		Name string `json:"name"`
	} `json:"label"`
	Assignee     *user   `json:"assignee"`
	CheckSuite   *suite  `json:"check_suite"`
	CheckRun     *run    `json:"check_run"`
	WorkflowRun  *suite  `json:"workflow_run"`
	Repositories []named `json:"repositories"`
	Added        []named `json:"repositories_added"`
	Removed      []named `json:"repositories_removed"`
	Ref          string  `json:"ref"`
	After        string  `json:"after"`
	Deleted      bool    `json:"deleted"`
}

type user struct {
	Login string `json:"login"`
	ID    int64  `json:"id"`
	Type  string `json:"type"`
}

func (u *user) event() User {
	if u == nil {
		return User{} // a deleted account
	}
	return User{Login: u.Login, ID: u.ID, Type: u.Type}
}

type app struct {
	ID   int64  `json:"id"`
	Slug string `json:"slug"`
}

type installation struct {
	ID      int64 `json:"id"`
	Account *user `json:"account"`
}

type repository struct {
	ID            int64  `json:"id"`
	Name          string `json:"name"`
	Owner         *user  `json:"owner"`
	Private       bool   `json:"private"`
	Archived      bool   `json:"archived"`
	Fork          bool   `json:"fork"`
	DefaultBranch string `json:"default_branch"`
	HTMLURL       string `json:"html_url"`
	CloneURL      string `json:"clone_url"`
}

type named struct {
	ID       int64  `json:"id"`
	FullName string `json:"full_name"`
	Private  bool   `json:"private"`
}

// subject is an issue or a pull request.
type subject struct {
	Number      int       `json:"number"`
	State       string    `json:"state"`
	Title       string    `json:"title"`
	Body        string    `json:"body"`
	User        *user     `json:"user"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	HTMLURL     string    `json:"html_url"`
	PullRequest *struct{} `json:"pull_request"` // of an issue
	Head        *struct {
		Ref  string `json:"ref"`
		SHA  string `json:"sha"`
		Repo *struct {
			FullName string `json:"full_name"`
		} `json:"repo"`
	} `json:"head"`
	Merged   bool       `json:"merged"`
	MergedAt *time.Time `json:"merged_at"`
}

func (s *subject) event(isPull bool) Subject {
	return Subject{
		Number: s.Number, IsPull: isPull, State: s.State, Title: s.Title, Body: s.Body,
		Author: s.User.event(), CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt, URL: s.HTMLURL,
	}
}

func (s *subject) head() (h Head) {
	if s.Head == nil {
		return h
	}
	h = Head{Branch: s.Head.Ref, SHA: s.Head.SHA}
	if s.Head.Repo != nil {
		h.Repo = s.Head.Repo.FullName
	}
	return h
}

type comment struct {
	ID           int64     `json:"id"`
	NodeID       string    `json:"node_id"`
	Body         string    `json:"body"`
	User         *user     `json:"user"`
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`
	HTMLURL      string    `json:"html_url"`
	App          *app      `json:"performed_via_github_app"`
	Path         string    `json:"path"`
	Line         int       `json:"line"`
	OriginalLine int       `json:"original_line"`
	DiffHunk     string    `json:"diff_hunk"`
	ReviewID     int64     `json:"pull_request_review_id"`
	InReplyTo    int64     `json:"in_reply_to_id"`
}

// maxHunk is how much of a diff hunk is kept. The line that a comment is on
// is its last.
const maxHunk = 16 << 10

func (c *comment) event() Comment {
	out := Comment{
		ID: c.ID, NodeID: c.NodeID, Body: c.Body, Author: c.User.event(),
		CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, URL: c.HTMLURL,
		Path: c.Path, Line: cmp.Or(c.Line, c.OriginalLine), DiffHunk: c.DiffHunk,
		ReviewID: c.ReviewID, InReplyTo: c.InReplyTo,
	}
	if c.App != nil {
		out.App = App{ID: c.App.ID, Slug: c.App.Slug}
	}
	if cut := len(out.DiffHunk) - maxHunk; cut > 0 {
		tail := out.DiffHunk[cut:]
		if _, rest, ok := strings.Cut(tail, "\n"); ok {
			tail = rest
		}
		out.DiffHunk = strings.ToValidUTF8(tail, "")
	}
	return out
}

type review struct {
	ID          int64     `json:"id"`
	State       string    `json:"state"`
	Body        string    `json:"body"`
	User        *user     `json:"user"`
	SubmittedAt time.Time `json:"submitted_at"`
	CommitID    string    `json:"commit_id"`
	HTMLURL     string    `json:"html_url"`
}

func (r *review) event() Review {
	return Review{
		ID: r.ID, State: strings.ToLower(r.State), Body: r.Body, Author: r.User.event(),
		SubmittedAt: r.SubmittedAt, SHA: r.CommitID, URL: r.HTMLURL,
	}
}

// suite is a check suite or a workflow run.
type suite struct {
	Name       string `json:"name"`
	HeadSHA    string `json:"head_sha"`
	HeadBranch string `json:"head_branch"`
	Conclusion string `json:"conclusion"`
	App        *app   `json:"app"`
	Pulls      []struct {
		Number int `json:"number"`
	} `json:"pull_requests"`
}

func (s *suite) event() Checks {
	c := Checks{
		Name: s.Name, HeadSHA: s.HeadSHA, HeadBranch: s.HeadBranch, Conclusion: s.Conclusion,
	}
	if s.App != nil {
		c.AppID = s.App.ID
	}
	for _, p := range s.Pulls {
		c.Pulls = append(c.Pulls, p.Number)
	}
	return c
}

// run is a check run, which leaves the branch to its suite.
type run struct {
	suite
	Suite *suite `json:"check_suite"`
}

func (r *run) event() Checks {
	c := r.suite.event()
	if r.Suite != nil {
		c.HeadBranch = cmp.Or(c.HeadBranch, r.Suite.HeadBranch)
	}
	return c
}
