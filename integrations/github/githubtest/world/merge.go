package world

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"

	"honk/integrations/github/githubtest/record"
	"honk/internal/git/githttp"
	"honk/internal/task"
)

// closing finds the issues that a merge closes.
var closing = regexp.MustCompile(`(?i)\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):? #(\d+)\b`)

// mayMerge says why GitHub does not merge a pull request.
func (w *World) mayMerge(r *record.Repo, i *record.Issue) error {
	if i.State != "open" {
		return task.Errorf(task.CodeConflict, "Pull Request is not mergeable")
	}
	if i.Pull.Draft {
		return task.Errorf(task.CodeConflict, "Pull Request is still a draft")
	}
	green := map[string]bool{}
	for _, run := range Latest(r, i.Pull.HeadSHA) {
		green[run.Name] = slices.Contains([]string{"success", "neutral", "skipped"}, run.Conclusion)
	}
	for _, s := range r.Statuses {
		if s.SHA == i.Pull.HeadSHA {
			green[s.Context] = s.State == "success"
		}
	}
	for _, name := range r.Required[i.Pull.Base] {
		if !green[name] {
			return task.Errorf(task.CodeConflict, "Required status check %q is expected.", name)
		}
	}
	return nil
}

// join makes the commit or commits of a merge into what the base is at,
// without moving a ref.
func (w *World) join(ctx context.Context, by By, r *record.Repo, i *record.Issue, method string) (base, sha string, err error) {
	p, who, number := i.Pull, w.signature(by.User), strconv.Itoa(i.Number)
	base = r.Git.Resolve(ctx, "refs/heads/"+p.Base)
	switch method {
	case "", "merge":
		sha, err = r.Git.Merge(ctx, base, p.HeadSHA, who,
			"Merge pull request #"+number+" from "+r.Owner.Login+"/"+p.Head+"\n\n"+i.Title)
	case "squash":
		sha, err = r.Git.Squash(ctx, base, p.HeadSHA, who, i.Title+" (#"+number+")")
	case "rebase":
		sha, err = replay(ctx, r.Git, base, p.HeadSHA)
	default:
		err = &InvalidError{Message: "Invalid merge method " + method}
	}
	return base, sha, err
}

// replay puts the commits of a branch on top of another, one by one. Each is
// merged into what has the one before as an ancestor, so that only its own
// change counts, and what comes out is squashed onto the new line.
func replay(ctx context.Context, git *githttp.Repo, base, head string) (string, error) {
	log, err := git.Log(ctx, base, head)
	onto, merged := base, base
	for _, e := range log {
		if err != nil {
			return "", err
		}
		if len(e.Parents) > 1 {
			continue
		}
		if merged, err = git.Merge(ctx, merged, e.SHA, e.Author, "replayed"); err != nil {
			return "", err
		}
		if onto, err = git.Squash(ctx, onto, merged, e.Author, e.Message); err != nil {
			return "", err
		}
		merged, err = git.Merge(ctx, onto, merged, e.Author, "replayed")
	}
	return onto, err
}

// Merge merges a pull request by merge, squash or rebase.
func (w *World) Merge(ctx context.Context, by By, r *record.Repo, i *record.Issue, method string) error {
	if err := w.mayMerge(r, i); err != nil {
		return err
	}
	p := i.Pull
	base, sha, err := w.join(ctx, by, r, i, method)
	if errors.Is(err, githttp.ErrConflict) {
		return task.Errorf(task.CodeConflict, "Pull Request is not mergeable")
	}
	if err != nil {
		return err
	}
	if err := r.Git.SetRef(ctx, "refs/heads/"+p.Base, sha); err != nil {
		return err
	}
	p.Merged, p.MergedBy, p.MergedAt, p.MergeSHA = true, by.User, w.Now(), sha
	i.State, i.ClosedAt, i.ClosedBy = "closed", w.Now(), by.User
	w.touch(by, r, i, "closed", nil)
	if err := w.Pushed(ctx, by, r, []githttp.Change{{Ref: "refs/heads/" + p.Base, Old: base, New: sha}}); err != nil {
		return err
	}
	if p.Base != r.DefaultBranch {
		return nil
	}
	for _, m := range closing.FindAllStringSubmatch(i.Body, -1) {
		number, _ := strconv.Atoi(m[1])
		if issue := r.Issue(number); issue != nil && issue.Pull == nil && issue.State == "open" {
			if err := w.setState(by, r, issue, "closed", nil); err != nil {
				return err
			}
		}
	}
	return nil
}
