package github

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"honk/integrations/github/event"
	"honk/internal/runner/fact"
	"honk/internal/task"
)

// eventFeedback is the delivery that the door sends itself for comments that
// wait to become one follow-up.
const eventFeedback = "honk.feedback"

// Handle does what a delivery asks for and returns what became of it in a few
// words. It bears repetition.
func (d *Door) Handle(ctx context.Context, del task.Delivery) (string, error) {
	switch del.Event {
	case eventFeedback:
		return d.handleFeedback(ctx, del)
	case task.EventNotesLeft:
		return d.handleNotesLeft(ctx, del)
	}
	e, err := event.Parse(del.Event, del.Payload)
	if err != nil {
		return "", task.Errorf(task.CodeInvalid, "reading the payload: %w", err)
	}
	if ours, err := d.shifts(ctx, e); ours || err != nil {
		return "a shift's", err
	}
	switch e.Name {
	case "installation", "installation_repositories":
		d.Log.InfoContext(ctx, "installation changed", "account", e.Account.Login, "action", e.Action)
		return "noted", nil
	case "push":
		return d.handlePush(ctx, e)
	case "pull_request":
		said, err := d.handlePull(ctx, e)
		if err != nil {
			return "", err
		}
		return d.manifests(ctx, e, said)
	case "check_suite", "check_run", "workflow_run":
		return d.handleChecks(ctx, e)
	}
	if reason, err := d.ignores(ctx, e.Sender, e.Comment.App.ID); reason != "" || err != nil {
		return reason, err
	}
	switch e.Name {
	case "issue_comment":
		return d.handleComment(ctx, e)
	case "issues":
		return d.handleIssue(ctx, e)
	case "pull_request_review":
		return d.handleReview(ctx, e)
	case "pull_request_review_comment":
		return d.handleReviewComment(ctx, e)
	}
	return "nothing to do", nil
}

// has reports whether an event is about the repository that shifts come from.
func (m Manifests) has(e event.Event) bool {
	return m.HandleFunc != nil && strings.EqualFold(m.Repo, e.Repository.String())
}

// manifests tells shifts what happens where they come from.
func (d *Door) manifests(ctx context.Context, e event.Event, said string) (string, error) {
	if !d.Manifests.has(e) {
		return said, nil
	}
	more, err := d.Manifests.HandleFunc(ctx, e)
	return cmp.Or(more, said), err
}

// handlePush tells shifts that the base of their changes moved.
func (d *Door) handlePush(ctx context.Context, e event.Event) (string, error) {
	if d.MovedFunc != nil && e.Push.Branch == e.Repository.DefaultBranch {
		if err := d.MovedFunc(ctx, e.Repository.String()); err != nil {
			return "", err
		}
	}
	return d.manifests(ctx, e, "nothing to do")
}

// shifts tells shifts what happens on a branch, and reports whether it is one
// of theirs: they look after it themselves.
func (d *Door) shifts(ctx context.Context, e event.Event) (bool, error) {
	branch := cmp.Or(e.Checks.HeadBranch, e.Head.Branch)
	repo := e.Repository.String()
	if d.SeenFunc == nil || branch == "" || e.Head.Branch != "" && e.Head.Repo != repo {
		return false, nil
	}
	return d.SeenFunc(ctx, repo, branch)
}

// ignores says why nothing is done for a sender: only people ask, and the
// bots that the operator lists by number. A name proves nothing.
func (d *Door) ignores(ctx context.Context, sender event.User, app int64) (string, error) {
	self, err := d.App.Self(ctx)
	if err != nil {
		return "", err
	}
	switch {
	case sender.Login == self.Login(), self.BotID != 0 && sender.ID == self.BotID, app != 0 && app == self.ID:
		return "ignored: our own", nil
	case (sender.Type != "User" || app != 0) && !slices.Contains(d.Service.Bots, sender.ID):
		return "ignored: not a person", nil
	}
	return "", nil
}

// handlePull records the life of our pull requests.
func (d *Door) handlePull(ctx context.Context, e event.Event) (string, error) {
	state := task.PullRequestOpen
	switch {
	case e.Action == "closed" && e.Merged:
		state = task.PullRequestMerged
	case e.Action == "closed":
		state = task.PullRequestClosed
	case e.Action != "reopened":
		return "noted", nil // whose commit is at the head is looked up when it matters
	}
	ours, err := d.DB.ClosePullRequest(ctx, e.Repository.Repo, e.Subject.Number, state)
	if m := ourBranch.FindStringSubmatch(e.Head.Branch); err == nil && !ours && m != nil {
		return d.notYet(ctx, task.ID(m[1]))
	}
	return string(state), err
}

// handleNotesLeft makes a follow-up of what was said to a task in its last
// moments.
func (d *Door) handleNotesLeft(ctx context.Context, del task.Delivery) (string, error) {
	var id task.ID
	if err := json.Unmarshal(del.Payload, &id); err != nil {
		return "", task.Errorf(task.CodeInternal, "reading which task it was: %w", err)
	}
	rec, err := d.DB.Task(ctx, id)
	if err != nil {
		return "", err
	}
	req := rec.Request
	req.DeliveryID, req.Resume = del.ID, ""
	// Who was to be answered has been, by the task.
	req.Origin.Answers, req.Origin.Cause = nil, ""
	if res := fact.Stored(rec); res.PullRequest != nil && res.PullRequest.Number != 0 {
		ours, err := d.DB.PullRequest(ctx, req.Repo, res.PullRequest.Number)
		if err != nil {
			return "", err
		}
		req.Ref, req.Branch = ours.Branch, ours.Branch
		if ours.State != task.PullRequestOpen {
			req.Ref, req.Branch = "", ""
		}
	} else if rec.Status != task.StatusDelivered {
		req.Resume = rec.ID
	}
	notes, err := d.DB.NotesOf(ctx, id)
	if err != nil {
		return "", err
	}
	var said []string
	for _, n := range notes {
		said = append(said, n.Text)
		if n.Author != req.Actor.Login {
			req.Actor = task.Actor{Login: n.Author, Name: n.Author}
		}
	}
	req.Context = append(req.Context, task.Note{Author: rec.Request.Actor.Login, At: rec.CreatedAt, Text: rec.Request.Prompt})
	req.Prompt = strings.Join(said, "\n\n")
	t, _, err := d.Queue.Submit(ctx, req)
	return fmt.Sprintf("task %s", t.ID), err
}
