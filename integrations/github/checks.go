package github

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"honk/integrations/github/client"
	"honk/integrations/github/event"
	"honk/internal/postgres"
	"honk/internal/runner/fact"
	"honk/internal/task"
)

// maxLog bounds what of a failed check's output is passed on, in characters.
const maxLog = 4000

// maxName bounds the name of a check, which stands in a request.
const maxName = 120

// ourBranch finds the task in the name of a branch of ours.
var ourBranch = regexp.MustCompile(`^honk/([0-9A-HJKMNP-TV-Z]{16})(?:-|$)`)

// handleChecks has a red pull request of ours mended: once all checks of its
// head are done, if some fail that do not fail on its base, at most as often
// as configured. Then a person takes over.
func (d *Door) handleChecks(ctx context.Context, e event.Event) (string, error) {
	m := ourBranch.FindStringSubmatch(e.Checks.HeadBranch)
	if m == nil {
		return "not our branch", nil
	}
	repo := d.repo(e)
	ours, err := d.DB.PullRequestOf(ctx, repo, e.Checks.HeadBranch)
	if isMissing(err) {
		return d.notYet(ctx, task.ID(m[1]))
	}
	if err != nil {
		return "", err
	}
	if known, err := d.known(ctx, checksKey(ours, e.Checks.HeadSHA)); known != "" || err != nil {
		return known, err
	}
	if err := d.idle(ctx, ours); err != nil {
		return "", err
	}
	if ours.HeadSHA != e.Checks.HeadSHA {
		return "not our head", nil
	}
	talk, err := d.App.Talk(ctx, repo.Owner, repo.Name)
	if err != nil {
		return "", err
	}
	failed, done, err := d.newFailures(ctx, talk, ours)
	switch {
	case err != nil:
		return "", err
	case !done:
		return "other checks are not done", nil
	case len(failed) == 0:
		return "green, or as red as the base", nil
	}
	return d.repair(ctx, ours, failed)
}

// notYet waits for a task that has pushed and is about to say so.
func (d *Door) notYet(ctx context.Context, id task.ID) (string, error) {
	rec, err := d.DB.Task(ctx, id)
	switch {
	case isMissing(err):
		return "not our branch", nil
	case err != nil:
		return "", err
	case !rec.Status.Final():
		return "", task.Errorf(task.CodeUnavailable, "task %s has not stored its pull request yet", id)
	}
	return "no open pull request", nil
}

// idle returns an error that puts off whatever depends on a pull request's head
// while a task of ours is to push to it, or has and is about to say so.
func (d *Door) idle(ctx context.Context, ours postgres.PullRequest) error {
	busy, err := d.DB.BranchBusy(ctx, ours.Repo, ours.Branch)
	if err == nil && busy {
		return task.Errorf(task.CodeUnavailable, "a task is still at work on %s", ours.Branch)
	}
	return err
}

// newFailures returns the failed checks of a pull request's head that have
// not failed on its base; done is false while some are under way.
func (d *Door) newFailures(ctx context.Context, talk *client.Repo, ours postgres.PullRequest) (failed []client.Check, done bool, err error) {
	checks, err := talk.Checks(ctx, ours.HeadSHA)
	if err != nil {
		return nil, false, err
	}
	if slices.ContainsFunc(checks, func(c client.Check) bool { return !c.Done() }) {
		return nil, false, nil
	}
	failed = slices.DeleteFunc(checks, func(c client.Check) bool { return !c.Failed() })
	if len(failed) == 0 {
		return nil, true, nil
	}
	first, err := d.DB.Task(ctx, ours.TaskID)
	if err != nil {
		return nil, false, err
	}
	base, err := talk.Checks(ctx, fact.Stored(first).BaseSHA)
	if err != nil {
		return nil, false, err
	}
	red := map[string]bool{}
	for _, c := range base {
		red[c.Name] = red[c.Name] || c.Failed()
	}
	return slices.DeleteFunc(failed, func(c client.Check) bool { return red[c.Name] }), true, nil
}

// checksKey names the repair of a head.
func checksKey(ours postgres.PullRequest, head string) string {
	return fmt.Sprintf("checks/%s#%d@%s", ours.Repo, ours.Number, head)
}

func (d *Door) repair(ctx context.Context, ours postgres.PullRequest, failed []client.Check) (string, error) {
	first, err := d.DB.Task(ctx, ours.TaskID)
	if err != nil {
		return "", err
	}
	var names []string
	for _, c := range failed {
		names = append(names, fact.Clip(strings.Join(strings.Fields(c.Name), " "), maxName))
	}
	key := checksKey(ours, ours.HeadSHA)
	req := task.Request{
		Source: task.SourceGitHub, DeliveryID: key, Repo: ours.Repo, Ref: ours.Branch, Branch: ours.Branch,
		Prompt: "Make these checks of the pull request pass, without weakening them: " + strings.Join(names, ", "),
		Actor:  first.Request.Actor, Options: first.Request.Options,
		Origin: task.Origin{URL: ours.URL, Thread: thread(ours.Number), Cause: task.CauseChecks},
	}
	if req.Context, err = d.before(ctx, ours.Repo, thread(ours.Number), &ours); err != nil {
		return "", err
	}
	for _, c := range failed {
		req.Context = append(req.Context, task.Note{Author: "check " + c.Name, Text: outputOf(c)})
	}
	t, created, err := d.Queue.Submit(ctx, req, func(ctx context.Context, tx *postgres.Tx) (bool, error) {
		return tx.FollowUp(ctx, ours, task.CauseChecks, d.Service.FollowUp.Repairs)
	})
	switch {
	case err != nil:
		return "", err
	case created:
		return fmt.Sprintf("task %s", t.ID), nil
	case t.ID != "":
		return fmt.Sprintf("known as task %s", t.ID), nil
	}
	// What refused it may have happened a moment ago.
	now, err := d.DB.PullRequest(ctx, ours.Repo, ours.Number)
	switch {
	case err != nil:
		return "", err
	case now.Muted, now.State != task.PullRequestOpen, now.HeadSHA != ours.HeadSHA, now.Repairs < d.Service.FollowUp.Repairs:
		return "muted, closed or pushed to", nil
	}
	// Once per head: a person who pushes does not want to hear it again.
	handover := "handover/" + key
	return "handed over", d.reply(ctx, ours.Repo, thread(ours.Number), handover, d.Pages.HandOver(handover, names, ours.Repairs))
}

// outputOf is what a check says of its failure.
func outputOf(c client.Check) string {
	parts := []string{fmt.Sprintf("%s: %s", c.Conclusion, c.Title), c.Summary, c.Text}
	for _, at := range c.Annotations {
		parts = append(parts, placed(at.Path, at.Line, at.Message))
	}
	return fact.Clip(strings.TrimSpace(strings.Join(parts, "\n\n")), maxLog)
}
