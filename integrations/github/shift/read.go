package shift

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"honk/integrations/github/client"
	"honk/integrations/github/forge"
	"honk/internal/task"
)

// Head returns the commit that a branch is at; an empty branch is the default
// one. The code is not_found where there is none.
func (f *Forge) Head(ctx context.Context, repo, branch string) (string, error) {
	talk, err := f.talk(ctx, repo)
	if err != nil {
		return "", err
	}
	if branch == "" {
		info, err := talk.Info(ctx)
		if err != nil {
			return "", err
		}
		branch = info.DefaultBranch
	}
	sha, err := talk.Branch(ctx, branch)
	if err == nil && sha == "" {
		err = task.Errorf(task.CodeNotFound, "%s has no branch %q", repo, branch)
	}
	return sha, err
}

// File returns a file as it is at a commit, and whether there is one. One over
// 1 MB is an error.
func (f *Forge) File(ctx context.Context, repo, sha, path string) (content []byte, found bool, err error) {
	talk, err := f.talk(ctx, repo)
	if err != nil {
		return nil, false, err
	}
	return talk.File(ctx, path, sha)
}

// Paths lists the files of a commit. GitHub cuts the list of a very large
// repository short, and says so.
func (f *Forge) Paths(ctx context.Context, repo, sha string) (paths []string, truncated bool, err error) {
	talk, err := f.talk(ctx, repo)
	if err != nil {
		return nil, false, err
	}
	return talk.Paths(ctx, sha)
}

// Checks is what CI says about a commit, by the names of its checks and
// statuses.
type Checks struct {
	Total, Pending int
	Passed, Failed []string
	// Skipped are those that GitHub lets pass without a verdict, Cancelled
	// those that ended without one.
	Skipped, Cancelled []string
	// Reports is what the failed ones say. It is hostile.
	Reports map[string]string
}

// Checks returns what CI says about a commit.
func (f *Forge) Checks(ctx context.Context, repo, sha string) (Checks, error) {
	talk, err := f.talk(ctx, repo)
	if err != nil {
		return Checks{}, err
	}
	all, err := talk.Checks(ctx, sha)
	if err != nil {
		return Checks{}, err
	}
	out := Checks{Total: len(all), Reports: map[string]string{}}
	for _, c := range all {
		switch {
		case !c.Done():
			out.Pending++
		case c.Failed():
			out.Failed = append(out.Failed, c.Name)
			out.Reports[c.Name] = report(c)
		case c.Conclusion == "success":
			out.Passed = append(out.Passed, c.Name)
		case c.Conclusion == "neutral", c.Conclusion == "skipped":
			out.Skipped = append(out.Skipped, c.Name)
		default:
			out.Cancelled = append(out.Cancelled, c.Name)
		}
	}
	return out, nil
}

// report is what a check says, with its remarks at lines.
func report(c client.Check) string {
	parts := []string{c.Title, c.Summary, c.Text}
	for _, a := range c.Annotations {
		parts = append(parts, fmt.Sprintf("%s:%d: %s", a.Path, a.Line, a.Message))
	}
	parts = slices.DeleteFunc(parts, func(p string) bool { return p == "" })
	return strings.Join(parts, "\n")
}

// Required lists the checks without which GitHub merges nothing into a branch.
// It takes two requests.
func (f *Forge) Required(ctx context.Context, repo, branch string) ([]string, error) {
	talk, err := f.talk(ctx, repo)
	if err != nil {
		return nil, err
	}
	return talk.Required(ctx, branch)
}

// Change is what somebody is to review.
type Change struct {
	// SHA is the base's commit, whose CODEOWNERS counts.
	SHA   string
	Paths []string
	// Not is the login of who is left out.
	Not string
	// Most is how many are wanted at most.
	Most int
}

// Owners returns who owns the changed files, those of most files first.
func (f *Forge) Owners(ctx context.Context, repo string, c Change) (users, teams []string, err error) {
	talk, err := f.talk(ctx, repo)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range forge.OwnersFiles() {
		raw, found, err := talk.File(ctx, name, c.SHA)
		if err != nil {
			return nil, nil, err
		}
		if found {
			users, teams = forge.Owners(raw, c.Paths, c.Not, c.Most)
			return users, teams, nil
		}
	}
	return nil, nil, nil
}
