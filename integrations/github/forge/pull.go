package forge

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"honk/integrations/github/client"
	"honk/integrations/github/page"
	"honk/internal/runner"
	"honk/internal/task"
)

// written is a publication with the words of its pull request.
type written struct {
	runner.Publication
	title, body string
}

func (f *Forge) write(p runner.Publication) (w written, err error) {
	w.Publication = p
	w.title, w.body, err = f.Pages.PullRequest(p, closes(p.Task.Request))
	return w, err
}

// open makes or updates the pull request of a branch that was pushed.
func (f *Forge) open(ctx context.Context, at *client.Repo, p written, pushed task.PullRequest) (task.PullRequest, error) {
	have, found, err := at.PullRequestFor(ctx, p.Branch)
	if err != nil {
		return pushed, err
	}
	if found && have.State == task.PullRequestOpen {
		fresh := page.Rewrite(have.Body, p.body)
		if fresh != have.Body {
			if have, err = at.EditPullRequest(ctx, have.Number, nil, &fresh); err != nil {
				return pushed, err
			}
		}
		return opened(have, pushed), nil
	}
	base := p.BaseRef
	if p.Onto && found {
		base = have.Base // it was closed in the meantime
	}
	pr, err := Create(ctx, at, client.NewPullRequest{
		Title: p.title, Body: p.body, Branch: p.Branch, Base: base, Draft: f.draft(p.Publication),
	})
	if err != nil {
		return pushed, err
	}
	f.invite(ctx, at, p.Publication, pr)
	return opened(pr, pushed), nil
}

// opened is a pull request with the head that was just pushed, of which the
// forge may not know yet.
func opened(pr client.PullRequest, pushed task.PullRequest) task.PullRequest {
	out := pr.Task()
	out.HeadSHA, out.Base = pushed.HeadSHA, pr.Base
	return out
}

// Create opens a pull request. Somebody may have been quicker, and plans
// without drafts refuse them.
func Create(ctx context.Context, at *client.Repo, pr client.NewPullRequest) (client.PullRequest, error) {
	made, err := at.CreatePullRequest(ctx, pr)
	if err == nil {
		return made, nil
	}
	if have, found, findErr := at.PullRequestFor(ctx, pr.Branch); findErr == nil && found && have.State == task.PullRequestOpen {
		return have, nil
	}
	if pr.Draft && strings.Contains(strings.ToLower(err.Error()), "draft") {
		pr.Draft = false
		return at.CreatePullRequest(ctx, pr)
	}
	return made, err
}

// draft decides whether a pull request opens as a draft: as asked, as
// configured, and always where it touches what people must look at.
func (f *Forge) draft(p runner.Publication) bool {
	if page.Sensitive(p.Patch) {
		return true
	}
	mode := f.PullRequest
	if asked := p.Task.Request.Options.PullRequest; asked != "" {
		mode = asked
	}
	return mode != "ready"
}

// invite asks the owners of the changed files for a review and assigns whoever
// asked. A pull request without them is still one.
func (f *Forge) invite(ctx context.Context, at *client.Repo, p runner.Publication, pr client.PullRequest) {
	requester := p.Task.Request.Actor.Login
	if err := at.Assign(ctx, pr.Number, requester); err != nil {
		f.Log.WarnContext(ctx, "requester not assigned", "task_id", p.Task.ID, "error", err)
	}
	users, teams := owners(p.Checkout.BaseFS(), p.Patch, requester)
	if len(users)+len(teams) == 0 {
		return
	}
	if err := at.RequestReviewers(ctx, pr.Number, users, teams); err != nil {
		f.Log.WarnContext(ctx, "reviewers not requested", "task_id", p.Task.ID, "error", err)
	}
}

// closes returns the number of the issue that a pull request closes, 0 for
// none: the one it was asked for in, if the request says so.
func closes(req task.Request) int {
	number, err := strconv.Atoi(req.Origin.Thread)
	if err != nil || req.Branch != "" {
		return 0
	}
	for word := range strings.FieldsSeq(strings.ToLower(req.Prompt)) {
		switch strings.Trim(word, ".,:;!") {
		case "close", "closes", "fix", "fixes", "resolve", "resolves":
			if mentionsIssue(req.Prompt, number) {
				return number
			}
		}
	}
	return 0
}

// mentionsIssue reports whether a request speaks of the issue it was made in,
// by its number or as "this issue".
func mentionsIssue(prompt string, number int) bool {
	text := strings.ToLower(prompt)
	return strings.Contains(text, "this issue") || strings.Contains(text, "this bug") ||
		slices.Contains(strings.FieldsFunc(text, func(r rune) bool { return r != '#' && (r < '0' || r > '9') }), "#"+strconv.Itoa(number))
}
