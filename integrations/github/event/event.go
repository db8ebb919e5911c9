// Package event reads GitHub's webhooks: it checks their signature, says which
// are wanted, and parses them into one plain struct. It is pure, bounded, and
// takes its input for hostile even when it is signed: titles and comments are
// written by anybody.
package event

import (
	"time"

	"honk/internal/task"
)

// MaxPayload is the most a payload may weigh; GitHub sends no larger ones.
const MaxPayload = 25 << 20

// Event is a webhook. Which fields are set depends on Name, the value of the
// header X-GitHub-Event: see Wanted for the list.
type Event struct {
	Name   string
	Action string
	// InstallationID is 0 for a webhook that was set up by hand.
	InstallationID int64
	Sender         User

	// Repository is set for all but installation, installation_repositories
	// and most pings.
	Repository Repository

	// Subject is the issue or pull request of issue_comment, issues and
	// pull_request*.
	Subject Subject
	// Head and Merged belong to a pull request. For issue_comment GitHub
	// does not send them.
	Head   Head
	Merged bool

	// Comment is set for issue_comment and pull_request_review_comment.
	Comment Comment
	// Review is set for pull_request_review.
	Review Review
	// Label is set for issues labeled, Assignee for issues assigned.
	Label    string
	Assignee User

	// Checks is set for check_suite, check_run and workflow_run.
	Checks Checks

	// Push is set for push.
	Push Push

	// Account is whose installation it is, and Added and Removed are the
	// repositories of installation and installation_repositories.
	Account User
	Added   []Named
	Removed []Named
}

// User is an account.
type User struct {
	Login string
	ID    int64
	// Type is GitHub's: User, Bot, Organization, Mannequin.
	Type string
}

// Repository is where something happened.
type Repository struct {
	task.Repo
	ID            int64
	Private       bool
	Archived      bool
	Fork          bool
	DefaultBranch string
}

// Named is a repository by its name alone.
type Named struct {
	ID      int64
	Owner   string
	Name    string
	Private bool
}

// Subject is an issue or a pull request.
type Subject struct {
	Number    int
	IsPull    bool
	State     string // open or closed
	Title     string
	Body      string
	Author    User
	CreatedAt time.Time
	UpdatedAt time.Time
	URL       string
}

// Head is what a pull request asks to merge.
type Head struct {
	Branch string
	SHA    string
	// Repo is owner/name, empty when the fork is deleted.
	Repo string
}

// Comment is a comment in a conversation or at a line.
type Comment struct {
	ID        int64
	NodeID    string
	Body      string
	Author    User
	CreatedAt time.Time
	UpdatedAt time.Time
	URL       string
	// App is what wrote the comment on its author's behalf; ID 0 is none.
	App App

	// These are set for pull_request_review_comment only. Line is 0 when
	// the comment is on the file as a whole.
	Path      string
	Line      int
	DiffHunk  string
	ReviewID  int64
	InReplyTo int64
}

// App is a GitHub App.
type App struct {
	ID   int64
	Slug string
}

// Review is a submitted review.
type Review struct {
	ID int64
	// State is approved, changes_requested, commented, dismissed or pending.
	State       string
	Body        string
	Author      User
	SubmittedAt time.Time
	SHA         string
	URL         string
}

// Checks says that CI has come to a conclusion about a commit.
type Checks struct {
	// Name is the check's or the workflow's; a suite has none.
	Name       string
	HeadSHA    string
	HeadBranch string
	Conclusion string
	// AppID is who ran it, 0 for a workflow run.
	AppID int64
	// Pulls are the numbers of the pull requests GitHub knows of, none for
	// those from forks.
	Pulls []int
}

// Push says that a branch moved. One of a tag has no Branch.
type Push struct {
	Branch string
	// SHA is the commit that the branch is at now, empty when it is gone.
	SHA string
}
