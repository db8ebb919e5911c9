package github

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"honk/integrations/github/client"
	"honk/integrations/github/event"
	"honk/integrations/github/markdown"
	"honk/internal/grammar"
	"honk/internal/postgres"
	"honk/internal/runner/fact"
	"honk/internal/task"
)

// handleReview makes one follow-up of a submitted review with all its
// comments: of one that requests changes on our pull request by itself, of
// any other when it holds a command.
func (d *Door) handleReview(ctx context.Context, e event.Event) (string, error) {
	asked := hasCommand(e.Review.Body)
	if !asked && e.Review.State != "changes_requested" {
		return "no command", nil
	}
	a, refusal, err := d.ask(ctx, e, e.Review.Author, e.Review.Body, client.Target{Kind: client.TargetIssue, ID: int64(e.Subject.Number)})
	if a == nil || err != nil {
		return refusal, err
	}
	a.key = fmt.Sprintf("review/%d/%d", e.Repository.ID, e.Review.ID)
	if a.ours == nil && !asked {
		return "not our pull request", nil
	}
	var cmd grammar.Command
	if asked {
		var ok bool
		if cmd, ok, err = a.understand(ctx); !ok || err != nil {
			return "not understood", err
		}
		if cmd.Verb != grammar.VerbTask {
			return a.do(ctx, cmd)
		}
	}
	req, err := a.review(ctx, cmd)
	if err != nil {
		return "", err
	}
	if explanation := a.aim(&req); explanation != "" {
		return "refused: from a fork", a.say(ctx, explanation, nil)
	}
	switch {
	case req.Origin.Cause == "":
		return a.submit(ctx, req)
	case a.pull.State != task.PullRequestOpen:
		return "the pull request is closed", nil
	}
	return a.followUp(ctx, req, d.Service.FollowUp.Reviews)
}

// review makes the request of a review. It is a person's where the review or
// one of its comments holds a command, else it has a cause.
func (a *asking) review(ctx context.Context, cmd grammar.Command) (task.Request, error) {
	review, err := a.talk.Review(ctx, a.e.Subject.Number, a.e.Review.ID)
	if err != nil {
		return task.Request{}, err
	}
	req := task.Request{
		Source: task.SourceGitHub, DeliveryID: a.key, Repo: a.repo, Actor: a.actor(), Options: cmd.Options,
		Origin: task.Origin{URL: a.e.Review.URL, Thread: thread(a.e.Subject.Number), Message: a.message()},
	}
	said := cmd.Prompt
	if said == "" {
		req.Origin.Cause = task.CauseReview
		said = a.text
	}
	prompt := []string{fmt.Sprintf("Address the review by @%s.", a.by.Login)}
	if said != "" {
		prompt = append(prompt, said)
	}
	for _, c := range review.Comments {
		text, _ := markdown.Strip(c.Body)
		if rest, ok := grammar.Find(text, trigger); ok {
			text, req.Origin.Cause = strings.TrimSpace(rest), ""
		}
		prompt = append(prompt, placed(c.Path, c.Line, fact.Clip(text, maxComment)))
		req.Origin.Answers = append(req.Origin.Answers, reviewThread(a.e.Subject.Number, threadOf(c)))
	}
	req.Prompt = strings.Join(prompt, "\n\n")
	req.Context, err = a.context(ctx)
	return req, err
}

// threadOf is the comment that opens a review thread: replies go there.
func threadOf(c client.ReviewComment) int64 {
	if c.InReplyTo != 0 {
		return c.InReplyTo
	}
	return c.ID
}

// placed puts a comment's place before its text.
func placed(path string, line int, text string) string {
	if line == 0 {
		return fmt.Sprintf("%s: %s", path, text)
	}
	return fmt.Sprintf("%s:%d: %s", path, line, text)
}

// followUp submits a request that nobody gave by command, if the pull request
// has one left and nobody else has pushed to it. While a task of ours works on
// the branch, nobody can tell whose push it was.
func (a *asking) followUp(ctx context.Context, req task.Request, most int) (string, error) {
	head := *a.ours
	head.HeadSHA = a.pull.SHA
	t, _, err := a.d.Queue.Submit(ctx, req, func(ctx context.Context, tx *postgres.Tx) (bool, error) {
		return tx.FollowUp(ctx, head, req.Origin.Cause, most)
	})
	switch {
	case err != nil:
		return "", err
	case t.ID == "":
		return "hands off: a person pushed, it is muted, or enough was started already", a.d.idle(ctx, head)
	}
	a.react(ctx, "eyes")
	return fmt.Sprintf("task %s", t.ID), nil
}

