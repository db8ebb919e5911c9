package event

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"honk/internal/task"
)

// maxNames bounds the repositories of one installation event.
const maxNames = 10_000

// Parse reads the payload of a wanted event. What Honk acts on must be there
// and make sense; the rest may be missing. The error's code is invalid.
func Parse(name string, raw []byte) (Event, error) {
	if len(raw) > MaxPayload {
		return Event{}, malformed(name, "it is too large")
	}
	var p payload
	if err := json.Unmarshal(raw, &p); err != nil {
		return Event{}, task.Errorf(task.CodeInvalid, "the webhook %q cannot be read: %w", name, err)
	}
	if !Wanted(name, p.Action) {
		return Event{}, malformed(name, "nobody wants its action")
	}
	e := Event{Name: name, Action: p.Action, Sender: p.Sender.event()}
	if p.Installation != nil {
		e.InstallationID, e.Account = p.Installation.ID, p.Installation.Account.event()
	}
	if p.Repository != nil {
		var problem string
		if e.Repository, problem = p.Repository.event(); problem != "" {
			return Event{}, malformed(name, problem)
		}
	}
	if problem := e.fill(p); problem != "" {
		return Event{}, malformed(name, problem)
	}
	return e, nil
}

func malformed(name, problem string) error {
	return task.Errorf(task.CodeInvalid, "the webhook %q cannot be used: %s", name, problem)
}

// fill takes what the event is about, and returns what is wrong with it.
func (e *Event) fill(p payload) (problem string) {
	switch e.Name {
	case "ping":
		return ""
	case "installation", "installation_repositories":
		return e.fillInstallation(p)
	}
	switch {
	case p.Repository == nil:
		return "it names no repository"
	case e.Sender.Login == "" || e.Sender.ID <= 0:
		return "it names no sender"
	}
	switch e.Name {
	case "check_suite", "check_run", "workflow_run":
		return e.fillChecks(p)
	case "push":
		return e.fillPush(p)
	case "issues", "issue_comment":
		return e.fillIssue(p)
	}
	return e.fillPull(p)
}

func (e *Event) fillInstallation(p payload) (problem string) {
	if e.InstallationID <= 0 {
		return "it names no installation"
	}
	if e.Sender.Login == "" {
		return "it names no sender"
	}
	added, removed := p.Added, p.Removed
	if e.Name == "installation" {
		added, removed = p.Repositories, nil
		if e.Action == "deleted" {
			added, removed = nil, p.Repositories
		}
	}
	if len(added)+len(removed) > maxNames {
		return "it names too many repositories"
	}
	e.Added, e.Removed = names(added), names(removed)
	return ""
}

func names(list []named) (out []Named) {
	for _, n := range list {
		owner, name, _ := strings.Cut(n.FullName, "/")
		if usable(owner) && usable(name) {
			out = append(out, Named{ID: n.ID, Owner: owner, Name: name, Private: n.Private})
		}
	}
	return out
}

func (e *Event) fillIssue(p payload) (problem string) {
	if p.Issue == nil || p.Issue.Number <= 0 {
		return "it names no issue"
	}
	e.Subject = p.Issue.event(p.Issue.PullRequest != nil)
	switch {
	case e.Name == "issue_comment":
		return e.fillComment(p)
	case e.Action == "labeled" && (p.Label == nil || p.Label.Name == ""):
		return "it names no label"
	case e.Action == "assigned" && (p.Assignee == nil || p.Assignee.Login == ""):
		return "it names no assignee"
	case e.Action == "labeled":
		e.Label = p.Label.Name
	case e.Action == "assigned":
		e.Assignee = p.Assignee.event()
	}
	return ""
}

func (e *Event) fillComment(p payload) (problem string) {
	if p.Comment == nil || p.Comment.ID <= 0 || p.Comment.CreatedAt.IsZero() {
		return "it holds no comment"
	}
	e.Comment = p.Comment.event()
	return ""
}

func (e *Event) fillPull(p payload) (problem string) {
	if p.PullRequest == nil || p.PullRequest.Number <= 0 {
		return "it names no pull request"
	}
	e.Subject, e.Head = p.PullRequest.event(true), p.PullRequest.head()
	e.Merged = p.PullRequest.Merged || p.PullRequest.MergedAt != nil
	if e.Head.Branch == "" || !shaPattern.MatchString(e.Head.SHA) {
		return "its pull request has no head"
	}
	switch {
	case e.Name == "pull_request_review_comment":
		return e.fillComment(p)
	case e.Name == "pull_request_review" && (p.Review == nil || p.Review.ID <= 0):
		return "it holds no review"
	case e.Name == "pull_request_review":
		e.Review = p.Review.event()
	}
	return ""
}

func (e *Event) fillChecks(p payload) (problem string) {
	switch {
	case e.Name == "check_suite" && p.CheckSuite != nil:
		e.Checks = p.CheckSuite.event()
	case e.Name == "check_run" && p.CheckRun != nil:
		e.Checks = p.CheckRun.event()
	case e.Name == "workflow_run" && p.WorkflowRun != nil:
		e.Checks = p.WorkflowRun.event()
	}
	if !shaPattern.MatchString(e.Checks.HeadSHA) {
		return "it names no commit"
	}
	return ""
}

func (e *Event) fillPush(p payload) (problem string) {
	e.Push.Branch, _ = strings.CutPrefix(p.Ref, "refs/heads/")
	if e.Push.Branch == p.Ref {
		e.Push.Branch = "" // a tag
	}
	if p.Deleted {
		return ""
	}
	if e.Push.SHA = p.After; !shaPattern.MatchString(p.After) {
		return "it names no commit"
	}
	return ""
}

var (
	shaPattern  = regexp.MustCompile(`^[0-9a-f]{40}(?:[0-9a-f]{24})?$`)
	namePattern = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}$`)
)

// usable says whether an owner or name can stand in a path.
func usable(part string) bool {
	return namePattern.MatchString(part) && strings.Trim(part, ".") != ""
}

func (r *repository) event() (out Repository, problem string) {
	out = Repository{
		Repo: task.Repo{Owner: r.Owner.event().Login, Name: r.Name, URL: r.CloneURL},
		ID:   r.ID, Private: r.Private, Archived: r.Archived, Fork: r.Fork, DefaultBranch: r.DefaultBranch,
	}
	if r.ID <= 0 || !usable(out.Owner) || !usable(out.Name) {
		return out, "its repository has no usable name"
	}
	page, clone := address(r.HTMLURL), address(r.CloneURL)
	if page == "" || clone == "" {
		return out, "its repository has no usable address"
	}
	out.Host = page
	return out, ""
}

// address returns the host of a web address, "" when it is none.
func address(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil ||
		u.RawQuery != "" || u.Fragment != "" {
		return ""
	}
	return strings.ToLower(u.Host)
}