// handleReviewComment collects single review comments with a command, so
// that several become one follow-up.
func (d *Door) handleReviewComment(ctx context.Context, e event.Event) (string, error) {
	if !hasCommand(e.Comment.Body) {
		return "no command", nil
	}
	a, refusal, err := d.ask(ctx, e, e.Comment.Author, e.Comment.Body, client.Target{Kind: client.TargetReviewComment, ID: e.Comment.ID})
	if a == nil || err != nil {
		return refusal, err
	}
	cmd, ok, err := a.understand(ctx)
	if !ok || err != nil {
		return "not understood", err
	}
	if cmd.Verb != grammar.VerbTask {
		return a.do(ctx, cmd)
	}
	covered, err := a.inReview(ctx)
	if covered || err != nil {
		return "part of a review", err
	}
	note := task.Note{Author: a.by.Login, At: e.Comment.CreatedAt, Text: placed(e.Comment.Path, e.Comment.Line, cmd.Prompt)}
	due, err := d.DB.AddFeedback(ctx, a.repo, e.Subject.Number, postgres.Feedback{
		Key: feedbackKey(e), Note: note,
		Quiet: d.Service.FollowUp.Quiet, Most: d.Service.FollowUp.Longest,
	})
	if err != nil {
		return "", err
	}
	a.react(ctx, "eyes")
	return "collected", d.remind(ctx, e, due)
}

// feedbackKey names a collected comment: the thread that is answered, which is
// its first comment's, and the comment.
func feedbackKey(e event.Event) string {
	return fmt.Sprintf("%s#%d", reviewThread(e.Subject.Number, cmp.Or(e.Comment.InReplyTo, e.Comment.ID)), e.Comment.ID)
}

// inReview reports whether a comment belongs to a review that becomes a
// follow-up as a whole.
func (a *asking) inReview(ctx context.Context) (bool, error) {
	if a.e.Comment.ReviewID == 0 {
		return false, nil
	}
	review, err := a.talk.Review(ctx, a.e.Subject.Number, a.e.Comment.ReviewID)
	if task.CodeOf(err) == task.CodeNotFound {
		return false, nil
	}
	return review.State == "changes_requested" && a.ours != nil || hasCommand(review.Body), err
}

// remind has the door look at the collected comments when they are due: it
// sends itself the event once more.
func (d *Door) remind(ctx context.Context, e event.Event, due time.Duration) error {
	payload, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encoding a reminder: %w", err)
	}
	_, err = d.Queue.Receive(ctx, task.Delivery{
		Source: task.SourceGitHub, Event: eventFeedback, Payload: payload, After: due + time.Second,
		ID: fmt.Sprintf("%s/%d/%d/%d", eventFeedback, e.Repository.ID, e.Subject.Number, e.Comment.ID),
	})
	return err
}

// handleFeedback makes one follow-up of the comments that were collected, once
// no further one has come for a while. Until then it is put off, not done: the
// clock that it was set by is not the database's.
func (d *Door) handleFeedback(ctx context.Context, del task.Delivery) (string, error) {
	var e event.Event
	if err := json.Unmarshal(del.Payload, &e); err != nil {
		return "", task.Errorf(task.CodeInternal, "reading a reminder: %w", err)
	}
	due, wait, err := d.DB.DueFeedback(ctx, d.repo(e), e.Subject.Number)
	switch {
	case err != nil:
		return "", err
	case len(due) == 0:
		return "taken before", nil
	case wait > 0:
		return "", &task.Error{Code: task.CodeRateLimited, Message: "more has come", After: wait + time.Second}
	}
	a, refusal, err := d.ask(ctx, e, e.Comment.Author, e.Comment.Body, client.Target{Kind: client.TargetReviewComment, ID: e.Comment.ID})
	if a == nil || err != nil {
		return refusal, err
	}
	a.key = del.ID
	req := task.Request{
		Source: task.SourceGitHub, DeliveryID: a.key, Repo: a.repo, Actor: a.actor(),
		Origin: task.Origin{URL: e.Comment.URL, Thread: thread(e.Subject.Number), Message: a.message()},
	}
	var keys, prompt []string
	for _, f := range due {
		keys = append(keys, f.Key)
		prompt = append(prompt, f.Note.Text)
		at, _, _ := strings.Cut(f.Key, "#")
		if !slices.Contains(req.Origin.Answers, at) {
			req.Origin.Answers = append(req.Origin.Answers, at)
		}
	}
	req.Prompt = strings.Join(prompt, "\n\n")
	if explanation := a.aim(&req); explanation != "" {
		return "refused: from a fork", a.say(ctx, explanation, nil)
	}
	if req.Context, err = a.context(ctx); err != nil {
		return "", err
	}
	t, _, err := d.Queue.Submit(ctx, req, func(ctx context.Context, tx *postgres.Tx) (bool, error) {
		n, err := tx.TakeFeedback(ctx, a.repo, e.Subject.Number, keys)
		return n == len(keys), err
	})
	return fmt.Sprintf("task %s", t.ID), err
}
